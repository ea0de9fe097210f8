"""What a report says of each cluster."""

from __future__ import annotations

from service.core.evidence import NotGathered
from service.core.facts.mtc import mtc_version
from service.core.facts.place import platform
from service.core.facts.release import openshift
from service.core.migration import Cluster, Migration
from service.core.report import ClusterSummary


def summarise(migration: Migration, cluster: Cluster) -> ClusterSummary:
    """The cluster in a line; what is not known is ""."""
    shelves = (cluster.inventory.shelf(item) for item in cluster.inventory.resources())
    return ClusterSummary(
        role=cluster.role,
        name=cluster.name,
        given=cluster.given,
        host=migration.is_host(cluster),
        openshift=_openshift(cluster),
        mtc=_mtc(migration, cluster),
        platform=_platform(cluster),
        objects=sum(len(shelf.entries) for shelf in shelves if shelf),
    )


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
