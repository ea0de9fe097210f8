"""What pods name that belongs to the cluster and that MTC does not bring."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Any

from policies import links
from policies.needs.need_policies import PlanNeed
from policies.plan.plan_policies import PLAN_READS
from service.core.evidence import Gaps, NotGathered
from service.core.facts.templates import READS as TEMPLATE_READS
from service.core.facts.templates import require_templates, templates
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, at_destination, failed, unknown
from service.kinds.apis import PRIORITY_CLASS, RUNTIME_CLASS
from service.kinds.cluster import SECRET
from service.kinds.ref import Ref
from service.kinds.resource import Read, Resource
from service.kinds.workloads import POD, Pod, Workload

BUILT_IN = ("system-cluster-critical", "system-node-critical")
DEFAULT_SCHEDULER = "default-scheduler"


class ClusterScopedNeeds(PlanNeed):
    """Priority classes, runtime classes and schedulers that the pods name are on the destination.

    They belong to the cluster, and MTC migrates namespaces. Looked at are pods and the templates
    of what makes them, so that a workload that is scaled to zero counts. A pull secret that a
    template names comes along with the namespace, if that has it.
    """

    id = "MTC838"
    name = "cluster-scoped-needs"
    title = "The classes that the pods use exist on the destination"
    why = "The API server rejects the pods, and the application does not start."
    reads = (
        *PLAN_READS,
        Read(POD, plan_namespaces=True),
        *TEMPLATE_READS,
        Read(PRIORITY_CLASS),
        Read(RUNTIME_CLASS),
        Read(SECRET, plan_namespaces=True),
    )
    remedy = (
        "Create the class on the destination as it is on the source, and the pull secret in the "
        "namespace."
    )
    docs = (
        links.CHECKLISTS,
        links.PRIORITY,
    )
    source = "MTC documentation, Troubleshooting 3 to 4, known issues; Premigration checklists"
    better = "MTC has no such check."
    good = "the classes that the pods use exist on the destination"

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        with gaps.noted():
            migration.source.all(POD, migration.source_namespaces)
        with gaps.noted():
            require_templates(migration.source, migration.source_namespaces)
        for name, ref in _named(migration, "priority_class").items():
            if name not in BUILT_IN:
                yield from _absent(migration, PRIORITY_CLASS, name, ref)
        for name, ref in _named(migration, "runtime_class").items():
            yield from _absent(migration, RUNTIME_CLASS, name, ref)
        yield from _pull_secrets(migration, gaps)
        for name, ref in _named(migration, "scheduler").items():
            if name != DEFAULT_SCHEDULER:
                yield failed(
                    ref.subject,
                    f"{ref.kind} {ref.namespace}/{ref.name} asks for scheduler {name}; without it "
                    "on the destination its pods stay Pending",
                    ref.at("/spec", name),
                    found=name,
                    wanted=DEFAULT_SCHEDULER,
                    key=f"scheduler {name}",
                    commands=(at_destination("oc get pods --all-namespaces | grep -i scheduler"),),
                    severity=Severity.WARNING,
                )


def _pull_secrets(migration: Migration, gaps: Gaps) -> Iterator[Outcome]:
    source = migration.source
    for made in templates(source, migration.source_namespaces):
        for name in made.pull_secrets:
            with gaps.noted():
                if source.find(SECRET, name, made.ref.namespace) is None:
                    who = f"{made.ref.kind} {made.ref.namespace}/{made.ref.name}"
                    yield failed(
                        made.ref.subject,
                        f"{who} uses pull secret {name}, which its namespace does not have: "
                        "images that are not on a node already cannot be pulled",
                        made.ref.at(f"{made.template}/spec/imagePullSecrets", name),
                        found="absent",
                        wanted=f"secret {name}",
                        key=f"pull secret {name}",
                        commands=(f"oc get secrets -n {quote(made.ref.namespace)}",),
                        severity=Severity.WARNING,
                    )


def _named(migration: Migration, field: str) -> dict[str, Ref]:
    """What pods and templates name, and the first object that does."""
    source, namespaces = migration.source, migration.source_namespaces
    found: dict[str, Ref] = {}
    pods: tuple[Pod, ...] = source.known(POD, namespaces)
    users: tuple[Pod | Workload, ...] = (*pods, *templates(source, namespaces))
    for item in users:
        name: str = getattr(item, field)
        if name:
            found.setdefault(name, item.ref)
    return found


def _absent(migration: Migration, kind: Resource[Any], name: str, ref: Ref) -> Iterator[Outcome]:
    who = f"{ref.kind} {ref.namespace}/{ref.name}"
    try:
        if migration.destination.find(kind, name) is not None:
            return
    except NotGathered as gap:
        yield unknown(
            ref.subject,
            f"{who} uses {kind.kind} {name}; cannot verify whether it exists on the destination",
            *gap.missing,
            key=f"{kind.kind} {name}",
            severity=Severity.BLOCKER,
        )
        return
    yield failed(
        ref.subject,
        f"{who} uses {kind.kind} {name}, which does not exist on the destination",
        ref.at("/spec", name),
        found="absent",
        wanted=f"{kind.kind} {name}",
        key=f"{kind.kind} {name}",
        commands=(at_destination(f"oc get {kind.argument}"),),
    )
