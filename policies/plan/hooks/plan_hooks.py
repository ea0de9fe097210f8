"""The hooks of a plan, and the MigHooks that they refer to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies import links
from policies.plan.plan_policies import GIVEN, PLAN_READS, VALIDATION, edit, named
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed, passed, passes_alone
from service.core.policy import MigrationPolicy, NotApplicable, Policy
from service.core.values.names import is_label, is_subdomain
from service.kinds.cluster import NAMESPACE
from service.kinds.mtc import MIG_HOOK, MTC_NAMESPACE, MigHook, MigPlan, PlanHook
from service.kinds.resource import Read

HOOK_READS = (*PLAN_READS, Read(MIG_HOOK, MTC_NAMESPACE))
PHASES = ("PreBackup", "PostBackup", "PreRestore", "PostRestore")


@dataclass(frozen=True, slots=True)
class HookUse:
    """One entry of MigPlan.spec.hooks; ``name`` is what messages call it."""

    index: int
    hook: PlanHook
    plan: MigPlan

    @property
    def at(self) -> str:
        """JSON pointer of the entry."""
        return f"/spec/hooks/{self.index}"

    @property
    def name(self) -> str:
        """The MigHook's name, or the entry's number where it has none."""
        return self.hook.reference.name or f"number {self.index + 1}"


class HookPolicy(Policy[HookUse]):
    """A rule that every hook of the plan is held to."""

    requires = GIVEN

    def applies(self, migration: Migration) -> None:
        if not migration.plan.hooks:
            raise NotApplicable("the plan has no hooks")

    def subjects(self, migration: Migration) -> Iterable[HookUse]:
        plan = migration.plan
        return (HookUse(index, hook, plan) for index, hook in enumerate(plan.hooks))


def mig_hook(migration: Migration, use: HookUse) -> MigHook:
    """The MigHook of an entry. Raises NotGathered; NotApplicable where there is none (MTC760)."""
    reference = use.hook.reference
    found = None
    if reference.is_set:
        found = migration.host.find(MIG_HOOK, reference.name, reference.namespace)
    if found is None:
        raise NotApplicable(f"hook {use.name} refers to no MigHook (MTC760)")
    return found


class HookExists(HookPolicy):
    """Every hook of the plan refers to a MigHook that exists."""

    id = "MTC760"
    name = "hook-exists"
    title = "The plan's hooks refer to MigHooks that exist"
    why = "The plan never becomes Ready."
    reads = HOOK_READS
    remedy = "Refer to an existing MigHook with both namespace and name, or remove the entry."
    docs = (links.ADVANCED,)
    source = f"{VALIDATION} validateHooks"
    upstream = ("InvalidHookRef",)
    better = "Names the hook. The controller only reports that there is one."

    def check(self, migration: Migration, use: HookUse) -> Iterator[Outcome]:
        reference = use.hook.reference
        pointer, key = use.plan.ref.at(f"{use.at}/reference", reference), f"reference {use.index}"
        there = None
        if reference.is_set:
            there = migration.host.find(MIG_HOOK, reference.name, reference.namespace)
        if there is not None:
            yield passed(use.plan.ref.subject, f"MigHook {reference} exists", pointer, key=key)
            return
        shown = str(reference) if reference.name or reference.namespace else "not set"
        yield failed(
            use.plan.ref.subject,
            f"hook {use.name} of {named(use.plan)} refers to {shown}, which does not exist",
            pointer,
            found=shown,
            wanted="namespace and name of a MigHook",
            key=key,
            commands=(f"oc get mighooks -n {MTC_NAMESPACE}", edit(use.plan)),
        )


class HookPlace(HookPolicy):
    """Every hook names a service account and a namespace to run in, and that namespace exists.

    The controller looks at the form of the names only.
    """

    id = "MTC762"
    name = "hook-place"
    title = "The plan's hooks name a service account and a namespace that exists"
    why = "The plan never becomes Ready; or the migration fails when the hook's job is made."
    reads = (*HOOK_READS, Read(NAMESPACE))
    remedy = "Set serviceAccount and executionNamespace of the hook."
    docs = (links.ADVANCED,)
    source = f"{VALIDATION} validateHooks"
    upstream = ("InvalidHookSAName", "InvalidHookNSName")
    better = "Checks whether the namespace exists on the cluster where the hook runs."

    @passes_alone
    def check(self, migration: Migration, use: HookUse) -> Iterator[Outcome]:
        hook, subject = use.hook, use.plan.ref.subject
        account, namespace = hook.service_account, hook.execution_namespace
        if not is_subdomain(account):
            yield _wrong(use, "serviceAccount", account, "a service account's name")
        if not is_label(namespace):
            yield _wrong(use, "executionNamespace", namespace, "a namespace's name")
            return
        try:
            where = _runs_on(migration, use)
        except NotApplicable:
            where = None  # MTC760 and MTC764 say so
        if where is not None and where.find(NAMESPACE, namespace) is None:
            yield _wrong(
                use, "executionNamespace", namespace, f"a namespace of the {where.role}",
                f"which does not exist on {where.name}",
            )  # fmt: skip
        yield passed(
            subject,
            f"hook {use.name} runs as {account} in {namespace}",
            use.plan.ref.at(use.at),
        )


def _runs_on(migration: Migration, use: HookUse) -> Cluster | None:
    target = mig_hook(migration, use).target_cluster
    clusters = {"source": migration.source, "destination": migration.destination}
    return clusters.get(target)


def _wrong(use: HookUse, field: str, found: str, wanted: str, why: str = "") -> Outcome:
    text = why or "which is not valid" if found else "which is not set"
    return failed(
        use.plan.ref.subject,
        f"hook {use.name} of {named(use.plan)} has {field} {found!r}, {text}",
        use.plan.ref.at(f"{use.at}/{field}", found or None),
        found=found or "not set",
        wanted=wanted,
        key=f"{field} {use.index}",
        commands=(edit(use.plan),),
    )


class HookPhases(MigrationPolicy):
    """Every hook is of a phase that MTC has, and no two are of the same."""

    id = "MTC763"
    name = "hook-phases"
    title = "Every hook has one of the four phases, and each phase has at most one hook"
    why = "The plan never becomes Ready."
    reads = PLAN_READS
    requires = GIVEN
    remedy = f"Give each hook a different phase: {', '.join(PHASES)}."
    docs = (links.ADVANCED,)
    source = f"{VALIDATION} validateHooks"
    upstream = ("HookPhaseUnknown", "HookPhaseDuplicate")
    better = "Names the hooks."

    def applies(self, migration: Migration) -> None:
        if not migration.plan.hooks:
            raise NotApplicable("the plan has no hooks")

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan = migration.plan
        seen: dict[str, HookUse] = {}
        for index, hook in enumerate(plan.hooks):
            use = HookUse(index, hook, plan)
            if hook.phase not in PHASES:
                yield _phase(use, f"has phase {hook.phase!r}, which MTC does not have")
            elif hook.phase in seen:
                yield _phase(use, f"has phase {hook.phase}, as hook {seen[hook.phase].name} has")
            seen.setdefault(hook.phase, use)
        count = len(plan.hooks)
        yield passed(
            plan.ref.subject, f"every hook has a different phase ({count})", examined=count
        )


def _phase(use: HookUse, text: str) -> Outcome:
    return failed(
        use.plan.ref.subject,
        f"hook {use.name} of {named(use.plan)} {text}",
        use.plan.ref.at(f"{use.at}/phase", use.hook.phase),
        found=use.hook.phase or "not set",
        wanted=f"one of {', '.join(PHASES)}, each once",
        key=f"phase {use.index}",
        commands=(edit(use.plan),),
    )
