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
BY_GROUP_KIND: dict[tuple[str, str], Resource[Any]] = {
    (group, resource.kind): resource for resource in RESOURCES for group in resource.groups
}
_BY_NAME: dict[str, Resource[Any]] = {}
for _known in RESOURCES:
    for _name in (_known.plural, _known.argument, _known.kind):
        _BY_NAME.setdefault(_name.lower(), _known)
    for _group in _known.groups:
        _BY_NAME.setdefault(f"{_known.plural}.{_group}".rstrip("."), _known)


def resource_named(name: str) -> Resource[Any] | None:
    """A resource by its plural, its kind, or its plural and group; None if no policy reads it."""
    return _BY_NAME.get(name.lower())


def resource_meant(name: str) -> str:
    """The name of a resource that is nearly this one; "" where it is simply one not read."""
    return nearest(name.lower(), _BY_NAME) or "" if len(name) <= MOST_NAME else ""
