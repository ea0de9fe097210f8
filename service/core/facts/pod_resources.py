"""What pods ask of a cluster, as its quotas and limit ranges count it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from service.core.objects.workloads import Pod
from service.core.values.quantity import parse_or_none

REQUESTS, LIMITS = "requests", "limits"
OVER = ("Succeeded", "Failed")
"""Phases of pods that are over: they count in no quota."""


def amount(values: Mapping[str, object], resource: str) -> Decimal | None:
    """A quantity of a container; None where it is not set or no quantity."""
    value = values.get(resource)
    return None if value is None else parse_or_none(str(value))


def effective(pod: Pod, side: str, resource: str) -> Decimal:
    """What a pod requests, or is limited to, of a resource.

    The sum over its containers, or what its largest init container needs, whichever is more
    (Kubernetes, Init Containers, Resource sharing within containers). Unset counts as 0.
    """
    together, largest = Decimal(0), Decimal(0)
    for container in pod.containers:
        values = container.requests if side == REQUESTS else container.limits
        found = amount(values, resource) or Decimal(0)
        if container.init:
            largest = max(largest, found)
        else:
            together += found
    return max(together, largest)
