"""Persistent volumes are in a state and of a type that can be migrated."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Any

from policies import links
from policies.plan.plan_policies import GIVEN
from policies.volumes.types import require_target_classes, type_faults
from service.core.evidence import Gaps, Missing
from service.core.facts.volumes import Volume, Volumes, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, failed, not_applicable, passed, passes_alone, unknown
from service.core.policy import MigrationPolicy
from service.core.values.quantity import InvalidQuantity, parse
from service.kinds.cluster import NODE
from service.kinds.config import CLUSTER_VERSION, SERVER_VERSION
from service.kinds.mtc import MIG_PLAN, MIGRATION_CONTROLLER
from service.kinds.resource import Read, Resource, fetch_command
from service.kinds.storage import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS

VOLUME_READS = (
    Read(MIG_PLAN),
    Read(PERSISTENT_VOLUME_CLAIM, plan_namespaces=True),
    Read(PERSISTENT_VOLUME),
    Read(MIGRATION_CONTROLLER),
)


def not_reported(
    migration: Migration, resource: Resource[Any], field: str, names: list[str]
) -> Outcome:
    """Objects that lack what every object of the cluster has, as an exported manifest does."""
    source = migration.source
    named = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    command = fetch_command(resource, namespaces=migration.source_namespaces)
    return unknown(
        source.subject,
        f"{resource.kind} without its {field}, as in an exported manifest: {named} "
        f"({len(names)} in all)",
        Missing(f"the {field} of {resource.kind} {named}", source.role, command),
        key=f"no-{field}-{resource.plural}",
    )


class VolumesValid(MigrationPolicy):
    """Every volume that the plan touches is in a state and of a type that can be migrated.

    The documentation requires valid volumes without a definition. Taken from the premigration
    checklist (not Terminating), from the volume phases of Kubernetes (Failed and Released volumes
    have lost their claim, a Lost claim its volume), from the types that OpenShift 4 does not
    support, and from mig-controller, which only ever skips a hostPath volume. An unsupported type
    may be *copied* to another class; it may not be moved, and nothing may be copied to a class of
    its provisioner. Leftover Released volumes that no claim names are not part of a migration.
    """

    id = "MTC601"
    name = "volumes-valid"
    title = "The persistent volumes of the plan are valid"
    why = (
        "A volume that is being deleted, has failed or has a type that the destination cannot "
        "mount stops the migration halfway, or its data is not migrated."
    )
    reads = (
        *VOLUME_READS,
        Read(STORAGE_CLASS),
        Read(CLUSTER_VERSION),
        Read(SERVER_VERSION),
        Read(NODE),
    )
    declares = ("openshiftVersion",)
    requires = GIVEN
    remedy = (
        "Fix or recreate the volume on the source, copy it to a supported storage class instead "
        "of moving it, or set its action to skip if its data is not needed."
    )
    docs = (links.PREREQUISITES, links.CHECKLISTS, links.PLANNING)
    chapter = True
    source = (
        "MTC docs, Migration prerequisites; Premigration checklists; Planning your migration, "
        "unsupported storage; mig-controller pkg/controller/migplan/pvlist.go getSupportedActions"
    )

    def applies(self, migration: Migration) -> None:
        volumes(migration).require_any(migration)

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        found = volumes(migration)
        seen = [volume.pv for volume in found.items if volume.pv is not None]
        gaps = Gaps()
        for volume in found.items:
            with gaps.noted():  # a later volume may still fail
                yield from _faults(migration, volume)
        for field, names in (
            ("status", [pv.ref.name for pv in seen if not pv.phase]),
            ("capacity", [pv.ref.name for pv in seen if not pv.capacity]),
        ):
            if names:
                yield not_reported(migration, PERSISTENT_VOLUME, field, names)
        found.require_whole()
        require_target_classes(migration, found)
        gaps.require_none()
        yield _verdict(found, len(seen))


def _verdict(found: Volumes, examined: int) -> Outcome:
    if not examined:
        return not_applicable(
            found.cluster.subject, "no claim of the plan's namespaces has a volume (see MTC602)"
        )
    message = f"every volume is valid ({examined})"
    return passed(found.cluster.subject, message, examined=examined)


def _faults(migration: Migration, volume: Volume) -> Iterator[Outcome]:
    if volume.claim is not None and (volume.claim.deleting or volume.claim.phase == "Lost"):
        yield from _claim_faults(volume)
    if volume.pv is None:
        return
    if volume.pv.deleting or volume.pv.phase in ("Failed", "Released"):
        yield from _state_faults(volume)
    fault = _capacity_fault(volume.pv.capacity)
    if fault:
        yield failed(
            volume.pv.ref.subject,
            f"the capacity of volume {volume.name} is not a valid volume size: {fault}",
            volume.pv.ref.at("/spec/capacity/storage", volume.pv.capacity),
            found=volume.pv.capacity,
            wanted="a capacity greater than zero",
            key="capacity",
            commands=(f"oc get pv {quote(volume.name)} -o json",),
        )
    yield from type_faults(migration, volume)


def _claim_faults(volume: Volume) -> Iterator[Outcome]:
    claim = volume.claim
    if claim is None:
        return
    inspect = f"oc describe pvc {quote(claim.ref.name)} -n {quote(claim.ref.namespace)}"
    if claim.deleting:
        yield failed(
            claim.ref.subject,
            f"claim {volume.hold} is being deleted and waits for its finalizers",
            claim.ref.at("/metadata/deletionTimestamp", "set"),
            found="Terminating",
            wanted="a claim that is not being deleted",
            key="deleting",
            commands=(inspect,),
        )
    if claim.phase == "Lost":
        yield failed(
            claim.ref.subject,
            f"claim {volume.hold} has lost its volume {volume.name}",
            claim.ref.at("/status/phase", claim.phase),
            found="Lost",
            wanted="Bound",
            key="phase",
            commands=(inspect,),
        )


def _state_faults(volume: Volume) -> Iterator[Outcome]:
    pv = volume.pv
    if pv is None:
        return
    commands = (f"oc describe pv {quote(volume.name)}",)
    if pv.deleting:
        yield failed(
            pv.ref.subject,
            f"volume {volume.name} is being deleted and waits for its finalizers",
            pv.ref.at("/metadata/deletionTimestamp", "set"),
            found="Terminating",
            wanted="a volume that is not being deleted",
            key="deleting",
            commands=commands,
        )
    if pv.phase in ("Failed", "Released"):
        reason = f" ({pv.reason})" if pv.reason else ""
        yield failed(
            pv.ref.subject,
            f"volume {volume.name} is {pv.phase}{reason}: its claim was deleted",
            pv.ref.at("/status/phase", pv.phase),
            found=pv.phase,
            wanted="Bound",
            key="phase",
            commands=commands,
        )


def _capacity_fault(text: str) -> str:
    try:
        if not text or parse(text) > 0:
            return ""
    except InvalidQuantity as error:
        return str(error)
    return f"{text} is not greater than zero"
