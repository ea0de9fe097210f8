"""Names that MTC makes others of, and earlier plans for the same namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from policies import links
from policies.needs.need_policies import PlanNeed
from policies.plan.plan_policies import PLAN_READS
from service.core.evidence import Gaps, NotGathered
from service.core.facts import mtc_release
from service.core.facts.mtc_release import mtc_version
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed, not_applicable
from service.core.policy import NotApplicable
from service.core.values.versions import Version, parse_or_none
from service.kinds.mtc import MIG_PLAN, MTC_NAMESPACE

LONGEST = 63
"""Characters of a label's value, and of a container's name."""


class PlanNameLength(PlanNeed):
    """The plan's name is no longer than a label's value, with a hook's phase than a container's.

    MTC puts the name on everything that it makes as a label, and calls the container of a hook
    after plan and phase; the API server refuses longer ones, and dots in a container's name.
    """

    id = "MTC848"
    name = "plan-name-length"
    title = "The name of the plan is short enough"
    why = "The API server rejects the objects that MTC creates. Nothing is migrated."
    reads = PLAN_READS
    remedy = (
        "Create the plan again with a shorter name. If it has hooks, the name must not "
        "contain dots."
    )
    docs = (links.MIGRATING, links.ADVANCED)
    source = "mig-controller pkg/controller/migmigration/backup.go, hooks.go"
    better = "MTC notices only when it creates the objects."
    good = "the plan's name is short enough"

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        plan = migration.plan
        name = plan.ref.name
        if not name:
            yield not_applicable(plan.ref.subject, "the short form of the plan has no name")
            return
        if len(name) > LONGEST:
            yield self._long(migration, name, f"{len(name)} characters", "label")
        for index, hook in enumerate(plan.hooks):
            made = f"{name}-{hook.phase.lower()}"
            if len(made) > LONGEST or "." in name:
                yield self._long(migration, made, f"{made} as a container's name", f"hook {index}")

    def _long(self, migration: Migration, name: str, found: str, key: str) -> Outcome:
        ref = migration.plan.ref
        long = f"{name} has more than {LONGEST} characters"
        return failed(
            ref.subject,
            long if len(name) > LONGEST else f"{name} names a container, which cannot have a dot",
            ref.at("/metadata/name", ref.name),
            found=found,
            wanted=f"at most {LONGEST} characters, without dots where there are hooks",
            key=key,
        )


FIRST_COUNTED = Version.parse("1.8.6")


class OnePlanPerNamespace(PlanNeed):
    """No other plan has the same namespaces, closed ones included.

    From MTC 1.8.6 a second plan stops only workloads that mount the claims that it has selected,
    because it counts every plan that has the entry. Open plans are MTC716's finding.
    """

    id = "MTC856"
    name = "one-plan-per-namespace"
    title = "No closed plan has the same namespaces"
    why = (
        "Workloads that mount no selected claim are not stopped, and their data changes "
        "during the migration."
    )
    severity = Severity.WARNING
    reads = (*PLAN_READS, *mtc_release.READS)
    declares = ("mtcVersion",)
    remedy = "Delete the closed plans of earlier migrations of these namespaces."
    docs = (links.MIGRATING,)
    source = "MTC 1.8.6 release notes; mig-controller pkg/controller/migmigration/quiesce.go"
    better = "MTC does not check closed plans."
    good = "no closed plan has the same namespaces"

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        with suppress(NotGathered):
            runs = parse_or_none(mtc_version(migration, migration.host).value)
            if runs is not None and runs < FIRST_COUNTED:
                raise NotApplicable(f"MTC {runs} does not count closed plans")
        plan = migration.plan
        entries = {one.text for one in plan.namespaces}
        with gaps.noted():
            migration.host.all(MIG_PLAN, (MTC_NAMESPACE,))
        for other in migration.host.known(MIG_PLAN):
            same = (other.ref.namespace, other.ref.name) == (plan.ref.namespace, plan.ref.name)
            shared = sorted(entries & {one.text for one in other.namespaces})
            if same or not other.closed or not shared:
                continue
            yield failed(
                other.ref.subject,
                f"closed plan {other.ref.name} also has {', '.join(shared[:5])}: workloads that "
                "mount no selected claim are not stopped",
                other.ref.at("/spec/namespaces"),
                found=", ".join(shared[:5]),
                wanted="one plan for a namespace",
            )
