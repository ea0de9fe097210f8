"""The source cluster's own release."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from shlex import quote

from policies import links
from service.core.evidence import Missing, NotGathered
from service.core.facts import Fact
from service.core.facts.release import cluster_version, openshift
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, unknown
from service.core.policy import ClusterPolicy
from service.core.values.versions import Version, parse_or_none
from service.core.values.zstream import Claim, beyond, newest, settled
from service.kinds.config import CLUSTER_VERSION, SERVER_VERSION, ClusterVersion
from service.kinds.ref import Pointer
from service.kinds.resource import Read, fetch_command

BUILDS = "yum --showduplicates list atomic-openshift  # then declare latestOpenshiftVersion"
"""What the repositories of an OpenShift 3 cluster offer."""

PLAYBOOK = "playbooks/byo/openshift-cluster/upgrades/v3_11/upgrade.yml"


class OpenShiftZStream(ClusterPolicy):
    """The source runs the newest release of its minor release.

    What the cluster's update service offers is believed first; an empty list counts only while
    RetrievedUpdates is True, for it is empty too when the service cannot be reached. A given
    update graph, a declaration, and the release data can prove that there is a newer release. The
    release data alone prove a release to be the newest only where its stream has ended.
    `target_openshift`, where
    it is of the source's minor release, is taken as the release to be level with, and nothing
    else is asked.
    """

    id = "MTC401"
    name = "openshift-z-stream"
    title = "The source cluster runs the newest z-stream release of its OpenShift version"
    why = "Fixes that the migration needs in the API, the registry or the storage are missing."
    reads = (Read(CLUSTER_VERSION, name="version"), Read(SERVER_VERSION))
    declares = ("openshiftVersion", "latestOpenshiftVersion")
    remedy = "Update the source cluster to the newest release of its minor version first."
    docs = (
        links.UPDATING,
        links.UPGRADING_3,
    )
    chapter = True
    source = (
        "MTC documentation 1.4 and 1.5, Migration prerequisites, Clusters; "
        "openshift/api config/v1/types_cluster_version.go; cluster-version-operator"
    )
    better = "MTC has no such check."

    def subjects(self, migration: Migration) -> Iterable[Cluster]:
        return (migration.source,)

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        version = _object(cluster)
        updating = _unfinished(version)
        if version is not None and updating:
            yield _updating(cluster, version)
        current = openshift(cluster)
        if not current.value.exact:
            yield _vague(cluster, current)
            return
        claims = tuple(_claims(migration, cluster, version, current.value))
        newer = beyond(_on_the_way(version) or current.value, claims)
        if newer is not None:
            yield _behind(cluster, current, newer, version)
        if newer is not None or updating:
            return
        proof = settled(current.value, claims)
        if proof is None:
            yield _unproven(cluster, current, version)
            return
        yield passed(
            cluster.subject,
            f"{current.value} is the newest {current.value.y} release: {proof.source}",
            *current.evidence,
            *proof.evidence,
        )


def _object(cluster: Cluster) -> ClusterVersion | None:
    try:
        return cluster_version(cluster)
    except NotGathered:
        return None


def _unfinished(version: ClusterVersion | None) -> bool:
    """Whether an update is running."""
    return version is not None and bool(version.history) and version.history[0].state != "Completed"


def _on_the_way(version: ClusterVersion | None) -> Version | None:
    """The release that a running update goes to; one by image alone may not show it yet."""
    if version is None or not _unfinished(version):
        return None
    return parse_or_none(version.history[0].version or version.desired)


def _claims(
    migration: Migration, cluster: Cluster, version: ClusterVersion | None, current: Version
) -> Iterator[Claim]:
    target = migration.requested.target_openshift
    if target is not None and target.exact and target.stream == current.stream:
        # The question is then whether this release is reached, not whether it is the newest.
        reached = max(target, current)
        yield Claim(reached, f"{target} is the requested release", settles=True)
        return
    risky = _not_recommended(version)
    offered = None if version is None else _offered(version, current)
    if version is not None and offered is not None:
        yield offered
        yield Claim(
            newest(risky, current),
            "the update service lists it, but does not recommend it",
            advisory=True,
            evidence=(version.ref.at("/status/conditionalUpdates"),),
        )
    others = [*_graphs(migration, version, current), *_stated(cluster, current)]
    proven = settled(current, [offered, *others] if offered else others) is not None
    for claim in (*others, *_tables(migration, version, current, proven)):
        advisory = claim.newest in risky
        yield Claim(claim.newest, claim.source, claim.settles, advisory, claim.evidence)


def _offered(version: ClusterVersion, current: Version) -> Claim:
    """The newest release that the cluster's own update service recommends."""
    offered = [parse_or_none(text) for text in version.available or ()]
    offered += [
        parse_or_none(item.version) for item in version.conditional if item.recommended == "True"
    ]
    retrieved = version.conditions.get("RetrievedUpdates")
    fresh = retrieved is not None and retrieved.status == "True"
    evidence = [version.ref.at("/status/availableUpdates", ", ".join(version.available or ()))]
    if fresh:
        evidence.append(version.ref.at("/status/conditions", "RetrievedUpdates=True"))
    return Claim(
        newest([item for item in offered if item is not None], current),
        f"the update service's channel {version.channel or '(none)'}",
        # Nightly, candidate and OKD builds are in no channel: no list has their successors.
        settles=fresh and not current.pre,
        evidence=tuple(evidence),
    )


def _not_recommended(version: ClusterVersion | None) -> frozenset[Version]:
    if version is None:
        return frozenset()
    found = (
        parse_or_none(item.version) for item in version.conditional if item.recommended != "True"
    )
    return frozenset(item for item in found if item is not None)


def _graphs(
    migration: Migration, version: ClusterVersion | None, current: Version
) -> Iterator[Claim]:
    """What the given update graphs say of the cluster's channel; stable where it has none."""
    channel = version.channel if version is not None and version.channel else f"stable-{current.y}"
    kind = channel.partition("-")[0]
    for graph in migration.graphs:
        # A graph whose releases name no channel was fetched for the one that is meant.
        for name in dict.fromkeys((channel, f"{kind}-{current.y}", "")):
            found = parse_or_none(graph.newest.get((name, current.y), ""))
            if found is not None:
                yield Claim(
                    found,
                    f"the given update graph, channel {name or channel}",
                    settles=True,
                    evidence=(Pointer(graph.origin, "", str(found)),),
                )


def _stated(cluster: Cluster, current: Version) -> Iterator[Claim]:
    declared = cluster.declared.get("latestOpenshiftVersion")
    found = parse_or_none(str(declared.value)) if declared else None
    if declared is None or found is None or not found.exact:
        return
    if found.stream == current.stream:
        yield Claim(found, "declared", settles=True, evidence=(declared.pointer,))


def _tables(
    migration: Migration, version: ClusterVersion | None, current: Version, proven: bool
) -> Iterator[Claim]:
    """What the release data say; of another channel only where the own one proves nothing."""
    if current.pre:
        return  # the number of a nightly, candidate or community build does not show its age
    channel = version.channel if version is not None else ""
    found = migration.releases.openshift(current, channel, migration.requested.as_of.date())
    if found is None or (proven and found.elsewhere):
        return
    last = "the last one, " * bool(found.ended)
    yield Claim(found.version, f"{last}published in {found}", settles=bool(found.ended))


def _updating(cluster: Cluster, version: ClusterVersion) -> Outcome:
    record = version.history[0]
    name = record.version or version.desired or "a release without a name"
    return failed(
        cluster.subject,
        f"an update to {name} has not completed",
        version.ref.at("/status/history/0/state", record.state),
        version.ref.at("/status/history/0/version", record.version),
        found=f"{name} {record.state}",
        wanted=f"{name} Completed",
        key="updating",
        commands=("oc adm upgrade",),
    )


def _behind(
    cluster: Cluster, current: Fact[Version], newer: Claim, version: ClusterVersion | None
) -> Outcome:
    return failed(
        cluster.subject,
        f"{current.value} is not the newest {current.value.y} release: {newer.newest} "
        f"({newer.source})",
        *current.evidence,
        *newer.evidence,
        found=str(current.value),
        wanted=str(newer.newest),
        severity=Severity.WARNING if newer.advisory else None,
        commands=_update_commands(current.value, newer, version),
    )


def _update_commands(
    current: Version, newer: Claim, version: ClusterVersion | None
) -> tuple[str, ...]:
    """What updates the cluster; a release is named only where its update service offers it."""
    target = quote(str(newer.newest))
    if current.major == 3:
        return (f"ansible-playbook -i <inventory> {PLAYBOOK}",)
    if newer.advisory:
        return ("oc adm upgrade --include-not-recommended", *_accepting(newer, version))
    offered = {parse_or_none(text) for text in (version.available if version else ()) or ()}
    if version is not None:
        offered |= {
            parse_or_none(item.version)
            for item in version.conditional
            if item.recommended == "True"
        }
    if newer.newest in offered:
        return "oc adm upgrade", f"oc adm upgrade --to={target}"
    return ("oc adm upgrade",)


def _accepting(newer: Claim, version: ClusterVersion | None) -> Iterator[str]:
    """The command that accepts the risks of a release, which names them; none without names."""
    for item in version.conditional if version is not None else ():
        if parse_or_none(item.version) == newer.newest and item.risks:
            risks = ", ".join(re.sub(r"[^A-Za-z0-9_.-]", "", risk) for risk in item.risks)
            yield (
                f"oc adm upgrade --to={quote(str(newer.newest))} --allow-not-recommended"
                f"  # accepts the risk {risks}"
            )


def _vague(cluster: Cluster, current: Fact[Version]) -> Outcome:
    old = current.value.major == 3
    command = fetch_command(SERVER_VERSION) if old else fetch_command(CLUSTER_VERSION, "version")
    needs = [Missing("the exact release", cluster.role, command)]
    if old:
        needs.append(Missing(f"the newest {current.value.y} release", cluster.role, BUILDS))
    return unknown(
        cluster.subject,
        f"{current.value} is a minor release, not a z-stream release",
        *needs,
        evidence=current.evidence,
    )


def _unproven(cluster: Cluster, current: Fact[Version], version: ClusterVersion | None) -> Outcome:
    running = current.value
    if running.major == 3:
        reason = (
            "OpenShift 3 has no update service, and the release data does not list its newest build"
        )
        command = BUILDS
    elif running.pre:
        reason = (
            f"{running} is not a release of a channel (it is a candidate, nightly or "
            "community build)"
        )
        command = _graph_command(running, "candidate")
    elif version is None:
        reason = "the available updates are not known without the ClusterVersion"
        command = fetch_command(CLUSTER_VERSION, "version")
    else:
        retrieved = version.conditions.get("RetrievedUpdates")
        text = f"{retrieved.status}, {retrieved.reason}" if retrieved else "absent"
        reason = f"its list of updates is not valid (RetrievedUpdates: {text})"
        kind = version.channel.partition("-")[0]
        command = _graph_command(running, kind if kind in _CHANNELS else "stable")
    fact = f"the newest {running.y} release"
    return unknown(
        cluster.subject,
        f"cannot verify whether {running} is the newest {running.y} release: {reason}",
        Missing(fact, cluster.role, command),
        evidence=current.evidence,
    )


_CHANNELS = ("stable", "fast", "candidate", "eus")


def _graph_command(running: Version, kind: str) -> str:
    return (
        "curl -sfH 'Accept: application/json' 'https://api.openshift.com/api/upgrades_info/v1/"
        f"graph?channel={kind}-{running.y}&arch=amd64'"
    )
