"""Routes, services and what blocks traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.kinds.ref import Malformed, Ref
from service.kinds.resource import Resource
from service.kinds.shape import (
    Object,
    conditions,
    metadata,
    number,
    rows,
    strings,
    table,
    text,
    texts,
)


@dataclass(frozen=True, slots=True)
class Route:
    """A route; ``admitted`` is True, False, or None where the status says nothing."""

    ref: Ref
    host: str
    service: str
    termination: str
    admitted: bool | None
    hosts: tuple[str, ...]
    """Every host that a router has admitted or was asked for, ``host`` included."""
    host_generated: bool = False
    """Whether the host was made of name, namespace and the routers' domain, not written."""
    rejection: str = ""
    """Reason and message of the routers that reject it, "" where none does."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service and its ports."""

    ref: Ref
    type: str
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector (matchLabels and matchExpressions)."""

    labels: Mapping[str, str]
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected; the empty selector selects all."""
        return all(labels.get(key) == value for key, value in self.labels.items()) and all(
            _expression(labels, *expression) for expression in self.expressions
        )


def _expression(
    labels: Mapping[str, str], key: str, operator: str, values: tuple[str, ...]
) -> bool:
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return labels.get(key) not in values
    if operator == "Exists":
        return key in labels
    return key not in labels


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """A NetworkPolicy; ``ingress``/``egress`` are None where that direction is not restricted.

    The rules stay as the API gives them: a rule that is empty allows everything.
    """

    ref: Ref
    selector: Selector
    ingress: tuple[Mapping[str, Any], ...] | None
    egress: tuple[Mapping[str, Any], ...] | None


@dataclass(frozen=True, slots=True)
class EgressRule:
    """One rule of an EgressNetworkPolicy or EgressFirewall, in order; the first match wins.

    ``ports`` are TCP ports; none mean all.
    """

    allow: bool
    cidr: str
    dns_name: str
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """EgressNetworkPolicy (OpenShift SDN) or EgressFirewall (OVN-Kubernetes)."""

    ref: Ref
    rules: tuple[EgressRule, ...]


@dataclass(frozen=True, slots=True)
class AdminPolicy:
    """AdminNetworkPolicy or BaselineAdminNetworkPolicy (policy.networking.k8s.io/v1alpha1).

    A lower ``priority`` goes first. ``subject`` and the rules stay as the API gives them; each
    rule has an ``action`` (Allow, Deny, Pass), and the first that matches decides.
    """

    ref: Ref
    priority: int
    subject: Mapping[str, Any]
    ingress: tuple[Mapping[str, Any], ...]
    egress: tuple[Mapping[str, Any], ...]


def route(value: Object, ref: Ref) -> Route:
    """Route, in the route.openshift.io and the OpenShift 3 core form."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    annotations = table(metadata(value), "annotations", "/metadata")
    ingress = tuple(rows(status, "ingress", "/status"))
    host = text(spec, "host", "/spec")
    hosts = dict.fromkeys(
        [host, *(text(row, "host", f"/status/ingress/{n}") for n, row in enumerate(ingress))]
    )
    return Route(
        ref=ref,
        host=host,
        service=text(table(spec, "to", "/spec"), "name", "/spec/to"),
        termination=text(table(spec, "tls", "/spec"), "termination", "/spec/tls"),
        admitted=_admitted(ingress),
        hosts=tuple(name for name in hosts if name),
        rejection=_rejection(ingress),
        host_generated=annotations.get("openshift.io/host.generated") == "true",
    )


def _admitted(ingress: tuple[Object, ...]) -> bool | None:
    """True if any router admitted the route; None where no router has reported anything."""
    answers = []
    for index, row in enumerate(ingress):
        admitted = conditions(row, f"/status/ingress/{index}").get("Admitted")
        if admitted is not None:
            answers.append(admitted.status == "True")
    return any(answers) if answers else None


def _rejection(ingress: tuple[Object, ...]) -> str:
    reasons: list[str] = []
    for index, row in enumerate(ingress):
        admitted = conditions(row, f"/status/ingress/{index}").get("Admitted")
        if admitted is not None and admitted.status == "False":
            reasons.append(": ".join(filter(None, (admitted.reason, admitted.message))))
    return "; ".join(dict.fromkeys(filter(None, reasons)))


def service(value: Object, ref: Ref) -> Service:
    """Service."""
    spec = table(value, "spec", "")
    ports = tuple(
        number(row, "port", f"/spec/ports/{index}")
        for index, row in enumerate(rows(spec, "ports", "/spec"))
    )
    return Service(ref, text(spec, "type", "/spec"), ports)


def selector(of: Object, key: str, at: str) -> Selector:
    """A label selector; absent selects everything."""
    value = table(of, key, at)
    where = f"{at}/{key}"
    expressions = tuple(
        (
            text(row, "key", where),
            text(row, "operator", where),
            texts(row, "values", where),
        )
        for row in rows(value, "matchExpressions", where)
    )
    return Selector(strings(value, "matchLabels", where), expressions)


def network_policy(value: Object, ref: Ref) -> NetworkPolicy:
    """NetworkPolicy.

    Without policyTypes, Ingress is restricted always and Egress only if there is an egress
    section (Kubernetes API reference, NetworkPolicySpec).
    """
    spec = table(value, "spec", "")
    types = texts(spec, "policyTypes", "/spec")
    if not types:
        types = ("Ingress", "Egress") if spec.get("egress") is not None else ("Ingress",)
    return NetworkPolicy(
        ref=ref,
        selector=selector(spec, "podSelector", "/spec"),
        ingress=tuple(rows(spec, "ingress", "/spec")) if "Ingress" in types else None,
        egress=tuple(rows(spec, "egress", "/spec")) if "Egress" in types else None,
    )


def admin_policy(value: Object, ref: Ref) -> AdminPolicy:
    """AdminNetworkPolicy, or BaselineAdminNetworkPolicy, which has no priority."""
    spec = table(value, "spec", "")
    return AdminPolicy(
        ref=ref,
        priority=number(spec, "priority", "/spec"),
        subject=table(spec, "subject", "/spec"),
        ingress=tuple(rows(spec, "ingress", "/spec")),
        egress=tuple(rows(spec, "egress", "/spec")),
    )


def egress_policy(value: Object, ref: Ref) -> EgressPolicy:
    """The rules that touch TCP; one that names ports of other protocols only does not."""
    spec = table(value, "spec", "")
    found = []
    for index, row in enumerate(rows(spec, "egress", "/spec")):
        at = f"/spec/egress/{index}"
        kind = text(row, "type", at)
        if kind not in ("Allow", "Deny"):
            raise Malformed(f"{at}/type", "Allow or Deny")
        to = table(row, "to", at)
        listed = rows(row, "ports", at)
        tcp = [port for port in listed if text(port, "protocol", f"{at}/ports") in ("", "TCP")]
        if listed and not tcp:
            continue
        ports = tuple(number(port, "port", f"{at}/ports") for port in tcp)
        found.append(
            EgressRule(
                kind == "Allow",
                text(to, "cidrSelector", f"{at}/to"),
                text(to, "dnsName", f"{at}/to"),
                ports,
            )
        )
    return EgressPolicy(ref, tuple(found))


@dataclass(frozen=True, slots=True)
class IngressController:
    """A router; ``routes`` and ``namespaces`` choose what it admits, None for everything.

    ``available`` is the status of condition Available, ``replicas`` None where none are set.
    """

    ref: Ref
    domain: str
    routes: Selector | None
    namespaces: Selector | None
    replicas: int | None
    available: str


def ingress_controller(value: Object, ref: Ref) -> IngressController:
    """IngressController."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    available = conditions(status, "/status").get("Available")
    return IngressController(
        ref=ref,
        domain=text(spec, "domain", "/spec") or text(status, "domain", "/status"),
        routes=_chosen(spec, "routeSelector"),
        namespaces=_chosen(spec, "namespaceSelector"),
        replicas=None if spec.get("replicas") is None else number(spec, "replicas", "/spec"),
        available=available.status if available else "",
    )


def _chosen(spec: Object, key: str) -> Selector | None:
    return selector(spec, key, "/spec") if spec.get(key) is not None else None


ROUTE = Resource(
    "Route", "routes", route, ("route.openshift.io", ""), namespaced=True, title="routes"
)
SERVICE = Resource("Service", "services", service, namespaced=True, title="services")
NETWORK_POLICY = Resource(
    "NetworkPolicy", "networkpolicies", network_policy, ("networking.k8s.io", "extensions"),
    namespaced=True, title="network policies",
)  # fmt: skip
ADMIN_NETWORK_POLICY = Resource(
    "AdminNetworkPolicy", "adminnetworkpolicies", admin_policy, ("policy.networking.k8s.io",),
    "v1alpha1", releases=(4,), title="network policies of the cluster's administrators",
)  # fmt: skip
BASELINE_ADMIN_NETWORK_POLICY = Resource(
    "BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies", admin_policy,
    ("policy.networking.k8s.io",), "v1alpha1", releases=(4,),
    title="the network policy of the cluster's administrators for pods that no other isolates",
)  # fmt: skip
EGRESS_NETWORK_POLICY = Resource(
    "EgressNetworkPolicy", "egressnetworkpolicies", egress_policy, ("network.openshift.io", ""),
    namespaced=True, title="egress network policies of OpenShift SDN",
)  # fmt: skip
EGRESS_FIREWALL = Resource(
    "EgressFirewall", "egressfirewalls", egress_policy, ("k8s.ovn.org",), namespaced=True,
    releases=(4,), title="egress firewalls of OVN-Kubernetes",
)  # fmt: skip
INGRESS_CONTROLLER = Resource(
    "IngressController", "ingresscontrollers", ingress_controller, ("operator.openshift.io",),
    namespaced=True, releases=(4,), title="routers and the routes that they admit",
)  # fmt: skip
