"""Which connections to try from which cluster, derived from the evidence as the policies do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from service.core.evidence import NotGathered, Role
from service.core.facts import Fact
from service.core.facts.endpoints import (
    Endpoint,
    api,
    registry_route,
    repository,
    route_domain,
    rsync_route,
)
from service.core.facts.topology import tunnelled
from service.core.facts.transfer import intra_cluster, stunnel_proxy
from service.core.migration import Cluster, Migration
from service.kinds.storage import PERSISTENT_VOLUME

NFS_PORT = 2049
DNS_PORT = 53
ROUTES_PORT = 443
CHECKS = ("tcp", "tls", "registry", "dns")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_ADDRESS = re.compile(r"[0-9.]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """A connection to try.

    ``start`` is the role of the cluster that it is about, ``kind`` and ``cluster`` as in
    :class:`service.core.migration.Probe`. ``check``: ``tcp``, ``tls`` (TCP and a handshake),
    ``registry`` (GET /v2/_catalog?n=5) or ``dns``. ``proxied`` says that MTC's own client goes
    through the HTTP proxy of its environment there.
    """

    start: str
    kind: str
    cluster: str
    host: str
    port: int
    check: str = "tcp"
    proxied: bool = False


class BadTarget(ValueError):
    """A row of a list of targets is none; the text says what is wrong."""


def targets(migration: Migration) -> tuple[ProbeTarget, ...]:
    """Every connection of this migration whose other end is in the evidence."""
    found = (
        target
        for start in migration.clusters
        if start.given or start in (migration.source, migration.destination)
        for target in _from(migration, start)
    )
    return tuple(dict.fromkeys(found))


def _from(migration: Migration, start: Cluster) -> Iterator[ProbeTarget]:
    role = str(start.role)
    storage = migration.given_storage
    if storage is not None:
        yield from _endpoint(role, "repository", "", lambda: repository(storage), proxied=True)
    if not intra_cluster(migration):
        for goal in migration.clusters:
            if goal is not start:
                yield from _between(migration, role, goal)
    yield from _volumes(migration, start)
    if start is migration.source:
        proxy = stunnel_proxy(migration)
        if proxy is not None:
            yield ProbeTarget(role, "endpoint", "", proxy.value.host, proxy.value.port)


def _between(migration: Migration, role: str, goal: Cluster) -> Iterator[ProbeTarget]:
    other = str(goal.role)
    tunnel = None if migration.is_host(goal) else tunnelled(migration, goal)
    if tunnel is None:
        for target in _endpoint(role, "api", other, lambda: api(migration, goal), proxied=True):
            yield target
            if not _ADDRESS.fullmatch(target.host):
                yield ProbeTarget(role, "dns", "", target.host, DNS_PORT, "dns")
    yield from _endpoint(role, "routes", other, lambda: _route(migration, goal))
    for target in _endpoint(
        role, "registry", other, lambda: registry_route(migration, goal), proxied=True
    ):
        yield ProbeTarget(
            role, "registry", other, target.host, target.port, "registry", proxied=True
        )


def _route(migration: Migration, goal: Cluster) -> Fact[Endpoint]:
    """A name below the cluster's route domain: the one that rsync will use, if it is known."""
    plan = migration.given_plan
    if plan and plan.namespaces and goal is migration.destination:
        return rsync_route(goal, plan.namespaces[0].destination)
    domain = route_domain(goal)
    host = f"console-openshift-console.{domain.value}"
    return Fact(Endpoint(host, ROUTES_PORT), domain.evidence)


def _endpoint(
    role: str, kind: str, other: str, read: Callable[[], Fact[Endpoint]], *, proxied: bool = False
) -> Iterator[ProbeTarget]:
    try:
        place = read().value
    except NotGathered:
        return  # where it listens is not known; the policy says what is missing
    if _HOST.fullmatch(place.host):
        check = "tls" if place.tls else "tcp"
        yield ProbeTarget(role, kind, other, place.host, place.port, check, proxied)


def _volumes(migration: Migration, start: Cluster) -> Iterator[ProbeTarget]:
    """The NFS servers of the volumes that the plan moves."""
    plan = migration.given_plan
    if plan is None or start not in (migration.source, migration.destination):
        return
    moved = {item.name for item in plan.volumes or () if item.action == "move"}
    for volume in migration.source.known(PERSISTENT_VOLUME):
        if volume.ref.name in moved and volume.source == "nfs" and _HOST.fullmatch(volume.server):
            yield ProbeTarget(str(start.role), "volume", "", volume.server, NFS_PORT)


def as_rows(found: tuple[ProbeTarget, ...]) -> list[dict[str, Any]]:
    """Targets as plain data, to be given to another machine."""
    return [asdict(target) for target in found]


def from_rows(rows: Any) -> tuple[ProbeTarget, ...]:
    """Targets from plain data. Raises BadTarget."""
    if not isinstance(rows, list):
        raise BadTarget("the targets are not a list")
    return tuple(_row(index, row) for index, row in enumerate(rows))


def _row(index: int, row: Any) -> ProbeTarget:
    try:
        target = ProbeTarget(**row)
    except TypeError:
        raise BadTarget(f"targets[{index}] has other fields than a target") from None
    good = (
        target.start in tuple(Role)
        and target.cluster in ("", *Role)
        and isinstance(target.host, str)
        and bool(_HOST.fullmatch(target.host))
        and type(target.port) is int
        and 0 < target.port < 65536
        and target.check in CHECKS
    )
    if not good:
        raise BadTarget(f"targets[{index}] is no target")
    return target
