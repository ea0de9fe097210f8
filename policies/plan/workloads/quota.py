"""Whether the destination's quotas and limit ranges let the pods in."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from shlex import quote
from typing import ClassVar

from policies.plan.base import CHECKLISTS, PLAN_READS
from policies.plan.namespaces.listed import NamespacesPolicy
from service.core.evidence import Missing, NotGathered, pointer_step
from service.core.facts import namespaces
from service.core.facts.namespaces import is_there
from service.core.facts.pod_resources import LIMITS, OVER, REQUESTS, amount, effective
from service.core.link import Link
from service.core.migration import Migration
from service.core.objects.mtc import NamespaceMapping
from service.core.objects.storage import PersistentVolumeClaim, ResourceQuota
from service.core.objects.workloads import ContainerState, Limit, LimitRange, Pod
from service.core.outcome import Outcome, failed, passed
from service.core.resources import (
    LIMIT_RANGE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    RESOURCE_QUOTA,
    Read,
)
from service.core.values.quantity import parse_or_none

_BOOK = "https://docs.redhat.com/en/documentation/openshift_container_platform/4.18/html"
QUOTAS = Link("Resource quotas per project", f"{_BOOK}/building_applications/quotas")
LIMIT_RANGES = Link(
    "Restrict resource consumption with limit ranges",
    f"{_BOOK}/nodes/working-with-clusters",
)


class DestinationLimits(NamespacesPolicy):
    """A rule about an existing destination namespace and what comes into it.

    A namespace that does not exist yet limits nothing; MTC brings the source's own limits.
    """

    good: ClassVar[str]

    @abstractmethod
    def faults(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        """What does not fit into one destination namespace. Raises NotGathered."""

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        missing: dict[Missing, None] = {}
        sound = True
        for item in migration.plan.namespaces:
            try:
                if not is_there(migration.destination, item.destination)[0]:
                    continue
                for fault in self.faults(migration, item):
                    sound = False
                    yield fault
            except NotGathered as doubt:
                missing.update(dict.fromkeys(doubt.missing))
        if missing:
            raise NotGathered(*missing)
        if sound:
            count = len(migration.plan.namespaces)
            yield passed(migration.destination.subject, f"{self.good} ({count})", examined=count)


Count = Callable[[list[Pod]], Decimal]


def _total(side: str, resource: str) -> Count:
    return lambda pods: sum((effective(pod, side, resource) for pod in pods), Decimal(0))


def _number(pods: list[Pod]) -> Decimal:
    return Decimal(len(pods))


COUNTED: Mapping[str, Count] = {
    "pods": _number,
    "count/pods": _number,
    "cpu": _total(REQUESTS, "cpu"),
    "requests.cpu": _total(REQUESTS, "cpu"),
    "memory": _total(REQUESTS, "memory"),
    "requests.memory": _total(REQUESTS, "memory"),
    "limits.cpu": _total(LIMITS, "cpu"),
    "limits.memory": _total(LIMITS, "memory"),
}
"""How a quota counts pods, by its key; what it says of storage is MTC732's."""


class ComputeQuota(DestinationLimits):
    """The pods of the plan fit into what the quotas of the destination namespaces leave.

    Counted are pods that are not over, their requests and limits. Quotas with scopes count some
    pods only and are left out. A blocker: the API server refuses what goes beyond the quota.
    """

    id = "MTC753"
    name = "compute-quota"
    title = "The pods fit into the quotas of the destination namespaces"
    why = "The API server refuses the pods that come last; the application comes up in part."
    reads = (
        *PLAN_READS,
        *namespaces.READS,
        Read(RESOURCE_QUOTA, plan_namespaces=True),
    )
    remedy = "Raise the quota of the destination namespace, or migrate into a new namespace."
    docs = (QUOTAS, CHECKLISTS)
    source = "Kubernetes resource quotas; MTC documentation, Premigration checklists"
    better = "MTC does not look at quotas"
    good = "the pods fit into the quotas of the destination namespaces"

    def faults(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        destination = migration.destination
        quotas = [
            quota
            for quota in destination.all(RESOURCE_QUOTA, (item.destination,))
            if not quota.scoped and COUNTED.keys() & quota.hard.keys()
        ]
        if not quotas:
            return
        pods = [pod for pod in migration.source.all(POD, (item.source,)) if pod.phase not in OVER]
        for quota in quotas:
            for key in quota.hard:
                if key in COUNTED:
                    yield from _short(migration, quota, key, COUNTED[key](pods))


def _short(
    migration: Migration, quota: ResourceQuota, key: str, wanted: Decimal
) -> Iterator[Outcome]:
    hard = parse_or_none(quota.hard[key])
    if hard is None or not wanted:
        return
    used = parse_or_none(quota.used.get(key, ""))
    if wanted <= hard and used is None:
        raise migration.destination.inventory.not_gathered(
            RESOURCE_QUOTA, quota.ref.name, quota.ref.namespace, reason="without status.used"
        )
    if wanted + (used or 0) <= hard:
        return
    namespace = quota.ref.namespace
    yield failed(
        quota.ref.subject,
        f"the pods of the plan want {_plain(wanted)} of {key} in {namespace}; quota "
        f"{quota.ref.name} allows {_plain(hard)}, of which {_plain(used or Decimal(0))} is used",
        quota.ref.at(f"/status/hard/{pointer_step(key)}", quota.hard[key]),
        found=_plain(wanted + (used or 0)),
        wanted=f"at most {_plain(hard)}",
        key=key,
        commands=(f"oc describe resourcequota {quote(quota.ref.name)} -n {quote(namespace)}",),
        observed=float(wanted + (used or 0)),
    )


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


class LimitRanges(DestinationLimits):
    """Containers, pods and claims keep within the limit ranges of the destination namespaces.

    Compared are least and most; what a limit range adds as a default is left out, for it adds
    what is allowed. A blocker: the API server refuses what is outside of the range.
    """

    id = "MTC754"
    name = "limit-ranges"
    title = "Pods and claims keep within the limit ranges of the destination namespaces"
    why = "The API server refuses the pod or the claim; the migration or the application stops."
    reads = (
        *PLAN_READS,
        *namespaces.READS,
        Read(LIMIT_RANGE, plan_namespaces=True),
    )
    remedy = "Change the limit range of the destination namespace, or migrate into a new namespace."
    docs = (LIMIT_RANGES, CHECKLISTS)
    source = "Kubernetes limit ranges; MTC documentation, Premigration checklists"
    better = "MTC does not look at limit ranges"
    good = "pods and claims keep within the limit ranges of the destination namespaces"

    def faults(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        for limits in migration.destination.all(LIMIT_RANGE, (item.destination,)):
            for limit in limits.limits:
                if limit.type in ("Container", "Pod"):
                    for pod in migration.source.all(POD, (item.source,)):
                        if pod.phase not in OVER:
                            yield from _outside(limits, limit, pod)
                elif limit.type == "PersistentVolumeClaim":
                    for claim in migration.source.all(PERSISTENT_VOLUME_CLAIM, (item.source,)):
                        yield from _claim_outside(limits, limit, claim)


def _outside(limits: LimitRange, limit: Limit, pod: Pod) -> Iterator[Outcome]:
    if limit.type == "Pod":
        yield from _compared(
            limits, limit, pod, "", lambda side, name: effective(pod, side, name) or None
        )
        return
    for container in pod.containers:
        yield from _compared(limits, limit, pod, container.name, _of(container))


def _of(container: ContainerState) -> Callable[[str, str], Decimal | None]:
    return lambda side, name: amount(
        container.requests if side == REQUESTS else container.limits, name
    )


def _compared(
    limits: LimitRange,
    limit: Limit,
    pod: Pod,
    container: str,
    value: Callable[[str, str], Decimal | None],
) -> Iterator[Outcome]:
    """A limit above the most, or a request below the least, as the API server compares."""
    for kind, side, bounds in (("max", LIMITS, limit.most), ("min", REQUESTS, limit.least)):
        for name, text in bounds.items():
            bound, found = parse_or_none(text), value(side, name)
            if found is None:  # the API server fills in the one from the other
                found = value(REQUESTS if side == LIMITS else LIMITS, name)
            if bound is None or found is None:
                continue
            if found > bound if side == LIMITS else found < bound:
                whole = f"container {container} of pod" if container else "pod"
                yield _refused(
                    limits,
                    limit,
                    pod,
                    f"{whole} {pod.ref.namespace}/{pod.ref.name}",
                    (kind, name, text, found),
                    " ".join(word for word in (container, kind, name) if word),
                )


def _claim_outside(
    limits: LimitRange, limit: Limit, claim: PersistentVolumeClaim
) -> Iterator[Outcome]:
    size = parse_or_none(claim.request)
    if size is None:
        return
    for kind, bounds in (("max", limit.most), ("min", limit.least)):
        text = bounds.get("storage", "")
        bound = parse_or_none(text)
        if bound is not None and (size > bound if kind == "max" else size < bound):
            said = f"claim {claim.ref.namespace}/{claim.ref.name}"
            told = (kind, "storage", text, size)
            yield _refused(limits, limit, claim, said, told, f"{kind} storage")


def _refused(
    limits: LimitRange,
    limit: Limit,
    item: Pod | PersistentVolumeClaim,
    said: str,
    told: tuple[str, str, str, Decimal],
    key: str,
) -> Outcome:
    kind, name, text, found = told
    namespace = limits.ref.namespace
    return failed(
        item.ref.subject,
        f"{said} has {_plain(found)} of {name}; limit range {limits.ref.name} of {namespace} "
        f"sets {kind} {text}",
        limits.ref.at(f"/spec/limits/{limit.index}/{kind}/{name}", text),
        found=_plain(found),
        wanted=f"{'at most' if kind == 'max' else 'at least'} {text}",
        key=key,
        commands=(f"oc describe limitrange {quote(limits.ref.name)} -n {quote(namespace)}",),
        observed=float(found),
    )
