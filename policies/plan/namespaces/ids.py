"""User ids, groups and SELinux labels of the destination namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.plan.namespaces.namespace_entries import EachNamespace
from policies.plan.plan_policies import PLAN_READS, VALIDATION
from service.core.deadline import check
from service.core.migration import Cluster, Migration, once_per_cluster
from service.core.outcome import Outcome, Severity, failed
from service.core.values.wording import few
from service.kinds.cluster import NAMESPACE, Namespace
from service.kinds.mtc import NamespaceMapping
from service.kinds.ref import Subject, pointer_step
from service.kinds.resource import Read

UID_RANGE = "openshift.io/sa.scc.uid-range"
ANNOTATIONS = {
    UID_RANGE: "user ids",
    "openshift.io/sa.scc.supplemental-groups": "supplemental groups",
    "openshift.io/sa.scc.mcs": "SELinux labels",
}
"""What OpenShift assigns to a namespace, and MTC copies to a new one."""


class NamespaceIds(EachNamespace):
    """A destination namespace that exists has the source's user ids, groups and labels.

    Files are copied with their numbers, and pods run with those of their namespace. A new namespace
    gets the source's annotations; an existing one keeps its own. The controller compares in every
    plan, in spite of the name of its condition, but stops looking where a name is too long. Also: a
    new namespace whose user ids another namespace of the destination has already can be reached
    into from there; that is information only.
    """

    id = "MTC715"
    name = "namespace-ids"
    title = (
        "Existing destination namespaces have the user IDs, groups and SELinux labels of the source"
    )
    why = "The application may not read its own files after the migration."
    severity = Severity.WARNING
    reads = (*PLAN_READS, Read(NAMESPACE))
    remedy = (
        "Let MTC create the destination namespace, give it the annotations of the source before "
        "pods run in it, or change the owner of the files after the migration."
    )
    docs = (links.MAPPING, links.ABOUT)
    source = f"{VALIDATION} validateNamespacePermissions; BZ#1748440"
    upstream = ("IntraClusterMigration",)
    better = (
        "Names the annotations. The condition of the controller can hide another of the same type."
    )
    good = "every existing namespace has the IDs of its source"

    def faults(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        there = migration.destination.find(NAMESPACE, item.destination)
        here = migration.source.find(NAMESPACE, item.source)
        if here is None:
            return  # MTC744's finding
        if there is None:
            yield from _shared_ids(migration.destination, here, item.destination)
            return
        for annotation in ANNOTATIONS:
            if here.annotations.get(annotation) != there.annotations.get(annotation):
                yield _other_ids(here, there, annotation)


def _other_ids(here: Namespace, there: Namespace, annotation: str) -> Outcome:
    ours, theirs = here.annotations.get(annotation), there.annotations.get(annotation)
    name = quote(there.ref.name)
    # An empty annotation is no range: where the source has none, there is nothing to give.
    give = f"oc annotate namespace {name} --overwrite {annotation}={quote(ours or '')}"
    return failed(
        there.ref.subject,
        f"namespace {there.ref.name} exists with other {ANNOTATIONS[annotation]} than "
        f"{here.ref.name} of the source",
        there.ref.at(_annotation(annotation), theirs),
        here.ref.at(_annotation(annotation), ours),
        found=theirs or "not set",
        wanted=ours or "not set",
        key=annotation,
        commands=(give if ours else f"oc get namespace {name} -o json",),
    )


def _shared_ids(destination: Cluster, here: Namespace, name: str) -> Iterator[Outcome]:
    annotation = UID_RANGE
    ours = here.annotations.get(annotation)
    if ours and ours in _holders(destination):
        names, others = _holders(destination)[ours]
        yield failed(
            Subject(destination.name, "v1", "Namespace", "", name),
            f"namespace {name} has user IDs {ours}, which {names} already has on the destination",
            here.ref.at(_annotation(annotation), ours),
            *(item.ref.at(_annotation(annotation), ours) for item in others),
            found=names,
            wanted="user IDs that no other namespace has",
            key="shared",
            severity=Severity.INFO,
        )


@once_per_cluster
def _holders(cluster: Cluster) -> dict[str, tuple[str, list[Namespace]]]:
    """Of each range of user ids, the names of the namespaces that have it, and the first three."""
    found: dict[str, list[Namespace]] = {}
    for item in cluster.known(NAMESPACE):
        check()
        found.setdefault(item.annotations.get(UID_RANGE, ""), []).append(item)
    return {
        ids: (few(item.ref.name for item in spaces), spaces[:3]) for ids, spaces in found.items()
    }


def _annotation(name: str) -> str:
    return f"/metadata/annotations/{pointer_step(name)}"
