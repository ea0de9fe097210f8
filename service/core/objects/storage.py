"""Persistent volumes, claims and what provides them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.core.evidence import Ref


class PersistentVolume(NamedTuple):
    """A persistent volume. (A named tuple for speed, as :class:`Ref`.)

    ``source`` is the volume source's key in the spec (``nfs``, ``csi``, ``hostPath`` …),
    ``driver`` the CSI driver or FlexVolume driver, ``server`` the NFS server,
    ``capacity`` the quantity as written, ``zones`` from node affinity and labels. ``backing`` is
    what several volumes may stand for: an NFS export, a CSI volume; "" where that is not told.
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


@dataclass(frozen=True, slots=True)
class StorageClass:
    """A storage class."""

    ref: Ref
    provisioner: str
    default: bool
    binding_mode: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CSIDriver:
    """A CSI driver that is installed."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class VolumeSnapshotClass:
    """A volume snapshot class and the CSI driver that it belongs to."""

    ref: Ref
    driver: str


@dataclass(frozen=True, slots=True)
class QuotaScope:
    """One scope of a quota. ``operator`` is Exists, DoesNotExist, In or NotIn ``values``."""

    name: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResourceQuota:
    """A resource quota; quantities as written. ``used`` is empty where the status is absent.

    A quota with ``scopes`` counts only the pods that are in all of them, and no storage.
    """

    ref: Ref
    hard: Mapping[str, str]
    used: Mapping[str, str]
    scopes: tuple[QuotaScope, ...]
