"""What the rules about a MigPlan share."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote

from service.core.link import Link
from service.core.migration import Cluster, Migration
from service.core.policy import Policy
from service.kinds.mtc import MIG_PLAN, MTC_NAMESPACE, MigPlan
from service.kinds.ref import Pointer
from service.kinds.resource import Read

_BOOK = "https://docs.redhat.com/en/documentation/openshift_container_platform/4.18/html"
_MTC = f"{_BOOK}/migration_toolkit_for_containers"
MIGRATING = Link("Migrating your applications", f"{_MTC}/migrating-applications-with-mtc")
ABOUT = Link("About the Migration Toolkit for Containers", f"{_MTC}/about-mtc")
CHECKLISTS = Link("Premigration checklists", f"{_MTC}/premigration-checklists-mtc")
ADVANCED = Link("Advanced migration options", f"{_MTC}/advanced-migration-options-mtc")
TROUBLE = Link("Troubleshooting", f"{_MTC}/troubleshooting-mtc")
MAPPING = Link(
    "Mapping namespaces",
    "https://github.com/migtools/mig-operator/blob/master/docs/usage/NamespaceMapping.md",
)
PLAN_READS = (Read(MIG_PLAN, MTC_NAMESPACE),)
VALIDATION = "mig-controller pkg/controller/migplan/validation.go"


class SidePolicy(Policy[Cluster]):
    """A rule that the source and the destination are held to, each for itself."""

    def subjects(self, migration: Migration) -> Iterable[Cluster]:
        return (migration.source, migration.destination)


def edit(plan: MigPlan) -> str:
    """The command that opens the plan in an editor."""
    name, namespace = plan.ref.name or "<plan>", plan.ref.namespace or MTC_NAMESPACE
    shown = name if name == "<plan>" else quote(name)
    return f"oc edit migplan {shown} -n {quote(namespace)}"


def named(plan: MigPlan) -> str:
    """The plan as a sentence calls it."""
    return f"plan {plan.ref.name}" if plan.ref.name else "the plan"


def entry(plan: MigPlan, index: int) -> Pointer:
    """The place of an entry of spec.namespaces."""
    return plan.ref.at(f"/spec/namespaces/{index}", plan.namespaces[index].text)
