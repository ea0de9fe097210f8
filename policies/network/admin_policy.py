"""What the cluster's administrators' network policies let through, before and after NetworkPolicy.

AdminNetworkPolicy (policy.networking.k8s.io/v1alpha1, OVN-Kubernetes of OpenShift 4.14 and later):
of all policies whose subject a pod is, by priority, the first rule that matches decides: Allow and
Deny for good, Pass leaves it to NetworkPolicy. The one BaselineAdminNetworkPolicy decides where no
NetworkPolicy isolates the pod. Whatever the evidence leaves open is undecided, never allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.network.network_policy import (
    Let,
    Outside,
    Peer,
    in_block,
    mappings,
    same_name,
    selects,
)
from service.kinds.network import AdminPolicy

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What may become of the traffic: ``lets`` without None where these policies decide it.

    None among ``lets`` means "left to NetworkPolicy". ``deniers`` are the policies with a Deny that
    matches, or may match.
    """

    lets: frozenset[Let | None]
    deniers: tuple[AdminPolicy, ...] = ()

    @property
    def let(self) -> Let | None:
        """The decision; None where it is left to NetworkPolicy. Of several possible: undecided,
        unless none of them denies."""
        if len(self.lets) == 1:
            return next(iter(self.lets))
        if Let.DENIED in self.lets or Let.UNDECIDED in self.lets:
            return Let.UNDECIDED
        return None


def admin_egress(
    policies: Iterable[AdminPolicy], pod: Peer, target: Outside, near: bool = False
) -> Ruling:
    """Whether a pod may open a TCP connection to a target; ``near`` if that may be in the cluster.

    ``pod`` holds the labels of the pod and of its namespace.
    """
    return _decide(
        policies,
        pod,
        lambda policy: policy.egress,
        lambda rule: min(
            _ports(rule, target.port),
            _best(_outside(peer, target, near) for peer in mappings(rule.get("to"))),
        ),
    )


def admin_ingress(policies: Iterable[AdminPolicy], pod: Peer, start: Peer, port: int) -> Ruling:
    """Whether a pod accepts a TCP connection on a port from pods of a namespace."""
    return _decide(
        policies,
        pod,
        lambda policy: policy.ingress,
        lambda rule: min(
            _ports(rule, port), _best(_pods(peer, start) for peer in mappings(rule.get("from")))
        ),
    )


def _decide(
    policies: Iterable[AdminPolicy],
    pod: Peer,
    rules: Callable[[AdminPolicy], Iterable[Rule]],
    matches: Callable[[Rule], Let],
) -> Ruling:
    lets: set[Let | None] = set()
    deniers: dict[str, AdminPolicy] = {}
    for policy in sorted(policies, key=lambda item: (item.priority, item.ref.name)):
        chosen = _pods(policy.subject, pod, own=True)
        if chosen is Let.DENIED:
            continue
        for rule in rules(policy):
            match = min(chosen, matches(rule))
            if match is Let.DENIED:
                continue
            let = _ACTIONS.get(str(rule.get("action")), Let.UNDECIDED)
            lets.add(let)
            if let is not None and let is not Let.ALLOWED:
                deniers[policy.ref.name] = policy
            if match is Let.ALLOWED:
                return Ruling(frozenset(lets), tuple(deniers.values()))
    return Ruling(frozenset({*lets, None}), tuple(deniers.values()))


_ACTIONS: Mapping[str, Let | None] = {"Allow": Let.ALLOWED, "Deny": Let.DENIED, "Pass": None}


def _best(found: Iterable[Let]) -> Let:
    return max(found, default=Let.DENIED)


def _ports(rule: Rule, port: int) -> Let:
    """Whether a rule's ports include a TCP port; no ports mean all."""
    entries = mappings(rule.get("ports"))
    return _best(_port(entry, port) for entry in entries) if entries else Let.ALLOWED


def _port(entry: Rule, port: int) -> Let:
    one, span = entry.get("portNumber"), entry.get("portRange")
    if isinstance(one, Mapping):
        spec, first, last = one, one.get("port"), one.get("port")
    elif isinstance(span, Mapping):
        spec, first, last = span, span.get("start"), span.get("end")
    else:
        return Let.UNDECIDED  # a named port is one of the peer's containers
    if str(spec.get("protocol") or "TCP") != "TCP":
        return Let.DENIED
    if not port or not str(first).isdecimal() or not str(last).isdecimal():
        return Let.UNDECIDED
    return Let.ALLOWED if int(str(first)) <= port <= int(str(last)) else Let.DENIED


def _outside(peer: Rule, target: Outside, near: bool) -> Let:
    if "networks" in peer:
        networks = peer["networks"]
        if not isinstance(networks, list):
            return Let.UNDECIDED
        found = _best(in_block({"cidr": item}, target.addresses) for item in networks)
        return min(found, Let.UNDECIDED) if near else found
    if "domainNames" in peer:
        names = peer["domainNames"]
        if not target.host or not isinstance(names, list):
            return Let.UNDECIDED
        return (
            Let.ALLOWED if any(same_name(str(item), target.host) for item in names) else Let.DENIED
        )
    if "namespaces" in peer or "pods" in peer:
        return Let.UNDECIDED if near else Let.DENIED
    return Let.UNDECIDED  # nodes, on which routers and node ports may be


def _pods(peer: Rule, other: Peer, own: bool = False) -> Let:
    """Whether a peer or subject is pods like these; of ``own`` pods all labels are known."""
    spaces, pods = peer.get("namespaces"), peer.get("pods")
    if isinstance(spaces, Mapping):
        found = selects(spaces, other.namespace, other.certain)
    elif isinstance(pods, Mapping):
        inner, chosen = pods.get("namespaceSelector"), pods.get("podSelector")
        if not isinstance(inner, Mapping) or not isinstance(chosen, Mapping):
            return Let.UNDECIDED
        found = min(
            selects(inner, other.namespace, other.certain), selects(chosen, other.pod, certain=own)
        )
    else:
        return Let.UNDECIDED
    # Pods in the host network are of no namespace to these rules.
    return min(found, Let.UNDECIDED) if other.host_network else found
