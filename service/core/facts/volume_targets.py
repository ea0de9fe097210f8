"""Where a volume's copy goes: the storage class, selected in the plan or chosen by MTC."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from service.core.evidence import NotGathered
from service.core.facts.storage_classes import KnownClass, destination_classes, source_classes
from service.core.facts.volumes import COPY, Volume
from service.core.migration import Migration
from service.core.values.quantity import parse_or_none
from service.kinds.ref import Pointer
from service.kinds.storage import PERSISTENT_VOLUME

CEPHFS = "cephfs.csi.ceph.com"
CEPH_RBD = "rbd.csi.ceph.com"


@dataclass(frozen=True, slots=True)
class VolumeTarget:
    """The class of a volume's copy; ``name`` "" means that none is selected.

    ``selected`` distinguishes the plan's choice from MTC's default for a volume that it has not
    discovered.
    """

    name: str
    selected: bool
    evidence: tuple[Pointer, ...]


def is_copied(volume: Volume) -> bool:
    """Whether the data are copied: selected so, or MTC's default (hostPath is skipped)."""
    if volume.planned is not None:
        return volume.planned.action == COPY
    if volume.left_out:
        return False
    return volume.pv is None or volume.pv.source != "hostPath"


def target_of(migration: Migration, volume: Volume) -> VolumeTarget:
    """The target class of a volume that is copied. Raises NotGathered.

    The default for a volume without plan entry is mig-controller's
    (migplan/pvlist.go getDestStorageClass): Ceph for GlusterFS and NFS, else a class of the
    source's provisioner (the one of the same name first), else the default class.
    """
    entry = volume.planned
    if entry is not None:
        at = f"/spec/persistentVolumes/{entry.index}/selection/storageClass"
        pointer = migration.plan.ref.at(at, entry.target_storage_class)
        return VolumeTarget(entry.target_storage_class, True, (pointer,))
    return _default_of_kind(migration, volume)


def kind_of(volume: Volume) -> tuple[object, ...]:
    """What MTC's default for a volume depends on: volumes of one kind get the same class."""
    source = volume.pv.source if volume.pv is not None else None
    return volume.source_class, source, access_modes(volume), volume.mode


def _default_of_kind(migration: Migration, volume: Volume) -> VolumeTarget:
    known = migration.derive(_defaults)
    kind = kind_of(volume)
    found = known.get(kind)
    if found is None:
        try:
            found = _default(migration, volume)
        except NotGathered as missing:
            found = missing
        known[kind] = found
    if isinstance(found, NotGathered):
        raise found.with_traceback(None)
    return found


def _defaults(migration: Migration) -> dict[tuple[object, ...], VolumeTarget | NotGathered]:
    """The defaults found so far; ten thousand volumes have a handful of kinds."""
    return {}


def wanted_provisioner(migration: Migration, volume: Volume) -> tuple[str, bool]:
    """The provisioner that MTC looks for by default, and whether that is Ceph for GlusterFS.

    A Ceph suffix represents itself where no class of the destination ends with it.
    """
    if volume.pv is None:
        raise migration.source.inventory.not_gathered(PERSISTENT_VOLUME)
    name = volume.source_class
    origin = source_classes(migration).find(name) if name else None
    provisioner = origin.provisioner if origin is not None else ""
    gluster = (
        provisioner == "kubernetes.io/glusterfs"
        or provisioner.startswith("gluster.org/glusterblock")
        or volume.pv.source == "glusterfs"
    )
    if not gluster and volume.pv.source != "nfs":
        return provisioner, False
    modes = volume.claim.access_modes if volume.claim is not None else volume.pv.access_modes
    suffix = CEPH_RBD if "ReadWriteOnce" in modes and "ReadWriteMany" not in modes else CEPHFS
    for item in sorted(destination_classes(migration).all(), key=lambda item: item.name):
        if item.provisioner.endswith(suffix):
            return item.provisioner, gluster and volume.pv.source != "nfs"
    return suffix, gluster and volume.pv.source != "nfs"


def _default(migration: Migration, volume: Volume) -> VolumeTarget:
    provisioner, _ = wanted_provisioner(migration, volume)
    same = destination_classes(migration).by_name.get(volume.source_class)
    if same is not None and same.provisioner == provisioner:
        return _chosen(same)  # whatever other classes there are
    # The controller takes the first of the API's list, which is in the order of names.
    classes = sorted(destination_classes(migration).all(), key=lambda item: item.name)
    fitting = [item for item in classes if item.provisioner == provisioner]
    if fitting:
        return _chosen(fitting[0])
    fallback = next((item for item in classes if item.default), None)
    return _chosen(fallback) if fallback is not None else VolumeTarget("", False, ())


def _chosen(item: KnownClass) -> VolumeTarget:
    return VolumeTarget(item.name, False, (item.evidence,))


def requested(volume: Volume) -> Decimal | None:
    """Bytes that the new claim asks for; None where no size is given.

    What the claim on the source asks for; without it, what the plan or the volume has.
    """
    if volume.claim is not None:
        return parse_or_none(volume.claim.request)
    if volume.planned is not None:
        return parse_or_none(volume.planned.capacity)
    return parse_or_none(volume.pv.capacity) if volume.pv is not None else None


def access_modes(volume: Volume) -> tuple[str, ...]:
    """The claim's access modes: of the plan where it has them, as the controller reads them."""
    if volume.planned is not None and volume.planned.pvc_access_modes:
        return volume.planned.pvc_access_modes
    if volume.claim is not None:
        return volume.claim.access_modes
    return volume.pv.access_modes if volume.pv is not None else ()
