"""Every kind that a policy may read, and the names that people and `oc` give it."""

from __future__ import annotations

from difflib import get_close_matches
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
from service.kinds.resource import Resource

_AREAS = (
    config, cluster, network, storage, mtc, velero, operators, rbac, workloads, quotas, apis,
    security, health, virtualization, webhooks,
)  # fmt: skip
RESOURCES: tuple[Resource[Any], ...] = tuple(
    value for area in _AREAS for value in vars(area).values() if isinstance(value, Resource)
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


def no_such_resource(name: str) -> tuple[str, str]:
    """What is wrong with a name that is none, and a hint."""
    near = get_close_matches(name.lower(), list(_BY_NAME), 1, 0.6)
    hint = f"did you mean {near[0]!r}?" if near else "use the plural, such as persistentvolumes"
    return f"no policy reads {name[:60]!r}", hint
