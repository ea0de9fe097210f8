"""Whether the destination's quotas and limit ranges let the pods in."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from decimal import ROUND_UP, Decimal
from shlex import quote

from policies import links
from policies.plan.namespaces.namespace_entries import EachNamespace
from policies.plan.plan_policies import PLAN_READS
from service.core.evidence import Role
from service.core.facts import namespaces
from service.core.facts.namespaces import is_there
from service.core.facts.pod_resources import (
    LIMITS,
    NO_DEFAULTS,
    OVER,
    REQUESTS,
    Defaults,
    Need,
    amount,
    counted,
    defaults_of,
    of_container,
    of_pod,
    required,
    summed,
)
from service.core.facts.quota_use import counts, shortage
from service.core.facts.volumes import SKIP
from service.core.migration import Cluster, Migration
from service.core.outcome import Command, Outcome, Severity, at_destination, failed
from service.core.values.quantity import parse_or_none
from service.core.values.wording import few, plural
from service.kinds.mtc import NamespaceMapping
from service.kinds.quotas import LIMIT_RANGE, RESOURCE_QUOTA, LimitItem, LimitRange, ResourceQuota
from service.kinds.ref import pointer_step
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM, PersistentVolumeClaim
from service.kinds.workloads import POD, ContainerState, Pod


class DestinationLimits(EachNamespace):
    """A rule about an existing destination namespace and what comes into it.

    A namespace that does not exist yet limits nothing; MTC brings the source's own limits.
    """

    def faults(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        if is_there(migration.destination, item.destination)[0]:
            yield from self.refused(migration, item)

    @abstractmethod
    def refused(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        """What does not fit into a destination namespace that exists. Raises NotGathered."""


def _pods(migration: Migration, item: NamespaceMapping) -> list[Pod]:
    """The pods that come: those that are not over."""
    return [pod for pod in migration.source.all(POD, (item.source,)) if pod.phase not in OVER]


def _claims(migration: Migration, item: NamespaceMapping) -> list[PersistentVolumeClaim]:
    """The claims that come: those that the plan does not skip."""
    skipped = {
        (entry.pvc_namespace, entry.pvc_name)
        for entry in migration.plan.volumes or ()
        if entry.action == SKIP
    }
    claims = migration.source.all(PERSISTENT_VOLUME_CLAIM, (item.source,))
    return [one for one in claims if (one.ref.namespace, one.ref.name) not in skipped]


class ComputeQuota(DestinationLimits):
    """The pods of the plan fit into what the quotas of the destination namespaces leave.

    Counted are pods that are not over, their requests and limits with what the namespace's limit
    ranges add as default; a quota with scopes counts the pods that are in all of them. A quota
    of cpu or memory also refuses every pod with a container that sets none. A blocker: the API
    server refuses what goes beyond the quota.
    """

    id = "MTC753"
    name = "compute-quota"
    title = "The pods fit into the quotas of the destination namespaces"
    why = "The API server refuses the pods that come last; the application comes up in part."
    reads = (
        *PLAN_READS,
        *namespaces.READS,
        Read(RESOURCE_QUOTA, plan_namespaces=True),
        Read(LIMIT_RANGE, plan_namespaces=True),
    )
    remedy = (
        "Raise the quota of the destination namespace, give its containers default requests and "
        "limits by a LimitRange, or migrate into a new namespace."
    )
    docs = (links.QUOTAS, links.CHECKLISTS)
    source = "Kubernetes resource quotas; MTC documentation, Premigration checklists"
    better = "MTC does not check quotas."
    good = "the pods fit in the quotas of the destination namespaces"

    def refused(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        destination = migration.destination
        quotas = [
            quota
            for quota in destination.all(RESOURCE_QUOTA, (item.destination,))
            if any(counted(key) for key in quota.hard)
        ]
        if not quotas:
            return
        pods = _pods(migration, item)
        for quota in quotas:
            those = [pod for pod in pods if counts(quota, pod)]
            for key in quota.hard if those else ():
                yield from _unset(destination, quota, key, those)
                yield from _short(destination, quota, key, those)


def _defaults(destination: Cluster, namespace: str, pods: list[Pod], need: Need | None) -> Defaults:
    """What the namespace's limit ranges add; asked for only where a container sets nothing."""
    if need is None or all(of_container(one, *need) is not None
                           for pod in pods for one in pod.containers):  # fmt: skip
        return NO_DEFAULTS
    return defaults_of(destination.all(LIMIT_RANGE, (namespace,)))


def _unset(
    destination: Cluster, quota: ResourceQuota, key: str, pods: list[Pod]
) -> Iterator[Outcome]:
    need = required(key)
    if need is None or parse_or_none(quota.hard[key]) is None:
        return
    namespace = quota.ref.namespace
    defaults = _defaults(destination, namespace, pods, need)
    bare = [
        pod for pod in pods if any(of_container(one, *need, defaults) is None
                                   for one in pod.containers)
    ]  # fmt: skip
    if not bare:
        return
    side, resource = need
    first = bare[0]
    yield failed(
        quota.ref.subject,
        f"{plural(len(bare), 'pod')} ({few(pod.ref.name for pod in bare)}) "
        f"{'has' if len(bare) == 1 else 'have'} a container without {side} of {resource}; quota "
        f"{quota.ref.name} of {namespace} rejects such pods, and no limit range sets a default",
        quota.ref.at(f"/status/hard/{pointer_step(key)}", quota.hard[key]),
        first.ref.at("/spec/containers"),
        found=f"{plural(len(bare), 'pod')} without {side} of {resource}",
        wanted=f"{side} of {resource} in every container, or a default in a limit range",
        key=f"{key} not set",
        commands=(
            f"oc describe resourcequota,limitrange -n {quote(namespace)}",
            Command(
                f"oc get pod {quote(first.ref.name)} -n {quote(first.ref.namespace)} -o json",
                Role.SOURCE,
            ),
        ),
        observed=len(bare),
    )


def _short(
    destination: Cluster, quota: ResourceQuota, key: str, pods: list[Pod]
) -> Iterator[Outcome]:
    count = counted(key)
    if count is None:
        return
    namespace = quota.ref.namespace
    wanted = count(pods, _defaults(destination, namespace, pods, summed(key)))
    short = shortage(destination, quota, key, wanted)
    if short is None:
        return
    yield failed(
        quota.ref.subject,
        f"the pods of the plan need {_plain(wanted)} of {key} in {namespace}; quota "
        f"{quota.ref.name} allows {_plain(short.hard)}, of which {_plain(short.used)} is used",
        quota.ref.at(f"/status/hard/{pointer_step(key)}", quota.hard[key]),
        found=_plain(wanted + short.used),
        wanted=f"at most {_plain(short.hard)}",
        key=key,
        commands=(f"oc describe resourcequota {quote(quota.ref.name)} -n {quote(namespace)}",),
        observed=float(wanted + short.used),
    )


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


class LimitRanges(DestinationLimits):
    """Containers, pods and claims keep within the limit ranges of the destination namespaces.

    Compared are least, most and the ratio of limit to request, with what the limit ranges give
    to a container that sets nothing. That default is compared too: a container whose request is
    above the default limit is refused. So is a pod that sets nothing of what an entry of type
    Pod bounds. A blocker: the API server refuses what is outside of the range.
    """

    id = "MTC754"
    name = "limit-ranges"
    title = "Pods and claims keep within the limit ranges of the destination namespaces"
    why = "The API server rejects the pod or the claim, and the migration or the application stops."
    unsure = Severity.WARNING
    reads = (
        *PLAN_READS,
        *namespaces.READS,
        Read(LIMIT_RANGE, plan_namespaces=True),
    )
    remedy = "Change the limit range of the destination namespace, or migrate into a new namespace."
    docs = (links.LIMIT_RANGES, links.CHECKLISTS)
    source = (
        "Kubernetes limit ranges (plugin/pkg/admission/limitranger); MTC documentation, "
        "Premigration checklists"
    )
    better = "MTC does not check limit ranges."
    good = "pods and claims keep within the limit ranges of the destination namespaces"

    def refused(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        ranges = migration.destination.all(LIMIT_RANGE, (item.destination,))
        defaults = defaults_of(ranges)
        for limits in ranges:
            for limit in limits.limits:
                if limit.type in ("Container", "Pod"):
                    for pod in _pods(migration, item):
                        yield from _outside(limits, limit, pod, defaults)
                elif limit.type == "PersistentVolumeClaim":
                    for claim in _claims(migration, item):
                        yield from _claim_outside(limits, limit, claim)


Value = Callable[[str, str], Decimal | None]
"""What a container or a pod has, by side (requests or limits) and resource."""


def _outside(
    limits: LimitRange, limit: LimitItem, pod: Pod, defaults: Defaults
) -> Iterator[Outcome]:
    if limit.type == "Pod":
        yield from _compared(
            limits, limit, pod, "", lambda side, name: of_pod(pod, side, name, defaults)
        )
        return
    for container in pod.containers:
        yield from _compared(limits, limit, pod, container.name, _of(container, defaults))
        yield from _above_default(limits, limit, pod, container)


def _of(container: ContainerState, defaults: Defaults) -> Value:
    return lambda side, name: of_container(container, side, name, defaults)


def _compared(
    limits: LimitRange, limit: LimitItem, pod: Pod, container: str, value: Value
) -> Iterator[Outcome]:
    """What the API server refuses: it compares limit and request with either bound."""
    for kind, side, bounds in (
        ("max", LIMITS, limit.most),
        ("min", REQUESTS, limit.least),
        ("maxLimitRequestRatio", LIMITS, limit.ratio),
    ):
        for name, text in bounds.items():
            bound = parse_or_none(text)
            if bound is None:
                continue
            found = _ratio(value, name) if kind == "maxLimitRequestRatio" else value(side, name)
            if found is not None and kind == "max":
                found = max(found, value(REQUESTS, name) or found)
            if found is None or (found < bound if kind == "min" else found > bound):
                yield _refused(limits, limit, pod, container, (kind, name, text, found))


def _ratio(value: Value, name: str) -> Decimal | None:
    """How many times its request a limit is, rounded up; None where either is not set."""
    limit, request = value(LIMITS, name), value(REQUESTS, name)
    return (limit / request).quantize(Decimal("0.001"), ROUND_UP) if limit and request else None


def _above_default(
    limits: LimitRange, limit: LimitItem, pod: Pod, container: ContainerState
) -> Iterator[Outcome]:
    """A request above the limit that the container is given by default."""
    for name, text in limit.default_limits.items():
        bound, asked = parse_or_none(text), amount(container.requests, name)
        unset = amount(container.limits, name) is None
        if unset and bound is not None and asked is not None and asked > bound:
            yield _refused(limits, limit, pod, container.name, ("default", name, text, asked))


def _claim_outside(
    limits: LimitRange, limit: LimitItem, claim: PersistentVolumeClaim
) -> Iterator[Outcome]:
    size = parse_or_none(claim.request)
    if size is None:
        return
    for kind, bounds in (("max", limit.most), ("min", limit.least)):
        text = bounds.get("storage", "")
        bound = parse_or_none(text)
        if bound is not None and (size > bound if kind == "max" else size < bound):
            yield _refused(limits, limit, claim, "", (kind, "storage", text, size))


def _refused(
    limits: LimitRange,
    limit: LimitItem,
    item: Pod | PersistentVolumeClaim,
    container: str,
    bound: tuple[str, str, str, Decimal | None],
) -> Outcome:
    kind, name, text, found = bound
    namespace = limits.ref.namespace
    words = f"{'pod' if isinstance(item, Pod) else 'claim'} {item.ref.namespace}/{item.ref.name}"
    if container:
        words = f"container {container} of {words}"
    has = f"{_plain(found)} of {name}" if found is not None else f"no {_SETS[kind]} of {name}"
    if kind == "maxLimitRequestRatio" and found is not None:
        has = f"{_plain(found)} times its request as limit of {name}"
    return failed(
        item.ref.subject,
        f"{words} has {has}; limit range {limits.ref.name} of {namespace} sets {kind} {text}",
        limits.ref.at(f"/spec/limits/{limit.index}/{kind}/{pointer_step(name)}", text),
        found=_plain(found) if found is not None else "not set",
        wanted=f"{'at least' if kind == 'min' else 'at most'} {text}",
        key=" ".join(word for word in (container, kind, name) if word),
        commands=(
            at_destination(
                f"oc describe limitrange {quote(limits.ref.name)} -n {quote(namespace)}"
            ),
        ),
        observed=float(found) if found is not None else None,
    )


_SETS = {"max": "limit", "min": "request", "maxLimitRequestRatio": "limit and request"}
