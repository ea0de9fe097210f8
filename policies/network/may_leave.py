"""May this pod leave? The first question of MTC506."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.network.admin_policy import admin_egress
from policies.network.allow_manifests import allow_first
from policies.network.blocked_traffic import (
    Traffic,
    namespace_labels,
    of_administrators,
    of_namespace,
)
from policies.network.network_policy import (
    Let,
    egress,
    firewalls,
    name_resolution,
    selecting,
)
from policies.network.traffic import (
    ADMIN_KINDS,
    admin_rules,
    dns_peer,
    namespace_rules,
    own_pod,
    within,
)
from service.core.evidence import Missing
from service.core.facts.release import major_or
from service.core.facts.transfer import intra_cluster
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed, unknown
from service.kinds.network import EgressPolicy, NetworkPolicy
from service.kinds.ref import Subject


def may_leave(migration: Migration, cluster: Cluster, traffic: Traffic) -> Iterator[Outcome]:
    """What keeps pods from leaving their namespace for a target, or may; nothing if they may leave.

    The egress firewall of the namespace counts, then the policies that count for each pod.
    """
    policies, rules = namespace_rules(cluster, traffic.space.source)
    yield from _by_firewall(migration, cluster, traffic, rules)
    if major_or(cluster) == 3:
        return  # egress rules of a NetworkPolicy have no effect
    seen: set[tuple[Subject, str]] = set()
    for labels in traffic.space.pods:
        for outcome in _by_policies(migration, cluster, traffic, policies, labels):
            if (outcome.subject, outcome.key) not in seen:
                seen.add((outcome.subject, outcome.key))
                yield outcome


def _by_firewall(
    migration: Migration, cluster: Cluster, traffic: Traffic, rules: tuple[EgressPolicy, ...]
) -> Iterator[Outcome]:
    name = traffic.space.source
    for policy, let in firewalls(rules, traffic.target.outside):
        if let is Let.DENIED:
            yield failed(
                policy.ref.subject,
                f"namespace {name}: {policy.ref.kind} {policy.ref.name} denies {traffic.what}",
                policy.ref.at("/spec/egress"),
                *traffic.target.evidence,
                found="denied",
                wanted="an Allow rule before the Deny rule",
                key=traffic.tag,
                commands=(allow_first(policy, traffic.target.outside),),
            )
        elif let is Let.UNDECIDED:
            yield unknown(
                policy.ref.subject,
                f"namespace {name}: whether {policy.ref.kind} {policy.ref.name} allows "
                f"{traffic.what} depends on the address of the target",
                *traffic.target.needed(migration, cluster),
                key=traffic.tag,
                evidence=(policy.ref.at("/spec/egress"), *traffic.target.evidence),
            )


def _by_policies(
    migration: Migration,
    cluster: Cluster,
    traffic: Traffic,
    policies: tuple[NetworkPolicy, ...],
    labels: Mapping[str, str],
) -> Iterator[Outcome]:
    """AdminNetworkPolicies come first; then the NetworkPolicies that isolate the pod, or, if there
    is none, the BaselineAdminNetworkPolicy.
    """
    name = traffic.space.source
    near = intra_cluster(migration) or within(cluster, traffic.target)
    missing = traffic.target.needed(migration, cluster)
    pod = own_pod(cluster, name, labels)
    target = traffic.target.outside
    isolating = selecting(policies, labels, "egress")
    for resource in ADMIN_KINDS if not isolating else ADMIN_KINDS[:1]:
        ruling = admin_egress(admin_rules(cluster, resource), pod, target, near)
        yield from of_administrators(
            cluster, traffic, ruling, "egress", (*missing, *namespace_labels(cluster, pod, name))
        )
        if ruling.let is not None:
            return
    if not isolating:
        return
    let = egress(isolating, target)
    if let is Let.DENIED and near and any(policy.egress for policy in isolating):
        let = Let.UNDECIDED  # the target is pods of this cluster, which a selector may mean
    yield from of_namespace(cluster, traffic, isolating, let, "egress", missing)
    if let is not Let.ALLOWED or target.addresses:
        return
    asked = name_resolution(isolating, dns_peer(cluster))
    command = "oc get namespace openshift-dns -o json"
    need = (Missing(f"the labels of openshift-dns, for {name}", cluster.role, command),)
    yield from of_namespace(cluster, traffic, isolating, asked, "dns", need)
