"""NetworkPolicy and egress firewall semantics, rule by rule."""

from __future__ import annotations

import pytest

from policies.network.network_policy import (
    Let,
    Outside,
    Peer,
    addresses_of,
    egress,
    firewall,
    ingress,
    name_resolution,
    selecting,
)
from service.kinds.network import EgressRule, NetworkPolicy, Selector
from service.kinds.ref import Origin, Ref

DNS = Peer({"kubernetes.io/metadata.name": "openshift-dns"}, {"dns": "default"}, certain=True)
ROUTER = Peer({"kubernetes.io/metadata.name": "openshift-ingress", "group": "ingress"}, {"r": "1"})
BY_NAME = Outside("dvm-shop.apps.example.com", 443)
BY_ADDRESS = Outside("192.0.2.10", 443, addresses_of(["192.0.2.10"]))


def policy(**rules):
    ref = Ref("source", "networking.k8s.io/v1", "NetworkPolicy", "shop", "p", Origin("part"))
    return NetworkPolicy(ref, Selector({}), rules.get("ingress"), rules.get("egress"))


@pytest.mark.parametrize(
    "rule, target, wanted",
    [
        ({}, BY_NAME, Let.ALLOWED),
        ({"to": []}, BY_NAME, Let.ALLOWED),
        ({"ports": [{"port": 443}]}, BY_NAME, Let.ALLOWED),
        ({"ports": [{"port": 443, "protocol": "UDP"}]}, BY_NAME, Let.DENIED),
        ({"ports": [{"protocol": "TCP"}]}, BY_NAME, Let.ALLOWED),
        ({"ports": [{"port": 80}]}, BY_NAME, Let.DENIED),
        ({"ports": [{"port": 400, "endPort": 500}]}, BY_NAME, Let.ALLOWED),
        ({"ports": [{"port": 30000}]}, Outside("", 0), Let.UNDECIDED),
        ({"to": [{"podSelector": {}}]}, BY_NAME, Let.DENIED),
        ({"to": [{"namespaceSelector": {}}]}, BY_NAME, Let.DENIED),
        ({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}, BY_NAME, Let.ALLOWED),
        ({"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}, BY_NAME,
         Let.UNDECIDED),
        ({"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}, BY_NAME, Let.UNDECIDED),
        ({"to": [{"ipBlock": {"cidr": "::/0"}}]}, BY_NAME, Let.UNDECIDED),
        ({"to": [{"ipBlock": {"cidr": "::/0"}}]}, BY_ADDRESS, Let.DENIED),
        ({"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}, BY_ADDRESS, Let.ALLOWED),
        ({"to": [{"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.8/29"]}}]}, BY_ADDRESS,
         Let.DENIED),
        ({"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}, BY_ADDRESS, Let.DENIED),
    ],
)  # fmt: skip
def test_a_rule_of_egress(rule, target, wanted):
    assert egress([policy(egress=(rule,))], target) is wanted


def test_the_best_rule_of_any_selecting_policy_decides():
    deny = policy(egress=())
    allow = policy(egress=({"ports": [{"port": 80}]}, {"ports": [{"port": 443}]}))
    assert egress([deny], BY_NAME) is Let.DENIED
    assert egress([deny, allow], BY_NAME) is Let.ALLOWED


def test_only_policies_of_the_direction_isolate():
    inward, outward = policy(ingress=()), policy(egress=())
    assert selecting([inward, outward], {"app": "x"}, "egress") == [outward]
    assert selecting([inward, outward], {"app": "x"}, "ingress") == [inward]


@pytest.mark.parametrize(
    "rule, wanted",
    [
        ({"ports": [{"port": 443}]}, Let.DENIED),
        ({"ports": [{"port": 53, "protocol": "UDP"}]}, Let.ALLOWED),
        ({"ports": [{"port": 53}]}, Let.DENIED),
        ({"to": [{"namespaceSelector": {}}]}, Let.ALLOWED),
        ({"to": [{"podSelector": {}}]}, Let.DENIED),
        ({"to": [{"namespaceSelector": {"matchLabels": {"name": "other"}}}]}, Let.DENIED),
    ],
)
def test_names_are_resolved_through_the_dns_namespace(rule, wanted):
    assert name_resolution([policy(egress=(rule,))], DNS) is wanted


@pytest.mark.parametrize(
    "rule, wanted",
    [
        ({}, Let.ALLOWED),
        ({"ports": [{"port": 6443}]}, Let.ALLOWED),
        ({"ports": [{"port": 8080}]}, Let.DENIED),
        ({"ports": [{"port": "stunnel"}]}, Let.UNDECIDED),
        ({"from": [{"podSelector": {}}]}, Let.DENIED),
        ({"from": [{"namespaceSelector": {}}]}, Let.ALLOWED),
        ({"from": [{"namespaceSelector": {"matchLabels": {"group": "ingress"}}}]}, Let.ALLOWED),
        ({"from": [{"namespaceSelector": {"matchLabels": {"group": "web"}}}]}, Let.DENIED),
        ({"from": [{"namespaceSelector": {"matchLabels": {"team": "x"}}}]}, Let.UNDECIDED),
        ({"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"r": "1"}}}]},
         Let.ALLOWED),
        ({"from": [{"namespaceSelector": {"matchExpressions": [
            {"key": "team", "operator": "DoesNotExist"}]}}]}, Let.UNDECIDED),
    ],
)  # fmt: skip
def test_a_rule_of_ingress(rule, wanted):
    assert ingress([policy(ingress=(rule,))], ROUTER, 6443) is wanted


ALL = "0.0.0.0/0"


@pytest.mark.parametrize(
    "rules, target, wanted",
    [
        ([], BY_NAME, Let.ALLOWED),
        ([(False, ALL, "", ())], BY_NAME, Let.DENIED),
        ([(False, ALL, "", (80,))], BY_NAME, Let.ALLOWED),
        ([(True, "", "dvm-shop.apps.example.com.", ()), (False, ALL, "", ())], BY_NAME,
         Let.ALLOWED),
        ([(True, "", "*.apps.example.com", ()), (False, ALL, "", ())], BY_NAME, Let.ALLOWED),
        ([(True, "", "*.example.com", ()), (False, ALL, "", ())], BY_NAME, Let.DENIED),
        ([(False, ALL, "", ()), (True, ALL, "", ())], BY_NAME, Let.DENIED),
        ([(True, "192.0.2.0/24", "", ()), (False, ALL, "", ())], BY_NAME, Let.UNDECIDED),
        ([(True, "192.0.2.0/24", "", ()), (False, ALL, "", ())], BY_ADDRESS, Let.ALLOWED),
        ([(False, "10.0.0.0/8", "", ())], BY_NAME, Let.UNDECIDED),
        ([(False, "10.0.0.0/8", "", ())], BY_ADDRESS, Let.ALLOWED),
        ([(True, "192.0.2.0/24", "", ()), (True, ALL, "", ())], BY_NAME, Let.ALLOWED),
        ([(True, "", "", ()), (False, ALL, "", ())], BY_NAME, Let.UNDECIDED),
        ([(False, ALL, "", (443,))], Outside("", 0), Let.UNDECIDED),
    ],
)  # fmt: skip
def test_the_first_matching_rule_of_a_firewall_decides(rules, target, wanted):
    assert firewall([EgressRule(*rule) for rule in rules], target) is wanted
