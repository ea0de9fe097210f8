"""Which kinds an API server serves, as far as the evidence shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.core.evidence import Missing, NotGathered
from service.core.migration import Cluster
from service.kinds.apis import API_GROUP, API_RESOURCES, API_SERVICE, CRD, ServedKind
from service.kinds.ref import Pointer
from service.kinds.resource import Read, fetch_command

READS: tuple[Read[Any], ...] = (
    Read(API_SERVICE),
    Read(CRD),
    Read(API_RESOURCES),
    Read(API_GROUP),
)
"""What the functions of this module read; a policy that calls them declares it."""


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """Whether something is served: ``served`` is None where this is not known."""

    served: bool | None
    evidence: tuple[Pointer, ...] = ()


UNTOLD = ServedAnswer(None)


def serves(cluster: Cluster, group: str, version: str, kind: str) -> ServedAnswer:
    """Whether a kind is served in exactly this version.

    In this order: the API server's own list of the version, the kind's definition, and the list
    of group versions, whose silence on a version is a no.
    """
    for found_group, versions, evidence in _listed(cluster):
        if found_group == group and version in versions:
            return ServedAnswer(any(item.kind == kind for item in versions[version]), (evidence,))
    for item in cluster.known(CRD):
        if (item.group, item.kind) == (group, kind):
            pointer = item.ref.at("/spec/versions", ", ".join(item.served))
            return ServedAnswer(version in item.served, (pointer,))
    if not group:
        return UNTOLD  # the core group has one version, and only the lists of kinds show more
    return _by_service(cluster, group, version)


def _by_service(cluster: Cluster, group: str, version: str) -> ServedAnswer:
    for item in cluster.known(API_SERVICE):
        if (item.group, item.version) == (group, version):
            return ServedAnswer(None, (item.ref.at("/spec/version", version),))
    shelf = cluster.inventory.shelf(API_SERVICE)
    return ServedAnswer(False) if shelf is not None and shelf.whole else UNTOLD


def has_kind(cluster: Cluster, group: str, kind: str) -> ServedAnswer:
    """Whether any version of a group has a kind.

    A no needs the API server's own lists of all versions of the group, or the knowledge that
    there is no such group.
    """
    seen: set[str] = set()
    for found_group, versions, evidence in _listed(cluster):
        if found_group != group:
            continue
        seen |= versions.keys()
        if any(item.kind == kind for kinds in versions.values() for item in kinds):
            return ServedAnswer(True, (evidence,))
    for item in cluster.known(CRD):
        if (item.group, item.kind) == (group, kind):
            return ServedAnswer(True, (item.ref.at("/spec/names/kind", kind),))
    served = _versions(cluster, group)
    if served is not None and served <= seen:
        return ServedAnswer(False)
    return UNTOLD


def kinds_of(cluster: Cluster, group: str) -> tuple[str, ...]:
    """The kinds of a group that are known, in order of name."""
    found = {
        item.kind
        for found_group, versions, _ in _listed(cluster)
        if found_group == group
        for kinds in versions.values()
        for item in kinds
    }
    found |= {item.kind for item in cluster.known(CRD) if item.group == group}
    return tuple(sorted(found))


def not_known(cluster: Cluster, what: str) -> NotGathered:
    """What is missing where it is not known what an API server serves."""
    return NotGathered(Missing(what, cluster.role, fetch_command(API_RESOURCES)))


def _versions(cluster: Cluster, group: str) -> set[str] | None:
    """Every version of a group; None where that is not known for certain."""
    for item in cluster.known(API_GROUP):
        if item.group == group:
            return set(item.versions)
    if not group:
        return None  # the list of groups is without the core group
    groups, services = cluster.inventory.shelf(API_GROUP), cluster.inventory.shelf(API_SERVICE)
    if (groups is not None and groups.whole) or (services is not None and services.whole):
        return {item.version for item in cluster.known(API_SERVICE) if item.group == group}
    return None


def _listed(cluster: Cluster) -> Iterator[tuple[str, dict[str, tuple[ServedKind, ...]], Pointer]]:
    """The API server's own lists: group, kinds by version, place."""
    for group in cluster.known(API_GROUP):
        yield group.group, dict(group.versions), group.ref.at("/versions")
    for item in cluster.known(API_RESOURCES):
        yield item.group, {item.version: item.kinds}, item.ref.at("/resources")
