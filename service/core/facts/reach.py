"""What probes, declarations and MTC's own conditions say about a connection.

Proof is what was measured in a pod of the cluster in question, what MTC itself measured from
there, and, where nothing was measured, what a person declares. A result from a workstation is
kept apart: it says nothing about the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from service.core.evidence import NotGathered
from service.core.facts.connecting import proxied
from service.core.facts.endpoints import Endpoint, registry_route
from service.core.facts.machinery import controller_down, is_stale, locations
from service.core.facts.topology import mig_cluster
from service.core.migration import Cluster, Migration, Probe
from service.kinds.ref import Pointer
from service.kinds.shape import Condition

CLUSTER, WORKSTATION, DECLARED = "cluster", "workstation", "declared"

NETWORK_ERROR = re.compile(
    r"dial tcp|i/o timeout|timed? ?out|deadline exceeded|connection refused|connection reset"
    r"|no route to host|network is unreachable|no such host|lookup .* on|\bEOF\b|proxyconnect"
    r"|Client\.Timeout",
    re.IGNORECASE,
)
"""How Go's network stack says that a connection did not come about."""

_URL = re.compile(r"https?://[^\s\"']+")
CERTIFICATE = re.compile(r"x509|certificate|\btls: |TLS fails", re.IGNORECASE)
ANSWERED = re.compile(
    r"Unauthorized|Forbidden|AccessDenied|NoSuchBucket|SignatureDoesNotMatch|InvalidAccessKeyId"
    r"|\b(?:status code|answered|response code received)\W+(?:40[0134])\b",
    re.IGNORECASE,
)
"""How a service that was reached says no: the port is open, and something else is the matter."""
OPEN_STATUS = frozenset({400, 401, 403, 404})
OF_THE_PROXY = frozenset({403, 407, 502, 503, 504})
"""Statuses that an HTTP proxy may have answered itself: the target is then not known."""


def heard(message: str, status: int | None, proxied: bool) -> bool | None:
    """What an error says of the way: True, the service answered; False, nothing did; None, unclear.

    Through an HTTP proxy a refusal or a certificate may be the proxy's own.
    """
    message = _URL.sub("", message)  # "?timeout=5s" is no timeout
    if NETWORK_ERROR.search(message):
        return False
    certificate = bool(CERTIFICATE.search(message))
    refused = bool(ANSWERED.search(message)) or status in OPEN_STATUS
    if proxied and (certificate or status in OF_THE_PROXY or "403" in message):
        return None
    return True if certificate or refused else None


class Rank(IntEnum):
    """How much a sight counts; a higher rank silences the lower ones."""

    DECLARED = 1
    MEASURED = 2


@dataclass(frozen=True, slots=True)
class Sight:
    """One piece of evidence that a connection is open or closed."""

    open: bool
    rank: Rank
    text: str
    pointer: Pointer


@dataclass(frozen=True, slots=True)
class Reach:
    """What all evidence amounts to: ``open`` is None where neither is known.

    ``sights`` are the ones that decided; for an open question those that could not, because a
    bare TCP connection says nothing of a way through a proxy. ``elsewhere`` are the results
    from workstations.
    """

    open: bool | None
    sights: tuple[Sight, ...] = ()
    elsewhere: tuple[Probe, ...] = ()

    @property
    def text(self) -> str:
        """The deciding evidence in words, each once."""
        return "; ".join(dict.fromkeys(sight.text for sight in self.sights))

    @property
    def evidence(self) -> tuple[Pointer, ...]:
        """Where the deciding evidence is; for an open question, the workstation results."""
        if self.open is None:
            found = tuple(probe.pointer for probe in self.elsewhere)
            return (*found, *(sight.pointer for sight in self.sights))
        return tuple(sight.pointer for sight in self.sights)


def weigh(sights: Iterable[Sight], elsewhere: Iterable[Probe] = ()) -> Reach:
    """The highest rank decides; within it one closed result outweighs any open one."""
    found = tuple(sights)
    if not found:
        return Reach(None, (), tuple(elsewhere))
    top = max(sight.rank for sight in found)
    best = [sight for sight in found if sight.rank is top]
    closed = [sight for sight in best if not sight.open]
    return Reach(not closed, tuple(closed or best))


def cluster_of(migration: Migration, role: str) -> Cluster | None:
    """The cluster that a probe's role means; None for "" and for unknown words."""
    named: Mapping[str, Cluster] = {
        "source": migration.source,
        "destination": migration.destination,
        "host": migration.host,
    }
    return named.get(role)


def probes_from(
    migration: Migration, cluster: Cluster, *targets: str, pod: str = "velero"
) -> Iterator[Probe]:
    """The probes that are about connections from a cluster to one of these kinds of target.

    ``pod`` is whose traffic is meant: network rules treat a pod of rsync unlike any other.
    """
    for probe in migration.probes:
        if probe.pod not in ("", pod) or probe.target not in targets:
            continue
        if cluster_of(migration, probe.source) is cluster:
            yield probe


def aims_at(migration: Migration, probe: Probe, cluster: Cluster) -> bool:
    """Whether the probe's target belongs to that cluster; a declaration may mean them all."""
    if not probe.cluster:
        return probe.vantage == DECLARED
    return cluster_of(migration, probe.cluster) is cluster


def same_endpoint(probe: Probe, endpoint: Endpoint | None) -> bool:
    """Whether a probe that names a host or a port means this endpoint.

    A host below the endpoint's (``bucket.s3.…``) is the same service.
    """
    if endpoint is None:
        return True
    if probe.port and endpoint.port and probe.port != endpoint.port:
        return False
    host, wanted = plain_host(probe.host), plain_host(endpoint.host)
    return not host or not wanted or host == wanted or host.endswith(f".{wanted}")


def plain_host(host: str) -> str:
    """A host name as it is compared: lower case, no final dot, no brackets."""
    return host.strip().strip("[]").rstrip(".").lower()


def reach(probes: Iterable[Probe], sights: Iterable[Sight] = ()) -> Reach:
    """What these probes and other sights amount to."""
    found, elsewhere = list(sights), []
    for probe in probes:
        if probe.vantage == WORKSTATION:
            elsewhere.append(probe)
        elif probe.proxy is not True:
            found.append(sight_of(probe))
    return weigh(found, elsewhere)


def reach_through_proxy(probes: Iterable[Probe], sights: Iterable[Sight] = ()) -> Reach:
    """As :func:`reach`, for a client that goes through the cluster's HTTP proxy.

    A bare TCP connection says nothing of the way through the proxy where it fails, and nothing at
    all where it is known to have gone past it; nor does an answer that may be the proxy's own.
    """
    kept: list[Sight] = list(sights)
    blunt: list[Probe] = []
    elsewhere: list[Probe] = []
    for probe in probes:
        if probe.vantage == WORKSTATION:
            elsewhere.append(probe)
        elif probe.vantage == CLUSTER and not _shows_the_way(probe):
            blunt.append(probe)
        else:
            kept.append(sight_of(probe, proxied=True))
    found = weigh(kept, elsewhere)
    if found.open is None and blunt:
        return Reach(None, tuple(sight_of(probe) for probe in blunt), found.elsewhere)
    return found


def _shows_the_way(probe: Probe) -> bool:
    if probe.proxy is False:
        return False
    if probe.open:
        return True
    if probe.http_status is None and not (probe.proxy and NETWORK_ERROR.search(probe.detail)):
        return False
    return probe.http_status not in OF_THE_PROXY and not CERTIFICATE.search(probe.detail)


def sight_of(probe: Probe, *, proxied: bool = False) -> Sight:
    """A probe that counts, as a sight; one that got an answer found the port open."""
    measured = probe.vantage != DECLARED and not probe.open
    answered = measured and heard(probe.detail, probe.http_status, proxied) is True
    word = "open" if probe.open or answered else "closed"
    if probe.vantage == DECLARED:
        return Sight(probe.open, Rank.DECLARED, f"declared {word}", probe.pointer)
    named = f"{probe.host}:{probe.port}" if probe.port else probe.host
    place = named or f"the {probe.target}"
    detail = f" ({probe.detail})" if probe.detail else ""
    text = f"a pod of the {probe.source} cluster found {place} {word}{detail}"
    return Sight(probe.open or answered, Rank.MEASURED, text, probe.pointer)


def holds(conditions: Mapping[str, Condition], kind: str) -> Condition | None:
    """The condition where its status is True."""
    condition = conditions.get(kind)
    return condition if condition is not None and condition.status == "True" else None


def api_sights(migration: Migration, remote: Cluster) -> list[Sight]:
    """What the controller says of its own connection from the host to a remote API server.

    MigCluster Ready proves it open; TestConnectFailed and a ReconcileFailed whose message is a
    network error prove it closed (mig-controller, migcluster/validation.go: the client is lazy,
    so an unreachable API mostly shows as ReconcileFailed).
    """
    if controller_down(migration):
        return []
    try:
        item = mig_cluster(migration, remote)
    except NotGathered:
        return []
    name = item.ref.name
    if holds(item.conditions, "Ready"):
        pointer = item.ref.at("/status/conditions", "Ready=True")
        return [Sight(True, Rank.MEASURED, f"MigCluster {name} is Ready", pointer)]
    for kind in ("TestConnectFailed", "ReconcileFailed"):
        found = holds(item.conditions, kind)
        if found is None:
            continue
        way = heard(found.message, None, proxied(migration.host))
        answered = bool(CERTIFICATE.search(found.message) or ANSWERED.search(found.message))
        if way is None and (answered or kind == "ReconcileFailed"):
            continue
        pointer = item.ref.at("/status/conditions", f"{kind}: {found.message}")
        message = f"MigCluster {name} has {kind}" + ": the API server answered" * bool(way)
        return [Sight(bool(way), Rank.MEASURED, message, pointer)]
    return []


def registry_sights(migration: Migration, remote: Cluster) -> list[Sight]:
    """What the controller says of its connection from the host to a remote registry's route.

    Ready with an exposedRegistryPath proves it open, for the route was asked; InvalidRegistryRoute
    proves it closed where its message is a network error and the path is a host that can be
    asked (migcluster/validation.go).
    """
    if controller_down(migration):
        return []
    try:
        registry_route(migration, remote)
        item = mig_cluster(migration, remote)
    except NotGathered:
        return []
    invalid = holds(item.conditions, "InvalidRegistryRoute")
    askable = "/" not in item.exposed_registry_path
    way = None if invalid is None else heard(invalid.message, None, proxied(migration.host))
    if invalid and askable and way is not None:
        pointer = item.ref.at("/status/conditions", f"InvalidRegistryRoute: {invalid.message}")
        text = f"MigCluster {item.ref.name} has InvalidRegistryRoute" + ": it answered" * way
        return [Sight(way, Rank.MEASURED, text, pointer)]
    if holds(item.conditions, "Ready") and not invalid:
        pointer = item.ref.at("/status/conditions", "Ready=True")
        text = f"MigCluster {item.ref.name} is Ready, which includes its registry route"
        return [Sight(True, Rank.MEASURED, text, pointer)]
    return []


def _velero_sights(migration: Migration, cluster: Cluster) -> list[Sight]:
    """What Velero found when it last tested the repository, if that is not long ago."""
    found = []
    for item in locations(migration, cluster):
        reached = item.phase == "Available" or heard(item.message, None, proxied(cluster))
        if is_stale(migration, item) or reached is None:
            continue
        answered = reached and item.phase != "Available"
        text = f"Velero reports BackupStorageLocation {item.ref.name} as {item.phase}"
        text += ": the service answered" * answered
        pointer = item.ref.at("/status/phase", f"{item.phase} {item.message}".strip())
        found.append(Sight(reached, Rank.MEASURED, text, pointer))
    return found


def repository_sights(migration: Migration, cluster: Cluster) -> list[Sight]:
    """What the controller says of the repository: it writes, reads and deletes an object there.

    It does so from the host only; for any other cluster it proves nothing. A refusal of the
    service (AccessDenied, x509) proves the way open, except through an HTTP proxy. Velero tests
    the same every minute from its own cluster, and is believed first.
    """
    tested = _velero_sights(migration, cluster)
    storage = migration.given_storage
    if tested or storage is None or not migration.is_host(cluster) or controller_down(migration):
        return tested
    name = storage.ref.name
    failed = holds(storage.conditions, "BackupStorageProviderTestFailed")
    if failed:
        way = heard(failed.message, None, proxied(migration.host))
        if way is None:
            return []
        kind = "BackupStorageProviderTestFailed"
        pointer = storage.ref.at("/status/conditions", f"{kind}: {failed.message}")
        text = f"MigStorage {name} has {kind}" + ": the service answered" * way
        return [Sight(way, Rank.MEASURED, text, pointer)]
    if holds(storage.conditions, "Ready"):
        pointer = storage.ref.at("/status/conditions", "Ready=True")
        text = f"MigStorage {name} is Ready: the controller wrote and read an object there"
        return [Sight(True, Rank.MEASURED, text, pointer)]
    return []
