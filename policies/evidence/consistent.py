"""Whether the evidence contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.evidence.statements import misreached, misseen, misstated, misversioned
from service.core.evidence import Missing, NotGathered
from service.core.facts.endpoints import endpoint_of_url
from service.core.facts.machinery import RUNNING_READS
from service.core.facts.release import major_or
from service.core.facts.topology import mig_cluster
from service.core.facts.transfer import intra_cluster
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, not_applicable, passed, unknown
from service.core.policy import ClusterPolicy
from service.core.summary import own_objects
from service.core.values.wording import plural
from service.kinds.cluster import CONFIG_MAP, NAMESPACE, NODE
from service.kinds.config import CLUSTER_VERSION, INFRASTRUCTURE, PROXY, SERVER_VERSION
from service.kinds.mtc import MIG_CLUSTER, MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.operators import CLUSTER_SERVICE_VERSION
from service.kinds.ref import Pointer
from service.kinds.resource import Read, fetch_command


class EvidenceConsistent(ClusterPolicy):
    """The evidence does not contradict itself.

    The objects of one part come from one cluster; source, destination and host are different
    clusters (or the plan stays inside one), each under the role that MTC's own view of it (the
    URL of its MigCluster) has; and what a descriptor states agrees with what the
    objects show. The objects are believed in every other policy.
    """

    id = "MTC902"
    name = "evidence-consistent"
    title = "The evidence does not contradict itself"
    why = (
        "Verdicts about one cluster are based on objects of another cluster, or on a wrong "
        "declaration."
    )
    reads = (
        Read(CLUSTER_VERSION, name="version"),
        Read(SERVER_VERSION),
        Read(INFRASTRUCTURE, name="cluster"),
        Read(PROXY, name="cluster"),
        Read(NODE),
        Read(NAMESPACE, name="kube-system"),
        Read(CONFIG_MAP, namespace=MTC_NAMESPACE),
        Read(CLUSTER_SERVICE_VERSION, namespace=MTC_NAMESPACE),
        *RUNNING_READS,
        Read(MIG_CLUSTER, namespace=MTC_NAMESPACE),
        Read(MIGRATION_CONTROLLER, namespace=MTC_NAMESPACE),
    )
    declares = ("openshiftVersion", "mtcVersion", "platform", "region", "proxy", "ports", "reaches")
    remedy = "Collect each cluster separately, under its own role, and correct the descriptor."
    docs = (links.MUST_GATHER,)
    source = "ClusterVersion.spec.clusterID, Infrastructure.status, uid of namespace kube-system"

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        found = [
            *_mixed(cluster),
            *_same(migration, cluster),
            *_swapped(migration, cluster),
            *misstated(migration, cluster),
            *misreached(migration, cluster),
            *misseen(migration, cluster),
            *misversioned(cluster),
        ]
        yield from found
        if found:
            return
        if not cluster.identities:
            yield _anonymous(cluster) if own_objects(cluster) else _unobserved(cluster)
            return
        values = sum(len(kinds) for kinds in cluster.identities.values())
        yield passed(
            cluster.subject,
            "nothing in the evidence of this cluster is contradictory",
            *(pointer for kinds in cluster.identities.values() for _, pointer in kinds),
            examined=values,
        )


def _unobserved(cluster: Cluster) -> Outcome:
    return not_applicable(cluster.subject, "there are no objects to compare")


def _anonymous(cluster: Cluster) -> Outcome:
    command = (
        fetch_command(NAMESPACE, "kube-system")
        if major_or(cluster) == 3
        else fetch_command(CLUSTER_VERSION, "version")
    )
    need = Missing("which cluster the objects are of", cluster.role, command)
    return unknown(
        cluster.subject,
        "these objects do not identify their cluster",
        need,
        severity=Severity.WARNING,
    )


def _mixed(cluster: Cluster) -> Iterator[Outcome]:
    for kind, values in cluster.identities.items():
        uids = sorted({value for value, _ in values})
        if len(uids) < 2:
            continue
        yield failed(
            cluster.subject,
            f"the objects given for the {cluster.role} cluster are from "
            f"{plural(len(uids), 'cluster')}",
            *(pointer for _, pointer in values),
            found=", ".join(uids[:5]),
            wanted="the objects of one cluster",
            key=kind,
        )


def _same(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """Whether another role was given this very cluster; reported for the later of the two."""
    for other in migration.clusters:
        if other is cluster:
            return
        shared = _shared(other, cluster)
        if shared is None:
            continue
        third = cluster is migration.host and cluster is not migration.destination
        if not third and intra_cluster(migration):
            continue
        yield _twice(migration, cluster, other, shared, third)


def _swapped(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """A remote cluster whose API server, as MTC dials it, is the one that another role shows."""
    if migration.is_host(cluster):
        return
    try:
        item = mig_cluster(migration, cluster)
    except NotGathered:
        return
    dialled = endpoint_of_url(item.url)
    if dialled is None or dialled.host in _api_hosts(cluster):
        return
    for other in migration.clusters:
        pointer = _api_hosts(other).get(dialled.host)
        if other is cluster or pointer is None:
            continue
        yield failed(
            cluster.subject,
            f"MTC reaches the {cluster.role} cluster at {dialled}, but this is the API server of "
            f"the evidence given for the {other.role} cluster: the roles may be swapped",
            item.ref.at("/spec/url", item.url),
            pointer,
            found=f"{cluster.role} and {other.role} mixed up",
            wanted=f"the cluster of {dialled} as {cluster.role}",
            key=f"api-of-{other.role}",
        )


def _api_hosts(cluster: Cluster) -> dict[str, Pointer]:
    found = {}
    for item in cluster.known(INFRASTRUCTURE):
        endpoint = endpoint_of_url(item.api_url)
        if endpoint is not None:
            found[endpoint.host] = item.ref.at("/status/apiServerURL", item.api_url)
    return found


def _shared(one: Cluster, other: Cluster) -> tuple[Pointer, Pointer] | None:
    for kind, values in one.identities.items():
        mine = dict(values)
        for value, pointer in other.identities.get(kind, ()):
            if value in mine:
                return mine[value], pointer
    return None


def _twice(
    migration: Migration,
    cluster: Cluster,
    other: Cluster,
    shared: tuple[Pointer, Pointer],
    third: bool,
) -> Outcome:
    text = f"the evidence of the {other.role} and of the {cluster.role} is from the same cluster"
    if migration.given_plan is None and not third:
        try:
            migration.plan  # noqa: B018  (raises: whether the plan stays inside one cluster)
        except NotGathered as missing:
            return unknown(
                cluster.subject,
                f"{text}, which is valid only for a migration within one cluster",
                *missing.missing,
                key=f"same-as-{other.role}",
                evidence=shared,
            )
    hint = f"; set {other.role} as the host instead of sending it twice" if third else ""
    return failed(
        cluster.subject,
        text + hint,
        *shared,
        found=shared[0].value or "",
        wanted="different clusters",
        key=f"same-as-{other.role}",
        severity=Severity.WARNING if third else Severity.BLOCKER,
    )
