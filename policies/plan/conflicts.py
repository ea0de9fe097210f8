"""Plans that get in each other's way, and claims of one plan that do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies import links
from policies.plan.plan_policies import GIVEN, PLAN_READS, VALIDATION, edit
from service.core.deadline import check
from service.core.evidence import Missing, Role
from service.core.facts import topology
from service.core.facts.plan_refs import unset
from service.core.facts.plan_type import intra_cluster
from service.core.migration import Migration
from service.core.outcome import Outcome, failed, passed, passes_alone, unknown
from service.core.plan_patch import merge
from service.core.policy import MigrationPolicy, NotApplicable
from service.core.values.wording import few
from service.kinds.mtc import MIG_PLAN, MTC_NAMESPACE, MigPlan, ObjectRef
from service.kinds.ref import Subject
from service.kinds.resource import fetch_command

Place = tuple[ObjectRef, str]
"""A namespace of a cluster."""


class PlanConflict(MigrationPolicy):
    """No other open plan touches a namespace that this plan touches.

    The controller compares the texts of the lists, so `a:b` and `a` are no conflict to it; a
    namespace is compared here as what it is on its cluster, on both sides. What the controller
    takes for a conflict is one here too, for it blocks the plan.
    """

    id = "MTC716"
    name = "plan-conflict"
    title = "No other open plan migrates the same namespaces"
    why = (
        "The plan does not become Ready, or two migrations quiesce and write the same "
        "namespace. Several plans for one namespace are not supported."
    )
    reads = PLAN_READS
    requires = GIVEN
    remedy = "Close the other plan (spec.closed: true), or remove the namespace from one of them."
    docs = (links.ABOUT,)
    source = (
        f"{VALIDATION} validateConflict; pkg/apis/migration/v1alpha1/migplan_types.go "
        "HasConflict; MTC 1.8.6 release notes"
    )
    upstream = ("PlanConflict",)
    better = "Compares all spellings. MTC treats `a:b` and `a` as different namespaces."

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan, host = migration.plan, migration.host
        ours = _Ours.of(plan)
        others = 0
        for other in host.known(MIG_PLAN):
            check()
            if other.closed or _same(plan, other) or other.ref.namespace != MTC_NAMESPACE:
                continue
            others += 1
            outcome = _compared(ours, other)
            if outcome is not None:
                yield outcome
        host.all(MIG_PLAN, (MTC_NAMESPACE,))
        yield passed(
            plan.ref.subject,
            "no other open plan has its namespaces",
            examined=others + 1,
        )


def _same(plan: MigPlan, other: MigPlan) -> bool:
    return plan is other or (
        bool(plan.ref.name)
        and (plan.ref.namespace or MTC_NAMESPACE, plan.ref.name)
        == (other.ref.namespace, other.ref.name)
    )


@dataclass(frozen=True, slots=True)
class _Ours:
    """The plan and what it is compared by, computed once for all other plans."""

    plan: MigPlan
    vague: bool
    touched: frozenset[Place]
    texts: frozenset[str]
    sources: frozenset[str]
    targets: frozenset[str]

    @classmethod
    def of(cls, plan: MigPlan) -> _Ours:
        return cls(
            plan,
            unset(plan, plan.source_cluster) or unset(plan, plan.destination_cluster),
            _touched(plan),
            frozenset(item.text for item in plan.namespaces),
            frozenset(item.source for item in plan.namespaces),
            frozenset(item.destination for item in plan.namespaces),
        )


def _compared(ours: _Ours, other: MigPlan) -> Outcome | None:
    if ours.vague:
        return _perhaps(ours, other)
    plan = ours.plan
    shared = sorted({name for _, name in ours.touched & _touched(other)})
    if not shared and _clusters(plan) & _clusters(other):
        shared = [item.text for item in other.namespaces if item.text in ours.texts]
    if not shared:
        return None
    name = f"{other.ref.namespace}/{other.ref.name}"
    return failed(
        plan.ref.subject,
        f"open plan {name} also has {few(shared)}",
        plan.ref.at("/spec/namespaces"),
        other.ref.at("/spec/namespaces", ", ".join(item.text for item in other.namespaces)),
        found=", ".join(shared[:10]),
        wanted="no other open plan with these namespaces",
        key=name,
        commands=(merge(other, {"closed": True}), edit(plan)),
        observed=len(shared),
    )


def _touched(plan: MigPlan) -> frozenset[Place]:
    return frozenset(
        place
        for item in plan.namespaces
        for place in (
            (plan.source_cluster, item.source),
            (plan.destination_cluster, item.destination),
        )
    )


def _clusters(plan: MigPlan) -> frozenset[ObjectRef]:
    return frozenset((plan.source_cluster, plan.destination_cluster))


def _perhaps(ours: _Ours, other: MigPlan) -> Outcome | None:
    """The plan's short form names no cluster, so the names alone can be compared."""
    plan = ours.plan
    sources = ours.sources.intersection(item.source for item in other.namespaces)
    targets = ours.targets.intersection(item.destination for item in other.namespaces)
    shared = sorted(sources | targets)
    if not shared:
        return None
    name = f"{other.ref.namespace}/{other.ref.name}"
    return unknown(
        plan.ref.subject,
        f"open plan {name} also has {few(shared)}; the short form of the plan does not show "
        "whether it is for the same clusters",
        Missing(
            "srcMigClusterRef and destMigClusterRef of the plan",
            Role.HOST,
            fetch_command(MIG_PLAN, namespace=MTC_NAMESPACE),
        ),
        key=name,
    )


class ClaimMappings(MigrationPolicy):
    """Every claim that the plan copies gets a separate claim on the destination.

    The controller looks at this only within one cluster, and only when a migration starts
    (ConflictingPVCMappings). Between clusters the second copy overwrites the first. Within one
    cluster a new claim must not have the name of a claim that is copied, either; a plan that
    converts storage classes names the new claims itself.
    """

    id = "MTC781"
    name = "claim-mappings"
    title = "No two claims of the plan are copied to the same claim"
    why = "The second copy overwrites the data of the first."
    reads = (*PLAN_READS, *topology.READS)
    requires = GIVEN
    remedy = "Give each claim another target name (pvc.name: source:target)."
    docs = (links.ABOUT,)
    source = "mig-controller pkg/controller/migmigration/validation.go ConflictingPVCMappings"
    upstream = ("ConflictingPVCMappings",)
    better = "Works before a migration is started, and also between clusters."

    def applies(self, migration: Migration) -> None:
        if not any(item.action == "copy" for item in migration.plan.volumes or ()):
            raise NotApplicable("the plan lists no volume that is copied")

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan = migration.plan
        targets = {item.source: item.destination for item in plan.namespaces}
        within = intra_cluster(migration)
        copied = [item for item in plan.volumes or () if item.action == "copy"]
        sources = {(item.pvc_namespace, item.pvc_name) for item in copied}
        taken: dict[tuple[str, str], str] = {}
        for item in copied:
            here = (item.pvc_namespace, item.pvc_name)
            there = (targets.get(item.pvc_namespace, item.pvc_namespace), item.pvc_target)
            first = taken.setdefault(there, "/".join(here))
            other = first if first != "/".join(here) else ""
            if not other and within and there != here and there in sources:
                other = "/".join(there)
            if other:
                yield failed(
                    Subject(migration.source.name, "v1", "PersistentVolumeClaim", *here),
                    f"claim {'/'.join(here)} is copied to {'/'.join(there)}, which is also the "
                    f"target of {other}",
                    plan.ref.at(f"/spec/persistentVolumes/{item.index}/pvc/name", item.pvc_target),
                    found="/".join(there),
                    wanted="a separate claim",
                    commands=(edit(plan),),
                )
        yield passed(
            plan.ref.subject,
            f"every claim goes to a separate claim ({len(copied)})",
            examined=len(copied),
        )
