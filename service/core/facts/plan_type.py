"""What kind of migration a plan is, as mig-controller infers it."""

from __future__ import annotations

from urllib.parse import urlsplit

from service.core.evidence import NotGathered
from service.core.facts.topology import mig_cluster
from service.core.migration import Migration
from service.kinds.mtc import MigPlan

TYPE_CONDITION = "MigrationTypeIdentified"
CONVERSION = "StorageConversionPlan"
STATE = "StateMigrationPlan"


def intra_cluster(migration: Migration) -> bool:
    """Whether source and destination are one cluster.

    As mig-controller (api/migplan_types.go IsIntraCluster): the MigClusters' URLs have the same
    host. Without them: the plan names one MigCluster twice.
    """
    plan = migration.plan
    if plan.source_cluster.is_set and plan.source_cluster == plan.destination_cluster:
        return True
    try:
        source = mig_cluster(migration, migration.source)
        destination = mig_cluster(migration, migration.destination)
    except NotGathered:
        return False
    if source.is_host != destination.is_host and not (source.url and destination.url):
        return False  # the host's own has no URL; a remote one without is malformed (MTC770)
    return _host(source.url) == _host(destination.url)


def _host(url: str) -> str:
    """Host and port of a URL; one that cannot be read represents itself."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return url


def copies_images(plan: MigPlan) -> bool:
    """Whether migrations of this plan copy images: not those that MTC knows for volumes only.

    It takes back its own demand for registries there (migplan/validation.go,
    validatePossibleMigrationTypes).
    """
    condition = plan.conditions.get(TYPE_CONDITION)
    return (
        condition is None
        or condition.status != "True"
        or condition.reason not in (STATE, CONVERSION)
    )


def storage_conversion(migration: Migration) -> bool:
    """Whether the plan changes the storage class of claims within one cluster.

    What MTC has written into the plan's status, else its rule: one cluster, direct, and no
    namespace mapped to another. Raises NotGathered without a plan.
    """
    plan = migration.plan
    condition = plan.conditions.get(TYPE_CONDITION)
    if condition is not None and condition.status == "True" and condition.reason:
        return condition.reason == CONVERSION
    if plan.indirect_images or plan.indirect_volumes:
        return False
    mapped = any(item.source != item.destination for item in plan.namespaces)
    return not mapped and intra_cluster(migration)
