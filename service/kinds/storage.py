"""Persistent volumes, claims and what provides them. Volumes come by the ten thousand: keep the
readers cheap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.kinds.cluster import REGION_LABELS, ZONE_LABELS, first
from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import Object, metadata, rows, scalar, strings, table, text, texts


class PersistentVolume(NamedTuple):
    """A persistent volume. (A named tuple for speed, as :class:`Ref`.)

    ``source`` is the volume source's key in the spec (``nfs``, ``csi``, ``hostPath`` …), ``driver``
    the CSI driver or FlexVolume driver, ``server`` the NFS server, ``capacity`` the quantity as
    written, ``zones`` from node affinity and labels. ``backing`` is what several volumes may share:
    an NFS export, a CSI volume; "" if not known.
    """

    ref: Ref
    phase: str
    deleting: bool
    capacity: str
    access_modes: tuple[str, ...]
    volume_mode: str
    storage_class: str
    source: str
    driver: str
    server: str
    claim_namespace: str
    claim_name: str
    claim_uid: str
    region: str
    zone: str
    reason: str
    backing: str = ""


class PersistentVolumeClaim(NamedTuple):
    """A persistent volume claim; ``volume`` is spec.volumeName ("" while unbound).

    ``controller`` is the kind of the object that controls it, by its ownerReferences.
    (A named tuple for speed, as :class:`Ref`.)
    """

    ref: Ref
    phase: str
    deleting: bool
    volume: str
    storage_class: str
    access_modes: tuple[str, ...]
    volume_mode: str
    request: str
    labels: Mapping[str, str]
    controller: str = ""


@dataclass(frozen=True, slots=True)
class StorageClass:
    """A storage class."""

    ref: Ref
    provisioner: str
    default: bool
    binding_mode: str
    parameters: Mapping[str, str]
    zones: tuple[str, ...] = ()
    """The zones of its allowedTopologies; () where it allows all."""


@dataclass(frozen=True, slots=True)
class CSIDriver:
    """A CSI driver that is installed."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class VolumeSnapshotClass:
    """A volume snapshot class and the CSI driver that it belongs to."""

    ref: Ref
    driver: str


BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
"""The annotation that mig-controller falls back to (migplan/pvlist.go getStorageClassName)."""
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
BETA_DEFAULT_CLASS = "storageclass.beta.kubernetes.io/is-default-class"
TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What Go's strconv.ParseBool reads as true, which is how mig-controller reads the annotation."""
NOT_A_SOURCE = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)
"""Fields of a PersistentVolumeSpec that are no volume source; every other key is the source."""


def persistent_volume(value: Object, ref: Ref) -> PersistentVolume:
    """PersistentVolume."""
    meta, spec, status = metadata(value), table(value, "spec", ""), table(value, "status", "")
    labels = table(meta, "labels", "/metadata")
    claim = table(spec, "claimRef", "/spec")
    source = next((key for key in spec if key not in NOT_A_SOURCE), "")
    detail = table(spec, source, "/spec") if source else spec
    region, zone = first(labels, REGION_LABELS), first(labels, ZONE_LABELS)
    if not zone and "nodeAffinity" in spec:
        region, zone = _affinity(spec, region)
    return PersistentVolume(
        ref=ref,
        phase=text(status, "phase", "/status"),
        deleting=meta.get("deletionTimestamp") is not None,
        capacity=scalar(table(spec, "capacity", "/spec"), "storage", "/spec/capacity"),
        access_modes=texts(spec, "accessModes", "/spec"),
        volume_mode=text(spec, "volumeMode", "/spec") or "Filesystem",
        storage_class=text(spec, "storageClassName", "/spec") or _beta_class(meta),
        source=source,
        driver=text(detail, "driver", f"/spec/{source}") if source in ("csi", "flexVolume") else "",
        server=text(detail, "server", "/spec/nfs") if source == "nfs" else "",
        claim_namespace=text(claim, "namespace", "/spec/claimRef"),
        claim_name=text(claim, "name", "/spec/claimRef"),
        claim_uid=text(claim, "uid", "/spec/claimRef"),
        region=region,
        zone=zone,
        reason=text(status, "reason", "/status"),
        backing=_backing(detail, source) if source in _SHARED else "",
    )


_SHARED = {
    "nfs": ("server", "path"),
    "csi": ("driver", "volumeHandle"),
    "cephfs": ("path",),
    "glusterfs": ("endpoints", "path"),
    "azureFile": ("shareName",),
}
"""What names the storage behind a volume, of the sources that several volumes can share."""


def _backing(detail: Object, source: str) -> str:
    names = [text(detail, key, f"/spec/{source}").rstrip("/") for key in _SHARED[source]]
    return f"{source}:{':'.join(names)}" if names[-1] else ""


def _affinity(spec: Object, region: str) -> tuple[str, str]:
    """Region and zone out of the node affinity, where a volume has no such labels."""
    zone = ""
    affinity = table(spec, "nodeAffinity", "/spec")
    required = table(affinity, "required", "/spec/nodeAffinity")
    for term in rows(required, "nodeSelectorTerms", "/spec/nodeAffinity/required"):
        for row in rows(term, "matchExpressions", "/spec/nodeAffinity/required"):
            values = texts(row, "values", "/spec/nodeAffinity/required")
            key = row.get("key")
            if key in REGION_LABELS and values:
                region = region or values[0]
            if (key in ZONE_LABELS or str(key).endswith("/zone")) and values:
                zone = zone or values[0]
    return region, zone


def _beta_class(meta: Object) -> str:
    annotations = meta.get("annotations")
    if not isinstance(annotations, dict):
        return ""
    return text(annotations, BETA_CLASS, "/metadata/annotations")


def persistent_volume_claim(value: Object, ref: Ref) -> PersistentVolumeClaim:
    """PersistentVolumeClaim."""
    meta, spec, status = metadata(value), table(value, "spec", ""), table(value, "status", "")
    resources = table(spec, "resources", "/spec")
    requests = table(resources, "requests", "/spec/resources")
    return PersistentVolumeClaim(
        ref=ref,
        phase=text(status, "phase", "/status"),
        deleting=meta.get("deletionTimestamp") is not None,
        volume=text(spec, "volumeName", "/spec"),
        storage_class=text(spec, "storageClassName", "/spec") or _beta_class(meta),
        access_modes=texts(spec, "accessModes", "/spec"),
        volume_mode=text(spec, "volumeMode", "/spec") or "Filesystem",
        request=scalar(requests, "storage", "/spec/resources/requests"),
        labels=table(meta, "labels", "/metadata"),
        controller=next(
            (
                text(row, "kind", "/metadata/ownerReferences")
                for row in rows(meta, "ownerReferences", "/metadata")
                if row.get("controller") is True
            ),
            "",
        )
        if "ownerReferences" in meta
        else "",
    )


def storage_class(value: Object, ref: Ref) -> StorageClass:
    """StorageClass."""
    annotations = strings(metadata(value), "annotations", "/metadata")
    marked = annotations.get(DEFAULT_CLASS) or annotations.get(BETA_DEFAULT_CLASS) or ""
    return StorageClass(
        ref=ref,
        provisioner=text(value, "provisioner", ""),
        default=marked in TRUE,
        binding_mode=text(value, "volumeBindingMode", ""),
        parameters=strings(value, "parameters", ""),
        zones=tuple(_allowed(value)),
    )


def _allowed(value: Object) -> Iterator[str]:
    """The zones of allowedTopologies, whose keys are labels of nodes, some of a CSI driver."""
    for term in rows(value, "allowedTopologies", ""):
        at = "/allowedTopologies"
        for row in rows(term, "matchLabelExpressions", at):
            key = text(row, "key", at)
            if key in ZONE_LABELS or key.endswith("/zone"):
                yield from texts(row, "values", at)


def csi_driver(value: Object, ref: Ref) -> CSIDriver:
    """CSIDriver."""
    return CSIDriver(ref)


def volume_snapshot_class(value: Object, ref: Ref) -> VolumeSnapshotClass:
    """VolumeSnapshotClass; its alpha form called the driver "snapshotter"."""
    return VolumeSnapshotClass(ref, text(value, "driver", "") or text(value, "snapshotter", ""))


PERSISTENT_VOLUME = Resource(
    "PersistentVolume", "persistentvolumes", persistent_volume, title="persistent volumes"
)
PERSISTENT_VOLUME_CLAIM = Resource(
    "PersistentVolumeClaim", "persistentvolumeclaims", persistent_volume_claim, namespaced=True,
    title="persistent volume claims",
)  # fmt: skip
STORAGE_CLASS = Resource(
    "StorageClass", "storageclasses", storage_class, ("storage.k8s.io",), title="storage classes"
)
CSI_DRIVER = Resource(
    "CSIDriver", "csidrivers", csi_driver, ("storage.k8s.io",), releases=(4,), title="CSI drivers"
)
VOLUME_SNAPSHOT_CLASS = Resource(
    "VolumeSnapshotClass", "volumesnapshotclasses", volume_snapshot_class,
    ("snapshot.storage.k8s.io",), releases=(4,), title="volume snapshot classes",
)  # fmt: skip
