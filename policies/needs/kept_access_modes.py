"""Whether volumes keep the access modes that the application needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from policies import links
from policies.needs.need_policies import READS, PlanNeed, copied
from policies.plan.plan_policies import edit
from policies.plan.volumes.volume_policies import TARGET_READS
from service.core.access_modes import AUTO, ROX, RWX, modes_of
from service.core.evidence import Gaps
from service.core.facts.storage_classes import destination_classes
from service.core.facts.volume_targets import access_modes, target_of
from service.core.facts.volumes import Volume, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.values.wording import few
from service.kinds.ref import Pointer
from service.kinds.resource import Read
from service.kinds.workloads import POD


class KeptAccessModes(PlanNeed):
    """A claim that several nodes write keeps ReadWriteMany, and none becomes read-only.

    `selection.accessMode` replaces the claim's modes. Where it is empty, and MTC does not know
    the provisioner of the class (csi.trident.netapp.io and all other CSI drivers but Ceph's), it
    offers ReadWriteOnce only. The new claim is bound, and the second node's pods never start.
    A blocker where pods of several nodes mount the claim now.
    """

    id = "MTC835"
    name = "kept-access-modes"
    title = "Claims keep the access modes that the application needs"
    why = "The application's pods on other nodes stay in ContainerCreating after the migration."
    severity = Severity.WARNING
    reads = (*READS, *TARGET_READS, Read(POD, plan_namespaces=True))
    declares = ("storageClasses",)
    remedy = (
        "Set selection.accessMode of the volume to ReadWriteMany, with a class that supports "
        "it. For a read-only claim, set a mode that rsync can write to."
    )
    docs = (links.ADVANCED,)
    source = "mig-controller pkg/apis/migration/v1alpha1/migcluster_types.go, migplan/pvlist.go"
    better = (
        "The controller warns of modes that the class does not have, but not of modes that "
        "are lost."
    )
    good = "the claims keep their access modes"

    def applies(self, migration: Migration) -> None:
        volumes(migration).require_any(migration)

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        with gaps.noted():
            volumes(migration).require_claims()
        nodes: dict[str, set[str]] = defaultdict(set)
        for pod in migration.source.known(POD, migration.source_namespaces):
            for claim in pod.claims if pod.node and pod.phase == "Running" else ():
                nodes[f"{pod.ref.namespace}/{claim}"].add(pod.node)
        for volume in copied(migration):
            with gaps.noted():
                yield from _narrowed(migration, volume, sorted(nodes[volume.hold]))


def _narrowed(migration: Migration, volume: Volume, nodes: list[str]) -> Iterator[Outcome]:
    modes = access_modes(volume)
    chosen = volume.planned.target_access_mode if volume.planned is not None else ""
    becomes = (chosen,) if chosen and chosen != AUTO else modes
    if becomes == (ROX,):
        yield _lost(migration, volume, ROX, "rsync can write to", [], "read-only")
    if RWX not in modes or chosen in (RWX, AUTO, ROX):
        return
    if chosen:
        yield _lost(migration, volume, chosen, RWX, nodes, "narrowed")
        return
    target = target_of(migration, volume)
    kind = destination_classes(migration).find(target.name) if target.name else None
    if kind is not None and modes_of(kind.provisioner, volume.mode) is None:
        noted = (kind.access_modes or {}).get(volume.mode or "Filesystem")
        if noted is None or RWX not in noted:
            yield _lost(migration, volume, "none selected", RWX, nodes, "narrowed", kind.evidence)


def _lost(
    migration: Migration,
    volume: Volume,
    found: str,
    wanted: str,
    nodes: list[str],
    key: str,
    *evidence: Pointer,
) -> Outcome:
    plan = migration.plan
    if volume.planned is not None:
        at = f"/spec/persistentVolumes/{volume.planned.index}/selection/accessMode"
        evidence = (plan.ref.at(at, volume.planned.target_access_mode or None), *evidence)
    mounted = f", and pods of {len(nodes)} nodes ({few(nodes)}) mount it" if len(nodes) > 1 else ""
    if key == "read-only":
        text = f"claim {volume.hold} is read-only on the destination, but rsync must write to it"
    elif found == "none selected":
        text = (
            f"claim {volume.hold} has {RWX}, no access mode is selected, and MTC offers "
            f"ReadWriteOnce only for this class's provisioner{mounted}"
        )
    else:
        text = f"claim {volume.hold} has {RWX} and becomes {found}{mounted}"
    return failed(
        volumes(migration).subject(volume),
        text,
        *evidence,
        found=found,
        wanted=wanted if key == "narrowed" else "a mode that rsync can write to",
        key=f"{key} {volume.hold}",
        commands=(edit(plan),),
        severity=Severity.BLOCKER if len(nodes) > 1 else None,
    )
