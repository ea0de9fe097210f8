"""The access modes of the new claims."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from policies import links
from policies.plan.volumes.volume_policies import TARGET_READS, PlanVolumePolicy, selected_copy
from policies.volumes.valid import VOLUME_READS
from service.core.access_modes import AUTO, RWO, RWOP, SELECTABLE, has_block, modes_of
from service.core.facts.storage_classes import KnownClass, destination_classes
from service.core.facts.volume_targets import access_modes, kind_of, target_of
from service.core.facts.volumes import Volume, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, at_destination, failed
from service.core.plan_patch import select
from service.core.policy import NotApplicable
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM

STATIC = "kubernetes.io/no-provisioner"
SHORT = {
    "rwo": "ReadWriteOnce",
    "rox": "ReadOnlyMany",
    "rwx": "ReadWriteMany",
    **{mode.lower(): mode for mode in SELECTABLE},
}


class AccessModeValid(PlanVolumePolicy):
    """A selected access mode is one that MTC knows.

    The controller compares exactly and, unlike Kubernetes, knows no ReadWriteOncePod. It looks
    at the mode only where the storage class exists; here it is looked at always.
    """

    id = "MTC723"
    name = "access-mode-valid"
    title = "The selected access modes are ones that MTC knows"
    why = "The plan does not become Ready (PvInvalidAccessMode)."
    reads = VOLUME_READS
    remedy = (
        "Select ReadWriteOnce, ReadOnlyMany, ReadWriteMany or auto, or remove the selection to "
        "keep the access modes of the claim."
    )
    docs = (links.ADVANCED,)
    source = "mig-controller pkg/controller/migplan/validation.go validAccessModes"
    upstream = ("PvInvalidAccessMode",)
    better = "Also found where the storage class does not exist either."
    good = "every selected access mode is one that MTC knows"
    idle = "the plan selects no access mode"
    whole = False

    def concerns(self, volume: Volume) -> bool:
        return (
            selected_copy(volume)
            and volume.planned is not None
            and bool(volume.planned.target_access_mode)
        )

    def faults(self, migration: Migration, volume: Volume) -> Iterator[Outcome]:
        entry = volume.planned
        if entry is None or entry.target_access_mode in SELECTABLE:
            return
        mode = entry.target_access_mode
        meant = SHORT.get(mode.strip().lower(), "")
        hint = f" (write {meant})" if meant else ""
        yield failed(
            volumes(migration).subject(volume),
            f"volume {volume.name} of claim {volume.hold}: MTC does not know access mode "
            f"{mode}{hint}",
            migration.plan.ref.at(
                f"/spec/persistentVolumes/{entry.index}/selection/accessMode", mode
            ),
            found=mode,
            wanted=meant or ", ".join(sorted(SELECTABLE)),
            key="access-mode",
            commands=(select(migration.plan, entry, "accessMode", meant),) if meant else (),
        )


class AccessModeAvailable(PlanVolumePolicy):
    """The target class can provide the access modes of the claim.

    Which modes a provisioner has is mig-controller's own table, and for the CSI drivers that it
    does not know, the OpenShift documentation. The controller only warns. Here it is a blocker,
    because a provisioner refuses a claim whose mode it does not have, and the copy waits for it for
    ever. Warnings are: only some of several modes are available (the controller accepts one),
    ReadWriteOncePod (which the controller does not know), and a provisioner whose modes are not
    known (the controller assumes only ReadWriteOnce file systems).
    """

    id = "MTC724"
    name = "access-mode-available"
    title = "The target storage classes provide the access modes of the claims"
    why = (
        "A claim whose modes the provisioner does not support stays Pending, and its copy "
        "never starts."
    )
    reads = TARGET_READS
    remedy = (
        "Select a storage class that provides the access mode (file storage for ReadWriteMany), "
        "or select another access mode if the application can use it."
    )
    docs = (links.ADVANCED, links.STORAGE)
    source = (
        "mig-controller pkg/apis/migration/v1alpha1/migcluster_types.go (access modes of "
        "provisioners), pkg/controller/migplan/validation.go validatePvSelections; OpenShift "
        "storage documentation, access modes"
    )
    upstream = ("PvWarnAccessModeUnavailable",)
    better = (
        "A blocker if it is certain. Knows the CSI drivers of OpenShift for which the "
        "controller warns without reason (EFS, Azure File, Manila). Checks every mode of the "
        "claim, and predicts the result for volumes that are not discovered."
    )
    good = "the target storage classes provide the access modes of the claims"
    idle = "no volume is copied to a storage class that exists and whose modes are to be checked"

    def alike(self, migration: Migration, volume: Volume) -> Hashable | None:
        return kind_of(volume) if volume.planned is None else None

    def faults(self, migration: Migration, volume: Volume) -> Iterator[Outcome]:
        target = target_of(migration, volume)
        known = destination_classes(migration).find(target.name) if target.name else None
        if known is None or known.provisioner == STATIC:
            raise NotApplicable("see MTC720, MTC721 and MTC722")
        wanted = _requested(migration, volume)
        if not wanted:
            return
        offered = modes_of(known.provisioner, volume.mode)
        if offered is None:
            if set(wanted) <= {RWO} and (volume.mode != "Block" or has_block(known.provisioner)):
                return
            yield _fault(migration, volume, known, wanted, "", Severity.WARNING)
            return
        lacking = [mode for mode in wanted if mode not in offered]
        if lacking:
            # Kubernetes gives ReadWriteOncePod wherever a driver has ReadWriteOnce; MTC only warns.
            certain = len(lacking) == len(wanted) and lacking != [RWOP]
            severity = None if certain else Severity.WARNING
            offers = ", ".join(sorted(offered)) or "no raw block volumes"
            yield _fault(migration, volume, known, tuple(lacking), offers, severity)


def _requested(migration: Migration, volume: Volume) -> tuple[str, ...]:
    """The modes of the new claim; () where MTC chooses one itself."""
    entry = volume.planned
    if entry is not None and entry.target_access_mode:
        mode = entry.target_access_mode
        if mode not in SELECTABLE:
            raise NotApplicable("see MTC723")
        return () if mode == AUTO else (mode,)
    modes = access_modes(volume)
    if not modes:
        raise migration.source.inventory.not_gathered(
            PERSISTENT_VOLUME_CLAIM, namespaces=migration.source_namespaces
        )
    return modes


def _fault(
    migration: Migration,
    volume: Volume,
    known: KnownClass,
    wanted: tuple[str, ...],
    offers: str,
    severity: Severity | None,
) -> Outcome:
    modes = ", ".join(wanted)
    kind = "block" if volume.mode == "Block" else "file system"
    why = (
        f"which has {offers}" + " only" * offers.startswith("Read")
        if offers
        else f"and whether that has {modes} for {kind} volumes is not documented"
        + "; MTC assumes "
        + ("having none" if volume.mode == "Block" else "ReadWriteOnce only")
    )
    return failed(
        volumes(migration).subject(volume),
        f"claim {volume.hold} needs {modes} from class {known.name} ({known.provisioner}), {why}",
        known.evidence,
        found=f"{known.provisioner}: {offers or 'not known'}",
        wanted=modes,
        key="access-mode",
        commands=(at_destination("oc get storageclass"),),
        severity=severity,
    )
