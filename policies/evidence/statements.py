"""Where a descriptor states what the objects or the pods of a cluster show otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from service.core.evidence import NotGathered
from service.core.facts import Fact
from service.core.facts.cloud import platform, regions
from service.core.facts.endpoints import api_port
from service.core.facts.mtc_release import cluster_config_version, installed_version, mtc_version
from service.core.facts.proxy import cluster_wide_proxy
from service.core.facts.reach import CLUSTER, DECLARED, api_sights, cluster_of
from service.core.facts.release import openshift
from service.core.inventory import Inventory
from service.core.migration import Cluster, Declared, Migration, Probe
from service.core.outcome import Outcome, Severity, failed
from service.core.values.versions import Version, parse_or_none


def misstated(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """Declared facts that the objects show otherwise."""
    bare_migration, bare = _observed_only(migration, cluster)
    readers: Mapping[str, Callable[[], Fact[Any]]] = {
        "openshiftVersion": lambda: openshift(bare),
        "mtcVersion": lambda: mtc_version(bare_migration, bare),
        "platform": lambda: platform(bare),
        "region": lambda: regions(bare),
        "proxy": lambda: cluster_wide_proxy(bare),
    }
    for name, read in readers.items():
        declared = cluster.declared.get(name)
        if declared is None:
            continue
        try:
            seen = read()
        except NotGathered:
            continue
        mine = _stated(cluster, name, declared)
        if mine is None or _agree(name, mine, seen.value):
            continue
        yield failed(
            cluster.subject,
            f"{name} is declared as {_text(mine)}, but the objects show {_text(seen.value)}",
            declared.pointer,
            *seen.evidence,
            found=f"declared {_text(mine)}, observed {_text(seen.value)}",
            wanted="the same",
            key=name,
            severity=Severity.WARNING,
        )


def _observed_only(migration: Migration, cluster: Cluster) -> tuple[Migration, Cluster]:
    """The migration as its objects alone show it."""
    bare = {item.role: replace(item, declared={}) for item in migration.clusters}
    return (
        replace(
            migration,
            source=bare[migration.source.role],
            destination=bare[migration.destination.role],
            host=bare[migration.host.role],
        ),
        bare[cluster.role],
    )


def _stated(cluster: Cluster, name: str, declared: Declared) -> object:
    """The declared value in the form in which the objects' is read."""
    if name == "region":
        value = declared.value
        return frozenset(str(item) for item in (value if isinstance(value, list) else [value]))
    if name == "proxy":
        empty = replace(cluster, inventory=Inventory(cluster.role, {}))
        try:
            return cluster_wide_proxy(empty).value
        except NotGathered:
            return None
    return str(declared.value)


def _agree(name: str, mine: object, seen: object) -> bool:
    if name in ("openshiftVersion", "mtcVersion"):
        return _same_version(str(mine), str(seen))
    if name == "platform":
        return str(mine).lower() == str(seen).lower()
    return mine == seen


def _same_version(mine: str, seen: str) -> bool:
    one, other = parse_or_none(mine), parse_or_none(seen)
    if one is None or other is None:
        return mine.removeprefix("v") == seen.removeprefix("v")
    if mine.removeprefix("v").count(".") == 1:  # a minor release only: 4.14
        return one.stream == other.stream
    return one == other


def _text(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(str(item) for item in value))
    endpoints = getattr(value, "endpoints", None)
    if endpoints is not None:
        return ", ".join(endpoints) or "no proxy"
    return str(value)


def misreached(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """Declared connections that a pod of the cluster found otherwise."""
    probes = [item for item in migration.probes if cluster_of(migration, item.source) is cluster]
    tried: dict[tuple[str, str, str, int], Probe] = {}
    for probe in probes:
        if probe.vantage == CLUSTER:
            tried.setdefault(_aim(probe), probe)
    for probe in probes:
        found = tried.get(_aim(probe))
        if probe.vantage != DECLARED or found is None or found.open == probe.open:
            continue
        aim = " ".join(str(word) for word in _aim(probe) if word)
        yield failed(
            cluster.subject,
            f"{aim}: declared {_word(probe)}, found {_word(found)} by a pod of the cluster",
            probe.pointer,
            found.pointer,
            found=f"declared {_word(probe)}, found {_word(found)}",
            wanted="the same",
            key=f"probe {aim}",
            severity=Severity.WARNING,
        )


def misseen(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """Connections to a cluster that are declared closed, and that MTC itself has made."""
    if migration.is_host(cluster):
        return
    sights = [item for item in api_sights(migration, cluster) if item.open]
    for probe in migration.probes if sights else ():
        aims = probe.vantage == DECLARED and not probe.open and probe.cluster
        if not aims or cluster_of(migration, probe.cluster) is not cluster:
            continue
        if cluster_of(migration, probe.source) is not migration.host:
            continue
        if probe.target != "api" and not _is_api_port(migration, cluster, probe):
            continue
        yield failed(
            cluster.subject,
            f"the connection from the {migration.host.role} cluster to the API server of the "
            f"{cluster.role} cluster is declared closed, but {sights[0].text}",
            probe.pointer,
            sights[0].pointer,
            found="declared closed, found open",
            wanted="the same",
            key="api",
            severity=Severity.WARNING,
        )


def misversioned(cluster: Cluster) -> Iterator[Outcome]:
    """An OPERATOR_VERSION, which MTC compares, of another release than the operator's CSV."""
    running, installed = cluster_config_version(cluster), installed_version(cluster)
    if running is None or installed is None:
        return
    ours, theirs = parse_or_none(running.value), parse_or_none(installed.value)
    if ours is None or theirs is None or _release(ours) == _release(theirs):
        return
    yield failed(
        cluster.subject,
        f"OPERATOR_VERSION of the {cluster.role} cluster is {running.value}, but the installed "
        f"operator is {installed.value}: an upgrade is not complete, or failed",
        *running.evidence,
        *installed.evidence,
        found=f"{running.value} and {installed.value}",
        wanted="the same",
        key="operator-version",
        severity=Severity.WARNING,
    )


def _release(version: Version) -> tuple[int, int, int]:
    return version.major, version.minor, version.patch


def _is_api_port(migration: Migration, cluster: Cluster, probe: Probe) -> bool:
    try:
        return probe.port == api_port(migration, cluster).value
    except NotGathered:
        return False


def _aim(probe: Probe) -> tuple[str, str, str, int]:
    return probe.target, probe.cluster, probe.host, probe.port


def _word(probe: Probe) -> str:
    return "open" if probe.open else "closed"
