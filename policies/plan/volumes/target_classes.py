"""The storage classes that volumes are copied to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator

from policies import links
from policies.plan.plan_policies import GIVEN
from policies.plan.volumes.destination_claims import arrival
from policies.plan.volumes.static_volumes import require_all, served
from policies.plan.volumes.volume_policies import (
    TARGET_READS,
    PlanVolumePolicy,
    missing_volumes,
    selected_copy,
)
from service.core.evidence import Gaps, NotGathered
from service.core.facts.storage_classes import KnownClass, destination_classes
from service.core.facts.volume_targets import is_copied, kind_of, target_of
from service.core.facts.volumes import Volume, volumes
from service.core.migration import Migration
from service.core.outcome import (
    Outcome,
    Severity,
    at_destination,
    failed,
    passed,
    passes_alone,
    unknown,
)
from service.core.policy import MigrationPolicy, NotApplicable
from service.core.values.wording import few, plural
from service.kinds.ref import Subject
from service.kinds.resource import Read
from service.kinds.storage import CSI_DRIVER, PERSISTENT_VOLUME_CLAIM

STATIC = "kubernetes.io/no-provisioner"
EFS = "efs.csi.aws.com"


class TargetClassSelected(PlanVolumePolicy):
    """Every volume that is copied has a storage class on the destination.

    The controller only warns (PvNoStorageClassSelection), because a claim without a class can
    still bind to a static volume. That is a blocker here unless the destination has such a
    volume for it, large enough and of its modes: without one the claim stays Pending and the
    copy never starts. For a volume that MTC has not discovered, the class that MTC would choose
    by itself is judged.
    """

    id = "MTC720"
    name = "target-class-selected"
    title = "Every volume that is copied has a storage class on the destination"
    why = "The new claim has no storage class and stays Pending, and the copy waits for it."
    reads = TARGET_READS
    remedy = (
        "Select a storage class of the destination for the volume, or mark a storage class of "
        "the destination as its default before MTC discovers the volumes."
    )
    docs = (links.ADVANCED,)
    source = (
        "mig-controller pkg/controller/migplan/validation.go validatePvSelections, "
        "pkg/controller/migplan/pvlist.go getDestStorageClass"
    )
    upstream = ("PvNoStorageClassSelection",)
    better = (
        "A blocker unless static volumes exist. Also predicts the choice of MTC for volumes "
        "that it has not discovered."
    )
    good = "a storage class is selected, or will be found, for every volume that is copied"

    def alike(self, migration: Migration, volume: Volume) -> Hashable | None:
        return kind_of(volume) if volume.planned is None else None

    def faults(self, migration: Migration, volume: Volume) -> Iterator[Outcome]:
        target = target_of(migration, volume)
        if target.name:
            return
        static = arrival(migration, volume) in served(migration, "").claims
        if not static:
            require_all(migration)
        why = (
            "no storage class is selected"
            if target.selected
            else "MTC will not find a storage class for it: no class has its provisioner, and "
            "there is no default class"
        )
        rest = "; only a static volume can be used" if static else ""
        yield failed(
            volumes(migration).subject(volume),
            f"volume {volume.name} of claim {volume.hold} is copied, but {why}{rest}",
            *target.evidence,
            found="no storage class",
            wanted="a storage class of the destination",
            key="class",
            commands=(at_destination("oc get storageclass"),),
            severity=Severity.WARNING if static else None,
        )


class TargetClassExists(PlanVolumePolicy):
    """The selected storage class exists on the destination.

    mig-controller compares with its own list of the last discovery; here the storage classes of
    the destination count first.
    """

    id = "MTC721"
    name = "target-class-exists"
    title = "The selected storage classes exist on the destination"
    why = "The plan does not become Ready (PvInvalidStorageClass)."
    reads = TARGET_READS
    remedy = "Create the storage class on the destination, or select one that exists there."
    docs = (links.ADVANCED,)
    source = "mig-controller pkg/controller/migplan/validation.go validatePvSelections"
    upstream = ("PvInvalidStorageClass",)
    better = "Uses the storage classes of the destination, also before MTC is installed."
    good = "every selected storage class exists on the destination"
    idle = "the plan selects no storage class"
    whole = False

    def concerns(self, volume: Volume) -> bool:
        return (
            selected_copy(volume)
            and volume.planned is not None
            and bool(volume.planned.target_storage_class)
        )

    def faults(self, migration: Migration, volume: Volume) -> Iterator[Outcome]:
        target = target_of(migration, volume)
        classes = destination_classes(migration)
        if classes.find(target.name) is not None:
            return
        known = ", ".join(list(classes.by_name)[:5]) or "none"
        yield failed(
            volumes(migration).subject(volume),
            f"volume {volume.name} of claim {volume.hold} has target class {target.name}, which "
            "does not exist on the destination",
            *target.evidence,
            found=f"{target.name}, which does not exist",
            wanted=f"a storage class of the destination ({known})",
            key="class",
            commands=(at_destination("oc get storageclass"),),
        )


class TargetProvisioner(MigrationPolicy):
    """The provisioners of the classes that are copied to can make volumes.

    A class of ``kubernetes.io/no-provisioner`` makes none: an Available volume for each claim
    must be there, large enough and of its modes (a blocker, for the rest of the claims stays
    Pending). A CSI driver without a
    CSIDriver object is most likely not installed: a warning, as the object is optional and not
    every provisioner is a CSI driver. Volumes of AWS EFS are a known issue of MTC as a
    destination (BZ#2085097): a warning.
    """

    id = "MTC722"
    name = "target-provisioner"
    title = "The target storage classes can provide volumes"
    why = (
        "New claims without a volume stay Pending, and the copy waits. A copy to AWS EFS may fail."
    )
    severity = Severity.WARNING
    reads = (*TARGET_READS, Read(CSI_DRIVER))
    requires = GIVEN
    remedy = (
        "Install the driver of the storage class on the destination, create enough static "
        "volumes, or select another storage class."
    )
    docs = (links.ADVANCED, links.STORAGE)
    source = (
        "Kubernetes storage classes; MTC release notes 1.7, known issue BZ#2085097; "
        "mig-controller pkg/controller/migplan/pvlist.go getDestStorageClass"
    )
    better = "The controller does not check the provisioner of the target class."

    def applies(self, migration: Migration) -> None:
        volumes(migration).require_any(migration)

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        gaps = Gaps(missing_volumes(volumes(migration)))
        count = _counted(migration, gaps)
        judged: list[str] = []
        for name, needed in count.items():
            with gaps.noted():
                target = destination_classes(migration).find(name)
                if target is None:
                    continue  # MTC721
                judged.append(name)
                yield from _provisioner(migration, target, needed)
        gaps.require_none()
        if not judged:
            raise NotApplicable("no volume of the plan is copied to a storage class that exists")
        yield passed(
            migration.destination.subject,
            f"the target storage classes can provide volumes ({', '.join(sorted(judged))})",
            examined=len(judged),
        )


def _counted(migration: Migration, gaps: Gaps) -> Counter[str]:
    """How many volumes are copied to each class."""
    count: Counter[str] = Counter()
    for volume in volumes(migration).items:
        if is_copied(volume):
            with gaps.noted():
                count[target_of(migration, volume).name] += 1
    del count[""]
    return count


def _provisioner(migration: Migration, target: KnownClass, needed: int) -> Iterator[Outcome]:
    subject = Subject(
        migration.destination.name, "storage.k8s.io/v1", "StorageClass", "", target.name
    )
    if target.provisioner == STATIC:
        yield from _static(migration, target, subject, needed)
        return
    if target.provisioner == EFS:
        yield failed(
            subject,
            f"class {target.name} provisions AWS EFS volumes: MTC has a known issue with them as "
            "the target of a copy (BZ#2085097)",
            target.evidence,
            found=EFS,
            wanted="another provisioner",
            key="efs",
        )
    if target.provisioner.startswith("kubernetes.io/"):
        return
    destination = migration.destination
    if any(item.ref.name == target.provisioner for item in destination.known(CSI_DRIVER)):
        return
    try:
        destination.all(CSI_DRIVER)
    except NotGathered as doubt:
        yield unknown(
            subject,
            f"whether the driver {target.provisioner} of class {target.name} is installed is not "
            "known",
            *doubt.missing,
            key="driver",
        )
        return
    yield failed(
        subject,
        f"class {target.name} needs the provisioner {target.provisioner}, but the destination "
        "has no CSIDriver with that name (a provisioner that is not a CSI driver needs none)",
        target.evidence,
        found=f"no CSIDriver {target.provisioner}",
        wanted=f"the driver {target.provisioner}",
        key="driver",
        commands=("oc get csidriver",),
    )


def _static(
    migration: Migration, target: KnownClass, subject: Subject, needed: int
) -> Iterator[Outcome]:
    found = served(migration, target.name)
    if not found.without:
        if found.sizeless:
            raise migration.source.inventory.not_gathered(
                PERSISTENT_VOLUME_CLAIM,
                namespaces=migration.source_namespaces,
                reason="a claim without its size",
            )
        return
    require_all(migration)
    free = needed - len(found.without)
    yield failed(
        subject,
        f"class {target.name} does not provision volumes, and the destination has "
        f"{plural(free, 'Available volume')} of it for {plural(needed, 'claim')}: none with "
        f"sufficient size and matching modes for {few(volume.hold for volume in found.without)}",
        target.evidence,
        found=f"{free} Available volumes",
        wanted=f"{needed} Available volumes of class {target.name}",
        key="static",
        commands=("oc get pv",),
        severity=Severity.BLOCKER,
        observed=float(needed - free),
    )
