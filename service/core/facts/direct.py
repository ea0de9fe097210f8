"""Whether volumes are copied straight from cluster to cluster: one fact for every policy."""

from __future__ import annotations

from typing import Any

from service.core.facts import Fact
from service.core.facts.transfer import rsynced
from service.core.facts.volume_targets import is_copied
from service.core.facts.volumes import Volume, ref_of, volumes
from service.core.migration import Migration
from service.core.policy import NotApplicable
from service.kinds.mtc import MIG_PLAN, MIGRATION_CONTROLLER
from service.kinds.ref import Pointer
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM

DISCOVERED = "PvsDiscovered"
"""Condition of a plan whose volumes MTC has looked for; a list that is empty is left out."""
READS: tuple[Read[Any], ...] = (
    Read(MIG_PLAN),
    Read(PERSISTENT_VOLUME_CLAIM, plan_namespaces=True),
    Read(PERSISTENT_VOLUME),
    Read(MIGRATION_CONTROLLER),
)
"""What the functions of this module read; a policy that calls them declares it."""


def direct_volumes(migration: Migration) -> Fact[bool]:
    """Whether rsync copies volumes straight from source to destination.

    The volumes that the plan lists, once MTC has discovered them; before that, the claims of its
    namespaces that MTC would take. Nothing is copied where the plan says
    indirectVolumeMigration, or the operator disable_pv_migration. Raises NotGathered without a
    plan, and where there may be claims that are not known.
    """
    return migration.derive(_direct)


def _direct(migration: Migration) -> Fact[bool]:
    plan = migration.plan
    word = str(plan.indirect_volumes).lower()
    flag = plan.ref.at("/spec/indirectVolumeMigration", word)
    if plan.indirect_volumes:
        return Fact(False, (flag,))
    try:
        found = volumes(migration)
    except NotApplicable as reason:
        return Fact(False, reason.evidence)
    copied = next((item for item in found.items if _rsynced(item)), None)
    if copied is not None:
        return Fact(True, (flag, *_evidence(copied)))
    looked = plan.conditions.get(DISCOVERED)
    if plan.volumes or (looked is not None and looked.status == "True"):
        return Fact(False, (flag, plan.ref.at("/spec/persistentVolumes")))
    found.require_claims()
    return Fact(False, (flag,))


def _rsynced(volume: Volume) -> bool:
    return is_copied(volume) if volume.planned is None else rsynced(volume.planned)


def _evidence(volume: Volume) -> tuple[Pointer, ...]:
    ref = volume.claim.ref if volume.claim is not None else ref_of(volume)
    return (ref.at("/metadata/name", ref.name),) if ref is not None else ()
