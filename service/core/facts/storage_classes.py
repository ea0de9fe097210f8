"""Which storage classes a cluster has, from its objects or from what MTC wrote into the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.core.evidence import NotGathered
from service.core.migration import Cluster, Migration
from service.kinds.mtc import PlanStorageClass
from service.kinds.ref import Pointer
from service.kinds.storage import STORAGE_CLASS


@dataclass(frozen=True, slots=True)
class KnownClass:
    """A storage class.

    ``access_modes`` by volume mode is what MTC noted in the plan's status, None where only the
    object is known. ``binding_mode`` is "" where only the plan's status is known.
    """

    name: str
    provisioner: str
    default: bool
    binding_mode: str
    access_modes: Mapping[str, tuple[str, ...]] | None
    evidence: Pointer


@dataclass(frozen=True, slots=True)
class StorageClasses:
    """The known classes by name, in list order; ``missing`` says why there may be more."""

    by_name: Mapping[str, KnownClass]
    missing: NotGathered | None

    def find(self, name: str) -> KnownClass | None:
        """One class; None only where it is known to be absent. Raises NotGathered."""
        found = self.by_name.get(name)
        if found is None and self.missing is not None:
            raise self.missing
        return found

    def all(self) -> tuple[KnownClass, ...]:
        """Every class of the cluster. Raises NotGathered where there may be more."""
        if self.missing is not None:
            raise self.missing
        return tuple(self.by_name.values())


def destination_classes(migration: Migration) -> StorageClasses:
    """The destination's classes: the objects, else MigPlan.status.destStorageClasses."""
    return migration.derive(_destination)


def source_classes(migration: Migration) -> StorageClasses:
    """The source's classes: the objects, else MigPlan.status.srcStorageClasses."""
    return migration.derive(_source)


def _destination(migration: Migration) -> StorageClasses:
    plan = migration.given_plan
    noted = plan.destination_storage_classes if plan else ()
    return _classes(migration, migration.destination, noted, "destStorageClasses")


def _source(migration: Migration) -> StorageClasses:
    plan = migration.given_plan
    noted = plan.source_storage_classes if plan else ()
    return _classes(migration, migration.source, noted, "srcStorageClasses")


def _classes(
    migration: Migration, cluster: Cluster, noted: tuple[PlanStorageClass, ...], key: str
) -> StorageClasses:
    found: dict[str, KnownClass] = {}
    missing: NotGathered | None = None
    modes = {item.name: item.access_modes for item in noted}
    try:
        objects = cluster.all(STORAGE_CLASS)
    except NotGathered as reason:
        # An object is believed over the note in the plan, but only the note may be whole.
        found = _noted(migration, noted, key)
        missing = None if noted else reason
        objects = cluster.known(STORAGE_CLASS)
    for item in objects:
        found[item.ref.name] = KnownClass(
            item.ref.name,
            item.provisioner,
            item.default,
            item.binding_mode or "Immediate",
            modes.get(item.ref.name),
            item.ref.at("/provisioner", item.provisioner),
        )
    return StorageClasses(found, missing)


def _noted(
    migration: Migration, noted: tuple[PlanStorageClass, ...], key: str
) -> dict[str, KnownClass]:
    plan = migration.plan if noted else None
    if plan is None:
        return {}
    return {
        item.name: KnownClass(
            item.name,
            item.provisioner,
            item.default,
            "",
            item.access_modes,
            plan.ref.at(f"/status/{key}/{index}/provisioner", item.provisioner),
        )
        for index, item in enumerate(noted)
    }
