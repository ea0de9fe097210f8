"""Direct image migration: the route to a registry."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies.images.exposed import DOCS, EXPOSE, ROUTE_READS, DirectImagePolicy
from service.core.evidence import NotGathered
from service.core.facts.image_registry import (
    REGISTRY_SERVICES,
    SECURE,
    every_registry_route,
    proven_path,
    registry_routes,
    route_status,
)
from service.core.facts.release import major, major_or
from service.core.facts.topology import tunnelled
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed, not_applicable, passed, unknown
from service.kinds.network import ROUTE, Route
from service.kinds.ref import Pointer


class RegistryRoute(DirectImagePolicy):
    """A router has admitted a TLS route to the registry's service.

    The registry operator's own route re-encrypts, the one of MTC's documentation passes
    through; both work. An edge or insecure route speaks plain HTTP to the registry's TLS port.
    """

    id = "MTC202"
    name = "registry-route"
    title = "A secure route to the exposed registry exists, for direct image migration"
    why = "The other cluster cannot reach the images, and the direct image migration fails."
    reads = ROUTE_READS
    declares = ("registryRoute",)
    remedy = "Create a passthrough or re-encrypt route to the registry's service."
    docs = DOCS
    chapter = True
    source = "MTC documentation, Migration prerequisites; cluster-image-registry-operator route.go"
    upstream = ("InvalidRegistryRoute",)
    better = "Names the route, and whether its termination or the router is the cause."

    def judge(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        tunnel = tunnelled(migration, cluster)
        if tunnel is not None:
            yield not_applicable(
                cluster.subject,
                "the registry is reached through `crane tunnel-api`, not through a route",
                tunnel.ref.at("/spec/url", tunnel.url),
            )
            return
        known = registry_routes(cluster)
        for route in known:
            if route.admitted and route.termination in SECURE:
                yield passed(
                    cluster.subject,
                    f"route {route.ref.name} leads to the registry",
                    route.ref.at("/spec/host", route.host),
                    route.ref.at("/spec/tls/termination", route.termination),
                    examined=len(known),
                )
                return
        proof = proven_path(migration, cluster)
        if proof is not None:
            yield passed(cluster.subject, "MTC reached the registry over HTTPS", *proof.evidence)
            return
        if not known:
            yield self._absent(cluster)
            return
        waiting = [item for item in known if item.termination in SECURE and item.admitted is None]
        if not waiting:
            for namespace in {route.ref.namespace for route in known}:
                cluster.all(ROUTE, (namespace,))  # another one may be the good one
        for route in waiting or known:
            yield _unusable(cluster, route)

    def _absent(self, cluster: Cluster) -> Outcome:
        try:
            release = major(cluster)
            every_registry_route(cluster, release)
        except NotGathered:
            declared = cluster.declared.get("registryRoute")
            if declared is None or declared.value is None:
                raise
            if declared.value:
                return passed(
                    cluster.subject,
                    "declared: a route leads to the registry",
                    declared.pointer,
                )
            return _no_route(cluster, major_or(cluster), declared.pointer)
        return _no_route(cluster, release)


def _no_route(cluster: Cluster, release: int, *evidence: Pointer) -> Outcome:
    namespace, service = REGISTRY_SERVICES[release]
    return failed(
        cluster.subject,
        f"no route leads to service {service} of namespace {namespace}",
        *evidence,
        found="no route",
        wanted=f"a passthrough or reencrypt route to service {service}",
        commands=(EXPOSE[release],),
    )


def _unusable(cluster: Cluster, route: Route) -> Outcome:
    namespace, service = route.ref.namespace, route.service
    if route.termination not in SECURE:
        return failed(
            route.ref.subject,
            f"route {route.ref.name} does not reach the registry over TLS",
            route.ref.at("/spec/tls/termination", route.termination or "none"),
            found=f"termination: {route.termination or 'none (insecure)'}",
            wanted="termination: passthrough or reencrypt",
            key="termination",
            commands=(
                f"oc create route passthrough {quote(service)}-passthrough "
                f"--service={quote(service)} --port=5000 -n {quote(namespace)}",
            ),
        )
    if route.admitted is None:
        return unknown(
            route.ref.subject,
            f"no router has reported whether it admits route {route.ref.name}",
            route_status(cluster, route),
            key="admitted",
        )
    return failed(
        route.ref.subject,
        f"the router rejects route {route.ref.name}"
        + (f" ({route.rejection[:300]})" if route.rejection else ""),
        route.ref.at("/status/ingress", "Admitted=False"),
        found="Admitted: False",
        wanted="Admitted: True",
        key="admitted",
        commands=(f"oc describe route {quote(route.ref.name)} -n {quote(namespace)}",),
    )
