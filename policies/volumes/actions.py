"""What the plan does with each volume is possible for it."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.plan.plan_policies import GIVEN
from policies.volumes.valid import VOLUME_READS
from service.core.evidence import NotGathered
from service.core.facts.setting_values import setting
from service.core.facts.volumes import COPY, MOVE, SKIP, Volume, Volumes, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed, passed, passes_alone
from service.core.plan_patch import select
from service.core.policy import MigrationPolicy
from service.kinds.mtc import PlanVolume
from service.kinds.ref import Pointer
from service.kinds.storage import PERSISTENT_VOLUME

FILESYSTEM = "filesystem"
BLOCK = "block"
SNAPSHOT = "snapshot"
MOVABLE = frozenset({"nfs", "awsElasticBlockStore"})
"""Volume sources for which mig-controller offers `move` by default."""


class VolumeActionSupported(MigrationPolicy):
    """What the plan does with each volume is what MTC can do with a volume of its type.

    mig-controller offers ``move`` only for NFS and in-tree AWS EBS volumes and for the classes
    of ``mig_pv_move_storageclasses``, and only ``skip`` for hostPath. It offers every copy
    method for every volume, checked or not; what really works is in the documentation: restic
    and rsync copy file systems only. The controller compares words exactly, in lower case. A
    volume that MTC has not discovered yet gets ``copy`` and ``filesystem``, or ``block`` for
    volume mode Block.
    """

    id = "MTC603"
    name = "volume-action-supported"
    title = "Every volume supports its action and copy method"
    why = (
        "The plan does not become Ready, a volume is silently skipped, or it is copied with a "
        "method that cannot read it."
    )
    reads = VOLUME_READS
    requires = GIVEN
    remedy = (
        "Select an action and a copy method that the volume supports. To move volumes of other "
        "classes, set mig_pv_move_storageclasses in the MigrationController."
    )
    docs = (links.PREREQUISITES, links.ABOUT)
    source = (
        "mig-controller pkg/controller/migplan/pvlist.go getSupportedActions, "
        "pkg/controller/migplan/validation.go validatePvSelections, "
        "pkg/controller/migmigration/dvm.go; MTC docs, About data copy methods; About MTC, "
        "known limits of volumeMode Block"
    )
    upstream = (
        "PvInvalidAction",
        "PvNoSupportedAction",
        "PvNoCopyMethodSelection",
        "PvInvalidCopyMethod",
        "PvWarnCopyMethodSnapshot",
    )
    better = (
        "The controller trusts its own list of supported methods, which is the same for every "
        "volume. This policy compares the method with the volume mode and with direct or "
        "indirect migration, and reports a hostPath volume that would be skipped silently."
    )

    def applies(self, migration: Migration) -> None:
        volumes(migration).require_any(migration)

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        found = volumes(migration)
        doubt: NotGathered | None = None
        for volume in found.items:
            try:
                faults = (
                    *_action_faults(migration, found, volume),
                    *_method_faults(migration, found, volume),
                )
            except NotGathered as missing:
                doubt = missing
                continue
            yield from faults
        yield from _by_snapshot(migration, found)
        if doubt is not None:
            raise doubt
        found.require_whole()
        count = len(found.items)
        yield passed(
            found.cluster.subject,
            f"every volume supports its action and copy method ({count})",
            examined=count,
        )


def _at(migration: Migration, entry: PlanVolume, field: str, value: str) -> Pointer:
    pointer = f"/spec/persistentVolumes/{entry.index}/selection/{field}"
    return migration.plan.ref.at(pointer, value)


def _spelling(word: str, known: tuple[str, ...]) -> str:
    """A hint where only the case or white space is wrong; the controller compares exactly."""
    meant = word.strip().lower()
    return f" (write {meant!r}, in lower case)" if word != meant and meant in known else ""


def _action_faults(migration: Migration, found: Volumes, volume: Volume) -> Iterator[Outcome]:
    entry = volume.planned
    if entry is None:
        return  # not discovered: MTC itself selects copy, or skip for a hostPath (see MTC601)
    offered = _offered(migration, found, volume, entry)
    withdrawn = entry.action == MOVE and entry.action not in (entry.supported_actions or offered)
    if entry.action in offered and not withdrawn:
        if entry.action == MOVE and entry.owner_type == "VirtualMachine":
            yield _wrong_action(
                migration, found, volume, entry, "MTC does not move disks of virtual machines", COPY
            )
        return
    why = _why_not(volume, entry, offered)
    yield _wrong_action(migration, found, volume, entry, why, COPY if COPY in offered else SKIP)


def _offered(
    migration: Migration, found: Volumes, volume: Volume, entry: PlanVolume
) -> tuple[str, ...]:
    """The actions that mig-controller offers for the volume; raises NotGathered."""
    pv = volume.pv
    if pv is None:
        if entry.action not in (COPY, MOVE):
            return (SKIP, COPY, MOVE)  # whatever the volume is: this action is none of them
        if entry.supported_actions:
            return entry.supported_actions
        raise found.cluster.inventory.not_gathered(PERSISTENT_VOLUME, volume.name)
    if pv.source == "hostPath":
        return (SKIP,)
    if pv.source in MOVABLE:
        return (SKIP, COPY, MOVE)
    if entry.action == MOVE and pv.storage_class in _move_classes(migration):
        return (SKIP, COPY, MOVE)
    return (SKIP, COPY)


def _move_classes(migration: Migration) -> tuple[str, ...]:
    value = setting(migration, "mig_pv_move_storageclasses").value
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()


def _why_not(volume: Volume, entry: PlanVolume, offered: tuple[str, ...]) -> str:
    if not entry.action:
        return "no action is selected"
    hint = _spelling(entry.action, (COPY, MOVE, SKIP))
    if entry.action not in (COPY, MOVE, SKIP):
        return f"{entry.action!r} is not an action of MTC{hint}"
    if entry.action in offered:
        return (
            f"MTC has withdrawn {entry.action} for it (supported.actions; an NFS server that the "
            "destination cannot reach loses move)"
        )
    if volume.pv is not None and volume.pv.source == "hostPath":
        return "a hostPath volume can only be skipped, and MTC does this without a warning"
    kind = volume.pv.source if volume.pv is not None else "its type"
    return (
        f"{entry.action} is not offered for {kind}: only NFS, in-tree AWS EBS and the classes of "
        "mig_pv_move_storageclasses can be moved"
        if entry.action == MOVE
        else f"{entry.action} is not offered for it"
    )


def _wrong_action(
    migration: Migration,
    found: Volumes,
    volume: Volume,
    entry: PlanVolume,
    why: str,
    instead: str,
) -> Outcome:
    return failed(
        found.subject(volume),
        f"volume {volume.name} of claim {volume.hold}: {why}",
        _at(migration, entry, "action", entry.action),
        found=entry.action or "no action",
        wanted=instead if instead == SKIP else f"{COPY} or {SKIP}",
        key="action",
        commands=(select(migration.plan, entry, "action", instead),),
    )


def _method_faults(migration: Migration, found: Volumes, volume: Volume) -> Iterator[Outcome]:
    entry = volume.planned
    if entry is None:
        yield from _undiscovered(migration, found, volume)
        return
    if entry.action != COPY:
        return
    method = entry.copy_method
    # The controller writes the list again, with these two in every release.
    listed = entry.supported_copy_methods or (BLOCK,)
    offered = (FILESYSTEM, *(BLOCK,) * (BLOCK in listed), SNAPSHOT)
    if method not in offered:
        yield _wrong_method(migration, found, volume, entry, offered)
    elif method == SNAPSHOT:
        return  # see _by_snapshot
    elif not volume.mode:
        raise found.cluster.inventory.not_gathered(PERSISTENT_VOLUME, volume.name)
    elif method == BLOCK or volume.mode == "Block":
        yield from _block(migration, found, volume, method)


def _wrong_method(
    migration: Migration,
    found: Volumes,
    volume: Volume,
    entry: PlanVolume,
    offered: tuple[str, ...],
) -> Outcome:
    method = entry.copy_method
    hint = _spelling(method, (FILESYSTEM, BLOCK, SNAPSHOT))
    why = f"{method!r} is not a copy method of this MTC{hint}" if method else "none is selected"
    usual = BLOCK if volume.mode == "Block" else FILESYSTEM
    return failed(
        found.subject(volume),
        f"the copy method of volume {volume.name} of claim {volume.hold}: {why}",
        _at(migration, entry, "copyMethod", method),
        found=method or "no copy method",
        wanted=" or ".join(offered),
        key="copy-method",
        commands=(select(migration.plan, entry, "copyMethod", usual),) if usual in offered else (),
    )


def _by_snapshot(migration: Migration, found: Volumes) -> Iterator[Outcome]:
    """One finding about the plan: it asks for a direct migration, which knows no snapshots."""
    if migration.plan.indirect_volumes:
        return
    entries = [
        volume.planned
        for volume in found.items
        if volume.planned is not None
        and volume.planned.action == COPY
        and volume.planned.copy_method == SNAPSHOT
    ]
    if not entries:
        return
    names = ", ".join(entry.name for entry in entries[:3]) + (" …" if len(entries) > 3 else "")
    yield failed(
        migration.plan.ref.subject,
        f"{names} ({len(entries)} in all): direct volume migration does not use snapshots; "
        "Velero copies these volumes through the replication repository",
        *(_at(migration, entry, "copyMethod", SNAPSHOT) for entry in entries[:3]),
        found=f"{len(entries)} x {SNAPSHOT} in a direct volume migration",
        wanted=f"{FILESYSTEM} for direct volume migration",
        key="direct",
        severity=Severity.INFO,
    )


def _undiscovered(migration: Migration, found: Volumes, volume: Volume) -> Iterator[Outcome]:
    """MTC has not listed the volume yet: it will select block for volume mode Block."""
    if volume.pv is not None and volume.pv.source == "hostPath":
        return
    if volume.mode == "Block":
        yield from _block(migration, found, volume, BLOCK)


def _block(migration: Migration, found: Volumes, volume: Volume, method: str) -> Iterator[Outcome]:
    entry = volume.planned
    at = () if entry is None else (_at(migration, entry, "copyMethod", method),)
    mode = () if volume.pv is None else (volume.pv.ref.at("/spec/volumeMode", volume.mode),)
    said = f"volume {volume.name} of claim {volume.hold}"
    direct = not migration.plan.indirect_volumes
    if method == FILESYSTEM:
        change = (select(migration.plan, entry, "copyMethod", BLOCK),) if entry and direct else ()
        yield failed(
            found.subject(volume),
            f"{said} has volume mode Block, which restic and rsync cannot copy as a file system",
            *at,
            *mode,
            found="volume mode Block, copy method filesystem",
            wanted="copy method block (direct volume migration, MTC 1.8), or skip",
            key="volume-mode",
            commands=change,
        )
    elif not direct:
        yield failed(
            found.subject(volume),
            f"{said} is set to copy method block, which only direct volume migration supports; "
            "restic copies only file systems",
            *at,
            *mode,
            found="copy method block, indirect volume migration",
            wanted="direct volume migration, or copy method snapshot",
            key="volume-mode",
        )
    elif volume.mode == "Filesystem":
        yield failed(
            found.subject(volume),
            f"{said} has volume mode Filesystem but copy method block; MTC uses block only for "
            "raw block volumes",
            *at,
            *mode,
            found="volume mode Filesystem, copy method block",
            wanted="copy method filesystem",
            key="volume-mode",
            commands=(select(migration.plan, entry, "copyMethod", FILESYSTEM),) if entry else (),
            severity=Severity.WARNING,
        )
    else:
        yield failed(
            found.subject(volume),
            f"{said} is a raw block volume: MTC 1.8 has a copy method for it, but the "
            "documentation lists only volume mode Filesystem as supported",
            *at,
            *mode,
            found="volume mode Block, copy method block",
            wanted="volume mode Filesystem (documentation)",
            key="volume-mode",
            severity=Severity.WARNING,
        )
