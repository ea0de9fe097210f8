"""Resource quotas and limit ranges: what a namespace can still take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import Object, quantities, rows, table, text, texts


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
class Limit:
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
    limits: tuple[Limit, ...]


def limit_range(value: Object, ref: Ref) -> LimitRange:
    """LimitRange."""
    found = []
    for index, row in enumerate(rows(table(value, "spec", ""), "limits", "/spec")):
        at = f"/spec/limits/{index}"
        found.append(
            Limit(
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
LIMIT_RANGE = Resource(
    "LimitRange", "limitranges", limit_range, namespaced=True,
    title="limits for single containers, pods and claims",
)  # fmt: skip
