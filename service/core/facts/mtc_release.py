"""Which MTC release a cluster runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from service.core.evidence import NotGathered
from service.core.facts import Fact, topology
from service.core.facts.topology import mig_cluster
from service.core.migration import Cluster, Migration, once_per_role
from service.core.values.versions import parse_or_none
from service.kinds.cluster import CONFIG_MAP
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.operators import CLUSTER_SERVICE_VERSION, ClusterServiceVersion
from service.kinds.ref import Pointer
from service.kinds.resource import Read
from service.kinds.workloads import DEPLOYMENT

READS: tuple[Read[Any], ...] = (
    Read(CONFIG_MAP, MTC_NAMESPACE, "migration-cluster-config"),
    Read(CLUSTER_SERVICE_VERSION, MTC_NAMESPACE),
    Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    Read(DEPLOYMENT, MTC_NAMESPACE, "migration-operator"),
    *topology.READS,
)
"""What the functions of this module read; a policy that calls them declares it."""

CLUSTER_CONFIG = "migration-cluster-config"
OPERATOR_NAMES = ("mtc-operator.", "crane-operator.")
"""CSV name prefixes: downstream MTC and upstream Crane."""


@once_per_role
def mtc_version(migration: Migration, cluster: Cluster) -> Fact[str]:
    """The MTC release that runs on a cluster, as text (``1.8.8``; also ``latest``).

    In the order in which mig-controller itself believes them: OPERATOR_VERSION of ConfigMap
    migration-cluster-config (authoritative), the installed CSV, MigCluster.status on the host,
    MigrationController.spec.version, the legacy operator's image tag, the declaration; one that
    names no version (``latest``, which some releases wrote by mistake) only where none does.
    Raises NotGathered.
    """
    readers: tuple[Callable[[Migration, Cluster], Fact[str] | None], ...] = (
        lambda _, cluster: cluster_config_version(cluster),
        lambda _, cluster: installed_version(cluster),
        _seen_by_host,
        _written_back,
        _legacy,
        _stated,
    )
    nameless: Fact[str] | None = None
    for read in readers:
        found = read(migration, cluster)
        if found is not None and parse_or_none(found.value) is not None:
            return found
        nameless = nameless or found
    if nameless is not None:
        return nameless
    raise cluster.missing(
        "the installed MTC version",
        f"oc get configmap {CLUSTER_CONFIG} -n {MTC_NAMESPACE} -o json",
    )


def cluster_config_version(cluster: Cluster) -> Fact[str] | None:
    """OPERATOR_VERSION, as the operator writes it for the controller; None where unknown."""
    for item in cluster.known(CONFIG_MAP, (MTC_NAMESPACE,)):
        if item.ref.name == CLUSTER_CONFIG and item.ref.namespace == MTC_NAMESPACE:
            return _fact(
                item.data.get("OPERATOR_VERSION", ""), item.ref.at("/data/OPERATOR_VERSION")
            )
    return None


def is_operator(item: ClusterServiceVersion) -> bool:
    """Whether this is MTC's operator, which works in its own namespace only."""
    here = item.ref.namespace in (MTC_NAMESPACE, "")
    return here and item.ref.name.startswith(OPERATOR_NAMES) and not item.copied


def installed_version(cluster: Cluster) -> Fact[str] | None:
    """The version of the installed operator's CSV; None where unknown."""
    for item in cluster.known(CLUSTER_SERVICE_VERSION):
        if is_operator(item) and item.phase in ("Succeeded", ""):
            return _fact(item.version, item.ref.at("/spec/version"))
    return None


def _seen_by_host(migration: Migration, cluster: Cluster) -> Fact[str] | None:
    try:
        item = mig_cluster(migration, cluster)
    except NotGathered:
        return None
    return _fact(item.operator_version, item.ref.at("/status/operatorVersion"))


def _written_back(migration: Migration, cluster: Cluster) -> Fact[str] | None:
    for item in cluster.known(MIGRATION_CONTROLLER):
        value = item.spec.get("version")
        if isinstance(value, str) and item.ref.namespace in (MTC_NAMESPACE, ""):
            return _fact(value, item.ref.at("/spec/version"))
    return None


def _legacy(migration: Migration, cluster: Cluster) -> Fact[str] | None:
    for item in cluster.known(DEPLOYMENT, (MTC_NAMESPACE,)):
        if item.ref.name != "migration-operator" or item.ref.namespace != MTC_NAMESPACE:
            continue
        for image in item.images:
            tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
            if tag:
                return _fact(tag.removeprefix("v"), item.ref.at("/spec/template/spec/containers"))
    return None


def _stated(migration: Migration, cluster: Cluster) -> Fact[str] | None:
    declared = cluster.declared.get("mtcVersion")
    return _fact(str(declared.value), declared.pointer) if declared else None


def _fact(text: str, pointer: Pointer) -> Fact[str] | None:
    if not text:
        return None
    return Fact(text, (replace(pointer, value=text),))
