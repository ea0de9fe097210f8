"""What resource quotas leave, and which pods they count."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from service.core.facts.pod_resources import LIMITS, REQUESTS, amount
from service.core.migration import Cluster
from service.core.values.quantity import parse_or_none
from service.kinds.quotas import RESOURCE_QUOTA, QuotaScope, ResourceQuota
from service.kinds.workloads import Pod


class Short(NamedTuple):
    """A quota that does not leave enough: what it allows, and what of that is used."""

    hard: Decimal
    used: Decimal


def shortage(cluster: Cluster, quota: ResourceQuota, key: str, wanted: Decimal) -> Short | None:
    """Why a quota does not let so much more in; None where it does, or does not limit it.

    Raises NotGathered where that depends on what is used, and the quota has no status.
    """
    hard = parse_or_none(quota.hard.get(key, ""))
    if hard is None or not wanted:
        return None
    used = parse_or_none(quota.used.get(key, ""))
    if wanted <= hard and used is None:
        raise cluster.inventory.not_gathered(
            RESOURCE_QUOTA, quota.ref.name, quota.ref.namespace, reason="without status.used"
        )
    short = Short(hard, used or Decimal(0))
    return short if wanted + short.used > hard else None


def counts(quota: ResourceQuota, pod: Pod) -> bool:
    """Whether a quota counts a pod: all of its scopes hold (Kubernetes, Quota scopes)."""
    return all(_holds(scope, pod) for scope in quota.scopes)


def _holds(scope: QuotaScope, pod: Pod) -> bool:
    if scope.name == "PriorityClass":
        return _selects(scope, pod.priority_class)
    if scope.name in ("Terminating", "NotTerminating"):
        return pod.deadline is (scope.name == "Terminating")
    if scope.name in ("BestEffort", "NotBestEffort"):
        return _best_effort(pod) is (scope.name == "BestEffort")
    return scope.name == "CrossNamespacePodAffinity" and pod.cross_namespace


def _selects(scope: QuotaScope, value: str) -> bool:
    if scope.operator in ("In", "NotIn"):
        return (value in scope.values) is (scope.operator == "In")
    return bool(value) is (scope.operator != "DoesNotExist")


def _best_effort(pod: Pod) -> bool:
    """Whether no container requests, or is limited to, any cpu or memory."""
    return not any(
        amount(container.requests if side == REQUESTS else container.limits, resource)
        for container in pod.containers
        for side in (REQUESTS, LIMITS)
        for resource in ("cpu", "memory")
    )
