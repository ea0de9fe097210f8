"""Whether quotas across several namespaces are large enough for the migrated objects."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from shlex import quote

from policies import links
from policies.needs import helper_pods as helpers
from policies.needs.helper_pods import helper_pods
from policies.needs.need_policies import READS, SideNeed, namespace_to_be, readable, side_namespaces
from service.core.evidence import Gaps
from service.core.facts.pod_resources import NO_DEFAULTS, OVER, counted
from service.core.facts.quota_use import counts, shortage
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed
from service.core.values.quantity import parse_or_none
from service.core.values.wording import few
from service.kinds.cluster import NAMESPACE
from service.kinds.quotas import CLUSTER_RESOURCE_QUOTA, ClusterResourceQuota
from service.kinds.ref import pointer_step
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM
from service.kinds.workloads import POD


class ClusterQuotas(SideNeed):
    """Quotas across several namespaces are large enough for the migrated pods and claims.

    A ClusterResourceQuota selects namespaces by labels and annotations; MTC makes a namespace
    with those of the source's, so that it may be counted on the destination too. Counted are
    the pods that copy data and, on the destination, the application's pods and claims.
    """

    id = "MTC832"
    name = "cluster-resource-quotas"
    title = "Quotas across several namespaces are large enough for the migrated objects"
    why = (
        "The API server rejects pods or claims that exceed the quota, and the migration waits "
        "for them."
    )
    reads = (
        *READS,
        *helpers.READS,
        Read(NAMESPACE),
        Read(CLUSTER_RESOURCE_QUOTA),
        Read(PERSISTENT_VOLUME_CLAIM, plan_namespaces=True),
    )
    remedy = "Raise the quota, or exclude the namespace from its selector."
    docs = (links.QUOTAS, links.CHECKLISTS)
    source = "OpenShift ClusterResourceQuota; MTC documentation, Premigration checklists"
    better = "MTC does not check quotas."
    good = "no quota across several namespaces is exceeded"

    def faults(self, migration: Migration, cluster: Cluster, gaps: Gaps) -> Iterator[Outcome]:
        with gaps.noted():
            cluster.all(CLUSTER_RESOURCE_QUOTA)
        for quota in cluster.known(CLUSTER_RESOURCE_QUOTA):
            chosen = []
            for name in side_namespaces(migration, cluster):
                with gaps.noted():
                    if _selects(migration, cluster, quota, name):
                        chosen.append(name)
            for key in quota.total.hard if chosen else ():
                with gaps.noted():
                    yield from _short(migration, cluster, quota, key, chosen)


def _selects(
    migration: Migration, cluster: Cluster, quota: ClusterResourceQuota, name: str
) -> bool:
    if cluster is migration.source:
        namespace = cluster.get(NAMESPACE, name)
    else:
        namespace = namespace_to_be(migration, name)
    if quota.labels is None and not quota.annotations:
        return False
    marked = all(namespace.annotations.get(key) == one for key, one in quota.annotations.items())
    return marked and (quota.labels is None or quota.labels.matches(namespace.labels))


def _short(
    migration: Migration,
    cluster: Cluster,
    quota: ClusterResourceQuota,
    key: str,
    names: list[str],
) -> Iterator[Outcome]:
    wanted = _wanted(migration, cluster, quota, key, names)
    if wanted and key not in quota.total.used:
        raise cluster.inventory.not_gathered(
            CLUSTER_RESOURCE_QUOTA, quota.ref.name, reason="without status.total.used"
        )
    short = shortage(cluster, quota.total, key, wanted)
    if short is None:
        return
    hard, used = readable(key, short.hard), readable(key, short.used)
    yield failed(
        quota.ref.subject,
        f"the migrated objects of {few(names)} need {readable(key, wanted)} of {key}; "
        f"ClusterResourceQuota {quota.ref.name} allows {hard}, of which {used} is used",
        quota.ref.at(f"/status/total/hard/{pointer_step(key)}", quota.total.hard[key]),
        found=readable(key, wanted + short.used),
        wanted=f"at most {hard}",
        key=key,
        commands=(f"oc describe clusterresourcequota {quote(quota.ref.name)}",),
        observed=float(wanted + short.used),
    )


def _wanted(
    migration: Migration,
    cluster: Cluster,
    quota: ClusterResourceQuota,
    key: str,
    names: list[str],
) -> Decimal:
    """What comes into these namespaces; the pods that copy data are gone when the others come."""
    count = counted(key)
    sources = [one.source for one in migration.plan.namespaces if one.destination in names]
    arrives = cluster is migration.destination
    if count is None:
        return _claims(migration, key, sources) if arrives else Decimal(0)
    copying = [pod for name in names for pod in helper_pods(migration, cluster, name)]
    wanted = count([pod for pod in copying if counts(quota.total, pod)], NO_DEFAULTS)
    if not arrives:
        return wanted
    pods = [pod for pod in migration.source.known(POD, set(sources)) if pod.phase not in OVER]
    return max(wanted, count([pod for pod in pods if counts(quota.total, pod)], NO_DEFAULTS))


def _claims(migration: Migration, key: str, sources: list[str]) -> Decimal:
    if key not in ("requests.storage", "persistentvolumeclaims", "count/persistentvolumeclaims"):
        return Decimal(0)
    claims = migration.source.all(PERSISTENT_VOLUME_CLAIM, sources)
    if key != "requests.storage":
        return Decimal(len(claims))
    return sum((parse_or_none(one.request) or Decimal(0) for one in claims), Decimal(0))
