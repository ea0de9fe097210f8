"""What pods ask of a cluster, as its quotas and limit ranges count it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from service.core.values.quantity import parse_or_none
from service.kinds.quotas import LimitRange
from service.kinds.workloads import ContainerState, Pod

REQUESTS, LIMITS = "requests", "limits"
OVER = ("Succeeded", "Failed")
"""Phases of pods that are over: they count in no quota."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the limit ranges of a namespace give to a container that sets nothing."""

    requests: Mapping[str, Decimal] = field(default_factory=dict)
    limits: Mapping[str, Decimal] = field(default_factory=dict)


NO_DEFAULTS = Defaults()


def defaults_of(ranges: Iterable[LimitRange]) -> Defaults:
    """The defaults of limit ranges; of several for one resource the first.

    Entries of type Container alone have some. Where an entry says none, the API server takes
    ``max`` for the limit, and for the request that limit, else ``min`` (Kubernetes
    pkg/apis/core/v1/defaults.go SetDefaults_LimitRangeItem).
    """
    requests: dict[str, Decimal] = {}
    limits: dict[str, Decimal] = {}
    for item in (limit for one in ranges for limit in one.limits if limit.type == "Container"):
        most = {**_read(item.most), **_read(item.default_limits)}
        least = {**_read(item.least), **most, **_read(item.default_requests)}
        limits = {**most, **limits}
        requests = {**least, **requests}
    return Defaults(requests, limits)


def _read(values: Mapping[str, str]) -> dict[str, Decimal]:
    amounts = {name: parse_or_none(text) for name, text in values.items()}
    return {name: value for name, value in amounts.items() if value is not None}


def amount(values: Mapping[str, object], resource: str) -> Decimal | None:
    """A quantity of a container; None where it is not set or no quantity."""
    value = values.get(resource)
    return None if value is None else parse_or_none(str(value))


def of_container(
    container: ContainerState, side: str, resource: str, defaults: Defaults = NO_DEFAULTS
) -> Decimal | None:
    """What a container requests, or is limited to, when the API server has let it in.

    A request that is not set is the limit where that is set, and else the default.
    None where nothing sets it.
    """
    if side == LIMITS:
        own = amount(container.limits, resource)
        return own if own is not None else defaults.limits.get(resource)
    own = amount(container.requests, resource)
    if own is None:
        own = amount(container.limits, resource)
    return own if own is not None else defaults.requests.get(resource)


def of_pod(pod: Pod, side: str, resource: str, defaults: Defaults = NO_DEFAULTS) -> Decimal | None:
    """What a pod requests, or is limited to, of a resource; None where no container sets it.

    The sum over its containers, or what it takes while its init containers run one after the
    other, whichever is more; sidecars, once started, stay (Kubernetes, Init Containers and
    Sidecar Containers, Resource sharing within containers).
    """
    together, largest, beside = Decimal(0), Decimal(0), Decimal(0)
    text = False
    for container in pod.containers:
        found = of_container(container, side, resource, defaults)
        if found is None:
            continue
        text = True
        if container.sidecar:
            beside += found
        elif container.init:
            largest = max(largest, beside + found)
        else:
            together += found
    return max(together + beside, largest) if text else None


Need = tuple[str, str]
"""Requests or limits, and of which resource."""

Count = Callable[[Iterable[Pod], Defaults], Decimal]


def _total(side: str, resource: str) -> Count:
    return lambda pods, defaults: sum(
        (of_pod(pod, side, resource, defaults) or Decimal(0) for pod in pods), Decimal(0)
    )


def _number(pods: Iterable[Pod], defaults: Defaults) -> Decimal:
    return Decimal(sum(1 for _ in pods))


_BARE = ("cpu", "memory", "ephemeral-storage")
_REQUIRED = frozenset({"cpu", "memory"})


def counted(key: str) -> Count | None:
    """How a quota counts pods by one of its keys; None for a key that is not about pods."""
    if key in ("pods", "count/pods"):
        return _number
    need = summed(key)
    return None if need is None else _total(*need)


def required(key: str) -> Need | None:
    """What every container must set, or be given by default, under a quota with this key.

    Of cpu and memory only (Kubernetes, Resource Quotas; pkg/quota/v1/evaluator/core/pods.go).
    """
    need = summed(key)
    return need if need is not None and need[1] in _REQUIRED else None


def summed(key: str) -> Need | None:
    """What a quota's key sums up; None for a key that does not sum up what pods ask for."""
    if key in _BARE or key.startswith("hugepages-"):
        return REQUESTS, key
    side, dot, resource = key.partition(".")
    if not dot or side not in (REQUESTS, LIMITS) or key == "requests.storage":
        return None
    return side, resource
