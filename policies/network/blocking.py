"""Network policies and egress firewalls that stop MTC's traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from policies import links
from policies.network.allow_manifests import allow_all_egress, allow_rsync
from policies.network.blocked_traffic import Traffic
from policies.network.connection_outcomes import (
    COMMAND_READS,
    PLACE_READS,
    PLAN_READS,
    STORAGE_READS,
)
from policies.network.may_enter import may_enter
from policies.network.may_leave import may_leave
from policies.network.network_policy import Outside
from policies.network.traffic import (
    AGENT_PODS,
    CONTROLLER_PODS,
    MTC_PODS,
    Space,
    TrafficTarget,
    addresses,
    endpoint_target,
    repository_target,
    rsync_spaces,
    rsync_target,
)
from policies.plan.plan_policies import GIVEN
from service.core.evidence import Gaps, NotGathered
from service.core.facts import Fact, direct
from service.core.facts.direct import direct_volumes
from service.core.facts.endpoints import Endpoint, api, registry_route
from service.core.facts.proxy import proxy_use
from service.core.facts.served_apis import READS as API_READS
from service.core.facts.topology import tunnelled
from service.core.facts.transfer import direct_images, intra_cluster, storage_conversion
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, not_applicable, passed, passes_alone
from service.core.policy import ClusterPolicy
from service.kinds.cluster import NAMESPACE
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.network import (
    ADMIN_NETWORK_POLICY,
    BASELINE_ADMIN_NETWORK_POLICY,
    EGRESS_FIREWALL,
    EGRESS_NETWORK_POLICY,
    NETWORK_POLICY,
)
from service.kinds.resource import Read

Look = Callable[[], Iterator[Outcome]]
"""A check of one namespace: yields only what is not a pass."""


class NoBlockingNetworkPolicy(ClusterPolicy):
    """Nothing in the namespaces concerned stops the traffic of rsync or to the repository.

    With direct volume migration rsync pods leave the source namespace for the destination's route
    (or the Stunnel proxy) and are entered from the router in the destination namespace. Velero and,
    for indirect volumes, the agents that copy files leave openshift-migration for the repository on
    every cluster; the controller leaves the host for it, for the API server of each other cluster,
    and for their registries where images are copied directly. Answers to a connection come back by
    themselves, so the destination needs no egress rule. OpenShift 3 does not enforce the egress
    part of a NetworkPolicy. Policies of the cluster's administrators go before it, and the baseline
    one after it, where the evidence contains them or shows that the cluster has these kinds.

    The functions below list the traffic. Two questions are asked of it: may this pod leave
    (may_leave.py), and may it be entered (may_enter.py). What rules allow is in network_policy.py
    and admin_policy.py.
    """

    id = "MTC506"
    name = "no-blocking-network-policy"
    title = "No network policy or egress firewall stops rsync or the repository's traffic"
    why = "Each of 20 rsync attempts times out after 20 seconds, and the volumes stay empty."
    reads = (
        *direct.READS,
        Read(NETWORK_POLICY, namespace=MTC_NAMESPACE),
        Read(NETWORK_POLICY, plan_namespaces=True),
        Read(EGRESS_FIREWALL, namespace=MTC_NAMESPACE),
        Read(EGRESS_FIREWALL, plan_namespaces=True),
        Read(EGRESS_NETWORK_POLICY, namespace=MTC_NAMESPACE),
        Read(EGRESS_NETWORK_POLICY, plan_namespaces=True),
        Read(ADMIN_NETWORK_POLICY),
        Read(BASELINE_ADMIN_NETWORK_POLICY),
        Read(NAMESPACE),
        *API_READS,
        *PLAN_READS,
        *STORAGE_READS,
        *PLACE_READS,
        *COMMAND_READS,
    )
    declares = ("networkRestrictions", "networkType", "addresses")
    requires = GIVEN
    remedy = (
        "Add a NetworkPolicy that allows egress of the rsync pods on the source and ingress on "
        "the destination, and an Allow rule before the Deny rule in the egress firewall."
    )
    docs = (links.PROXIES,)
    source = (
        "MTC docs, About configuring proxies (NetworkPolicy, EgressNetworkPolicy); "
        "mig-controller pkg/controller/directvolumemigration/rsync.go"
    )
    upstream = ("SourceToDestinationNetworkError",)
    better = "MTC notices only when every rsync pod has timed out."

    @passes_alone
    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        looks: list[Look] = []
        gaps = Gaps()
        if not storage_conversion(migration):
            looks.append(lambda: _to_repository(migration, cluster))
        if migration.is_host(cluster):
            looks += _controller_looks(migration)
        with gaps.noted():
            looks += _rsync_looks(migration, cluster)
        for look in looks:
            with gaps.noted():
                yield from look()
        gaps.require_none()
        yield _clean(cluster, len(looks))


def _clean(cluster: Cluster, count: int) -> Outcome:
    if not count:
        return not_applicable(cluster.subject, "MTC has no traffic in these namespaces")
    return passed(
        cluster.subject,
        f"nothing blocks the traffic of MTC ({count} checked)",
        examined=count,
    )


def _rsync_looks(migration: Migration, cluster: Cluster) -> list[Look]:
    looks: list[Look] = []
    if cluster is migration.source:
        looks += [partial(_rsync_out, migration, space) for space in _spaces(migration)]
    if cluster is migration.destination:
        looks += [partial(may_enter, migration, space) for space in _spaces(migration)]
    return looks


def _spaces(migration: Migration) -> Iterable[Space]:
    return rsync_spaces(migration) if direct_volumes(migration).value else ()


def _to_repository(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """Velero, the agents that copy files and, on the host, the controller."""
    agents = () if _direct_only(migration) else AGENT_PODS
    pods = (MTC_PODS, *agents, *((CONTROLLER_PODS,) * migration.is_host(cluster)))
    space = Space(MTC_NAMESPACE, MTC_NAMESPACE, pods)
    what = "traffic to the replication repository"
    traffic = Traffic(space, repository_target(migration), what, allow_all_egress)
    yield from may_leave(migration, cluster, traffic)


def _direct_only(migration: Migration) -> bool:
    plan = migration.given_plan
    return plan is not None and not plan.indirect_volumes


def _controller_looks(migration: Migration) -> list[Look]:
    """From the controller to the API servers and the registries of the other clusters."""
    host = migration.host
    space = Space(MTC_NAMESPACE, MTC_NAMESPACE, (CONTROLLER_PODS,))
    looks: list[Look] = []
    for remote in migration.clusters:
        if remote is host or intra_cluster(migration) or tunnelled(migration, remote) is not None:
            continue
        targets = {"api": _past_proxy(migration, partial(api, migration, remote))}
        if _images(migration):
            place = partial(registry_route, migration, remote)
            targets["registry"] = _past_proxy(migration, place)
        for kind, target in targets.items():
            name = "API server" if kind == "api" else kind
            what = f"the controller's traffic to the {name} of the {remote.role} cluster"
            traffic = Traffic(space, target, what, allow_all_egress, f"{kind}-{remote.role}")
            looks.append(partial(may_leave, migration, host, traffic))
    return looks


def _past_proxy(migration: Migration, read: Callable[[], Fact[Endpoint]]) -> TrafficTarget:
    """Where the controller connects to: the proxy of the host, where it has one."""
    try:
        use = proxy_use(migration.host)
    except NotGathered:
        use = None
    if use is None or not use.value.in_use:
        return endpoint_target(migration, read)
    host, _, port = use.value.endpoints[0].rpartition(":")
    number = int(port) if port.isdigit() else 0
    return TrafficTarget(Outside(host, number, addresses(migration, host)), use.evidence)


def _images(migration: Migration) -> bool:
    try:
        return direct_images(migration).value
    except NotGathered:
        return False


def _rsync_out(migration: Migration, space: Space) -> Iterator[Outcome]:
    target = rsync_target(migration, space)
    what = f"rsync to {target.outside.host or 'the destination'}"
    traffic = Traffic(space, target, what, lambda name: allow_rsync(name, "egress"))
    yield from may_leave(migration, migration.source, traffic)
