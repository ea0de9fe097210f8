"""The traffic of a migration as network rules see it: which pods, which targets, which rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from shlex import quote

from policies.network.allow_manifests import RSYNC_APPS
from policies.network.network_policy import (
    Address,
    Let,
    Outside,
    Peer,
    addresses_of,
    ingress,
)
from service.core.evidence import Missing, NotGathered
from service.core.facts import Fact
from service.core.facts.cloud import platform
from service.core.facts.connecting import resolving
from service.core.facts.endpoints import Endpoint, repository, route_domain, rsync_route
from service.core.facts.release import major
from service.core.facts.served_apis import has_kind
from service.core.facts.transfer import ROUTE, endpoint_type, rsynced, stunnel_proxy
from service.core.migration import Cluster, Migration
from service.kinds.cluster import NAMESPACE
from service.kinds.network import (
    ADMIN_NETWORK_POLICY,
    BASELINE_ADMIN_NETWORK_POLICY,
    EGRESS_FIREWALL,
    EGRESS_NETWORK_POLICY,
    NETWORK_POLICY,
    AdminPolicy,
    EgressPolicy,
    NetworkPolicy,
)
from service.kinds.ref import Pointer
from service.kinds.resource import Resource, fetch_command

RSYNC_PORT = 6443
"""Where stunnel listens in the rsync pod behind its passthrough route (crane-lib, endpoint)."""

OVN = "OVNKubernetes"

MTC_PODS: Mapping[str, str] = {
    "component": "velero",
    "deploy": "velero",
    "app.kubernetes.io/name": "velero",
    "app.kubernetes.io/instance": "velero",
    "app.kubernetes.io/component": "server",
    "app.kubernetes.io/managed-by": "oadp-operator",
}
"""The labels of the Velero pod."""

AGENT_PODS = ({"component": "velero", "name": "node-agent", "role": "node-agent"},
              {"component": "velero", "name": "restic"})  # fmt: skip
"""The labels of the pods that copy files, by the release of OADP."""

CONTROLLER_PODS: Mapping[str, str] = {
    "app": "migration",
    "control-plane": "controller-manager",
    "controller-tools.k8s.io": "1.0",
}
"""The labels of the controller's pod (mig-operator templates/controller.yml.j2)."""

GROUP = {
    "network.openshift.io/policy-group": "ingress",
    "policy-group.network.openshift.io/ingress": "",
}
"""Labels that match the router's traffic wherever it runs (OpenShift docs, network policy)."""

BALANCED = frozenset({"aws", "azure", "gcp", "ibmcloud", "powervs", "alibabacloud"})
"""Platforms whose default router is behind a load balancer and in the pod network."""


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace of the plan, on both sides, and the label sets of MTC's pods in it."""

    source: str
    destination: str
    pods: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class TrafficTarget:
    """Where traffic goes, where that is written, and what is missing to know it."""

    outside: Outside
    evidence: tuple[Pointer, ...] = ()
    gap: tuple[Missing, ...] = ()

    def needed(self, migration: Migration, cluster: Cluster) -> tuple[Missing, ...]:
        """What would decide about a rule that names addresses."""
        host = self.outside.host
        if not host:
            return self.gap
        fact = f"the IP addresses of {host}"
        return (Missing(fact, cluster.role, resolving(migration, cluster, host)),)


def within(cluster: Cluster, target: TrafficTarget) -> bool:
    """Whether a target may be pods of the cluster itself: a service of it, or behind its router."""
    host = target.outside.host.lower()
    if host.endswith((".svc", ".svc.cluster.local")):
        return True
    try:
        return host.endswith(f".{route_domain(cluster).value.lower()}")
    except NotGathered:
        return False


def rsync_spaces(migration: Migration) -> tuple[Space, ...]:
    """The namespaces in which rsync runs; all of the plan's while its volumes are unknown."""
    plan = migration.plan
    spaces = []
    for item in plan.namespaces:
        if not plan.volumes:
            apps: Iterable[str] = RSYNC_APPS[:1]
        else:
            apps = sorted(
                {
                    RSYNC_APPS[volume.copy_method == "block"]
                    for volume in plan.volumes
                    if volume.pvc_namespace == item.source and rsynced(volume)
                }
            )
        pods = tuple(rsync_labels(app) for app in apps)
        if pods:
            spaces.append(Space(item.source, item.destination, pods))
    return tuple(spaces)


def rsync_labels(app: str) -> Mapping[str, str]:
    """The labels of an rsync pod (mig-controller, directvolumemigration/rsync.go)."""
    return {
        "owner": "directvolumemigration",
        "app": app,
        "purpose": "rsync",
        "app.kubernetes.io/part-of": "openshift-migration",
    }


def rsync_target(migration: Migration, space: Space) -> TrafficTarget:
    """Where rsync's stunnel connects to from a namespace."""
    proxy = stunnel_proxy(migration)
    if proxy is not None:
        place = proxy.value
        known = addresses(migration, place.host)
        return TrafficTarget(Outside(place.host, place.port, known), proxy.evidence)
    kind = endpoint_type(migration.destination)
    if kind.value != ROUTE:
        command = "oc get nodes -o wide"
        need = Missing("the addresses of the destination's nodes", "destination", command)
        return TrafficTarget(Outside("", 0), kind.evidence, (need,))
    try:
        route = rsync_route(migration.destination, space.destination)
    except NotGathered as missing:
        return TrafficTarget(Outside("", 443), (), missing.missing)
    host = route.value.host
    return TrafficTarget(Outside(host, 443, addresses(migration, host)), route.evidence)


def repository_target(migration: Migration) -> TrafficTarget:
    """The replication repository."""
    return endpoint_target(migration, lambda: repository(migration.storage))


def endpoint_target(migration: Migration, read: Callable[[], Fact[Endpoint]]) -> TrafficTarget:
    """An endpoint that the evidence may contain."""
    try:
        found = read()
    except NotGathered as missing:
        return TrafficTarget(Outside("", 443), (), missing.missing)
    place = found.value
    outside = Outside(place.host, place.port, addresses(migration, place.host))
    return TrafficTarget(outside, found.evidence)


def addresses(migration: Migration, host: str) -> tuple[Address, ...]:
    """The addresses of a host: of itself, or declared for it or for a domain above it."""
    own = addresses_of((host,))
    if own:
        return own
    for cluster in migration.clusters:
        declared = cluster.declared.get("addresses")
        table = declared.value if declared else None
        if not isinstance(table, Mapping):
            continue
        for name, value in table.items():
            if host == name or host.endswith(f".{name}"):
                return addresses_of(value if isinstance(value, list) else (value,))
    return ()


def namespace_rules(
    cluster: Cluster, namespace: str, egress: bool = True
) -> tuple[tuple[NetworkPolicy, ...], tuple[EgressPolicy, ...]]:
    """Everything that restricts the pods of a namespace; raises NotGathered unless it is whole.

    That nothing does may be declared where the evidence holds no list and no object of it.
    """
    declared = cluster.declared.get("networkRestrictions")
    if declared is not None and declared.value is False and not _seen(cluster, namespace):
        return (), ()
    if not egress:
        return cluster.all(NETWORK_POLICY, (namespace,)), ()
    try:
        policies = cluster.all(NETWORK_POLICY, (namespace,))
    except NotGathered as missing:
        raise NotGathered(*missing.missing, *_egress_gap(cluster, namespace)) from None
    return policies, _egress_policies(cluster, namespace)


ADMIN_KINDS = (ADMIN_NETWORK_POLICY, BASELINE_ADMIN_NETWORK_POLICY)


def admin_rules(cluster: Cluster, resource: Resource[AdminPolicy]) -> tuple[AdminPolicy, ...]:
    """The policies of the cluster's administrators, as far as they are known.

    Raises NotGathered where the cluster is known to have the kind, and not all of them are given.
    If the evidence does not show whether it has the kind, it counts as not having it: most do not.
    """
    declared = cluster.declared.get("networkRestrictions")
    known = cluster.known(resource)
    if declared is not None and declared.value is False and not known:
        return ()
    if known or has_kind(cluster, resource.group, resource.kind).served:
        return cluster.all(resource)
    return ()


def own_pod(cluster: Cluster, namespace: str, labels: Mapping[str, str]) -> Peer:
    """A pod of MTC with the labels of its namespace, as far as they are known."""
    return _peer(cluster, namespace, {}, labels)


def router_peer(cluster: Cluster) -> Peer:
    """The pods of the router."""
    pods = {"ingresscontroller.operator.openshift.io/deployment-ingresscontroller": "default"}
    return _peer(cluster, "openshift-ingress", {}, pods, _router_on_host(cluster))


def router_needs(cluster: Cluster) -> tuple[Missing, ...]:
    """What shows how network rules see the router."""
    return _of_router(cluster, _router_on_host(cluster))


def _egress_gap(cluster: Cluster, namespace: str) -> tuple[Missing, ...]:
    """What of the egress firewalls is missing too: the person who collects learns it
    immediately."""
    try:
        _egress_policies(cluster, namespace)
    except NotGathered as missing:
        return missing.missing
    return ()


def _seen(cluster: Cluster, namespace: str) -> bool:
    shelves = (
        cluster.inventory.shelf(resource)
        for resource in (NETWORK_POLICY, EGRESS_FIREWALL, EGRESS_NETWORK_POLICY)
    )
    return any(
        shelf.covers(namespace) or bool(shelf.in_namespaces((namespace,)))
        for shelf in shelves
        if shelf is not None
    )


def _egress_policies(cluster: Cluster, namespace: str) -> tuple[EgressPolicy, ...]:
    """The egress firewall of a namespace: at most one, of the kind that the network plugin has."""
    known = (*cluster.known(EGRESS_FIREWALL), *cluster.known(EGRESS_NETWORK_POLICY))
    found = tuple(policy for policy in known if policy.ref.namespace == namespace)
    if found:
        return found
    kinds = _egress_kinds(cluster)
    listed = next((kind for kind in kinds if cluster.inventory.shelf(kind) is not None), kinds[0])
    shelf = cluster.inventory.shelf(listed)
    if len(kinds) == 1 or (shelf is not None and shelf.covers(namespace)):
        return cluster.all(listed, (namespace,))
    raise NotGathered(
        Missing(
            f"every EgressFirewall or EgressNetworkPolicy of namespace {namespace}",
            cluster.role,
            f"{fetch_command(kinds[0], '', namespace)} || "
            f"{{ {fetch_command(kinds[1], '', namespace)}; }}",
        )
    )


def _egress_kinds(cluster: Cluster) -> tuple[Resource[EgressPolicy], ...]:
    """The kinds of egress firewall that the network plugin may have, of which it has one.

    OpenShift SDN has EgressNetworkPolicy, OVN-Kubernetes EgressFirewall; `oc` refuses to list a
    kind that the cluster does not have, so a complete list of either identifies the network plugin.
    """
    declared = cluster.declared.get("networkType")
    if declared is not None:
        return (EGRESS_FIREWALL if str(declared.value) == OVN else EGRESS_NETWORK_POLICY,)
    if cluster.known(EGRESS_FIREWALL):
        return (EGRESS_FIREWALL,)
    try:
        old = major(cluster) == 3
    except NotGathered:
        old = False
    if old or cluster.known(EGRESS_NETWORK_POLICY):
        return (EGRESS_NETWORK_POLICY,)
    return EGRESS_FIREWALL, EGRESS_NETWORK_POLICY


def dns_peer(cluster: Cluster) -> Peer:
    """The pods that answer DNS queries."""
    return _peer(
        cluster, "openshift-dns", {}, {"dns.operator.openshift.io/daemonset-dns": "default"}
    )


def from_router(
    migration: Migration, policies: list[NetworkPolicy], port: int
) -> tuple[Let, tuple[Missing, ...]]:
    """Whether rsync enters isolated pods of the destination, and what would show it."""
    cluster = migration.destination
    if endpoint_type(cluster).value != ROUTE:
        let = ingress(policies, Peer({}, {}, certain=True, host_network=True), 0)
        need = Missing(
            "whether these policies allow traffic of a node port",
            cluster.role,
            f"oc get networkpolicies -n {quote(policies[0].ref.namespace)} -o json",
        )
        return let, (need,)
    on_host = _router_on_host(cluster)
    pods = {"ingresscontroller.operator.openshift.io/deployment-ingresscontroller": "default"}
    let = ingress(policies, _peer(cluster, "openshift-ingress", GROUP, pods, on_host), port)
    if on_host:
        labels = {**GROUP, "policy-group.network.openshift.io/host-network": ""}
        group = Peer(labels, pods, certain=True, host_network=True)
        if ingress(policies, group, port) is not let:
            let = Let.UNDECIDED
    return let, _of_router(cluster, on_host)


def _of_router(cluster: Cluster, on_host: bool) -> tuple[Missing, ...]:
    labels = Missing(
        "the labels of the router's namespace",
        cluster.role,
        "oc get namespace openshift-ingress -o json",
    )
    if not on_host:
        return (labels,)
    command = "oc get ingresscontrollers -n openshift-ingress-operator -o json"
    strategy = "whether the router runs in the host network (endpointPublishingStrategy)"
    return labels, Missing(strategy, cluster.role, command)


def _router_on_host(cluster: Cluster) -> bool:
    """Whether the router may run in the host network, where selectors do not see it."""
    try:
        return platform(cluster).value.lower() not in BALANCED
    except NotGathered:
        return True


def _peer(
    cluster: Cluster,
    namespace: str,
    labels: Mapping[str, str],
    pod: Mapping[str, str],
    host_network: bool = False,
) -> Peer:
    own = {"kubernetes.io/metadata.name": namespace, **labels}
    try:
        found = cluster.find(NAMESPACE, namespace)
    except NotGathered:
        found = None
    if found is None:
        return Peer(own, pod, False, host_network)
    return Peer(found.labels, pod, True, host_network)
