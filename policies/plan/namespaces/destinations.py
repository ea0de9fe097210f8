"""What the destination namespaces hold before the migration."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Any

from policies import links
from policies.plan.namespaces.namespace_entries import EachNamespace, terminating
from policies.plan.plan_policies import PLAN_READS, named
from service.core.evidence import NotGathered
from service.core.facts import namespaces
from service.core.facts.namespaces import TERMINATING, is_there
from service.core.facts.plan_type import intra_cluster
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import NotApplicable
from service.core.values.wording import few
from service.kinds.mtc import MIG_CLUSTER, MTC_NAMESPACE, NamespaceMapping
from service.kinds.network import ROUTE, SERVICE
from service.kinds.ref import Ref, Subject
from service.kinds.resource import Read, Resource
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM
from service.kinds.workloads import BUILD_CONFIG, DEPLOYMENT, IMAGE_STREAM

CONTENT: tuple[Resource[Any], ...] = (
    PERSISTENT_VOLUME_CLAIM,
    IMAGE_STREAM,
    BUILD_CONFIG,
    DEPLOYMENT,
    ROUTE,
    SERVICE,
)
"""What is compared by name where the destination namespace exists already."""


class DestinationNamespaces(EachNamespace):
    """Destination namespaces do not exist yet, or hold nothing of the names that come.

    MTC creates them. A claim that exists is filled without a look at it, any other object that
    exists is left as it is, so the application arrives mixed. A namespace that is being deleted
    stops the migration.
    """

    id = "MTC746"
    name = "destination-namespaces"
    title = "The destination namespaces contain no objects with the same names"
    why = (
        "Existing objects are kept instead of the migrated ones, existing claims are "
        "overwritten, and a namespace that is being deleted accepts no objects."
    )
    severity = Severity.WARNING
    reads = (
        *PLAN_READS,
        *namespaces.READS,
        Read(MIG_CLUSTER, MTC_NAMESPACE),
        *(Read(resource, plan_namespaces=True) for resource in CONTENT[1:]),
    )
    remedy = "Delete the namespace on the destination before the migration, or map to a new one."
    docs = (links.CHECKLISTS, links.MAPPING)
    source = (
        "MTC documentation, Premigration checklists, Target cluster; mig-controller "
        "pkg/controller/directvolumemigration/{namespace,pvcs}.go"
    )
    better = "MTC does not check this."
    good = "no destination namespace contains a migrated object"

    def applies(self, migration: Migration) -> None:
        super().applies(migration)
        unmapped = all(item.source == item.destination for item in migration.plan.namespaces)
        if unmapped and intra_cluster(migration):
            raise NotApplicable("storage classes are converted within the namespaces")

    def faults(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        destination, name = migration.destination, item.destination
        there, namespace = is_there(destination, name)
        if not there:
            return
        if namespace is not None and namespace.phase == TERMINATING:
            fault = terminating(destination, namespace, " on the destination", "no such namespace")
            yield fault._replace(key="terminating", severity=Severity.BLOCKER)
            return
        refs = _same_names(migration, item)
        if refs:
            same = [f"{ref.kind} {ref.name}" for ref in refs]
            kinds = ",".join(resource.argument for resource in CONTENT)
            yield failed(
                Subject(destination.name, "v1", "Namespace", "", name),
                f"namespace {name} exists on the destination and contains {few(same)}, as does "
                f"{item.source} on the source; {named(migration.plan)} does not replace them",
                *(ref.at("/metadata/name", ref.name) for ref in refs[:5]),
                found=", ".join(same[:10]),
                wanted="no objects with the same names",
                key="same-names",
                commands=(f"oc get {kinds} -n {quote(name)}",),
                observed=len(same),
            )
            return
        for resource in CONTENT:  # every list must be whole to say that none is there
            if destination.all(resource, (name,)):
                migration.source.all(resource, (item.source,))


def _same_names(migration: Migration, item: NamespaceMapping) -> list[Ref]:
    """The objects of the destination whose names an object of the source has."""
    found = []
    for resource in CONTENT:
        here = _names(migration.source, resource, item.source)
        there = _names(migration.destination, resource, item.destination)
        found += [there[name] for name in sorted(here.keys() & there.keys())]
    return found


def _names(cluster: Cluster, resource: Resource[Any], namespace: str) -> dict[str, Ref]:
    """The objects that are known in a namespace, by name, whether the list is whole or not."""
    try:
        items = cluster.all(resource, (namespace,))
    except NotGathered:
        items = cluster.known(resource, (namespace,))
    return {item.ref.name: item.ref for item in items}
