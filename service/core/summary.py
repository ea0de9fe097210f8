"""What a report says of each cluster."""

from __future__ import annotations

from typing import Any

from service.core.evidence import NotGathered
from service.core.facts import cloud, mtc_release, release
from service.core.facts.cloud import platform
from service.core.facts.mtc_release import mtc_version
from service.core.facts.release import openshift
from service.core.inventory import Entry
from service.core.migration import Cluster, Migration
from service.core.report import ClusterSummary
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN, MIG_STORAGE
from service.kinds.resource import Read

READS: tuple[Read[Any], ...] = (
    *mtc_release.READS, *cloud.READS, *release.READS,
    Read(MIG_PLAN), Read(MIG_CLUSTER), Read(MIG_STORAGE),
)  # fmt: skip
"""What is read of every evaluation: what a report says of its clusters, and which is which."""


def summarise(migration: Migration, cluster: Cluster) -> ClusterSummary:
    """The cluster in a line; what is not known is ""."""
    return ClusterSummary(
        role=cluster.role,
        name=cluster.name,
        given=is_given(cluster),
        host=migration.is_host(cluster),
        openshift=_openshift(cluster),
        mtc=_mtc(migration, cluster),
        platform=_platform(cluster),
        objects=own_objects(cluster),
        namespaces=_namespaces(migration, cluster),
    )


def is_given(cluster: Cluster) -> bool:
    """Whether the input holds something of the cluster: the plan alone says nothing of it."""
    if not cluster.given or cluster.declared:
        return cluster.given
    shelves = cluster.inventory.shelves()
    loose = any(shelf.entries for shelf in shelves) and not own_objects(cluster)
    return not loose or any(shelf.lists for shelf in shelves)


def own_objects(cluster: Cluster) -> int:
    """How many objects are evidence of the cluster itself."""
    shelves = cluster.inventory.shelves()
    return sum(not _loose(entry) for shelf in shelves for entry in shelf.entries)


def _namespaces(migration: Migration, cluster: Cluster) -> tuple[str, ...]:
    """The plan's namespaces on a cluster: on both sides of a migration within one, both names."""
    rows = migration.given_plan.namespaces if migration.given_plan else ()
    names = [item.source for item in rows if cluster is migration.source]
    names += [item.destination for item in rows if cluster is migration.destination]
    return tuple(dict.fromkeys(names))


_LOOSE_PARTS = ("plan", "storage", "controller")
_LOOSE_KEYS = tuple(f"/{part}" for part in _LOOSE_PARTS)


def _loose(entry: Entry) -> bool:
    """Whether an object came as a part of its own: it says nothing of the cluster that has it."""
    return entry.origin.part in _LOOSE_PARTS or entry.base.startswith(_LOOSE_KEYS)


def _openshift(cluster: Cluster) -> str:
    try:
        return str(openshift(cluster).value)
    except NotGathered:
        return ""


def _mtc(migration: Migration, cluster: Cluster) -> str:
    try:
        return mtc_version(migration, cluster).value
    except NotGathered:
        return ""


def _platform(cluster: Cluster) -> str:
    try:
        return platform(cluster).value
    except NotGathered:
        return ""
