"""The ports that the documentation asks for on every cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies import links
from policies.network.connection_outcomes import (
    PLACE_READS,
    PLAN_READS,
    SIGHT_READS,
    connection,
)
from policies.network.network_policy import addresses_of
from service.core.evidence import Attempt, Missing, NotGathered
from service.core.facts import Fact
from service.core.facts.connecting import untried
from service.core.facts.endpoints import (
    API_PORTS,
    api,
    api_port,
    registry_route,
    route_domain,
)
from service.core.facts.reach import (
    CLUSTER,
    Reach,
    Sight,
    api_sights,
    cluster_of,
    plain_host,
    reach,
    registry_sights,
)
from service.core.facts.release import major
from service.core.facts.topology import tunnelled
from service.core.facts.transfer import ROUTE, direct_images, endpoint_type
from service.core.migration import Cluster, Migration, Probe
from service.core.outcome import Outcome, not_applicable
from service.core.policy import ClusterPolicy
from service.kinds.ref import Pointer

ROUTES, DNS = 443, 53
API = "API server"

TARGETS = {
    API: ("api", "endpoint"),
    "routes": ("routes", "registry", "endpoint"),
    "DNS": ("dns", "endpoint"),
}
"""The targets of a probe that show whether a port is open, by what the port serves."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port that has to be open; ``note`` says where it differs from the documented one."""

    number: int
    serves: str
    note: str = ""
    evidence: tuple[Pointer, ...] = ()

    @property
    def key(self) -> str:
        """The key of the finding."""
        shared = self.serves == API and self.number == ROUTES
        return f"port-{self.number}" + "-api" * shared


class RequiredPorts(ClusterPolicy):
    """The ports of API server, routes and DNS are open on every cluster.

    OpenShift 4: 6443, 443, 53; OpenShift 3: 8443, 443, 53. Where the API server's URL names
    another port, that one counts; on 443 it mostly is another host than the routes', so that
    neither proves the other. With `crane tunnel-api` the API port and the registry route
    are not used; with rsync_endpoint_type NodePort or ClusterIP the routes are used by direct
    image migration only.
    """

    id = "MTC504"
    name = "required-ports"
    title = "The ports for API server, routes and DNS are open on every cluster"
    why = "MTC cannot connect to the cluster, or rsync cannot reach its routes."
    reads = (*PLAN_READS, *PLACE_READS, *SIGHT_READS)
    declares = ("ports", "api", "routes", "registry", "dns", "endpoint", "apiUrl")
    remedy = "Open the port in the firewalls and load balancers in front of the cluster."
    docs = (links.PREREQUISITES,)
    chapter = True
    source = "MTC docs, Migration prerequisites; advanced migration options (tunnel-api)"
    better = "MTC tests only the API server, from the host cluster, and no other port."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        gap: NotGathered | None = None
        number = Fact(0, ())
        try:
            number = api_port(migration, cluster)
        except NotGathered as missing:
            gap = missing
        for port in required(cluster, number):
            waiver = _waiver(migration, cluster, port)
            if waiver is not None:
                yield waiver
                continue
            yield connection(
                _way(migration, cluster, port, number.value),
                cluster.subject,
                f"port {port.number} ({port.serves}) of the {cluster.role} cluster{port.note}",
                (_need(migration, cluster, port),),
                wanted=f"{port.number} open",
                key=port.key,
                evidence=port.evidence,
            )
        if gap is not None:
            raise gap


def required(cluster: Cluster, number: Fact[int]) -> tuple[Port, ...]:
    """The ports of a cluster whose API server listens on ``number``; 0 where that is unknown."""
    if not number.value:
        return (Port(ROUTES, "routes"), Port(DNS, "DNS"))
    return (
        Port(number.value, API, _difference(cluster, number.value), number.evidence),
        Port(ROUTES, "routes"),
        Port(DNS, "DNS"),
    )


def _difference(cluster: Cluster, number: int) -> str:
    try:
        documented = API_PORTS.get(major(cluster), number)
    except NotGathered:
        return ""
    if documented == number:
        return ""
    return f" (its URL has port {number}; the documentation says {documented})"


def _waiver(migration: Migration, cluster: Cluster, port: Port) -> Outcome | None:
    tunnel = None if migration.is_host(cluster) else tunnelled(migration, cluster)
    if tunnel is not None and port.serves == API:
        return not_applicable(
            cluster.subject,
            f"port {port.number}: the API server is reached through crane tunnel-api",
            tunnel.ref.at("/spec/url", tunnel.url),
            key=port.key,
        )
    if port.serves != "routes":
        return None
    if tunnel is not None and cluster is migration.source:
        return not_applicable(
            cluster.subject,
            "port 443: the registry is reached through crane tunnel-api, and rsync connects "
            "from the source, not to it",
            tunnel.ref.at("/spec/url", tunnel.url),
            key=port.key,
        )
    return _without_routes(migration, cluster, port)


def _without_routes(migration: Migration, cluster: Cluster, port: Port) -> Outcome | None:
    kind = endpoint_type(migration.destination)
    if kind.value == ROUTE:
        return None
    try:
        images = direct_images(migration)
    except NotGathered:
        return None
    if images.value:
        return None
    return not_applicable(
        cluster.subject,
        f"port 443: rsync_endpoint_type is {kind.value} and images are not copied directly, so no "
        "route is used",
        *kind.evidence,
        *images.evidence,
        key=port.key,
    )


def _way(migration: Migration, cluster: Cluster, port: Port, api_number: int) -> Reach:
    registry = _registry_port(migration, cluster)
    shared = _api_host(migration, cluster) if api_number == ROUTES else ""
    probes = (
        probe
        for probe in migration.probes
        if _port_of(probe, api_number, registry) == port.number
        and _answers(migration, probe, cluster, port)
        and (not shared or not probe.host or (port.serves == API) is _same_host(probe, shared))
    )
    sights: list[Sight] = []
    if not migration.is_host(cluster) and tunnelled(migration, cluster) is None:
        if port.serves == API:
            sights += api_sights(migration, cluster)
        if port.serves == "routes" and registry == ROUTES:
            sights += registry_sights(migration, cluster)
    return reach(probes, sights)


def _api_host(migration: Migration, cluster: Cluster) -> str:
    """The API server's host, which shows which one a probe means if both have the port."""
    try:
        return api(migration, cluster).value.host
    except NotGathered:
        return ""


def _same_host(probe: Probe, host: str) -> bool:
    """Whether a probe names this host."""
    return plain_host(probe.host) == plain_host(host)


def _registry_port(migration: Migration, cluster: Cluster) -> int:
    """The port at which MTC asks the registry; a registry need not be behind the routers."""
    try:
        return registry_route(migration, cluster).value.port
    except NotGathered:
        return ROUTES


def _port_of(probe: Probe, api_number: int, registry: int) -> int:
    defaults = {"api": api_number, "routes": ROUTES, "registry": registry, "dns": DNS}
    return probe.port or defaults.get(probe.target, 0)


def _answers(migration: Migration, probe: Probe, cluster: Cluster, port: Port) -> bool:
    """Whether a probe is about this cluster's port.

    A pod that reaches its own cluster proves nothing for the others; DNS is asked from inside.
    """
    start = cluster_of(migration, probe.source)
    if probe.pod == "rsync":
        return False  # network rules may let those pods out, and no others
    if probe.target == "dns" and addresses_of((plain_host(probe.host),)):
        return False  # an address is found without asking any server
    if probe.target == "dns" and not probe.cluster:
        return start is cluster
    if probe.target not in TARGETS[port.serves] or not probe.cluster:
        return False
    if cluster_of(migration, probe.cluster) is not cluster:
        return False
    from_itself = start is cluster and probe.vantage == CLUSTER
    return port.number == DNS or not from_itself or not probe.open


def _need(migration: Migration, cluster: Cluster, port: Port) -> Missing:
    host = _host_name(migration, cluster, port)
    if port.number == DNS:
        name = "" if addresses_of((host,)) else host
        return untried(migration, cluster, Attempt("dns", "", name, DNS, "dns"))
    start = migration.source if migration.is_host(cluster) else migration.host
    target = "routes" if port.serves == "routes" else "api"
    return untried(migration, start, Attempt(target, cluster.role, host, port.number))


def _host_name(migration: Migration, cluster: Cluster, port: Port) -> str:
    """The host to try, "" where it is not known."""
    try:
        if port.serves == "routes":
            return f"console-openshift-console.{route_domain(cluster).value}"
        return api(migration, cluster).value.host
    except NotGathered:
        return ""
