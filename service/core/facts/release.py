"""Which OpenShift release a cluster runs."""

from __future__ import annotations

from typing import Any

from service.core.evidence import NotGathered
from service.core.facts import Fact
from service.core.migration import Cluster, once_per_cluster
from service.core.values.versions import Version, parse_or_none
from service.kinds.cluster import NODE
from service.kinds.config import CLUSTER_VERSION, SERVER_VERSION, ClusterVersion
from service.kinds.resource import Read

OPENSHIFT_READS: tuple[Read[Any], ...] = (
    Read(CLUSTER_VERSION, name="version"),
    Read(SERVER_VERSION),
)
"""What :func:`openshift` reads; a policy that calls it declares it."""
READS: tuple[Read[Any], ...] = (*OPENSHIFT_READS, Read(NODE))
"""What the functions of this module read; a policy that calls them declares it."""

LAST_KUBERNETES_OF_OPENSHIFT_3 = (1, 11)


@once_per_cluster
def openshift(cluster: Cluster) -> Fact[Version]:
    """The release that the cluster runs now.

    OpenShift 4: the newest *completed* entry of ClusterVersion.status.history; OpenShift 3:
    ``/version/openshift``; else the declared ``openshiftVersion``.
    """
    try:
        version = cluster.get(CLUSTER_VERSION, "version")
    except NotGathered as missing:
        return _without_cluster_version(cluster, missing)
    for index, record in enumerate(version.history):
        current = parse_or_none(record.version)
        if record.state == "Completed" and current is not None:
            pointer = version.ref.at(f"/status/history/{index}/version", record.version)
            return Fact(current, (pointer,))
    return _declared(
        cluster,
        cluster.missing(
            "a completed installation or update in ClusterVersion.status.history",
            "oc get clusterversion version -o json",
        ),
    )


def _without_cluster_version(cluster: Cluster, missing: NotGathered) -> Fact[Version]:
    for server in cluster.known(SERVER_VERSION):
        found = parse_or_none(server.git_version.removeprefix("v"))
        if server.openshift and found is not None:
            return Fact(found, (server.ref.at("/gitVersion", server.git_version),))
    return _declared(cluster, missing)


def _declared(cluster: Cluster, missing: NotGathered) -> Fact[Version]:
    declared = cluster.declared.get("openshiftVersion")
    found = parse_or_none(str(declared.value)) if declared else None
    if declared is None or found is None:
        raise missing
    return Fact(found, (declared.pointer,))


@once_per_cluster
def major(cluster: Cluster) -> int:
    """The major OpenShift release, 3 or 4, also from weaker evidence than :func:`openshift`.

    Kubernetes up to 1.11 means OpenShift 3 (mig-controller, api/migcluster_types.go). Any other
    release counts as not gathered.
    """
    try:
        found = openshift(cluster).value
        if found.major in (3, 4):
            return found.major
        raise cluster.missing(
            "the OpenShift release",
            "oc get clusterversion version -o json",
            f"{found} is neither OpenShift 3 nor 4",
        )
    except NotGathered as missing:
        for node in cluster.known(NODE):
            kubelet = parse_or_none(node.kubelet)
            if kubelet is not None:
                return 3 if kubelet.stream <= LAST_KUBERNETES_OF_OPENSHIFT_3 else 4
        if any(
            4 in shelf.resource.releases
            and 3 not in shelf.resource.releases
            and shelf.resource.group.endswith("config.openshift.io")
            for shelf in cluster.inventory.shelves()
        ):
            return 4
        raise missing from None


def major_or(cluster: Cluster, default: int = 4) -> int:
    """The major release, or the default where it is not known; only for the form of a command."""
    try:
        return major(cluster)
    except NotGathered:
        return default


def cluster_version(cluster: Cluster) -> ClusterVersion:
    """The ClusterVersion object."""
    return cluster.get(CLUSTER_VERSION, "version")
