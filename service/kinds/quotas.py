"""Resource quotas and limit ranges: what a namespace can still take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from service.kinds.network import Selector, selector
from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import Object, quantities, rows, strings, table, text, texts


@dataclass(frozen=True, slots=True)
class QuotaScope:
    """One scope of a quota. ``operator`` is Exists, DoesNotExist, In or NotIn ``values``."""

    name: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResourceQuota:
    """A resource quota; quantities as written. ``used`` is empty where the status is absent.

    A quota with ``scopes`` counts only the pods that are in all of them, and no storage.
    """

    ref: Ref
    hard: Mapping[str, str]
    used: Mapping[str, str]
    scopes: tuple[QuotaScope, ...]


@dataclass(frozen=True, slots=True)
class ClusterResourceQuota:
    """A quota over all namespaces whose labels and annotations it selects.

    ``total`` is what is allowed and used together; its reference is the quota's own. ``labels``
    is None where it does not select by labels.
    """

    ref: Ref
    labels: Selector | None
    annotations: Mapping[str, str]
    total: ResourceQuota


@dataclass(frozen=True, slots=True)
class LimitItem:
    """An entry of a limit range: ``least`` and ``most`` are quantities by resource.

    ``type`` is Container, Pod or PersistentVolumeClaim. ``default_limits`` and
    ``default_requests`` are what a container gets that sets none, ``ratio`` how many times its
    request a limit may be.
    """

    index: int
    type: str
    least: Mapping[str, str]
    most: Mapping[str, str]
    default_limits: Mapping[str, str] = field(default_factory=dict)
    default_requests: Mapping[str, str] = field(default_factory=dict)
    ratio: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LimitRange:
    """A limit range of a namespace."""

    ref: Ref
    limits: tuple[LimitItem, ...]


def limit_range(value: Object, ref: Ref) -> LimitRange:
    """LimitRange."""
    found = []
    for index, row in enumerate(rows(table(value, "spec", ""), "limits", "/spec")):
        at = f"/spec/limits/{index}"
        found.append(
            LimitItem(
                index,
                text(row, "type", at),
                least=quantities(row, "min", at),
                most=quantities(row, "max", at),
                default_limits=quantities(row, "default", at),
                default_requests=quantities(row, "defaultRequest", at),
                ratio=quantities(row, "maxLimitRequestRatio", at),
            )
        )
    return LimitRange(ref, tuple(found))


def resource_quota(value: Object, ref: Ref) -> ResourceQuota:
    """ResourceQuota. What is in force is status.hard; before the first count, spec.hard."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    return ResourceQuota(
        ref=ref,
        hard=quantities(status, "hard", "/status") or quantities(spec, "hard", "/spec"),
        used=quantities(status, "used", "/status"),
        scopes=tuple(_scopes(spec)),
    )


def cluster_resource_quota(value: Object, ref: Ref) -> ClusterResourceQuota:
    """ClusterResourceQuota."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    chosen, quota = table(spec, "selector", "/spec"), table(spec, "quota", "/spec")
    total, at = table(status, "total", "/status"), "/spec/selector"
    return ClusterResourceQuota(
        ref=ref,
        labels=selector(chosen, "labels", at) if chosen.get("labels") is not None else None,
        annotations=strings(chosen, "annotations", at),
        total=ResourceQuota(
            ref=ref,
            hard=quantities(total, "hard", "/status/total")
            or quantities(quota, "hard", "/spec/quota"),
            used=quantities(total, "used", "/status/total"),
            scopes=tuple(_scopes(quota)),
        ),
    )


def _scopes(spec: Object) -> Iterator[QuotaScope]:
    for name in texts(spec, "scopes", "/spec"):
        yield QuotaScope(name, "Exists", ())
    selector, at = table(spec, "scopeSelector", "/spec"), "/spec/scopeSelector"
    for row in rows(selector, "matchExpressions", at):
        yield QuotaScope(
            text(row, "scopeName", at), text(row, "operator", at), texts(row, "values", at)
        )


RESOURCE_QUOTA = Resource(
    "ResourceQuota", "resourcequotas", resource_quota, namespaced=True,
    title="quotas of the namespaces, and what is used of them",
)  # fmt: skip
CLUSTER_RESOURCE_QUOTA = Resource(
    "ClusterResourceQuota", "clusterresourcequotas", cluster_resource_quota,
    ("quota.openshift.io", ""), title="quotas over several namespaces",
)  # fmt: skip
LIMIT_RANGE = Resource(
    "LimitRange", "limitranges", limit_range, namespaced=True,
    title="limits for single containers, pods and claims",
)  # fmt: skip
