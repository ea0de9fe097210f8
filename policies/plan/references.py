"""The plan's clusters and repository exist, and the controller can use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies import links
from policies.plan.plan_policies import GIVEN, PLAN_READS, VALIDATION, SidePolicy, edit, named
from service.core.evidence import Missing, NotGathered, Role
from service.core.facts.machinery import RUNNING_READS, controller_down
from service.core.facts.plan_refs import (
    FIELDS,
    blocking,
    cluster_ref,
    no_status,
    plan_storage,
    reported_ready,
    side_cluster,
    unset,
)
from service.core.facts.plan_type import storage_conversion
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed, not_applicable, passed
from service.core.policy import MigrationPolicy, NotApplicable
from service.kinds.mtc import MIG_CLUSTER, MIG_STORAGE, MigCluster, MigPlan, MigStorage, ObjectRef
from service.kinds.ref import Ref
from service.kinds.resource import Read, Resource, fetch_command

CLUSTER_READS: tuple[Read[Any], ...] = (*PLAN_READS, Read(MIG_CLUSTER))
STORAGE_READS: tuple[Read[Any], ...] = (*CLUSTER_READS, Read(MIG_STORAGE))


class PlanClusters(SidePolicy):
    """srcMigClusterRef and destMigClusterRef name MigClusters that exist on the host.

    A reference counts only with namespace and name, as the controller reads it. A plan in short
    form that names no MigCluster describes a migration before MTC knows the clusters, so the
    rule does not concern it.
    """

    id = "MTC710"
    name = "plan-clusters"
    single = True
    title = "The plan's source and destination refer to MigClusters that exist"
    why = "The plan never becomes Ready, and the controller checks nothing else."
    reads = CLUSTER_READS
    requires = (*GIVEN, "MTC745")
    remedy = "Refer to an existing MigCluster with both namespace and name, or add the cluster."
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validateSourceCluster, validateDestinationCluster"
    upstream = ("InvalidSourceClusterRef", "InvalidDestinationClusterRef")
    better = "Lists the MigClusters that exist. The whole reconcile of the controller fails."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        plan, host = migration.plan, migration.host
        reference, field = cluster_ref(plan, cluster), FIELDS[Role(cluster.role)]
        if unset(plan, reference):
            yield not_applicable(cluster.subject, "the plan's short form names no MigCluster")
            return
        fault = _leads_nowhere(host, plan, MIG_CLUSTER, reference, field)
        if fault is not None:
            yield fault
            return
        yield passed(
            cluster.subject,
            f"{field} refers to MigCluster {reference}",
            plan.ref.at(f"/spec/{field}", reference),
        )


class PlanClustersReady(SidePolicy):
    """The controller has found both MigClusters Ready.

    What keeps a cluster from being Ready has policies of its own; this one repeats the
    controller's word, with the conditions that it gives as reasons.
    """

    id = "MTC711"
    name = "plan-clusters-ready"
    single = True
    title = "The plan's MigClusters are Ready"
    why = "The plan does not become Ready and no migration starts."
    reads = (*CLUSTER_READS, *RUNNING_READS)
    requires = ("MTC710", "MTC820")
    remedy = (
        "Fix what the conditions of the MigCluster report. Then the controller validates again."
    )
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validateSourceCluster, validateDestinationCluster"
    upstream = ("SourceClusterNotReady", "DestinationClusterNotReady")
    better = "Includes the reasons."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        yield from _readiness(migration, cluster, side_cluster(migration, cluster))


class PlanStorageExists(MigrationPolicy):
    """migStorageRef names a MigStorage that exists, unless the plan converts storage classes.

    Direct migrations need it too: Kubernetes objects still go through the repository.
    """

    id = "MTC712"
    name = "plan-storage"
    title = "The plan refers to a replication repository that exists"
    why = (
        "The plan never becomes Ready. Even a direct migration copies objects through the "
        "repository."
    )
    reads = STORAGE_READS
    requires = (*GIVEN, "MTC745")
    remedy = "Refer to an existing MigStorage with both namespace and name, or add a repository."
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validateStorage"
    upstream = ("InvalidStorageRef",)
    better = "Lists the MigStorages that exist."
    single = True

    def applies(self, migration: Migration) -> None:
        _needs_storage(migration)
        if unset(migration.plan, migration.plan.storage):
            raise NotApplicable("the plan's short form names no MigStorage")

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan = migration.plan
        fault = _leads_nowhere(migration.host, plan, MIG_STORAGE, plan.storage, "migStorageRef")
        if fault is not None:
            yield fault
            return
        yield passed(
            plan.ref.subject,
            f"migStorageRef refers to MigStorage {plan.storage}",
            plan.ref.at("/spec/migStorageRef", plan.storage),
        )


class PlanStorageReady(MigrationPolicy):
    """The controller has found the MigStorage Ready: it wrote and read an object there."""

    id = "MTC713"
    name = "plan-storage-ready"
    title = "The plan's replication repository is Ready"
    why = "The plan does not become Ready and no migration starts."
    reads = (*STORAGE_READS, *RUNNING_READS)
    requires = ("MTC712", "MTC820")
    remedy = (
        "Fix what the conditions of the MigStorage report. The controller tests it every "
        "30 seconds."
    )
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validateStorage"
    upstream = ("StorageNotReady",)
    better = "Includes the reasons."
    single = True

    def applies(self, migration: Migration) -> None:
        _needs_storage(migration)

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        storage = plan_storage(migration)
        yield from _readiness(migration, migration.host, storage)


def _needs_storage(migration: Migration) -> None:
    if storage_conversion(migration):
        raise NotApplicable("a plan that converts storage classes needs no repository")


def _leads_nowhere(
    host: Cluster,
    plan: MigPlan,
    resource: Resource[Any],
    reference: ObjectRef,
    field: str,
) -> Outcome | None:
    """A failure where a reference is not complete or names nothing; None where it is good."""
    pointer = plan.ref.at(f"/spec/{field}", reference if reference.name else None)
    if not reference.is_set:
        half = "" if not (reference.name or reference.namespace) else f" completely: {reference}"
        return failed(
            plan.ref.subject,
            f"{named(plan)} does not set {field}{half}; namespace and name are both needed",
            pointer,
            found=str(reference) if half else "not set",
            wanted=f"namespace and name of a {resource.kind}",
            key=field,
            commands=(fetch_command(resource).removesuffix(" -o json"), edit(plan)),
        )
    if host.find(resource, reference.name, reference.namespace) is not None:
        return None
    known = [f"{item.ref.namespace}/{item.ref.name}" for item in host.known(resource)]
    return failed(
        plan.ref.subject,
        f"{field} of {named(plan)} names {resource.kind} {reference}, which does not exist on "
        f"{host.name}",
        pointer,
        found=str(reference),
        wanted=f"one of {', '.join(sorted(known)[:10])}" if known else f"a {resource.kind}",
        key=field,
        commands=(fetch_command(resource).removesuffix(" -o json"), edit(plan)),
    )


def _readiness(
    migration: Migration, about: Cluster, item: MigCluster | MigStorage
) -> Iterator[Outcome]:
    ready = reported_ready(item.conditions)
    ref = item.ref
    if ready is None:
        raise no_status(migration.host, f"{ref.kind} {ref.name}", _show(ref))
    down = controller_down(migration)
    if down is not None:
        raise NotGathered(
            Missing(
                f"the status of {ref.kind} {ref.name} after the controller runs again (MTC820)",
                migration.host.role,
                _show(ref),
                down.text,
            )
        )
    if ready:
        yield passed(
            about.subject, f"{ref.kind} {ref.name} is Ready", ref.at("/status/conditions", "Ready")
        )
        return
    reasons = blocking(item.conditions)
    text = "; ".join(f"{one.type} ({one.message})".replace(" ()", "") for one in reasons)
    yield failed(
        ref.subject,
        f"{ref.kind} {ref.name} is not Ready"
        + (f": {text}" if text else ", and the controller gives no reason"),
        ref.at("/status/conditions", ", ".join(one.type for one in reasons) or "no Ready"),
        found=", ".join(sorted(one.type for one in reasons)) or "no condition Ready",
        wanted="condition Ready with status True",
        commands=(_show(ref),),
    )


def _show(ref: Ref) -> str:
    resource = MIG_CLUSTER if ref.kind == MIG_CLUSTER.kind else MIG_STORAGE
    return fetch_command(resource, ref.name or "<name>", ref.namespace)
