"""How the data of a plan travels: directly or through the repository, and over which endpoint."""

from __future__ import annotations

from service.core.evidence import NotGathered
from service.core.facts import Fact
from service.core.facts.controllers import setting_of
from service.core.facts.setting_values import is_true, setting
from service.core.migration import Cluster, Migration
from service.core.values import stunnel
from service.kinds.cluster import CONFIG_MAP
from service.kinds.mtc import MTC_NAMESPACE, PlanVolume
from service.kinds.ref import Pointer

ROUTE = "Route"
ENDPOINT_TYPES = ("NodePort", "ClusterIP")
"""Exact values of rsync_endpoint_type that are no route; anything else silently is one
(mig-controller, directvolumemigration/migrate.go)."""


def intra_cluster(migration: Migration) -> bool:
    """Whether source and destination are one cluster, as the plan's references say it."""
    if migration.source is migration.destination:
        return True
    plan = migration.given_plan
    if plan is None or not plan.source_cluster.is_set:
        return False
    return plan.source_cluster == plan.destination_cluster


def storage_conversion(migration: Migration) -> bool:
    """Whether the plan only changes storage classes inside one cluster.

    Intra-cluster with no namespace mapped (mig-controller, migplan/validation.go); such a plan
    needs no replication repository. False without a plan.
    """
    plan = migration.given_plan
    if plan is None or not intra_cluster(migration):
        return False
    return all(item.source == item.destination for item in plan.namespaces)


def rsynced(volume: PlanVolume) -> bool:
    """Whether direct volume migration copies this volume (mig-controller, migmigration/dvm.go).

    A volume whose action is not chosen yet counts: copy is what the controller selects.
    """
    return volume.action in ("copy", "") and volume.copy_method != "snapshot"


def direct_images(migration: Migration) -> Fact[bool]:
    """Whether the controller copies images straight between the registries.

    Raises NotGathered without a plan. Inside one cluster no image is copied.
    """
    plan = migration.plan
    flag = plan.ref.at("/spec/indirectImageMigration", _word(plan.indirect_images))
    if plan.indirect_images or intra_cluster(migration):
        return Fact(False, (flag,))
    for name in ("disable_image_migration", "disable_image_copy"):
        try:
            disabled = setting(migration, name)
        except NotGathered:
            continue  # not set is the default; a MigrationController that says otherwise is rare
        if is_true(disabled.value):
            return Fact(False, disabled.evidence)
    return Fact(True, (flag,))


def endpoint_type(destination: Cluster) -> Fact[str]:
    """``Route``, ``NodePort`` or ``ClusterIP``: how rsync enters the destination.

    ConfigMap migration-cluster-config is what the controller reads, MigrationController what
    the operator writes it from; ``Route``, the default, where neither says otherwise.
    """
    for item in destination.known(CONFIG_MAP, (MTC_NAMESPACE,)):
        if item.ref.name == "migration-cluster-config" and item.ref.namespace == MTC_NAMESPACE:
            found = item.data.get("RSYNC_ENDPOINT_TYPE", "")
            return _type(found, item.ref.at("/data/RSYNC_ENDPOINT_TYPE", found or None))
    try:
        given = setting_of(destination, "rsync_endpoint_type")
    except NotGathered:
        return Fact(ROUTE, ())
    return Fact(given.value if given.value in ENDPOINT_TYPES else ROUTE, given.evidence)


def stunnel_proxy(migration: Migration) -> Fact[stunnel.Reading] | None:
    """The proxy that rsync's stunnel connects through; None where none takes effect.

    Where the host's MigrationController is not known none can be seen; does not raise.
    """
    try:
        value = setting(migration, stunnel.SETTING)
    except NotGathered:
        return None
    reading = stunnel.read(value.value)
    return Fact(reading, value.evidence) if reading.usable else None


def _type(value: str, pointer: Pointer) -> Fact[str]:
    return Fact(value if value in ENDPOINT_TYPES else ROUTE, (pointer,))


def _word(value: bool) -> str:
    return str(value).lower()
