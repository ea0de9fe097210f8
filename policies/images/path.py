"""Direct image migration: how MTC learns where a registry is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from shlex import quote

from policies.images.exposed import DOCS, REGISTRY_READS, DirectImagePolicy
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
from service.core.facts.topology import mig_cluster, tunnelled
from service.core.migration import Cluster, Migration
from service.core.outcome import (
    Command,
    Outcome,
    Severity,
    at_host,
    failed,
    not_applicable,
    passed,
    unknown,
)
from service.kinds.config import REGISTRY_CONFIG
from service.kinds.mtc import MigCluster
from service.kinds.network import Route

HOST_PORT = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(?P<port>[0-9]{1,5}))?"
)


class RegistryPath(DirectImagePolicy):
    """MigCluster.spec.exposedRegistryPath is the bare `host[:port]` of a route to the registry.

    The controller asks `https://` + the raw value + `/v2/_catalog?n=5`, so a scheme, a slash or
    a path in it breaks that test; for the copy itself it strips scheme and slash again.
    """

    id = "MTC203"
    name = "registry-path"
    single = True
    title = "MigCluster names the route of the registry, for direct image migration"
    why = "The controller does not find the registry; the plan never becomes Ready."
    reads = REGISTRY_READS
    declares = ("registryRoute",)
    requires = ("MTC710",)
    remedy = (
        "Set spec.exposedRegistryPath of the MigCluster to the host of the route, without "
        "anything else."
    )
    docs = DOCS
    source = (
        "mig-controller pkg/apis/migration/v1alpha1/migcluster_types.go GetRegistryPath, "
        "pkg/controller/migcluster/validation.go checkRegistryConnection"
    )
    upstream = (
        "InvalidRegistryRoute",
        "SourceClusterNoRegistryPath",
        "DestinationClusterNoRegistryPath",
        "MissingSourceClusterRegistryPath",
        "MissingDestinationClusterRegistryPath",
    )
    better = "Says what is wrong with the value, and compares it with the existing routes."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        if migration.is_host(cluster) and not _is_set(migration, cluster):
            yield not_applicable(
                cluster.subject, "the controller runs here and uses the internal registry path"
            )
            return
        yield from self.judge(migration, cluster)

    def judge(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        item = mig_cluster(migration, cluster)
        path = item.exposed_registry_path
        tunnel = tunnelled(migration, cluster)
        if not path:
            yield _wrong(item, cluster, "is not set", "not set", tunnel is not None)
            return
        if tunnel is not None:
            yield not_applicable(
                cluster.subject,
                "the registry is reached through `crane tunnel-api`, not through a route",
                item.ref.at("/spec/exposedRegistryPath", path),
            )
            return
        works = proven_path(migration, cluster) is not None
        fault = _fault(path)
        if fault:
            severity = Severity.WARNING if works else None
            yield _wrong(item, cluster, fault, path, severity=severity)
            return
        if works:
            yield passed(
                cluster.subject,
                "MTC reached the registry at this path",
                item.ref.at("/spec/exposedRegistryPath", path),
                item.ref.at("/status/conditions", "Ready=True"),
            )
            return
        yield from self._compared(cluster, item)

    def _compared(self, cluster: Cluster, item: MigCluster) -> Iterator[Outcome]:
        path = item.exposed_registry_path
        invalid = item.conditions.get("InvalidRegistryRoute")
        if invalid is not None and invalid.status == "True":
            yield _wrong(item, cluster, f"does not work: {invalid.message}", path)
            return
        host, _, port = path.lower().partition(":")
        if host not in _hosts(cluster):
            # Every route must be known to say that none fits.
            routes = every_registry_route(cluster, major(cluster))
            named = [route for route in routes if host in map(str.lower, route.hosts)]
            yield _unfit(item, cluster, path, named)
            return
        if port not in ("", "443"):
            yield _wrong(
                item, cluster, "has a port that routers do not serve", path,
                severity=Severity.WARNING,
            )  # fmt: skip
            return
        yield passed(
            cluster.subject,
            "the path is the host of a route to the registry",
            item.ref.at("/spec/exposedRegistryPath", path),
        )


def _fault(path: str) -> str:
    """What is wrong with the form of an exposedRegistryPath; "" if nothing."""
    if "://" in path:
        return "has a scheme, but the controller adds https:// itself"
    if path != path.strip():
        return "has leading or trailing white space"
    if path.endswith("/"):
        return "ends with a slash"
    if "/" in path:
        return "has a path; the registry answers at the root only"
    match = HOST_PORT.fullmatch(path)
    if match is None or not 1 <= int(match["port"] or 443) <= 65535:
        return "is not host or host:port"
    return ""


def _unfit(item: MigCluster, cluster: Cluster, path: str, named: list[Route]) -> Outcome:
    """The path names no route that works; ``named`` are those of its host."""
    waiting = next((route for route in named if route.admitted is None), None)
    if waiting is not None:
        return unknown(
            item.ref.subject,
            f"exposedRegistryPath is the host of route {waiting.ref.name}, but no router has "
            "reported whether it admits the route",
            route_status(cluster, waiting),
            key="admitted",
            evidence=(item.ref.at("/spec/exposedRegistryPath", path),),
        )
    if any(route.admitted for route in named):
        return _wrong(
            item, cluster, "is the host of a route that does not use TLS to the registry", path
        )
    return _wrong(item, cluster, "is not the host of an admitted route to the registry", path)


def _is_set(migration: Migration, cluster: Cluster) -> bool:
    """Whether the MigCluster of the host names a path, which the controller then uses and tests."""
    with suppress(NotGathered):
        return bool(mig_cluster(migration, cluster).exposed_registry_path)
    return False


def _hosts(cluster: Cluster) -> frozenset[str]:
    """The hosts at which the registry is known to answer, in lower case.

    What is only configured or declared counts where the routes are not known that show it. A
    route without TLS counts where there is no better one: MTC202 says that it does not do.
    """
    routes = registry_routes(cluster)
    admitted = [route for route in routes if route.admitted]
    secure = [route for route in admitted if route.termination in SECURE]
    hosts = [host for route in secure or admitted for host in route.hosts]
    shown = {host.lower() for route in routes for host in route.hosts}
    meant: list[str] = []
    for config in cluster.known(REGISTRY_CONFIG):
        if config.management_state in ("Managed", ""):
            meant += config.route_hosts
    declared = cluster.declared.get("registryRoute")
    if declared is not None and isinstance(declared.value, str):
        meant.append(declared.value)
    if not _all_known(cluster):
        hosts += [host for host in meant if host.lower() not in shown]
    return frozenset(host.lower() for host in hosts if host)


def _all_known(cluster: Cluster) -> bool:
    try:
        every_registry_route(cluster, major(cluster))
    except NotGathered:
        return False
    return True


def _wrong(
    item: MigCluster,
    cluster: Cluster,
    fault: str,
    found: str,
    tunnel: bool = False,
    severity: Severity | None = None,
) -> Outcome:
    hosts = sorted(_hosts(cluster))
    wanted = hosts[0] if hosts else "<host of the registry's route>"
    commands: tuple[Command, ...] = ()
    if tunnel:
        wanted = f"{item.url.partition('://')[2].partition(':')[0]}:5000"
    elif not hosts:
        namespace = REGISTRY_SERVICES[major_or(cluster)][0]
        columns = "NAME:.metadata.name,HOST:.spec.host,SERVICE:.spec.to.name"
        command = f"oc get routes -n {namespace} -o custom-columns={columns}"
        commands = (Command(command, cluster.role),)
    patch = json.dumps({"spec": {"exposedRegistryPath": wanted}}, separators=(",", ":"))
    return failed(
        item.ref.subject,
        f"exposedRegistryPath {fault}",
        item.ref.at("/spec/exposedRegistryPath", found),
        found=found,
        wanted=wanted,
        severity=severity,
        commands=(
            *commands,
            at_host(
                f"oc patch migcluster {quote(item.ref.name)} -n {quote(item.ref.namespace)} "
                f"--type=merge --patch {quote(patch)}"
            ),
        ),
    )
