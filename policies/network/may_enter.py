"""May this pod be entered? The second question of MTC506."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.network.admin_policy import admin_ingress
from policies.network.allow_manifests import allow_rsync
from policies.network.blocked_traffic import (
    Traffic,
    namespace_labels,
    of_administrators,
    of_namespace,
)
from policies.network.network_policy import Outside, selecting
from policies.network.traffic import (
    ADMIN_KINDS,
    RSYNC_PORT,
    Space,
    TrafficTarget,
    admin_rules,
    from_router,
    namespace_rules,
    own_pod,
    router_needs,
    router_peer,
)
from service.core.migration import Migration
from service.core.outcome import Outcome
from service.kinds.network import NetworkPolicy


def may_enter(migration: Migration, space: Space) -> Iterator[Outcome]:
    """What keeps the router of the destination from rsync's pods, or may; nothing if it reaches
    them.
    """
    cluster = migration.destination
    policies, _ = namespace_rules(cluster, space.destination, egress=False)
    name = Space(space.destination, space.destination, space.pods)
    traffic = Traffic(
        name, TrafficTarget(Outside("", 0)), "rsync", lambda item: allow_rsync(item, "ingress")
    )
    for labels in space.pods:
        isolating = selecting(policies, labels, "ingress")
        yield from _by_policies(migration, traffic, isolating, labels)


def _by_policies(
    migration: Migration,
    traffic: Traffic,
    isolating: list[NetworkPolicy],
    labels: Mapping[str, str],
) -> Iterator[Outcome]:
    cluster = migration.destination
    pod = own_pod(cluster, traffic.space.source, labels)
    for resource in ADMIN_KINDS if not isolating else ADMIN_KINDS[:1]:
        rules = admin_rules(cluster, resource)
        ruling = admin_ingress(rules, pod, router_peer(cluster), RSYNC_PORT)
        needs = (*namespace_labels(cluster, pod, traffic.space.source), *router_needs(cluster))
        yield from of_administrators(cluster, traffic, ruling, "ingress", needs)
        if ruling.let is not None:
            return
    if isolating:
        let, missing = from_router(migration, isolating, RSYNC_PORT)
        yield from of_namespace(cluster, traffic, isolating, let, "ingress", missing)
