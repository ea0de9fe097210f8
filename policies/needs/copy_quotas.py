"""Whether quotas and limit ranges let in the pods that MTC makes to move data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from shlex import quote

from policies import links
from policies.needs import helper_pods as helpers
from policies.needs.helper_pods import helper_pods
from policies.needs.need_policies import (
    READS,
    SideNeed,
    existing_namespaces,
    readable,
    require_rsync,
)
from service.core.evidence import Gaps
from service.core.facts import mtc_release, namespaces
from service.core.facts.mtc_release import mtc_version
from service.core.facts.pod_resources import NO_DEFAULTS, counted
from service.core.facts.quota_use import counts, shortage
from service.core.facts.volumes import volumes
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.values.quantity import parse_or_none
from service.core.values.versions import Version
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.quotas import LIMIT_RANGE, RESOURCE_QUOTA, LimitItem, LimitRange, ResourceQuota
from service.kinds.ref import pointer_step
from service.kinds.resource import Read
from service.kinds.workloads import ContainerState, Pod


class HelperPodsFitQuotas(SideNeed):
    """The pods that MTC makes fit into the quotas of the plan's namespaces, on both clusters.

    On the source, rsync needs a pod with two containers for each volume, all at once and beside
    the application; on the destination one for each namespace. A namespace that does not exist
    yet has no quota while the data is copied. MTC753 counts the application's own pods.
    """

    id = "MTC830"
    name = "helper-pods-fit-quotas"
    title = "Quotas are large enough for the pods that copy the data"
    why = "The API server rejects the pods that copy the data, and the migration waits for them."
    reads = (
        *READS,
        *helpers.READS,
        *namespaces.READS,
        Read(RESOURCE_QUOTA, plan_namespaces=True),
    )
    remedy = (
        "Raise the quota during the migration, or lower source_rsync_pod_* and "
        "target_rsync_pod_* in the MigrationController."
    )
    docs = (links.QUOTAS, links.CHECKLISTS)
    source = "mig-controller pkg/controller/directvolumemigration/rsync.go, migmigration/stage.go"
    better = "MTC does not check quotas."
    good = "quotas are large enough for the pods that copy the data"

    def applies(self, migration: Migration) -> None:
        volumes(migration).require_any(migration)

    def faults(self, migration: Migration, cluster: Cluster, gaps: Gaps) -> Iterator[Outcome]:
        for name in existing_namespaces(migration, cluster, gaps):
            pods = helper_pods(migration, cluster, name)
            if not pods:
                continue
            with gaps.noted():
                cluster.all(RESOURCE_QUOTA, (name,))
            for quota in cluster.known(RESOURCE_QUOTA):
                if quota.ref.namespace != name or not counts(quota, pods[0]):
                    continue
                for key in quota.hard:
                    with gaps.noted():
                        yield from _short(cluster, quota, key, pods)
        volumes(migration).require_claims()


def _short(cluster: Cluster, quota: ResourceQuota, key: str, pods: list[Pod]) -> Iterator[Outcome]:
    count = counted(key)
    wanted = count(pods, NO_DEFAULTS) if count else Decimal(0)
    short = shortage(cluster, quota, key, wanted)
    if short is None:
        return
    hard, used = readable(key, short.hard), readable(key, short.used)
    namespace = quota.ref.namespace
    yield failed(
        quota.ref.subject,
        f"the pods that copy data ({len(pods)}) need {readable(key, wanted)} of {key} in "
        f"{namespace}; quota {quota.ref.name} allows {hard}, of which {used} is used",
        quota.ref.at(f"/status/hard/{pointer_step(key)}", quota.hard[key]),
        found=readable(key, wanted + short.used),
        wanted=f"at most {hard}",
        key=key,
        commands=(f"oc describe resourcequota -n {quote(namespace)}",),
        observed=float(wanted + short.used),
    )


NEEDS_MIN = Version.parse("1.8.9")
"""Earlier releases of MTC read ``min`` of an item that has none, and crash."""


class HelperPodsWithinLimits(SideNeed):
    """rsync's pods keep within the limit ranges of the plan's namespaces and of MTC's.

    MTC lowers and raises its two containers to what an item of type Container allows, and looks
    at nothing else: not at the sum of both, nor at the ratio of limit to request. Before 1.8.9 it
    crashed on an item without `min`.
    """

    id = "MTC831"
    name = "helper-pods-within-limits"
    title = "Limit ranges allow the rsync pods"
    why = "The API server rejects the rsync pods, or the controller crashes on the limit range."
    reads = (
        *READS,
        *helpers.READS,
        *namespaces.READS,
        *mtc_release.READS,
        Read(LIMIT_RANGE, plan_namespaces=True),
        Read(LIMIT_RANGE, MTC_NAMESPACE),
    )
    declares = ("mtcVersion",)
    remedy = "Change the limit range during the migration. If MTC is older than 1.8.9, update it."
    docs = (links.LIMIT_RANGES, links.CHECKLISTS)
    source = "mig-controller pkg/controller/directvolumemigration/resource.go; MTC 1.8.9 notes"
    better = "MTC does not check limit ranges before the migration."
    good = "limit ranges allow the rsync pods"

    def applies(self, migration: Migration) -> None:
        require_rsync(migration)

    def faults(self, migration: Migration, cluster: Cluster, gaps: Gaps) -> Iterator[Outcome]:
        names = (*existing_namespaces(migration, cluster, gaps), MTC_NAMESPACE)
        with gaps.noted():
            cluster.all(LIMIT_RANGE, names)
        ranges = [one for one in cluster.known(LIMIT_RANGE) if one.ref.namespace in names]
        container = helpers.container(migration, cluster)
        for limits in ranges:
            pods = [one for one in limits.limits if one.type == "Pod"]
            for item in limits.limits:
                if item.type == "Container":
                    yield from _contradictions(limits, item, pods, container)
        bare = [(one, item) for one in ranges for item in one.limits if _lacks_min(item)]
        if bare:
            with gaps.noted():
                yield from _crashes(migration, cluster, bare)


def _lacks_min(item: LimitItem) -> bool:
    return item.type in ("Container", "Pod") and not item.least


def _crashes(
    migration: Migration, cluster: Cluster, bare: list[tuple[LimitRange, LimitItem]]
) -> Iterator[Outcome]:
    version = mtc_version(migration, cluster)
    if Version.parse(version.value) >= NEEDS_MIN:
        return
    for limits, item in bare:
        yield failed(
            limits.ref.subject,
            f"limit range {limits.ref.name} of {limits.ref.namespace} sets no min for "
            f"{item.type}; MTC {version.value} crashes on that",
            limits.ref.at(f"/spec/limits/{item.index}"),
            *version.evidence,
            found=f"no min, MTC {version.value}",
            wanted=f"MTC {NEEDS_MIN} or later, or a min",
            key=f"{item.type} min",
            commands=(f"oc edit limitrange -n {quote(limits.ref.namespace)}",),
        )


def _contradictions(
    limits: LimitRange, item: LimitItem, pods: list[LimitItem], container: ContainerState
) -> Iterator[Outcome]:
    """What no pod with two such containers can keep."""
    for name in ("cpu", "memory"):
        least, most = _of(item.least, name), _of(item.most, name)
        for pod in pods:
            top, bottom = _of(pod.most, name), _of(pod.least, name)
            if least is not None and top is not None and 2 * least > top:
                yield _outside(limits, item, name, f"2 × min {least:f}", f"at most {top:f} a pod")
            if most is not None and bottom is not None and 2 * most < bottom:
                found = f"2 × max {most:f}"
                yield _outside(limits, item, name, found, f"at least {bottom:f} a pod")
        ratio = _of(item.ratio, name)
        request = _clamped(_of(container.requests, name), least, most)
        limit = _clamped(_of(container.limits, name), least, most)
        if ratio is not None and limit > ratio * request:
            found = f"limit {limit:f} of request {request:f}"
            yield _outside(limits, item, name, found, f"at most {ratio:f} times the request")


def _of(values: Mapping[str, object], name: str) -> Decimal | None:
    return parse_or_none(str(values.get(name, "")))


def _clamped(value: Decimal | None, least: Decimal | None, most: Decimal | None) -> Decimal:
    """What MTC makes of a container's request or limit."""
    raised = max(value or Decimal(0), least or Decimal(0))
    return raised if most is None else min(raised, most)


def _outside(limits: LimitRange, item: LimitItem, name: str, found: str, wanted: str) -> Outcome:
    return failed(
        limits.ref.subject,
        f"limit range {limits.ref.name} of {limits.ref.namespace} rejects rsync pods, which have "
        f"two containers: {name} {found}, but the range allows {wanted}",
        limits.ref.at(f"/spec/limits/{item.index}"),
        found=found,
        wanted=wanted,
        key=name,
        commands=(f"oc describe limitrange -n {quote(limits.ref.namespace)}",),
        severity=Severity.BLOCKER,
    )
