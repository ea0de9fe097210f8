"""What Velero says of the repository, and where it takes snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.plan.plan_policies import PLAN_READS, SidePolicy
from service.core.evidence import Missing, NotGathered
from service.core.facts.machinery import LOCATION_READS, is_stale, locations
from service.core.facts.plan_refs import reported_ready
from service.core.facts.transfer import storage_conversion
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, not_applicable, passed
from service.core.policy import NotApplicable
from service.core.values.wording import few
from service.kinds.mtc import MIG_STORAGE, MTC_NAMESPACE
from service.kinds.resource import Read, fetch_command
from service.kinds.velero import (
    BACKUP_STORAGE_LOCATION,
    VOLUME_SNAPSHOT_LOCATION,
    BackupStorageLocation,
)

AVAILABLE = "Available"
OWN = "velero.io/"
"""What Velero reads a provider's name with, where it has no prefix."""


class LocationAvailable(SidePolicy):
    """Velero can use the replication repository on the source and on the destination.

    MTC makes a BackupStorageLocation on both clusters when the plan is ready, and Velero tests it
    every minute from there. A test of more than an hour before the evidence was collected proves
    nothing: Velero has stopped.
    """

    id = "MTC824"
    name = "repository-location-available"
    title = "Velero can use the replication repository from both clusters"
    why = "The backup does not appear on the destination; EnsureInitialBackupReplicated waits."
    unsure = Severity.WARNING
    reads = (*PLAN_READS, *LOCATION_READS, Read(MIG_STORAGE, MTC_NAMESPACE))
    requires = ("MTC780", "MTC745")
    remedy = "Fix the connection to the repository, or its credentials, as the message says."
    docs = (links.UPGRADING, links.OADP_TROUBLE)
    source = "Velero BackupStorageLocation; mig-controller pkg/controller/migmigration/backup.go"
    better = "The controller tests the repository only from the host cluster."

    def applies(self, migration: Migration) -> None:
        if storage_conversion(migration):
            raise NotApplicable("a storage class conversion uses no repository")

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        found = locations(migration, cluster)
        if not found:
            _require_plan_ready(migration)
            cluster.all(BACKUP_STORAGE_LOCATION, (MTC_NAMESPACE,))
            raise _untested(cluster, "no location, though the plan is ready")
        for item in found:
            if is_stale(migration, item):
                raise _untested(cluster, f"last tested {item.validated}")
            if not item.phase:
                raise _untested(cluster, f"Velero has not tested {item.ref.name} yet")
            yield _judged(cluster, item)


def _require_plan_ready(migration: Migration) -> None:
    """Raise NotApplicable where MTC has not had a reason yet to make a location."""
    plan = migration.given_plan
    if plan is not None and reported_ready(plan.conditions) is not True:
        raise NotApplicable("MTC creates the location when the plan is Ready, which it is not yet")


def _untested(cluster: Cluster, reason: str) -> NotGathered:
    command = fetch_command(BACKUP_STORAGE_LOCATION, "", MTC_NAMESPACE)
    return NotGathered(
        Missing("a recent check of the repository by Velero", cluster.role, command, reason)
    )


def _judged(cluster: Cluster, item: BackupStorageLocation) -> Outcome:
    pointer = item.ref.at("/status/phase", item.phase)
    if item.phase == AVAILABLE:
        return passed(cluster.subject, f"Velero can use {item.ref.name}", pointer)
    return failed(
        item.ref.subject,
        f"Velero reports {item.ref.name} as {item.phase}: {item.message or 'no reason given'}",
        pointer,
        item.ref.at("/status/message", item.message),
        found=item.phase,
        wanted=AVAILABLE,
        commands=(
            f"oc describe backupstoragelocation {quote(item.ref.name)} -n {MTC_NAMESPACE}",
            f"oc logs deployment/velero -n {MTC_NAMESPACE} --tail=100",
        ),
    )


class OneDefaultSnapshotLocation(SidePolicy):
    """Of several snapshot locations with different providers, each provider has a default.

    Velero refuses a backup that names none where it would have to guess. Locations that earlier
    MigStorages left behind count.
    """

    id = "MTC825"
    name = "one-default-snapshot-location"
    single = True
    title = "Snapshot locations of several providers have defaults"
    why = "Velero refuses the backup: it cannot choose among the snapshot locations."
    unsure = Severity.WARNING
    reads = (Read(VOLUME_SNAPSHOT_LOCATION, MTC_NAMESPACE),)
    requires = ("MTC780", "MTC745")
    remedy = "Delete the VolumeSnapshotLocations that no plan needs, or mark the defaults."
    docs = (links.UPGRADING, links.OADP_TROUBLE)
    source = "MTC 1.7.15 and 1.7.16 release notes (BZ 2180565)"
    better = "MTC has no such check."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        found = cluster.all(VOLUME_SNAPSHOT_LOCATION, (MTC_NAMESPACE,))
        if not found:
            yield not_applicable(cluster.subject, "there is no VolumeSnapshotLocation")
            return
        providers = {item.provider.removeprefix(OWN) for item in found}
        settled = {item.provider.removeprefix(OWN) for item in found if item.default}
        if len(providers) == 1 or providers == settled:
            yield passed(cluster.subject, "Velero can choose the location", examined=len(found))
            return
        yield failed(
            cluster.subject,
            f"snapshot locations {few(item.ref.name for item in found)} have the providers "
            f"{few(sorted(providers))}, and not every provider has a default",
            *(item.ref.at("/spec/provider", item.provider) for item in found[:5]),
            found=f"{len(providers)} providers",
            wanted="one provider, or a default for each",
            commands=(f"oc get volumesnapshotlocations.velero.io -n {MTC_NAMESPACE} -o json",),
        )
