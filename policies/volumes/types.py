"""Volume types that OpenShift 4 does not support, and those that MTC only skips."""

from __future__ import annotations

from collections.abc import Iterator

from service.core.facts.release import major
from service.core.facts.storage_classes import destination_classes
from service.core.facts.volumes import COPY, MOVE, Volume, Volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, at_destination, failed
from service.core.plan_patch import select

UNSUPPORTED_ON_4 = {
    "glusterfs": "GlusterFS",
    "cephfs": "standalone CephFS",
    "rbd": "standalone Ceph RBD",
    "flexVolume": "FlexVolume",
    "local": "volumes on a disk of another cluster's node",
}
"""Volume sources that cannot be moved to OpenShift 4 (MTC docs, Planning your migration)."""
_UNSUPPORTED_PROVISIONERS = frozenset(
    {"kubernetes.io/glusterfs", "kubernetes.io/rbd", "ceph.com/rbd", "ceph.com/cephfs"}
)


def unsupported_provisioner(provisioner: str) -> bool:
    """Whether a class of this provisioner makes volumes that OpenShift 4 does not support."""
    return provisioner in _UNSUPPORTED_PROVISIONERS or provisioner.startswith(
        "gluster.org/glusterblock"
    )


def type_faults(migration: Migration, volume: Volume) -> Iterator[Outcome]:
    """What is wrong with the type of a volume, or of what it is copied to."""
    pv, entry = volume.pv, volume.planned
    if pv is None:
        return
    if pv.source == "hostPath":
        commands = (select(migration.plan, entry, "action", "skip"),) if entry is not None else ()
        yield failed(
            pv.ref.subject,
            f"volume {volume.name} is a hostPath: MTC always skips it, so its data is not "
            "migrated. Copy the data to a volume of a storage class first, or accept this with "
            "action skip",
            pv.ref.at("/spec/hostPath"),
            found="hostPath" + (f", action {entry.action or 'not set'}" if entry else ""),
            wanted="action skip, or a volume of another type",
            key="type",
            commands=commands,
        )
        return
    if entry is None:
        return
    if entry.action == MOVE and pv.source in UNSUPPORTED_ON_4 and major(migration.destination) == 4:
        yield failed(
            pv.ref.subject,
            f"volume {volume.name} has action move, but OpenShift 4 does not support "
            f"{UNSUPPORTED_ON_4[pv.source]}",
            pv.ref.at(f"/spec/{pv.source}"),
            migration.plan.ref.at(f"/spec/persistentVolumes/{entry.index}/selection/action", MOVE),
            found=f"{pv.source}, action move",
            wanted="action copy, to a supported storage class",
            key="type",
            commands=(select(migration.plan, entry, "action", COPY),),
        )
    if entry.action == COPY and entry.target_storage_class:
        yield from _target_faults(migration, volume)


def _target_faults(migration: Migration, volume: Volume) -> Iterator[Outcome]:
    entry, pv = volume.planned, volume.pv
    if entry is None or pv is None:
        return
    target = destination_classes(migration).by_name.get(entry.target_storage_class)
    if (
        target is None
        or not unsupported_provisioner(target.provisioner)
        or major(migration.destination) != 4
    ):
        return
    yield failed(
        pv.ref.subject,
        f"volume {volume.name} has target class {target.name}, whose provisioner "
        f"{target.provisioner} OpenShift 4 does not support",
        target.evidence,
        migration.plan.ref.at(
            f"/spec/persistentVolumes/{entry.index}/selection/storageClass", target.name
        ),
        found=target.provisioner,
        wanted="a storage class with a provisioner that OpenShift 4 supports",
        key="target-class",
        commands=(at_destination("oc get storageclass"),),
    )


def require_target_classes(migration: Migration, found: Volumes) -> None:
    """Raise NotGathered unless the provisioner of every class that is copied to is known."""
    classes = destination_classes(migration)
    if classes.missing is None:
        return
    for volume in found.items:
        entry = volume.planned
        if entry is None or entry.action != COPY or not entry.target_storage_class:
            continue
        if entry.target_storage_class not in classes.by_name:
            raise classes.missing
