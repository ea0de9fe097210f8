"""Every kind that a policy may read, and the names that people and `oc` give it."""

from __future__ import annotations

from typing import Any

from service.kinds import (
    apis,
    cluster,
    config,
    health,
    mtc,
    network,
    operators,
    quotas,
    rbac,
    security,
    storage,
    velero,
    virtualization,
    webhooks,
    workloads,
)
from service.kinds.near import nearest
from service.kinds.resource import Resource
from service.kinds.shape import MOST_NAME

AREAS = (
    config, cluster, network, storage, mtc, velero, operators, rbac, workloads, quotas, apis,
    security, health, virtualization, webhooks,
)  # fmt: skip
RESOURCES: tuple[Resource[Any], ...] = tuple(
    value for area in AREAS for value in vars(area).values() if isinstance(value, Resource)
)
"""The kinds that the product's own policies read."""
BY_KIND: dict[str, Resource[Any]] = {resource.kind: resource for resource in RESOURCES}
BY_GROUP_KIND: dict[tuple[str, str], Resource[Any]] = {}
BY_GROUP_PLURAL: dict[tuple[str, str], Resource[Any]] = {}
_BY_NAME: dict[str, Resource[Any]] = {}


def register(resource: Resource[Any]) -> None:
    """Have a kind read that a policy pack brings; of names that are taken, the first holds."""
    BY_KIND.setdefault(resource.kind, resource)
    for name in (resource.plural, resource.argument, resource.kind):
        _BY_NAME.setdefault(name.lower(), resource)
    for group in resource.groups:
        BY_GROUP_KIND.setdefault((group, resource.kind), resource)
        BY_GROUP_PLURAL.setdefault((group, resource.plural), resource)
        _BY_NAME.setdefault(f"{resource.plural}.{group}".rstrip("."), resource)


for _known in RESOURCES:
    register(_known)


def resources() -> tuple[Resource[Any], ...]:
    """Every kind that is read, those of policy packs too."""
    return tuple(dict.fromkeys(BY_GROUP_KIND.values()))


def resource_of(kind: str, group: str = "") -> Resource[Any] | None:
    """The resource of a kind, by its group or, where none is named, the one of that name."""
    return BY_GROUP_KIND.get((group, kind)) if group else BY_KIND.get(kind)


def resource_named(name: str) -> Resource[Any] | None:
    """A resource by its plural, its kind, or its plural and group; None if no policy reads it."""
    return _BY_NAME.get(name.lower())


def resource_meant(name: str) -> str:
    """The name of a resource that is nearly this one; "" where it is simply one not read."""
    return nearest(name.lower(), _BY_NAME) or "" if len(name) <= MOST_NAME else ""
