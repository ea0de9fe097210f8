"""Claims and volumes are bound to each other."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.plan.plan_policies import GIVEN
from policies.volumes.valid import VOLUME_READS, not_reported
from service.core.facts.volumes import Volume, Volumes, is_of_earlier, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed, passed
from service.core.policy import MigrationPolicy
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS


class VolumesBound(MigrationPolicy):
    """Claims and volumes of the plan's namespaces name each other, and both say Bound.

    mig-controller takes a volume only if its phase is Bound and its claimRef holds namespace
    and name (migplan/pvlist.go getPvMap). It leaves out every other claim without a word, so
    the application arrives without its data.
    """

    id = "MTC602"
    name = "volumes-bound"
    title = "The persistent volumes of the plan are bound to persistent volume claims"
    why = (
        "MTC silently skips a claim without a bound volume. The migration succeeds, but the "
        "data of the application, or the claim that its pods wait for, is missing."
    )
    reads = (*VOLUME_READS, Read(STORAGE_CLASS))
    requires = GIVEN
    remedy = (
        "Bind the claim (start a pod that uses it, or create the volume that it requests), or "
        "delete the claim if nothing uses it. Then let MTC discover the volumes again."
    )
    docs = (links.PREREQUISITES,)
    chapter = True
    source = "MTC docs, Migration prerequisites; mig-controller migplan/pvlist.go getPvMap"
    upstream = ("PodsNotFoundOnSourceCluster",)
    better = "The controller skips unbound claims without a condition."

    def applies(self, migration: Migration) -> None:
        volumes(migration).require_any(migration)

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        found = volumes(migration)
        waiting = _waiting_classes(migration)
        bound = 0
        claims: list[str] = []
        names: list[str] = []
        for volume in found.items:
            if _is_bound(found, volume):
                bound += 1
                continue
            if volume.claim is not None and not volume.claim.phase:
                claims.append(volume.hold)
            if volume.pv is not None and not volume.pv.phase:
                names.append(volume.name)
            yield from _unbound(found, volume, waiting)
        yield from _nameless(migration, found)
        if claims:
            yield not_reported(migration, PERSISTENT_VOLUME_CLAIM, "status", claims)
        if names:
            yield not_reported(migration, PERSISTENT_VOLUME, "status", names)
        found.require_whole()
        if bound == len(found.items):
            yield passed(
                found.cluster.subject,
                f"every claim and its volume are bound to each other ({bound})",
                examined=bound,
            )


def _waiting_classes(migration: Migration) -> frozenset[str]:
    """Source classes that bind a claim only when a first pod uses it, as far as known."""
    return frozenset(
        item.ref.name
        for item in migration.source.known(STORAGE_CLASS)
        if item.binding_mode == "WaitForFirstConsumer"
    )


def _is_bound(found: Volumes, volume: Volume) -> bool:
    claim, pv = volume.claim, volume.pv
    return (
        claim is not None
        and pv is not None
        and claim.phase == "Bound"
        and pv.phase == "Bound"
        and claim.volume == pv.ref.name
        and pv.claim_name == claim.ref.name
        and pv.claim_namespace == claim.ref.namespace
        and not is_of_earlier(pv, claim)
        and volume.name not in found.shared
    )


def _unbound(found: Volumes, volume: Volume, waiting: frozenset[str]) -> Iterator[Outcome]:
    if volume.claim is None:
        yield from _without_claim(found, volume)
        return
    claim = volume.claim
    if claim.phase != "Bound" or not claim.volume:
        yield from _unbound_claim(volume, waiting)
    elif claim.volume in found.absent:
        yield failed(
            claim.ref.subject,
            f"claim {volume.hold} names volume {claim.volume}, which does not exist",
            claim.ref.at("/spec/volumeName", claim.volume),
            found=f"no PersistentVolume {claim.volume}",
            wanted="the volume that the claim names",
            key="volume",
            commands=(_describe(volume),),
        )
    elif claim.volume in found.shared:
        yield failed(
            claim.ref.subject,
            f"claim {volume.hold} shares volume {claim.volume} with another claim: a volume is "
            "bound to one claim only",
            claim.ref.at("/spec/volumeName", claim.volume),
            found=f"several claims name {claim.volume}",
            wanted="one claim per volume",
            key="shared",
            commands=(f"oc get pv {quote(claim.volume)} -o jsonpath='{{.spec.claimRef}}'",),
        )
    else:
        yield from _mismatch(volume)


def _unbound_claim(volume: Volume, waiting: frozenset[str]) -> Iterator[Outcome]:
    claim = volume.claim
    if claim is None or not claim.phase:
        return
    if claim.phase != "Bound":
        pending = claim.phase == "Pending" and claim.storage_class in waiting
        cause = (
            f"; class {claim.storage_class} provisions only when a first pod uses the claim "
            "(WaitForFirstConsumer), so it contains no data yet, and MTC skips it"
            if pending
            else "; MTC skips it without a warning"
        )
        yield failed(
            claim.ref.subject,
            f"claim {volume.hold} is {claim.phase}, not Bound{cause}",
            claim.ref.at("/status/phase", claim.phase),
            found=claim.phase,
            wanted="Bound",
            key="phase",
            commands=(_describe(volume),),
            # What the plan does not list, MTC does not wait for: the rest is migrated.
            severity=Severity.WARNING if volume.left_out and claim.phase == "Pending" else None,
        )
        return
    if not claim.volume:
        yield failed(
            claim.ref.subject,
            f"claim {volume.hold} is Bound but has no volume name",
            claim.ref.at("/spec/volumeName", ""),
            found="no spec.volumeName",
            wanted="the name of its volume",
            key="volume",
            commands=(_describe(volume),),
        )


def _mismatch(volume: Volume) -> Iterator[Outcome]:
    claim, pv = volume.claim, volume.pv
    if claim is None or pv is None:
        return
    commands = (f"oc get pv {quote(volume.name)} -o json", _describe(volume))
    if pv.phase and pv.phase != "Bound":
        yield failed(
            pv.ref.subject,
            f"volume {volume.name} of claim {volume.hold} is {pv.phase}, not Bound",
            pv.ref.at("/status/phase", pv.phase),
            found=pv.phase,
            wanted="Bound",
            key="phase",
            commands=commands,
        )
    held = f"{pv.claim_namespace}/{pv.claim_name}"
    if (pv.claim_namespace, pv.claim_name) != (claim.ref.namespace, claim.ref.name):
        named = held.strip("/") or "no claim"
        yield failed(
            pv.ref.subject,
            f"claim {volume.hold} names volume {volume.name}, whose claimRef names {named}",
            pv.ref.at("/spec/claimRef", held.strip("/")),
            claim.ref.at("/spec/volumeName", claim.volume),
            found=named,
            wanted=volume.hold,
            key="claim",
            commands=commands,
        )
        return
    if is_of_earlier(pv, claim):
        yield failed(
            pv.ref.subject,
            f"volume {volume.name} is bound to an earlier claim called {volume.hold}: the UIDs "
            "differ, so the claim was deleted and created again",
            pv.ref.at("/spec/claimRef/uid", pv.claim_uid),
            claim.ref.at("/metadata/uid", claim.ref.uid),
            found=pv.claim_uid,
            wanted=claim.ref.uid,
            key="claim",
            commands=commands,
        )


def _nameless(migration: Migration, found: Volumes) -> Iterator[Outcome]:
    """Entries of the plan that no claim of its namespaces and no volume is known by."""
    if found.no_claims is not None:
        return
    entries = [
        volume.planned.index
        for volume in found.items
        if volume.planned is not None and volume.claim is None and not volume.name
    ]
    if entries:
        plan = migration.plan
        at = f"/spec/persistentVolumes/{entries[0]}/name"
        yield failed(
            plan.ref.subject,
            "the plan lists a volume without a name, and its claim does not exist on the source",
            plan.ref.at(at, ""),
            found=f"no name in persistentVolumes {', '.join(map(str, entries[:5]))}",
            wanted="the name of a volume of the source",
            key="nameless",
        )


def _without_claim(found: Volumes, volume: Volume) -> Iterator[Outcome]:
    """A volume that only the plan, or only its own claimRef, ties to the namespaces."""
    subject = found.subject(volume)
    commands = (f"oc get pv {quote(volume.name)} -o json",)
    if volume.pv is None:
        if volume.name in found.absent:
            yield failed(
                subject,
                f"the plan lists volume {volume.name}, which does not exist on the source",
                found=f"no PersistentVolume {volume.name}",
                wanted="a volume of the source cluster",
                key="volume",
                commands=("oc get pv",),
            )
        return
    pv = volume.pv
    if pv.phase and pv.phase != "Bound":
        yield failed(
            subject,
            f"the plan lists volume {volume.name}, which is {pv.phase}, not Bound",
            pv.ref.at("/status/phase", pv.phase),
            found=pv.phase,
            wanted="Bound",
            key="phase",
            commands=commands,
        )
    elif found.no_claims is None:
        held = f"{pv.claim_namespace}/{pv.claim_name}".strip("/")
        yield failed(
            subject,
            f"volume {volume.name} is bound to {f'claim {held}' if held else 'no claim'}, but no "
            "claim of the plan's namespaces uses it",
            pv.ref.at("/spec/claimRef", held),
            found=f"claimRef {held or 'not set'}",
            wanted=f"a claim whose spec.volumeName is {volume.name}",
            key="claim",
            commands=commands,
        )


def _describe(volume: Volume) -> str:
    namespace, _, name = volume.hold.partition("/")
    return f"oc describe pvc {quote(name)} -n {quote(namespace)}"
