"""Snapshot copy: the region, and on Azure the resource group, of both sides."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.plan.plan_policies import GIVEN
from policies.snapshots.providers import SNAPSHOT_READS
from policies.snapshots.snapshot_volumes import provider_of, resource_group
from service.core.evidence import Gaps, Missing, NotGathered
from service.core.facts.cloud import platform, regions
from service.core.facts.volumes import snapshots
from service.core.migration import Migration
from service.core.outcome import Outcome, failed, passed, passes_alone
from service.core.policy import MigrationPolicy
from service.core.values.wording import few
from service.kinds.cluster import NODE
from service.kinds.config import INFRASTRUCTURE
from service.kinds.mtc import MIG_CLUSTER, MIG_STORAGE
from service.kinds.resource import Read, fetch_command
from service.kinds.storage import PERSISTENT_VOLUME

AWS_DEFAULT_REGION = "us-east-1"
"""What mig-controller writes for a MigStorage without awsRegion."""


class SnapshotSameRegion(MigrationPolicy):
    """Volumes copied by snapshot stay in their region; on Azure, in their resource group too.

    A volume's region is that of its labels or node affinity, else that of the source cluster.
    Zones do not matter: the snapshots of all three providers belong to a region. On Azure the
    resource group is ``azureResourceGroup`` of the MigCluster, else that of Infrastructure. On
    AWS Velero makes the snapshots in ``awsRegion`` of the MigStorage: of the snapshot half where
    that is set, else of the backup half; without it mig-controller writes us-east-1.
    """

    id = "MTC613"
    name = "snapshot-same-region"
    title = "Volumes copied by snapshot stay in the same geographic region"
    why = "A snapshot is not found in another region (on Azure: resource group)."
    reads = (
        *SNAPSHOT_READS,
        Read(INFRASTRUCTURE),
        Read(NODE),
        Read(MIG_CLUSTER),
        Read(MIG_STORAGE),
    )
    declares = ("region", "platform")
    requires = (*GIVEN, "MTC712")
    remedy = (
        "Copy these volumes with copyMethod filesystem, or migrate to a cluster in that region."
    )
    docs = (links.PREREQUISITES, links.COPY_METHODS)
    chapter = True
    source = (
        "MTC docs, Migration prerequisites, snapshot copy; Adding a cluster (Azure resource "
        "group); mig-controller pkg/cloudprovider/aws.go UpdateVSL, GetRegion"
    )
    upstream = ("PvWarnCopyMethodSnapshot",)
    better = "The controller does not compare regions or resource groups."

    def applies(self, migration: Migration) -> None:
        snapshots(migration)

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        gaps = Gaps()
        for part in (_regions, _storage_region, _resource_groups):
            with gaps.noted():
                yield from part(migration)
        gaps.require_none()
        there = regions(migration.destination)
        count = len(snapshots(migration))
        yield passed(
            migration.destination.subject,
            f"the volumes that are copied by snapshot ({count}) stay in region "
            f"{', '.join(sorted(there.value))}; their zones may differ",
            *there.evidence,
            examined=count,
        )


def _regions(migration: Migration) -> Iterator[Outcome]:
    there = regions(migration.destination)
    wanted = ", ".join(sorted(there.value))
    unlabelled = []
    for volume in snapshots(migration):
        if volume.pv is None or not volume.pv.region:
            unlabelled.append(volume.name)
        elif volume.pv.region not in there.value:
            yield failed(
                volume.pv.ref.subject,
                f"volume {volume.name} is in region {volume.pv.region}, but the destination is "
                f"in {wanted}",
                volume.pv.ref.at("/metadata/labels", volume.pv.region),
                *there.evidence,
                found=volume.pv.region,
                wanted=wanted,
                key="region",
            )
    if not unlabelled:
        return
    here = regions(migration.source)
    if here.value <= there.value:
        return
    if here.value & there.value:
        command = fetch_command(PERSISTENT_VOLUME)
        fact = f"in which of its regions the source has volumes {few(unlabelled, 3)}"
        raise NotGathered(Missing(fact, migration.source.role, command))
    found = ", ".join(sorted(here.value))
    yield failed(
        migration.source.subject,
        f"volumes {few(unlabelled, 3)} are in region {found}, but the destination is in {wanted}",
        *here.evidence,
        *there.evidence,
        found=found,
        wanted=wanted,
        key="region",
    )


def _storage_region(migration: Migration) -> Iterator[Outcome]:
    if not _any_of(migration, "aws"):
        return
    storage = migration.storage
    if (storage.snapshot_provider or storage.provider) != "aws":
        return  # MTC611's finding
    half = "volumeSnapshotConfig" if storage.snapshot_provider else "backupStorageConfig"
    given = (storage.snapshot_config if storage.snapshot_provider else storage.config).get(
        "awsRegion"
    )
    region = str(given or AWS_DEFAULT_REGION)
    there = regions(migration.destination)
    if region in there.value:
        return
    wanted = ", ".join(sorted(there.value))
    unset = "" if given else f" ({half}.awsRegion is not set)"
    yield failed(
        storage.ref.subject,
        f"the replication repository stores snapshots in region {region}{unset}, but the "
        f"destination is in {wanted}",
        storage.ref.at(f"/spec/{half}/awsRegion", given or None),
        *there.evidence,
        found=region,
        wanted=wanted,
        key="storage-region",
    )


def _any_of(migration: Migration, provider: str) -> bool:
    """Whether a volume that is copied by snapshot lies on a provider. Raises NotGathered."""
    chosen = snapshots(migration)
    if any(volume.pv is not None and provider_of(volume.pv) == provider for volume in chosen):
        return True
    unseen = any(volume.pv is None for volume in chosen)
    return unseen and platform(migration.source).value.casefold() == provider


def _resource_groups(migration: Migration) -> Iterator[Outcome]:
    if not _any_of(migration, "azure"):
        return
    here = resource_group(migration, migration.source)
    there = resource_group(migration, migration.destination)
    if here.value.casefold() == there.value.casefold():  # Azure ignores the case
        return
    yield failed(
        migration.destination.subject,
        "Azure disks can be copied by snapshot only within one resource group: the source is in "
        f"{here.value}, but the destination is in {there.value}",
        *here.evidence,
        *there.evidence,
        found=there.value,
        wanted=here.value,
        key="resource-group",
    )
