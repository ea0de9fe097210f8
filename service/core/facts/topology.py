"""Which MigCluster represents which cluster."""

from __future__ import annotations

from typing import Any

from service.core.evidence import NotGathered
from service.core.migration import Cluster, Migration, once_per_role
from service.kinds.mtc import MIG_CLUSTER, MTC_NAMESPACE, MigCluster, ObjectRef
from service.kinds.resource import Read

READS: tuple[Read[Any], ...] = (Read(MIG_CLUSTER, MTC_NAMESPACE),)
"""What the functions of this module read; a policy that calls them declares it."""

TUNNEL_SUFFIX = ".svc.cluster.local"
"""`crane tunnel-api` makes the remote API a service of the host cluster (MTC 1.7)."""


@once_per_role
def mig_cluster(migration: Migration, cluster: Cluster) -> MigCluster:
    """The MigCluster on the host that represents a cluster.

    By the plan's reference; without a plan the host's own, or the only remote one.
    Raises NotGathered where none or several fit.
    """
    known = migration.host.known(MIG_CLUSTER)
    reference = _reference(migration, cluster)
    if reference is not None and reference.is_set:
        for item in known:
            if (item.ref.namespace, item.ref.name) == (reference.namespace, reference.name):
                return item
        raise _missing(migration, reference.name, reference.namespace)
    fits = [item for item in known if item.is_host == migration.is_host(cluster)]
    if len(fits) == 1:
        return fits[0]
    raise _missing(migration, "", MTC_NAMESPACE)


def _reference(migration: Migration, cluster: Cluster) -> ObjectRef | None:
    plan = migration.given_plan
    if plan is None or cluster not in (migration.source, migration.destination):
        return None
    return plan.source_cluster if cluster is migration.source else plan.destination_cluster


def _missing(migration: Migration, name: str, namespace: str) -> NotGathered:
    return migration.host.inventory.not_gathered(MIG_CLUSTER, name, namespace)


def tunnelled(migration: Migration, cluster: Cluster) -> MigCluster | None:
    """The MigCluster of a cluster that is reached through `crane tunnel-api`, else None.

    With the tunnel the remote API is a service inside the host cluster, so neither its port
    6443/8443 nor its registry route is used. Where no MigCluster is known, there is no tunnel
    to be seen; this function does not raise.
    """
    try:
        item = mig_cluster(migration, cluster)
    except NotGathered:
        return None
    host = item.url.partition("://")[2].partition("/")[0].partition(":")[0]
    return item if host.endswith(TUNNEL_SUFFIX) else None
