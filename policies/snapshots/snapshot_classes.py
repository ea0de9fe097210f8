"""Snapshot copy: the storage class on both sides."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.plan.plan_policies import GIVEN
from policies.snapshots.providers import SNAPSHOT_READS, require_seen
from policies.snapshots.snapshot_volumes import provisioner_of, same_storage
from service.core.evidence import Gaps
from service.core.facts.storage_classes import (
    KnownClass,
    StorageClasses,
    destination_classes,
    source_classes,
)
from service.core.facts.volumes import Volume, snapshots, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, at_destination, failed, passed, passes_alone
from service.core.plan_patch import select
from service.core.policy import MigrationPolicy
from service.kinds.mtc import PlanVolume
from service.kinds.resource import Read
from service.kinds.storage import STORAGE_CLASS


class SnapshotSameStorageClass(MigrationPolicy):
    """A volume copied by snapshot keeps its storage class.

    The documentation demands the same class. A class of the same disks under another name is a
    blocker too, though MTC writes the selected class into the restored volume and claim: who has
    tried it waives it. A class of the same name whose provisioner is the CSI driver of the
    in-tree one is a warning.
    """

    id = "MTC614"
    name = "snapshot-same-storage-class"
    title = "Volumes copied by snapshot keep their storage class"
    why = (
        "The snapshot is restored as a disk that its storage class does not support, or not "
        "restored."
    )
    reads = (*SNAPSHOT_READS, Read(STORAGE_CLASS))
    requires = GIVEN
    remedy = (
        "Create the storage class of the source on the destination and select it, or copy the "
        "volume with copyMethod filesystem."
    )
    docs = (links.PREREQUISITES, links.COPY_METHODS)
    chapter = True
    source = "MTC docs, Migration prerequisites, snapshot copy; mig-operator docs/usage/Snapshot.md"
    upstream = ("PvWarnCopyMethodSnapshot",)
    better = "The controller does not compare the storage classes of the two sides."

    def applies(self, migration: Migration) -> None:
        snapshots(migration)

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        chosen = snapshots(migration)
        classes = destination_classes(migration)
        origin = source_classes(migration)
        gaps = Gaps()
        for volume in chosen:
            with gaps.noted():
                fault = _fault(migration, classes, origin, volume)
                if fault is not None:
                    yield fault
        gaps.require_none()
        yield passed(
            migration.destination.subject,
            f"every volume that is copied by snapshot keeps its storage class ({len(chosen)})",
            examined=len(chosen),
        )


def _fault(
    migration: Migration, classes: StorageClasses, origin: StorageClasses, volume: Volume
) -> Outcome | None:
    entry = volume.planned
    if entry is None:
        return None
    name = entry.target_storage_class
    if not name:
        return _wrong(migration, classes, volume, entry, "no target class is selected", "no class")
    target = classes.find(name)
    if target is None:
        why = f"the target class {name} does not exist on the destination"
        return _wrong(migration, classes, volume, entry, why, f"{name}, which does not exist")
    provisioner = _provisioner(migration, origin, volume)
    if not same_storage(provisioner, target.provisioner):
        why = (
            f"it is a disk of {provisioner}, but the target class {name} provisions disks of "
            f"{target.provisioner}"
        )
        found = f"{name} ({target.provisioner})"
        return _wrong(migration, classes, volume, entry, why, found, target)
    if name == volume.source_class and provisioner == target.provisioner:
        return None
    why = (
        f"the target class {name} provisions the same disks ({target.provisioner}), but it is "
        f"not the source's {volume.source_class or 'class'} ({provisioner})"
    )
    found = f"{name} ({target.provisioner})"
    severity = Severity.WARNING if name == volume.source_class else None
    return _wrong(migration, classes, volume, entry, why, found, target, severity)


def _provisioner(migration: Migration, origin: StorageClasses, volume: Volume) -> str:
    """What the volume was made by: what it shows itself, else the class that it came from."""
    if volume.pv is not None:
        made = provisioner_of(volume.pv)
        known = origin.by_name.get(volume.source_class)
        return made or (known.provisioner if known is not None else volume.pv.source)
    named = origin.by_name.get(volume.source_class)
    if named is not None:
        return named.provisioner
    require_seen(migration, (volume,))
    return ""


def _wrong(
    migration: Migration,
    classes: StorageClasses,
    volume: Volume,
    entry: PlanVolume,
    why: str,
    found: str,
    target: KnownClass | None = None,
    severity: Severity | None = None,
) -> Outcome:
    wanted = volume.source_class
    made = provisioner_of(volume.pv) if volume.pv is not None else ""
    pointer = f"/spec/persistentVolumes/{entry.index}/selection/storageClass"
    possible = wanted in classes.by_name and wanted != entry.target_storage_class
    command = select(migration.plan, entry, "storageClass", wanted) if possible else None
    return failed(
        volumes(migration).subject(volume),
        f"volume {volume.name} of claim {volume.hold} is set to be copied by snapshot: {why}",
        migration.plan.ref.at(pointer, entry.target_storage_class),
        *((target.evidence,) if target is not None else ()),
        found=found,
        wanted=(f"{wanted} ({made})" if made else wanted) or "the storage class of the source",
        key="class",
        commands=(command,) if command else (at_destination("oc get storageclass"),),
        severity=severity,
    )
