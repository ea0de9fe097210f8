"""The connections that MTC makes between clusters, each with what the evidence says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from policies.network.connection_outcomes import connection
from service.core.evidence import Attempt, Missing, NotGathered
from service.core.facts import Fact
from service.core.facts.connecting import proxied, untried
from service.core.facts.endpoints import Endpoint, api, registry_route, rsync_route
from service.core.facts.reach import (
    Reach,
    Sight,
    aims_at,
    api_sights,
    plain_host,
    probes_from,
    reach,
    reach_through_proxy,
    registry_sights,
    same_endpoint,
)
from service.core.facts.transfer import ROUTE, endpoint_type, stunnel_proxy
from service.core.migration import Cluster, Migration, Probe
from service.core.outcome import Outcome

ROUTE_PORT = 443
NODE_PORTS = range(30000, 32768)
"""The ports that Kubernetes gives to services of type NodePort, by default."""
DEFAULT_PORTS = {"api": 6443, "registry": ROUTE_PORT}
"""Used in commands where no address is known."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A connection that MTC makes: from where, to what, and how to try it."""

    key: str
    start: Cluster
    what: str
    way: Reach
    missing: tuple[Missing, ...]
    evidence: tuple[Fact[Endpoint], ...] = ()

    def outcome(self) -> Outcome:
        """The outcome for this leg."""
        return connection(
            self.way,
            self.start.subject,
            f"from the {self.start.role} cluster to {self.what}",
            self.missing,
            wanted="open",
            key=self.key,
            evidence=tuple(pointer for fact in self.evidence for pointer in fact.evidence),
        )


def api_leg(migration: Migration, remote: Cluster) -> Leg:
    """From the controller to the API server of a remote cluster."""
    endpoint, gap = known_or_missing(lambda: api(migration, remote))
    place = endpoint.value if endpoint else None
    probes = (
        probe
        for probe in probes_from(migration, migration.host, "api", "endpoint")
        if aims_at(migration, probe, remote)
        and (probe.target == "api" or (place is not None and probe.port == place.port))
        and same_endpoint(probe, place)
    )
    way = _from_host(migration, probes, api_sights(migration, remote))
    return _host_leg(migration, remote, "api", "API server", endpoint, gap, way)


def registry_leg(migration: Migration, remote: Cluster) -> Leg:
    """From the controller, which copies the images, to the registry of a remote cluster."""
    endpoint, gap = known_or_missing(lambda: registry_route(migration, remote))
    probes = (
        probe
        for probe in probes_from(migration, migration.host, "registry")
        if aims_at(migration, probe, remote)
        and same_endpoint(probe, endpoint.value if endpoint else None)
    )
    way = _from_host(migration, probes, registry_sights(migration, remote))
    return _host_leg(migration, remote, "registry", "registry", endpoint, gap, way)


def _from_host(migration: Migration, probes: Iterable[Probe], sights: list[Sight]) -> Reach:
    weigh = reach_through_proxy if proxied(migration.host) else reach
    return weigh(probes, sights)


def _host_leg(
    migration: Migration,
    remote: Cluster,
    kind: str,
    name: str,
    endpoint: Fact[Endpoint] | None,
    gap: tuple[Missing, ...],
    way: Reach,
) -> Leg:
    host = migration.host
    place = endpoint.value if endpoint else Endpoint("", DEFAULT_PORTS[kind])
    what = f"the {name} of the {remote.role} cluster" + (f", {place}" if endpoint else "")
    check = "registry" if kind == "registry" else "tls"
    attempt = Attempt(kind, remote.role, place.host, place.port, check)
    facts = (endpoint,) if endpoint else ()
    need = untried(migration, host, attempt)
    return Leg(f"{kind}-{remote.role}", host, what, way, (*gap, need), facts)


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where rsync's stunnel connects to, in words and to be tried, and which probes mean it."""

    what: str
    attempt: Attempt
    means: Callable[[Probe], bool]
    facts: tuple[Fact[Endpoint], ...] = ()
    gap: tuple[Missing, ...] = ()


def rsync_leg(migration: Migration) -> Leg:
    """From the rsync pods of the source to the destination, or to the proxy before it."""
    source = migration.source
    entrance = _entrance(migration)
    way = reach(
        probe
        for probe in probes_from(migration, source, "routes", "endpoint", pod="rsync")
        if entrance.means(probe)
    )
    gap = (*entrance.gap, untried(migration, source, entrance.attempt))
    return Leg("routes-destination", source, entrance.what, way, gap, entrance.facts)


def _entrance(migration: Migration) -> Entrance:
    proxy = stunnel_proxy(migration)
    if proxy is not None:
        place = Endpoint(proxy.value.host, proxy.value.port, tls=False)
        return Entrance(
            f"the Stunnel proxy {place}",
            Attempt("endpoint", "", place.host, place.port, "tcp", "rsync"),
            lambda probe: (
                probe.target == "endpoint" and bool(probe.host) and same_endpoint(probe, place)
            ),
            (Fact(place, proxy.evidence),),
        )
    destination = migration.destination
    kind = endpoint_type(destination)
    if kind.value != ROUTE:
        place = Endpoint("<node of the destination>", NODE_PORTS.start)
        return Entrance(
            f"the rsync service of the destination cluster ({kind.value})",
            Attempt("endpoint", "destination", "", NODE_PORTS.start, "tcp", "rsync"),
            lambda probe: (
                probe.target == "endpoint"
                and probe.port in NODE_PORTS
                and aims_at(migration, probe, destination)
            ),
            (Fact(place, kind.evidence),),
        )
    return _route_entrance(migration, destination)


def _route_entrance(migration: Migration, destination: Cluster) -> Entrance:
    plan = migration.given_plan
    target = plan.namespaces[0].destination if plan and plan.namespaces else "namespace"
    endpoint, gap = known_or_missing(lambda: rsync_route(destination, target))
    server, _ = known_or_missing(lambda: api(migration, destination))
    api_host = plain_host(server.value.host) if server else ""
    return Entrance(
        "the routes of the destination cluster" + (f", {endpoint.value}" if endpoint else ""),
        Attempt(
            "routes",
            "destination",
            endpoint.value.host if endpoint else "",
            ROUTE_PORT,
            "tcp",
            "rsync",
        ),
        lambda probe: (
            probe.port in ((0, ROUTE_PORT) if probe.target == "routes" else (ROUTE_PORT,))
            and not (probe.host and plain_host(probe.host) == api_host)
            and aims_at(migration, probe, destination)
        ),
        (endpoint,) if endpoint else (),
        gap,
    )


def known_or_missing(
    read: Callable[[], Fact[Endpoint]],
) -> tuple[Fact[Endpoint] | None, tuple[Missing, ...]]:
    """An endpoint if the evidence has it, otherwise the missing facts."""
    try:
        return read(), ()
    except NotGathered as missing:
        return None, missing.missing
