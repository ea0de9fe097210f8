"""Readers of routes, services and what blocks traffic."""

from __future__ import annotations

from service.core.evidence import Malformed, Ref
from service.core.objects.network import (
    AdminPolicy,
    EgressPolicy,
    EgressRule,
    NetworkPolicy,
    Route,
    Selector,
    Service,
)
from service.core.resources import (
    ADMIN_NETWORK_POLICY,
    BASELINE_ADMIN_NETWORK_POLICY,
    EGRESS_FIREWALL,
    EGRESS_NETWORK_POLICY,
    NETWORK_POLICY,
    ROUTE,
    SERVICE,
)
from service.ingest.objects.readers.registry import reads
from service.ingest.objects.readers.shape import (
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


@reads(ROUTE)
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
        host_generated=annotations.get("openshift.io/host.generated") == "true",
    )


def _admitted(ingress: tuple[Object, ...]) -> bool | None:
    """True if any router admitted the route; None where no router has said anything."""
    answers = []
    for index, row in enumerate(ingress):
        admitted = conditions(row, f"/status/ingress/{index}").get("Admitted")
        if admitted is not None:
            answers.append(admitted.status == "True")
    return any(answers) if answers else None


@reads(SERVICE)
def service(value: Object, ref: Ref) -> Service:
    """Service."""
    spec = table(value, "spec", "")
    ports = tuple(
        number(row, "port", f"/spec/ports/{index}")
        for index, row in enumerate(rows(spec, "ports", "/spec"))
    )
    return Service(ref, text(spec, "clusterIP", "/spec"), text(spec, "type", "/spec"), ports)


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


@reads(NETWORK_POLICY)
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


@reads(ADMIN_NETWORK_POLICY)
def admin_network_policy(value: Object, ref: Ref) -> AdminPolicy:
    """AdminNetworkPolicy."""
    return _admin(value, ref)


@reads(BASELINE_ADMIN_NETWORK_POLICY)
def baseline_admin_network_policy(value: Object, ref: Ref) -> AdminPolicy:
    """BaselineAdminNetworkPolicy; it has no priority."""
    return _admin(value, ref)


def _admin(value: Object, ref: Ref) -> AdminPolicy:
    spec = table(value, "spec", "")
    return AdminPolicy(
        ref=ref,
        priority=number(spec, "priority", "/spec"),
        subject=table(spec, "subject", "/spec"),
        ingress=tuple(rows(spec, "ingress", "/spec")),
        egress=tuple(rows(spec, "egress", "/spec")),
    )


@reads(EGRESS_NETWORK_POLICY)
def egress_network_policy(value: Object, ref: Ref) -> EgressPolicy:
    """EgressNetworkPolicy of OpenShift SDN."""
    return _egress(value, ref)


@reads(EGRESS_FIREWALL)
def egress_firewall(value: Object, ref: Ref) -> EgressPolicy:
    """EgressFirewall of OVN-Kubernetes."""
    return _egress(value, ref)


def _egress(value: Object, ref: Ref) -> EgressPolicy:
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
