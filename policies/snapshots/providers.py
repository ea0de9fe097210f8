"""Snapshot copy: cloud providers between which a snapshot can travel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.plan.plan_policies import GIVEN
from policies.snapshots.snapshot_volumes import provider_of
from service.core.evidence import NotGathered
from service.core.facts.cloud import platform
from service.core.facts.release import major_or
from service.core.facts.volumes import Volume, snapshots, volumes
from service.core.migration import Cluster, Migration
from service.core.outcome import (
    Outcome,
    Severity,
    failed,
    passed,
    passes_alone,
    passes_beside,
    unknown,
)
from service.core.policy import MigrationPolicy
from service.core.values.wording import few
from service.kinds.cluster import NODE
from service.kinds.config import CLUSTER_VERSION, INFRASTRUCTURE, SERVER_VERSION
from service.kinds.mtc import MIG_PLAN, MIG_STORAGE, MIGRATION_CONTROLLER, MTC_NAMESPACE, MigStorage
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT_CLASS

SNAPSHOT_READS = (
    Read(MIG_PLAN),
    Read(PERSISTENT_VOLUME_CLAIM, plan_namespaces=True),
    Read(PERSISTENT_VOLUME),
    Read(MIGRATION_CONTROLLER),
)


def require_seen(migration: Migration, chosen: tuple[Volume, ...]) -> None:
    """Raise NotGathered where a volume that is copied by snapshot is not among the evidence."""
    unseen = [volume.name for volume in chosen if volume.pv is None]
    if unseen:
        raise migration.source.inventory.not_gathered(
            PERSISTENT_VOLUME, unseen[0] if len(unseen) == 1 else ""
        )


class SnapshotProvider(MigrationPolicy):
    """Volumes that are copied by snapshot lie on a provider whose snapshots MTC can make.

    MTC knows three snapshot providers: AWS, GCP and Azure. The provider of a volume is read
    from its volume source or CSI driver. MTC's snapshots are Velero's own, made through the
    provider's interface, so the snapshot provider of the MigStorage (or else its backup
    provider) must be that of the volumes. For a CSI volume a VolumeSnapshotClass of its driver
    is looked for too, as a warning only: Velero's snapshots do not use it, but where it is
    missing, the driver's snapshot support may not be installed.
    """

    id = "MTC611"
    name = "snapshot-provider"
    title = "The cloud provider of volumes copied by snapshot supports snapshots"
    why = "Velero creates no snapshot of the volume, so its data is not copied."
    reads = (
        *SNAPSHOT_READS,
        Read(MIG_STORAGE),
        Read(VOLUME_SNAPSHOT_CLASS),
        Read(CLUSTER_VERSION),
        Read(SERVER_VERSION),
        Read(NODE),
    )
    requires = GIVEN
    remedy = (
        "Copy these volumes with copyMethod filesystem, or set volumeSnapshotProvider of the "
        "MigStorage to the provider of the volumes."
    )
    docs = (links.PREREQUISITES, links.COPY_METHODS)
    chapter = True
    source = (
        "MTC docs, Migration prerequisites, snapshot copy; mig-operator docs/usage/Snapshot.md; "
        "mig-controller pkg/apis/migration/v1alpha1/migstorage_types.go GetVolumeSnapshotProvider"
    )
    upstream = ("PvWarnCopyMethodSnapshot",)
    better = "The controller only warns of every snapshot. This policy decides whether it can work."

    def applies(self, migration: Migration) -> None:
        snapshots(migration)

    @passes_beside(Severity.WARNING)
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        chosen = snapshots(migration)
        found = volumes(migration)
        by_provider: dict[str, list[str]] = {}
        drivers: dict[str, list[str]] = {}
        for volume in chosen:
            if volume.pv is None:
                continue
            provider = provider_of(volume.pv)
            if provider:
                by_provider.setdefault(provider, []).append(volume.name)
                if volume.pv.driver:
                    drivers.setdefault(volume.pv.driver, []).append(volume.name)
                continue
            kind = volume.pv.driver or volume.pv.source
            yield failed(
                found.subject(volume),
                f"volume {volume.name} of claim {volume.hold} is set to be copied by snapshot, "
                f"but MTC cannot make snapshots of {kind}",
                volume.pv.ref.at(f"/spec/{volume.pv.source}", volume.pv.driver or None),
                found=kind,
                wanted="a disk of AWS, GCP or Azure, or copyMethod filesystem",
                key="provider",
            )
        for cluster in (migration.source, migration.destination):
            for driver, names in drivers.items():
                yield from _snapshot_class(cluster, driver, names)
        for provider, names in by_provider.items():
            wrong = _storage_fault(migration, provider, names, len(by_provider) == 1)
            if wrong is not None:
                yield wrong
        require_seen(migration, chosen)
        if not by_provider:
            return
        yield passed(
            found.cluster.subject,
            f"every volume that is copied by snapshot supports snapshots ({len(chosen)}), by "
            + " and ".join(sorted(by_provider)),
            migration.storage.ref.at("/spec/volumeSnapshotProvider"),
            examined=len(chosen),
        )


def _storage_fault(
    migration: Migration, provider: str, names: list[str], alone: bool
) -> Outcome | None:
    storage = migration.storage
    key = "volumeSnapshotProvider" if storage.snapshot_provider else "backupStorageProvider"
    actual = storage.snapshot_provider or storage.provider
    if actual == provider:
        return None
    return failed(
        storage.ref.subject,
        f"the snapshots of volumes {few(names, 3)} are created by {provider}, but {key} of the "
        f"replication repository is {actual or 'not set'}",
        storage.ref.at(f"/spec/{key}", actual),
        found=actual or "not set",
        wanted=provider,
        key=provider,
        commands=(_set_provider(storage, provider),) if alone else (),
    )


def _set_provider(storage: MigStorage, provider: str) -> str:
    """The command that sets the snapshot provider, with all that it needs to be Ready then.

    mig-controller takes nothing of the backup half for it (migstorage/validation.go).
    """
    secret = {"namespace": "openshift-config", "name": f"<secret with {provider} credentials>"}
    config: dict[str, object] = {"credsSecretRef": secret}
    if provider == "azure":
        config |= {"azureResourceGroup": "<resource group>", "azureApiTimeout": "30m"}
    elif provider == "aws":
        config |= {"awsRegion": "<region of the volumes>"}
    spec = {"volumeSnapshotProvider": provider, "volumeSnapshotConfig": config}
    name, namespace = storage.ref.name or "<storage>", storage.ref.namespace or MTC_NAMESPACE
    text = json.dumps({"spec": spec}, separators=(",", ":"))
    return f"oc patch migstorage {quote(name)} -n {quote(namespace)} --type=merge -p {quote(text)}"


def _snapshot_class(cluster: Cluster, driver: str, names: list[str]) -> Iterator[Outcome]:
    if any(item.driver == driver for item in cluster.known(VOLUME_SNAPSHOT_CLASS)):
        return
    if major_or(cluster) == 3:
        return  # OpenShift 3 has no such objects
    try:
        cluster.all(VOLUME_SNAPSHOT_CLASS)
    except NotGathered as missing:
        yield unknown(
            cluster.subject,
            f"cannot verify whether the CSI driver {driver} of volumes {few(names, 3)} has a "
            "VolumeSnapshotClass",
            *missing.missing,
            key=f"class-{driver}",
            severity=Severity.WARNING,
        )
        return
    yield failed(
        cluster.subject,
        f"no VolumeSnapshotClass for the CSI driver {driver} of volumes {few(names, 3)}: its "
        "snapshot support may not be installed",
        found=f"no VolumeSnapshotClass of {driver}",
        wanted=f"a VolumeSnapshotClass with driver {driver}",
        key=f"class-{driver}",
        commands=("oc get volumesnapshotclass",),
        severity=Severity.WARNING,
    )


class SnapshotSameProvider(MigrationPolicy):
    """Volumes that are copied by snapshot lie on the provider that the destination runs on.

    A volume's provider is read from its volume source or CSI driver; if that does not show it, the
    platform of the source cluster counts. The platform of a cluster is that of Infrastructure, for
    OpenShift 3 that of the nodes' providerID.
    """

    id = "MTC612"
    name = "snapshot-same-provider"
    title = "Volumes copied by snapshot stay on the same cloud provider"
    why = "A snapshot of one cloud provider cannot be restored on another."
    reads = (*SNAPSHOT_READS, Read(INFRASTRUCTURE), Read(NODE))
    declares = ("platform",)
    requires = (*GIVEN, "MTC712")
    remedy = "Copy these volumes with copyMethod filesystem."
    docs = (links.PREREQUISITES, links.COPY_METHODS)
    chapter = True
    source = "MTC docs, Migration prerequisites, snapshot copy"
    upstream = ("PvWarnCopyMethodSnapshot",)
    better = "The controller does not compare the platforms."

    def applies(self, migration: Migration) -> None:
        snapshots(migration)

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        chosen = snapshots(migration)
        there = platform(migration.destination)
        others = []
        for volume in chosen:
            provider = provider_of(volume.pv) if volume.pv is not None else ""
            if volume.pv is None or not provider:
                others.append(volume.name)
                continue
            if provider.casefold() == there.value.casefold():
                continue
            yield failed(
                volume.pv.ref.subject,
                f"volume {volume.name} of claim {volume.hold} is a disk of {provider}, but the "
                f"destination runs on {there.value}",
                volume.pv.ref.at(f"/spec/{volume.pv.source}", volume.pv.driver or None),
                *there.evidence,
                found=provider,
                wanted=there.value,
            )
        if others:
            here = platform(migration.source)
            if here.value.casefold() != there.value.casefold():
                yield failed(
                    migration.source.subject,
                    f"volumes {few(others, 3)} are to be copied by snapshot from {here.value} to "
                    f"{there.value}",
                    *here.evidence,
                    *there.evidence,
                    found=here.value,
                    wanted=there.value,
                )
        yield passed(
            migration.destination.subject,
            f"the volumes that are copied by snapshot ({len(chosen)}) stay on {there.value}",
            *there.evidence,
            examined=len(chosen),
        )
