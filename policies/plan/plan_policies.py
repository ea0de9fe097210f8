"""What the rules about a MigPlan share."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote

from service.core.migration import Cluster, Migration
from service.core.outcome import Command, at_host
from service.core.policy import Policy
from service.kinds.mtc import MIG_PLAN, MTC_NAMESPACE, MigPlan
from service.kinds.ref import Pointer
from service.kinds.resource import Read

PLAN_READS = (Read(MIG_PLAN, MTC_NAMESPACE),)
GIVEN: tuple[str, ...] = ("MTC780",)
"""What every policy about the plan builds on: that there is one, and that it is open."""
VALIDATION = "mig-controller pkg/controller/migplan/validation.go"


class SidePolicy(Policy[Cluster]):
    """A rule that the source and the destination are held to, each for itself."""

    requires = GIVEN

    def subjects(self, migration: Migration) -> Iterable[Cluster]:
        return (migration.source, migration.destination)


def edit(plan: MigPlan) -> Command:
    """The command that opens the plan in an editor."""
    name, namespace = plan.ref.name or "<plan>", plan.ref.namespace or MTC_NAMESPACE
    shown = name if name == "<plan>" else quote(name)
    return at_host(f"oc edit migplan {shown} -n {quote(namespace)}")


def named(plan: MigPlan) -> str:
    """The plan as a sentence calls it."""
    return f"plan {plan.ref.name}" if plan.ref.name else "the plan"


def entry(plan: MigPlan, index: int) -> Pointer:
    """The place of an entry of spec.namespaces."""
    return plan.ref.at(f"/spec/namespaces/{index}", plan.namespaces[index].text)
