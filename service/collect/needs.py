"""What to read from a cluster, derived from what the policies read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from service.kinds.apis import API_GROUP, API_RESOURCES
from service.kinds.cluster import SECRET
from service.kinds.config import SERVER_VERSION
from service.kinds.mtc import (
    MIG_CLUSTER,
    MIG_PLAN,
    MIG_STORAGE,
    MIGRATION_CONTROLLER,
    MTC_NAMESPACE,
)
from service.kinds.operators import MTC_PACKAGES, PACKAGE_MANIFEST
from service.kinds.rbac import ACCESS_REVIEW, USER
from service.kinds.resource import Read, Resource

ALWAYS: tuple[Read[Any], ...] = (
    Read(MIG_PLAN, MTC_NAMESPACE),
    Read(MIG_CLUSTER, MTC_NAMESPACE),
    Read(MIG_STORAGE, MTC_NAMESPACE),
    Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
)
"""What identifies the migration, whatever the policies read."""

BY_NAME_ONLY: dict[Resource[Any], tuple[tuple[str, str], ...]] = {
    PACKAGE_MANIFEST: tuple((MTC_NAMESPACE, name) for name in MTC_PACKAGES),
}
"""Resources of which a list is too much."""

SPECIAL: tuple[Resource[Any], ...] = (
    ACCESS_REVIEW,
    SERVER_VERSION,
    USER,
    API_GROUP,
    API_RESOURCES,
    SECRET,
)
"""Resources that are not read as whole lists: reviews, discovery, and secrets, of which only
metadata is listed."""


@dataclass(frozen=True, slots=True)
class ResourceNeed:
    """What is read of one resource.

    ``everywhere``: all objects of the cluster; ``namespaces``: those of these namespaces;
    ``planned``: those of the plan's namespaces; ``names``: single objects as (namespace, name),
    read one by one where a list is not wanted or not allowed.
    """

    resource: Resource[Any]
    everywhere: bool = False
    namespaces: tuple[str, ...] = ()
    planned: bool = False
    names: tuple[tuple[str, str], ...] = ()

    @property
    def listed(self) -> bool:
        """Whether a list is wanted at all."""
        return self.everywhere or bool(self.namespaces) or self.planned


def needs(reads: Iterable[Read[Any]]) -> tuple[ResourceNeed, ...]:
    """One need per resource, in the order of their arguments; the plan's come last."""
    by_resource: dict[Resource[Any], list[Read[Any]]] = {}
    for read in (*ALWAYS, *reads):
        if read.resource not in SPECIAL:
            by_resource.setdefault(read.resource, []).append(read)
    found = (_need(resource, rows) for resource, rows in by_resource.items())
    return tuple(sorted(found, key=lambda need: (need.planned, str(need.resource))))


def specials(reads: Iterable[Read[Any]]) -> tuple[Resource[Any], ...]:
    """Which of the special resources are read."""
    wanted = {read.resource for read in reads}
    return tuple(resource for resource in SPECIAL if resource in wanted)


def secret_namespaces(reads: Iterable[Read[Any]]) -> tuple[str, ...]:
    """The namespaces of which some policy reads every secret, MTC's apart.

    Of openshift-config only those are read that MTC's resources refer to.
    """
    found = {read.namespace for read in reads if read.resource is SECRET}
    return tuple(sorted(found - {"", MTC_NAMESPACE, "openshift-config"}))


def _need(resource: Resource[Any], reads: list[Read[Any]]) -> ResourceNeed:
    if resource in BY_NAME_ONLY:
        return ResourceNeed(resource, names=BY_NAME_ONLY[resource])
    names = tuple(sorted({(read.namespace, read.name) for read in reads if read.name}))
    if not resource.namespaced:
        return ResourceNeed(resource, everywhere=True, names=names)
    return ResourceNeed(
        resource,
        everywhere=any(not read.namespace and not read.plan_namespaces for read in reads),
        namespaces=tuple(sorted({read.namespace for read in reads if read.namespace})),
        planned=any(read.plan_namespaces for read in reads),
        names=names,
    )
