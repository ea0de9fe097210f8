"""Network policies and egress firewalls that stop MTC's traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from shlex import quote

from policies import links
from policies.network.allow_manifests import allow_all_egress, allow_first, allow_rsync
from policies.network.connection_outcomes import (
    COMMAND_READS,
    PLACE_READS,
    PLAN_READS,
    STORAGE_READS,
)
from policies.network.traffic import (
    ADMIN_KINDS,
    AGENT_PODS,
    CONTROLLER_PODS,
    MTC_PODS,
    RSYNC_PORT,
    Space,
    TrafficTarget,
    addresses,
    admin_rules,
    dns_peer,
    endpoint_target,
    from_router,
    namespace_rules,
    own_pod,
    repository_target,
    router_needs,
    router_peer,
    rsync_spaces,
    rsync_target,
    within,
)
from service.core.evidence import Missing, NotGathered
from service.core.facts import Fact, direct
from service.core.facts.admin_policy import Said, admin_egress, admin_ingress
from service.core.facts.direct import direct_volumes
from service.core.facts.endpoints import Endpoint, api, registry_route
from service.core.facts.network_policy import (
    Let,
    Outside,
    Peer,
    egress,
    firewalls,
    name_resolution,
    selecting,
)
from service.core.facts.proxy import proxy_use
from service.core.facts.release import major_or
from service.core.facts.served_apis import READS as API_READS
from service.core.facts.topology import tunnelled
from service.core.facts.transfer import direct_images, intra_cluster, storage_conversion
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed, not_applicable, passed, passes_alone, unknown
from service.core.policy import ClusterPolicy
from service.core.values.wording import few
from service.kinds.cluster import NAMESPACE
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.network import (
    ADMIN_NETWORK_POLICY,
    BASELINE_ADMIN_NETWORK_POLICY,
    EGRESS_FIREWALL,
    EGRESS_NETWORK_POLICY,
    NETWORK_POLICY,
    NetworkPolicy,
)
from service.kinds.ref import Pointer, Subject
from service.kinds.resource import Read, fetch_command


@dataclass(frozen=True, slots=True)
class Way:
    """Traffic that must leave a namespace: which pods, to where, and what lets them out."""

    space: Space
    target: TrafficTarget
    what: str
    mend: Callable[[str], str]
    tag: str = ""
    """What separates its findings from those of other traffic of the same namespace."""

    def key(self, word: str) -> str:
        """The key of a finding about this traffic."""
        return f"{word}-{self.tag}" if self.tag and word else word or self.tag


SHOWN = 5
"""How many of a namespace's policies a finding names."""

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
    remedy = (
        "Add a NetworkPolicy that allows egress of the rsync pods on the source and ingress on "
        "the destination, and an Allow rule before the Deny rule rule in the egress firewall."
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
        gaps: list[Missing] = []
        if not storage_conversion(migration):
            looks.append(lambda: _to_repository(migration, cluster))
        if migration.is_host(cluster):
            looks += _controller_looks(migration)
        try:
            looks += _rsync_looks(migration, cluster)
        except NotGathered as missing:
            gaps += missing.missing
        for look in looks:
            try:
                yield from look()
            except NotGathered as missing:
                gaps += missing.missing
        if gaps:
            raise NotGathered(*dict.fromkeys(gaps))
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
        looks += [partial(_rsync_in, migration, space) for space in _spaces(migration)]
    return looks


def _spaces(migration: Migration) -> Iterable[Space]:
    return rsync_spaces(migration) if direct_volumes(migration).value else ()


def _to_repository(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """Velero, the agents that copy files and, on the host, the controller."""
    agents = () if _direct_only(migration) else AGENT_PODS
    pods = (MTC_PODS, *agents, *((CONTROLLER_PODS,) * migration.is_host(cluster)))
    space = Space(MTC_NAMESPACE, MTC_NAMESPACE, pods)
    what = "traffic to the replication repository"
    way = Way(space, repository_target(migration), what, allow_all_egress)
    yield from _out(migration, cluster, way)


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
            way = Way(space, target, what, allow_all_egress, f"{kind}-{remote.role}")
            looks.append(partial(_out, migration, host, way))
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
    way = Way(space, target, what, lambda name: allow_rsync(name, "egress"))
    yield from _out(migration, migration.source, way)


def _out(migration: Migration, cluster: Cluster, way: Way) -> Iterator[Outcome]:
    name = way.space.source
    policies, rules = namespace_rules(cluster, name)
    for policy, let in firewalls(rules, way.target.outside):
        if let is Let.DENIED:
            yield failed(
                policy.ref.subject,
                f"namespace {name}: {policy.ref.kind} {policy.ref.name} denies {way.what}",
                policy.ref.at("/spec/egress"),
                *way.target.evidence,
                found="denied",
                wanted="an Allow rule before the Deny rule",
                key=way.tag,
                commands=(allow_first(policy, way.target.outside),),
            )
        elif let is Let.UNDECIDED:
            yield unknown(
                policy.ref.subject,
                f"namespace {name}: whether {policy.ref.kind} {policy.ref.name} allows "
                f"{way.what} depends on the address of the target",
                *way.target.needed(migration, cluster),
                key=way.tag,
                evidence=(policy.ref.at("/spec/egress"), *way.target.evidence),
            )
    if major_or(cluster) == 3:
        return
    seen: set[tuple[Subject, str]] = set()
    for labels in way.space.pods:
        for outcome in _pod_out(migration, cluster, way, policies, labels):
            if (outcome.subject, outcome.key) not in seen:
                seen.add((outcome.subject, outcome.key))
                yield outcome


def _pod_out(
    migration: Migration,
    cluster: Cluster,
    way: Way,
    policies: tuple[NetworkPolicy, ...],
    labels: Mapping[str, str],
) -> Iterator[Outcome]:
    name = way.space.source
    near = intra_cluster(migration) or within(cluster, way.target)
    missing = way.target.needed(migration, cluster)
    pod = own_pod(cluster, name, labels)
    target = way.target.outside
    isolating = selecting(policies, labels, "egress")
    for resource in ADMIN_KINDS if not isolating else ADMIN_KINDS[:1]:
        said = admin_egress(admin_rules(cluster, resource), pod, target, near)
        yield from _by_admin(cluster, way, said, "egress", (*missing, *_labels(cluster, pod, name)))
        if said.let is not None:
            return
    if not isolating:
        return
    let = egress(isolating, target)
    if let is Let.DENIED and near and any(policy.egress for policy in isolating):
        let = Let.UNDECIDED  # the target is pods of this cluster, which a selector may mean
    yield from _isolated(cluster, way, isolating, let, "egress", missing)
    if let is not Let.ALLOWED or target.addresses:
        return
    asked = name_resolution(isolating, dns_peer(cluster))
    command = "oc get namespace openshift-dns -o json"
    need = (Missing(f"the labels of openshift-dns, for {name}", cluster.role, command),)
    yield from _isolated(cluster, way, isolating, asked, "dns", need)


def _labels(cluster: Cluster, pod: Peer, namespace: str) -> tuple[Missing, ...]:
    """The labels of a pod's namespace, where they are not known."""
    if pod.certain:
        return ()
    command = fetch_command(NAMESPACE, namespace)
    return (Missing(f"the labels of namespace {namespace}", cluster.role, command),)


def _by_admin(
    cluster: Cluster, way: Way, said: Said, direction: str, missing: tuple[Missing, ...]
) -> Iterator[Outcome]:
    """What to report about the policies of the administrators; nothing where they do not stop
    it."""
    if said.let is None or said.let is Let.ALLOWED:
        return
    name = way.space.source
    subject = Subject(cluster.name, "v1", "Namespace", "", name)
    evidence = tuple(policy.ref.at(f"/spec/{direction}") for policy in said.deniers[:SHOWN])
    kinds = {policy.ref.kind for policy in said.deniers}
    names = ", ".join(policy.ref.name for policy in said.deniers[:SHOWN])
    told = f"{' and '.join(sorted(kinds))} {names}"
    if said.let is Let.DENIED:
        yield failed(
            subject,
            f"namespace {name}: {told} denies {way.what}",
            *evidence,
            found=f"denied by {names}",
            wanted="a rule before it that passes or allows it",
            key=way.key(f"admin-{direction}"),
            commands=tuple(
                f"oc describe {policy.ref.kind.lower()}.policy.networking.k8s.io "
                f"{quote(policy.ref.name)}"
                for policy in said.deniers[:SHOWN]
            ),
        )
        return
    yield unknown(
        subject,
        f"namespace {name}: cannot verify whether {told} denies {way.what}",
        *missing,
        key=way.key(f"admin-{direction}"),
        evidence=evidence,
    )


def _rsync_in(migration: Migration, space: Space) -> Iterator[Outcome]:
    cluster = migration.destination
    policies, _ = namespace_rules(cluster, space.destination, egress=False)
    name = Space(space.destination, space.destination, space.pods)
    way = Way(
        name, TrafficTarget(Outside("", 0)), "rsync", lambda item: allow_rsync(item, "ingress")
    )
    for labels in space.pods:
        isolating = selecting(policies, labels, "ingress")
        yield from _pod_in(migration, way, isolating, labels)


def _pod_in(
    migration: Migration, way: Way, isolating: list[NetworkPolicy], labels: Mapping[str, str]
) -> Iterator[Outcome]:
    cluster = migration.destination
    pod = own_pod(cluster, way.space.source, labels)
    for resource in ADMIN_KINDS if not isolating else ADMIN_KINDS[:1]:
        rules = admin_rules(cluster, resource)
        said = admin_ingress(rules, pod, router_peer(cluster), RSYNC_PORT)
        needs = (*_labels(cluster, pod, way.space.source), *router_needs(cluster))
        yield from _by_admin(cluster, way, said, "ingress", needs)
        if said.let is not None:
            return
    if isolating:
        let, missing = from_router(migration, isolating, RSYNC_PORT)
        yield from _isolated(cluster, way, isolating, let, "ingress", missing)


_WHY = {
    "egress": "none of their rules allows it",
    "dns": "none of their rules allows DNS (UDP 53 and 5353 to openshift-dns)",
    "ingress": "none of their rules allows it from the router (TCP 6443)",
}


def _isolated(
    cluster: Cluster,
    way: Way,
    policies: list[NetworkPolicy],
    let: Let,
    key: str,
    missing: tuple[Missing, ...],
) -> Iterator[Outcome]:
    if let is Let.ALLOWED:
        return
    name = way.space.source
    subject = Subject(cluster.name, "v1", "Namespace", "", name)
    section = "/spec/ingress" if key == "ingress" else "/spec/egress"
    policies = sorted(policies, key=lambda item: item.ref.name)  # whatever order they came in
    evidence: tuple[Pointer, ...] = tuple(policy.ref.at(section) for policy in policies[:SHOWN])
    names = few((policy.ref.name for policy in policies), SHOWN)
    if let is Let.DENIED:
        yield failed(
            subject,
            f"namespace {name}: {way.what} is blocked; NetworkPolicies select the pods ({names}) "
            f"and {_WHY[key]}",
            *evidence,
            found=f"no rule of {names} allows it",
            wanted="a rule that allows it",
            key=way.key(key),
            commands=(way.mend(name),),
        )
        return
    undecided = unknown(
        subject,
        f"namespace {name}: cannot verify whether {way.what} is allowed; NetworkPolicies select "
        f"the pods ({names}), and their rules depend on information that is missing",
        *missing,
        key=way.key(key),
        evidence=evidence,
    )
    # No object shows it all (where the router's traffic seems to come from); this settles it.
    yield undecided._replace(commands=(way.mend(name),))
