"""Velero's and OADP's objects in MTC's namespace: where backups and snapshots go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import (
    Condition,
    Object,
    conditions,
    drop,
    flag,
    inner,
    metadata,
    strings,
    table,
    text,
)

VELERO = "velero.io"


@dataclass(frozen=True, slots=True)
class BackupStorageLocation:
    """A BackupStorageLocation; ``phase`` is Available, Unavailable or "" before the first test.

    ``validated`` is when Velero last tested it, as written. ``labels`` name the MigStorage that
    MTC made it of. ``checksum`` says that its config has a checksumAlgorithm, an empty one too.
    """

    ref: Ref
    labels: Mapping[str, str]
    phase: str
    message: str
    validated: str
    checksum: bool = False


@dataclass(frozen=True, slots=True)
class VolumeSnapshotLocation:
    """A VolumeSnapshotLocation and the provider of its snapshots."""

    ref: Ref
    provider: str
    default: bool


@dataclass(frozen=True, slots=True)
class DataProtectionApplication:
    """A DataProtectionApplication, from which OADP makes Velero and the agents."""

    ref: Ref
    conditions: Mapping[str, Condition]


def backup_storage_location(value: Object, ref: Ref) -> BackupStorageLocation:
    """BackupStorageLocation."""
    status = table(value, "status", "")
    return BackupStorageLocation(
        ref=ref,
        labels=strings(metadata(value), "labels", "/metadata"),
        phase=text(status, "phase", "/status"),
        message=text(status, "message", "/status"),
        validated=text(status, "lastValidationTime", "/status"),
        checksum="checksumAlgorithm" in table(table(value, "spec", ""), "config", "/spec"),
    )


def volume_snapshot_location(value: Object, ref: Ref) -> VolumeSnapshotLocation:
    """VolumeSnapshotLocation; one is the default by its field or by OADP's label."""
    spec = table(value, "spec", "")
    labels = strings(metadata(value), "labels", "/metadata")
    marked = any(key.endswith("/default") and item == "true" for key, item in labels.items())
    return VolumeSnapshotLocation(
        ref, text(spec, "provider", "/spec"), marked or flag(spec, "default", "/spec")
    )


def data_protection_application(value: Object, ref: Ref) -> DataProtectionApplication:
    """DataProtectionApplication."""
    return DataProtectionApplication(ref, conditions(table(value, "status", ""), "/status"))


def _trim_location(value: dict[str, Any]) -> None:
    drop(inner(value, "spec", "objectStorage"), "caCert")


BACKUP_STORAGE_LOCATION = Resource(
    "BackupStorageLocation", "backupstoragelocations", backup_storage_location, (VELERO,),
    namespaced=True, title="whether Velero can use the replication repository",
    trim=_trim_location,
)  # fmt: skip
VOLUME_SNAPSHOT_LOCATION = Resource(
    "VolumeSnapshotLocation", "volumesnapshotlocations", volume_snapshot_location, (VELERO,),
    namespaced=True, title="where Velero takes snapshots",
)  # fmt: skip
DATA_PROTECTION_APPLICATION = Resource(
    "DataProtectionApplication", "dataprotectionapplications", data_protection_application,
    ("oadp.openshift.io",), "v1alpha1", namespaced=True, releases=(4,),
    title="whether OADP could set Velero up",
)  # fmt: skip
