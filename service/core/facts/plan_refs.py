"""What a plan refers to: its two MigClusters, its MigStorage and its hooks, on the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.core.evidence import Missing, NotGathered, Role
from service.core.facts import topology
from service.core.facts.topology import mig_cluster
from service.core.migration import Cluster, Migration
from service.core.policy import NotApplicable
from service.kinds.mtc import (
    MIG_CLUSTER,
    MIG_PLAN,
    MIG_STORAGE,
    MTC_NAMESPACE,
    MigCluster,
    MigPlan,
    MigStorage,
    ObjectRef,
)
from service.kinds.resource import Read
from service.kinds.shape import Condition

READS: tuple[Read[Any], ...] = (
    Read(MIG_PLAN, MTC_NAMESPACE),
    Read(MIG_STORAGE, MTC_NAMESPACE),
    *topology.READS,
)
"""What the functions of this module read; a policy that calls them declares it."""

FIELDS = {Role.SOURCE: "srcMigClusterRef", Role.DESTINATION: "destMigClusterRef"}
BLOCKING = ("Critical", "Error")
"""Categories of conditions that keep an object from being Ready (api/condition.go)."""


def cluster_ref(plan: MigPlan, cluster: Cluster) -> ObjectRef:
    """The plan's reference to the MigCluster of its source or its destination."""
    return plan.source_cluster if cluster.role == Role.SOURCE else plan.destination_cluster


def unset(plan: MigPlan, reference: ObjectRef) -> bool:
    """Whether a plan in short form says nothing at all of a reference.

    Whoever writes the short form describes what is meant, often before MTC is there; a MigPlan
    manifest without the reference is wrong.
    """
    return plan.ref.flat and not reference.namespace and not reference.name


def side_cluster(migration: Migration, cluster: Cluster) -> MigCluster:
    """The MigCluster of the plan's source or destination.

    Raises NotGathered; NotApplicable where the plan's short form names none and none is known, or
    where the reference has no target (another policy's finding).
    """
    plan = migration.given_plan
    if plan is None:
        return mig_cluster(migration, cluster)
    reference = cluster_ref(plan, cluster)
    if unset(plan, reference):
        try:
            return mig_cluster(migration, cluster)
        except NotGathered:
            raise NotApplicable("the plan's short form names no MigCluster") from None
    if not reference.is_set:
        raise NotApplicable("the plan does not name the MigCluster (MTC710)")
    found = migration.host.find(MIG_CLUSTER, reference.name, reference.namespace)
    if found is None:
        raise NotApplicable(f"MigCluster {reference} does not exist (MTC710)")
    return found


def plan_storage(migration: Migration) -> MigStorage:
    """The MigStorage of the plan. Raises as :func:`side_cluster`."""
    plan = migration.given_plan
    if plan is None or unset(plan, plan.storage):
        if migration.given_storage is None and plan is not None:
            raise NotApplicable("the plan's short form names no MigStorage, and none is given")
        return migration.storage
    if not plan.storage.is_set:
        raise NotApplicable("the plan does not name the MigStorage (MTC712)")
    found = migration.host.find(MIG_STORAGE, plan.storage.name, plan.storage.namespace)
    if found is None:
        raise NotApplicable(f"MigStorage {plan.storage} does not exist (MTC712)")
    return found


def reported_ready(conditions: Mapping[str, Condition]) -> bool | None:
    """Whether the controller says Ready; None where it has reported nothing yet."""
    if not conditions:
        return None
    ready = conditions.get("Ready")
    return ready is not None and ready.status == "True"


def blocking(conditions: Mapping[str, Condition]) -> tuple[Condition, ...]:
    """The conditions that keep an object from being Ready."""
    return tuple(
        item for item in conditions.values() if item.status == "True" and item.category in BLOCKING
    )


def no_status(cluster: Cluster, what: str, command: str) -> NotGathered:
    """What is missing where the controller has not looked at an object yet."""
    return NotGathered(Missing(f"the status of {what}", cluster.role, command))
