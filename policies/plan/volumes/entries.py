"""What a plan says of its volumes: Ceph for GlusterFS, names of claims, storage conversion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies import links
from policies.plan.plan_policies import GIVEN
from policies.plan.volumes.destination_claims import arrival
from policies.plan.volumes.volume_policies import TARGET_READS, PlanVolumePolicy
from policies.volumes.valid import VOLUME_READS
from service.core.evidence import NotGathered
from service.core.facts.plan_type import intra_cluster, storage_conversion
from service.core.facts.storage_classes import destination_classes
from service.core.facts.volume_targets import is_copied, target_of, wanted_provisioner
from service.core.facts.volumes import Volume, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, at_destination, failed, passed, passes_alone
from service.core.policy import MigrationPolicy, NotApplicable
from service.core.values.names import is_subdomain
from service.kinds.mtc import MIG_CLUSTER, PlanVolume
from service.kinds.ref import Pointer
from service.kinds.resource import Read


class CephAvailable(PlanVolumePolicy):
    """A GlusterFS volume finds Ceph on the destination.

    MTC copies GlusterFS to CephFS (or Ceph RBD for ReadWriteOnce) and falls back to the default
    class. That is a warning as upstream: the default class may serve as well, but not for an
    application that shares its volume between nodes. A class that somebody selected other than
    the default is taken as meant.
    """

    id = "MTC725"
    name = "ceph-available"
    title = "GlusterFS volumes are copied to Ceph storage on the destination"
    why = "The copy goes to the default storage class, which may not be shared file storage."
    severity = Severity.WARNING
    reads = (*TARGET_READS, Read(MIG_CLUSTER))
    remedy = "Install OpenShift Data Foundation, or select a storage class."
    docs = (links.ADVANCED,)
    source = "mig-controller pkg/controller/migplan/pvlist.go getDestStorageClass"
    upstream = ("PvWarnNoCephAvailable",)
    better = "Predicts the choice before discovery. Passes when another class has been selected."
    good = "every GlusterFS volume is copied to Ceph or to a selected class"
    idle = "no GlusterFS volume is copied to another cluster"

    def concerns(self, volume: Volume) -> bool:
        # GlusterFS volumes have that source, glusterblock volumes are iSCSI to Kubernetes.
        return is_copied(volume) and (
            volume.pv is None or volume.pv.source in ("glusterfs", "iscsi")
        )

    def faults(self, migration: Migration, volume: Volume) -> Iterator[Outcome]:
        wanted, gluster = wanted_provisioner(migration, volume)
        if not gluster or intra_cluster(migration):
            raise NotApplicable(self.idle)
        classes = destination_classes(migration)
        if any(item.provisioner == wanted for item in classes.all()):
            return
        target = target_of(migration, volume)
        chosen = classes.find(target.name) if target.name else None
        if chosen is None:
            raise NotApplicable("see MTC720 and MTC721")
        if target.selected and not chosen.default:
            return
        yield failed(
            volumes(migration).subject(volume),
            f"GlusterFS volume {volume.name} of claim {volume.hold} is copied to the default "
            f"class {chosen.name} ({chosen.provisioner}), because the destination has no Ceph "
            "class",
            *target.evidence,
            found=f"{chosen.name} ({chosen.provisioner})",
            wanted=f"a storage class whose provisioner ends with {wanted}",
            key="ceph",
            commands=(at_destination("oc get storageclass"),),
        )


class ClaimNamesDistinct(PlanVolumePolicy):
    """The claims of a plan have names on the destination, and no two have the same.

    Two claims that are mapped to one name, or to what is no name of an object, cannot both arrive;
    the controller does not look at that. In a storage conversion it gives each target a name of
    its own (``<name>-mig-<suffix>``), so a claim that keeps its name there is no fault.
    """

    id = "MTC726"
    name = "claim-names-distinct"
    title = "Every claim of the plan has a unique name on the destination"
    why = "The data of two claims are written into one, or the plan does not become ready."
    reads = VOLUME_READS
    remedy = "Map the claims to different names: pvc.name is source:target in the plan."
    docs = (links.ADVANCED, links.CONVERSION)
    source = (
        "mig-controller pkg/controller/migplan/validation.go validatePvSelections, "
        "pkg/apis/migration/v1alpha1/migplan_types.go GetTargetName"
    )
    upstream = ("PvNameConflict",)
    better = (
        "Detects two claims mapped to one name, also across mapped namespaces, and invalid "
        "names. The controller only compares the two halves of one name."
    )
    good = "every claim of the plan has a unique name on the destination"
    idle = "the plan lists no volume"
    whole = False

    def concerns(self, volume: Volume) -> bool:
        return volume.planned is not None and bool(volume.planned.pvc_name)

    def faults(self, migration: Migration, volume: Volume) -> Iterator[Outcome]:
        entry = volume.planned
        if entry is None:
            return
        namespace, name = arrival(migration, volume)
        first = migration.derive(_first_to_arrive).get((namespace, name), entry.index)
        if first != entry.index:
            other = (migration.plan.volumes or ())[first]
            yield failed(
                volumes(migration).subject(volume),
                f"claims {other.pvc_namespace}/{other.pvc_name} and {volume.hold} are both mapped "
                f"to {namespace}/{name}",
                _mapping(migration, entry),
                migration.plan.ref.at(f"/spec/persistentVolumes/{first}/pvc/name", other.pvc_name),
                found=f"{namespace}/{name} twice",
                wanted="a unique name for every claim",
                key="target",
            )
        if not is_subdomain(name):
            yield failed(
                volumes(migration).subject(volume),
                f"claim {volume.hold} is mapped to {name!r}, which is not a valid name of a claim",
                _mapping(migration, entry),
                found=name[:80],
                wanted="at most 253 lower-case letters, digits, - and .",
                key="target-name",
            )


def _mapping(migration: Migration, entry: PlanVolume) -> Pointer:
    unmapped = entry.pvc_target == entry.pvc_name
    text = entry.pvc_name if unmapped else f"{entry.pvc_name}:{entry.pvc_target}"
    return migration.plan.ref.at(f"/spec/persistentVolumes/{entry.index}/pvc/name", text)


def _first_to_arrive(migration: Migration) -> Mapping[tuple[str, str], int]:
    """Which entry of the plan is the first to arrive under a namespace and name."""
    found: dict[tuple[str, str], int] = {}
    for volume in volumes(migration).items:
        if volume.planned is None or not volume.planned.pvc_name:
            continue
        key = arrival(migration, volume)
        found[key] = min(found.get(key, volume.planned.index), volume.planned.index)
    return found


class StorageConversionPossible(MigrationPolicy):
    """A plan within one cluster has something to convert, and a class to convert it to.

    Of its two conditions of one type the controller keeps only the last; here both are reported.
    """

    id = "MTC727"
    name = "storage-conversion-possible"
    title = "A storage conversion has a volume to convert and a second storage class"
    why = "The plan does not become Ready (StorageClassConversionUnavailable)."
    reads = (*TARGET_READS, Read(MIG_CLUSTER))
    requires = GIVEN
    remedy = "Set at least one volume of the plan to copy, and add a second storage class."
    docs = (links.CONVERSION,)
    source = "mig-controller pkg/controller/migplan/validation.go, storage conversion"
    upstream = ("StorageClassConversionUnavailable",)
    better = "Reports both reasons together. The controller overwrites the first with the second."

    def applies(self, migration: Migration) -> None:
        if not storage_conversion(migration):
            raise NotApplicable("the plan is not a storage class conversion within one cluster")

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan = migration.plan
        found = volumes(migration)
        if not any(is_copied(volume) for volume in found.items):
            found.require_claims()
            yield failed(
                plan.ref.subject,
                "no volume of the plan is to be converted",
                plan.ref.at("/spec/persistentVolumes"),
                found=f"{found.skipped} skipped volumes" if found.skipped else "no volume",
                wanted="at least one volume with action copy",
                key="volumes",
            )
        missing: NotGathered | None = None
        try:
            classes = destination_classes(migration).all()
        except NotGathered as reason:
            classes, missing = (), reason
        if missing is not None and len(destination_classes(migration).by_name) < 2:
            raise missing
        if missing is None and len(classes) < 2:
            yield failed(
                plan.ref.subject,
                "a storage conversion needs two storage classes",
                *(item.evidence for item in classes),
                found=", ".join(item.name for item in classes) or "no storage class",
                wanted="at least two storage classes",
                key="classes",
                commands=(at_destination("oc get storageclass"),),
            )
        yield passed(
            plan.ref.subject,
            "the plan has a volume to convert and a target class",
            plan.ref.at("/spec/persistentVolumes"),
        )
