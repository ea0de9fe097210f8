"""Claims that a plan leaves out, and claims that already exist on the destination."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from shlex import quote

from policies import links
from policies.plan.volumes.destination_claims import (
    arrival,
    destination_claims,
    is_ours,
    other_plan,
)
from policies.plan.volumes.volume_policies import PlanVolumePolicy
from policies.volumes.valid import VOLUME_READS
from service.core.evidence import Missing
from service.core.facts.plan_type import intra_cluster
from service.core.facts.volumes import Volume, Volumes, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.plan_patch import patch
from service.core.policy import NotApplicable
from service.kinds.cluster import NAMESPACE
from service.kinds.mtc import MIG_CLUSTER
from service.kinds.resource import Read

DISCOVERED = "PvsDiscovered"


class ClaimsListed(PlanVolumePolicy):
    """Every bound claim of the plan's namespaces is in the plan.

    The controller does not report a claim that it leaves out: one that came after the last
    discovery, that belongs to another claim, or whose name ends like one of an earlier storage
    conversion (``-mig-`` and four characters). A warning, for the next discovery may add it, with
    the selection of MTC, which was never reviewed. Claims that are not bound are a matter of
    MTC602.
    """

    id = "MTC728"
    name = "claims-listed"
    title = "Every bound claim of the plan's namespaces is in the plan"
    why = "The claim is left out silently, or added later with a selection that was never reviewed."
    severity = Severity.WARNING
    reads = VOLUME_READS
    remedy = "Let MTC discover the volumes again (spec.refresh), and check what it selects."
    docs = (links.ADVANCED,)
    source = "mig-controller pkg/controller/migplan/pvlist.go updatePvs, getClaims"
    better = "The controller has no condition for claims that it leaves out."
    good = "every bound claim of the plan's namespaces is in the plan"
    idle = "no claim of the plan's namespaces is bound"

    def applies(self, migration: Migration) -> None:
        plan = migration.plan
        done = plan.conditions.get(DISCOVERED)
        if not plan.volumes and (done is None or done.status != "True"):
            raise NotApplicable("MTC has not discovered the plan's volumes yet")
        volumes(migration).require_any(migration)

    def wanting(self, found: Volumes) -> dict[Missing, None]:
        return dict.fromkeys(found.no_claims.missing if found.no_claims is not None else ())

    def concerns(self, volume: Volume) -> bool:
        bound = volume.claim is not None and volume.claim.phase == "Bound"
        return bound and not volume.left_out

    def faults(self, migration: Migration, volume: Volume) -> Iterator[Outcome]:
        if volume.planned is not None or volume.claim is None:
            return
        plan = migration.plan
        yield failed(
            volume.claim.ref.subject,
            f"claim {volume.hold} with volume {volume.name} is bound, but not in the plan",
            volume.claim.ref.at("/spec/volumeName", volume.name),
            plan.ref.at("/spec/persistentVolumes"),
            found="not in the plan",
            wanted="an entry in spec.persistentVolumes",
            key="listed",
            commands=(patch(plan, [{"op": "add", "path": "/spec/refresh", "value": True}]),),
        )


class DestinationClaimsFree(PlanVolumePolicy):
    """No claim on the destination has the name of a claim of the plan.

    Direct volume migration uses a claim that exists as it is, whatever its size and class, and
    rsync deletes what it finds in it; Velero leaves it and the data are not restored. Claims that
    an earlier run of the plan created (with labels of MTC) are expected there. A blocker, because
    data may be lost on the destination; a warning where another plan created the claim, which may
    be this plan, created again.
    """

    id = "MTC729"
    name = "destination-claims-free"
    title = "The names of the claims are not in use on the destination"
    why = "Data on the destination is overwritten, or the data of the source is not copied."
    reads = (*VOLUME_READS, Read(NAMESPACE), Read(MIG_CLUSTER))
    remedy = (
        "Delete the claim on the destination if its data is not needed, or map the namespace or "
        "the claim to another name."
    )
    docs = (links.CHECKLISTS,)
    source = (
        "mig-controller pkg/controller/directvolumemigration/pvcs.go; MTC docs, Premigration "
        "checklists (no objects of the same name in the target namespace)"
    )
    better = "The controller does not check whether the claim exists."
    good = "the names of the claims are not in use on the destination"
    idle = "the plan copies no claim to another name or cluster"

    def concerns(self, volume: Volume) -> bool:
        return bool(volume.hold)

    def alike(self, migration: Migration, volume: Volume) -> Hashable | None:
        if volume.planned is not None:
            return None
        namespace = arrival(migration, volume)[0]
        return namespace if destination_claims(migration).unseen(namespace) else None

    def wanting(self, found: Volumes) -> dict[Missing, None]:
        return dict.fromkeys(found.no_claims.missing if found.no_claims is not None else ())

    def faults(self, migration: Migration, volume: Volume) -> Iterator[Outcome]:
        namespace, name = arrival(migration, volume)
        if f"{namespace}/{name}" == volume.hold and intra_cluster(migration):
            raise NotApplicable("see MTC726")
        existing = destination_claims(migration).find(namespace, name)
        if existing is None:
            return
        other = other_plan(existing, migration.plan)
        if is_ours(existing) and not other:
            return
        source = volume.hold.partition("/")[0]
        mapped = f", where {source} is mapped to" if namespace != source else ""
        yield failed(
            existing.ref.subject,
            f"claim {namespace}/{name} already exists on the destination{mapped}"
            + (f", made by another plan (uid {other})" if other else "")
            + f": claim {volume.hold} would be copied into it",
            existing.ref.at("/metadata/name", name),
            found=f"claim {namespace}/{name}",
            wanted="no claim with that name",
            key="exists",
            commands=(f"oc get pvc {quote(name)} -n {quote(namespace)} -o json",),
            severity=Severity.WARNING if other else None,
        )
