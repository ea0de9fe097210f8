"""What a namespace's network rules let through: NetworkPolicy and the egress firewalls.

NetworkPolicy (networking.k8s.io/v1): a pod that any policy of a direction selects is isolated
in it, and then only what a rule of any selecting policy allows comes through. EgressNetworkPolicy
and EgressFirewall: ordered rules for all pods of the namespace, the first match wins, and no
match means allowed. Whatever the evidence leaves open is undecided, never allowed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from service.kinds.network import EgressPolicy, EgressRule, NetworkPolicy, Selector

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Let(IntEnum):
    """Whether traffic comes through; the order is that of "the best rule decides"."""

    DENIED = 0
    UNDECIDED = 1
    ALLOWED = 2


@dataclass(frozen=True, slots=True)
class Outside:
    """A target beyond the cluster: a host name or address, its addresses if known, a port.

    ``port`` 0 is one that cannot be known before.
    """

    host: str
    port: int
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Peer:
    """Pods of one namespace as the other end: their labels and the namespace's.

    ``certain`` says that these are all labels that the namespace has.
    """

    namespace: Mapping[str, str]
    pod: Mapping[str, str]
    certain: bool = False
    host_network: bool = False


def selecting(
    policies: Iterable[NetworkPolicy], labels: Mapping[str, str], direction: str
) -> list[NetworkPolicy]:
    """The policies that isolate a pod with these labels in a direction (ingress, egress)."""
    return [
        policy
        for policy in policies
        if getattr(policy, direction) is not None and policy.selector.matches(labels)
    ]


def egress(policies: Sequence[NetworkPolicy], target: Outside) -> Let:
    """Whether isolated pods may open a TCP connection to a target outside the cluster."""
    rules = (rule for policy in policies for rule in policy.egress or ())
    return _best(_egress_rule(rule, target) for rule in rules)


def name_resolution(policies: Sequence[NetworkPolicy], dns: Peer) -> Let:
    """Whether isolated pods may ask the cluster's DNS (UDP 53, 5353 behind the service)."""
    rules = (rule for policy in policies for rule in policy.egress or ())
    return _best(
        min(
            max(_ports(rule, port, "UDP") for port in (53, 5353)),
            _best(_pods(peer, dns) for peer in _peers(rule, "to")),
        )
        for rule in rules
    )


def ingress(policies: Sequence[NetworkPolicy], start: Peer, port: int) -> Let:
    """Whether isolated pods accept a TCP connection on a port from pods of a namespace."""
    rules = (rule for policy in policies for rule in policy.ingress or ())
    return _best(
        min(_ports(rule, port, "TCP"), _best(_pods(peer, start) for peer in _peers(rule, "from")))
        for rule in rules
    )


def firewall(rules: Sequence[EgressRule], target: Outside) -> Let:
    """What the first matching rule of an EgressNetworkPolicy or EgressFirewall says."""
    possible: set[bool] = set()
    for rule in rules:
        match = _rule_matches(rule, target)
        if match is not Let.DENIED:
            possible.add(rule.allow)
        if match is Let.ALLOWED:
            break
    else:
        possible.add(True)
    if len(possible) == 2:
        return Let.UNDECIDED
    return Let.ALLOWED if True in possible else Let.DENIED


def firewalls(
    policies: Iterable[EgressPolicy], target: Outside
) -> Iterator[tuple[EgressPolicy, Let]]:
    """Each egress policy of a namespace with what it says of the target."""
    for policy in policies:
        yield policy, firewall(policy.rules, target)


def addresses_of(words: Iterable[object]) -> tuple[Address, ...]:
    """The IP addresses among these words; host names are left out."""
    found = []
    for word in words:
        try:
            found.append(ipaddress.ip_address(str(word).strip("[]")))
        except ValueError:
            continue
    return tuple(found)


def _best(found: Iterable[Let]) -> Let:
    return max(found, default=Let.DENIED)


def _egress_rule(rule: Mapping[str, Any], target: Outside) -> Let:
    port = _ports(rule, target.port, "TCP")
    if port is Let.DENIED:
        return port
    return min(port, _best(_outside(peer, target) for peer in _peers(rule, "to")))


def _peers(rule: Mapping[str, Any], key: str) -> Iterable[Mapping[str, Any] | None]:
    """The peers of a rule; one None, which means anybody, where there are none."""
    return mappings(rule.get(key)) or (None,)


def mappings(value: object) -> tuple[Mapping[str, Any], ...]:
    """The mappings of a list; an invalid one is kept as one that cannot be evaluated."""
    if not value:
        return ()
    rows = value if isinstance(value, list | tuple) else [value]
    return tuple(row if isinstance(row, Mapping) else UNREADABLE for row in rows)


UNREADABLE: Mapping[str, Any] = {"ipBlock": {}, "port": "unreadable"}
"""In the place of a peer or port that is malformed: undecided, whatever is asked."""


def _ports(rule: Mapping[str, Any], port: int, protocol: str) -> Let:
    """Whether a rule's ports include one; no ports mean all."""
    entries = mappings(rule.get("ports"))
    if not entries:
        return Let.ALLOWED
    return _best(_port(entry, port) for entry in entries if _protocol(entry) == protocol)


def _protocol(entry: Mapping[str, Any]) -> str:
    return str(entry.get("protocol") or "TCP").upper()


def _port(entry: Mapping[str, Any], port: int) -> Let:
    first = entry.get("port")
    if first is None:
        return Let.ALLOWED
    last = entry.get("endPort") or first
    if not port or not str(first).isdecimal() or not str(last).isdecimal():
        return Let.UNDECIDED  # a named port is one of the peer's containers
    return Let.ALLOWED if int(first) <= port <= int(last) else Let.DENIED


def _outside(peer: Mapping[str, Any] | None, target: Outside) -> Let:
    """Whether a peer is a target outside: pod and namespace selectors never are."""
    if peer is None:
        return Let.ALLOWED
    block = peer.get("ipBlock")
    return in_block(block, target.addresses) if isinstance(block, Mapping) else Let.DENIED


def in_block(block: Mapping[str, Any], addresses: Sequence[Address]) -> Let:
    """Whether an ipBlock holds these addresses; none are known of a host that is a name only."""
    network = _network(block.get("cidr"))
    excepted = block.get("except") or ()
    holes = [_network(item) for item in ([excepted] if isinstance(excepted, str) else excepted)]
    if network is None or None in holes:
        return Let.UNDECIDED
    if not addresses:
        return Let.ALLOWED if _everything(network) and not holes else Let.UNDECIDED
    inside = [
        address in network and not any(hole and address in hole for hole in holes)
        for address in addresses
    ]
    if all(inside):
        return Let.ALLOWED
    return Let.UNDECIDED if any(inside) else Let.DENIED


def _network(text: object) -> Network | None:
    try:
        return ipaddress.ip_network(str(text).strip(), strict=False)
    except ValueError:
        return None


def _everything(network: Network) -> bool:
    return network.prefixlen == 0 and network.version == 4


def _pods(peer: Mapping[str, Any] | None, other: Peer) -> Let:
    """Whether a peer is the pods of a namespace that is not this one."""
    if peer is None:
        return Let.ALLOWED
    block = peer.get("ipBlock")
    if isinstance(block, Mapping):
        return in_block(block, ())
    if not isinstance(peer.get("namespaceSelector"), Mapping):
        return Let.DENIED  # a podSelector alone means pods of the policy's own namespace
    spaces = selects(peer["namespaceSelector"], other.namespace, other.certain)
    pods = peer.get("podSelector")
    if not isinstance(pods, Mapping):
        empty = not peer["namespaceSelector"]
        return min(spaces, Let.UNDECIDED) if empty and other.host_network else spaces
    return min(spaces, selects(pods, other.pod, certain=False))


def selects(raw: Mapping[str, Any], labels: Mapping[str, str], certain: bool) -> Let:
    """Whether a selector takes an object of which some (or, if certain, all) labels are known."""
    labelled = raw.get("matchLabels") or {}
    rows = mappings(raw.get("matchExpressions"))
    if not isinstance(labelled, Mapping) or UNREADABLE in rows:
        return Let.UNDECIDED
    expressions = tuple(
        (str(item.get("key")), str(item.get("operator")), tuple(item.get("values") or ()))
        for item in rows
    )
    if Selector(labelled, expressions).matches(labels):
        doubtful = any(key not in labels for key, _, _ in expressions)
        return Let.ALLOWED if certain or not doubtful else Let.UNDECIDED
    if certain:
        return Let.DENIED
    contradicted = any(key in labels and labels[key] != value for key, value in labelled.items())
    return Let.DENIED if contradicted else Let.UNDECIDED


def _rule_matches(rule: EgressRule, target: Outside) -> Let:
    """Whether an egress rule is about the target: ALLOWED yes, DENIED no."""
    if rule.ports and target.port and target.port not in rule.ports:
        return Let.DENIED
    unsure = bool(rule.ports) and not target.port
    match = _destination(rule, target)
    return min(match, Let.UNDECIDED) if unsure else match


def _destination(rule: EgressRule, target: Outside) -> Let:
    if rule.dns_name and not target.host:
        return Let.UNDECIDED
    if rule.dns_name:
        return Let.ALLOWED if same_name(rule.dns_name, target.host) else Let.DENIED
    network = _network(rule.cidr)
    if network is None:
        return Let.UNDECIDED  # a node selector, or a form that is not known here
    if target.addresses:
        inside = [address in network for address in target.addresses]
        if all(inside):
            return Let.ALLOWED
        return Let.UNDECIDED if any(inside) else Let.DENIED
    return Let.ALLOWED if _everything(network) else Let.UNDECIDED


def same_name(pattern: str, host: str) -> bool:
    """Whether a DNS name of a rule, which may begin with ``*.``, means this host."""
    pattern, host = pattern.rstrip(".").lower(), host.rstrip(".").lower()
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return pattern == host
