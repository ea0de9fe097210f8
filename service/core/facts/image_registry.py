"""How the image registry of a cluster is reached from outside."""

from __future__ import annotations

from service.core.evidence import Missing, NotGathered
from service.core.facts import Fact
from service.core.facts.release import major
from service.core.facts.topology import mig_cluster
from service.core.migration import Cluster, Migration
from service.kinds.network import ROUTE, Route
from service.kinds.resource import fetch_command

REGISTRY_SERVICES = {
    3: ("default", "docker-registry"),
    4: ("openshift-image-registry", "image-registry"),
}
"""Namespace and name of the registry's service, by major OpenShift release."""

SECURE = ("reencrypt", "passthrough")
"""Terminations that reach the registry over TLS; the registry's own port speaks TLS only."""


def registry_routes(cluster: Cluster) -> tuple[Route, ...]:
    """The known routes to the registry's service; may be partial.

    In the place of the cluster's own release; in both places where that is not known. A route left
    over in the other place leads to no registry.
    """
    found: list[Route] = []
    try:
        places: tuple[tuple[str, str], ...] = (REGISTRY_SERVICES[major(cluster)],)
    except NotGathered:
        places = tuple(REGISTRY_SERVICES.values())
    for namespace, service in places:
        try:
            routes = cluster.all(ROUTE, (namespace,))
        except NotGathered:
            routes = cluster.known(ROUTE, (namespace,))
        found += [
            route
            for route in routes
            if route.ref.namespace == namespace and route.service == service
        ]
    return tuple(found)


def every_registry_route(cluster: Cluster, release: int) -> tuple[Route, ...]:
    """Every route to the registry of a cluster of this major release. Raises NotGathered."""
    namespace, service = REGISTRY_SERVICES[release]
    return tuple(item for item in cluster.all(ROUTE, (namespace,)) if item.service == service)


def probed_path(migration: Migration, cluster: Cluster) -> Fact[str] | None:
    """The exposedRegistryPath that MTC itself reached over HTTPS, None if not known.

    A MigCluster with that field is Ready only after `GET https://<path>/v2/_catalog?n=5`
    answered 200 (mig-controller, pkg/controller/migcluster/validation.go).
    """
    try:
        item = mig_cluster(migration, cluster)
    except NotGathered:
        return None
    ready = item.conditions.get("Ready")
    if not item.exposed_registry_path or ready is None or ready.status != "True":
        return None
    pointers = (
        item.ref.at("/spec/exposedRegistryPath", item.exposed_registry_path),
        item.ref.at("/status/conditions", "Ready=True"),
    )
    return Fact(item.exposed_registry_path, pointers)


def proven_path(migration: Migration, cluster: Cluster) -> Fact[str] | None:
    """:func:`probed_path`, unless the routes of today contradict it: a condition may be old.

    They do where the route of that host is rejected or insecure, and where the whole list has
    none of that host.
    """
    found = probed_path(migration, cluster)
    if found is None:
        return None
    host = found.value.partition("://")[2] or found.value
    host = host.partition("/")[0].partition(":")[0].lower()
    named = [
        route
        for route in registry_routes(cluster)
        if host in (item.lower() for item in (route.host, *route.hosts))
    ]
    if named:
        good = any(item.admitted is not False and item.termination in SECURE for item in named)
        return found if good else None
    try:
        every_registry_route(cluster, major(cluster))
    except NotGathered:
        return found
    return None


def route_status(cluster: Cluster, route: Route) -> Missing:
    """What is missing where no router has reported whether it admits a route."""
    return Missing(
        f"the status of route {route.ref.name}",
        cluster.role,
        fetch_command(ROUTE, route.ref.name, route.ref.namespace),
    )
