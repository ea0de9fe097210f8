"""Is MTC itself up to date?"""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies.versions.mtc_same import DOCS, MTC_READS, release, vague
from service.core.evidence import Missing
from service.core.facts import Fact
from service.core.facts.mtc_release import OPERATOR_NAMES, is_operator, mtc_version
from service.core.facts.release import READS as RELEASE_READS
from service.core.facts.release import major_or
from service.core.leniency import softened
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, unknown
from service.core.policy import ClusterPolicy
from service.core.values.versions import Version, parse_or_none
from service.core.values.zstream import Claim, beyond, settled
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.operators import (
    CLUSTER_SERVICE_VERSION,
    PACKAGE_MANIFEST,
    SUBSCRIPTION,
    ClusterServiceVersion,
    Subscription,
)
from service.kinds.resource import Read, fetch_command

LEGACY_IMAGE = "registry.redhat.io/rhmtc/openshift-migration-legacy-rhel8-operator"
"""The operator of OpenShift 3 is installed by hand: no subscription knows its newest release."""

LEGACY_TAGS = f"skopeo list-tags docker://{LEGACY_IMAGE}  # then declare latestMtcVersion"

LEGACY_UPDATE = (
    f"podman cp $(podman create {LEGACY_IMAGE}:v1.7):/operator.yml ./",
    "oc replace --force -f operator.yml",
)
"""Upgrading MTC on OpenShift 3 (MTC documentation, 3 to 4)."""

PACKAGES = tuple(name.rstrip(".") for name in OPERATOR_NAMES)


class MtcZStream(ClusterPolicy):
    """The MTC operator is the newest release of its minor release.

    The documentation demands it of the source cluster; with MTC403 it follows for the others,
    where it is a warning. Believed are, in this order: `target_mtc`, what Operator Lifecycle
    Manager says while its catalogs are healthy, the catalog, a declaration, and the release data.
    A published release that neither this cluster's catalog nor the declaration has is a warning:
    the catalog may be mirrored, or that release not be meant for this OpenShift release.
    """

    id = "MTC402"
    name = "mtc-z-stream"
    single = True
    title = "The MTC operator is the newest z-stream release"
    why = "Migrations fail because of bugs that are already fixed."
    reads = (
        *MTC_READS,
        Read(SUBSCRIPTION, MTC_NAMESPACE),
        Read(PACKAGE_MANIFEST),
        *RELEASE_READS,
    )
    declares = ("mtcVersion", "latestMtcVersion")
    requires = ("MTC745",)
    remedy = "Update the MTC operator on every cluster, approving pending install plans."
    docs = DOCS
    chapter = True
    source = (
        "MTC documentation 1.7 and 1.8, Migration prerequisites, Clusters; "
        "Upgrading the Migration Toolkit for Containers"
    )
    better = "MTC has no such check."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        outcomes = self._judged(migration, cluster)
        if cluster is not migration.source:
            outcomes = softened(outcomes, cluster.subject)
        yield from outcomes

    def _judged(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        unsettled = [item for item in _operators(cluster) if item.phase not in ("Succeeded", "")]
        if unsettled:
            yield from (_not_installed(item) for item in unsettled)
            return
        subscription = _subscription(cluster)
        if subscription is not None and _pending(subscription):
            yield _update_waits(cluster, subscription)
            return
        running = mtc_version(migration, cluster)
        installed = parse_or_none(release(running.value))
        if installed is None or not installed.exact:
            found = vague(cluster.subject, [(cluster, running)])
            known = subscription is not None or "latestMtcVersion" in cluster.declared
            more = () if known else (_source_of_newest(cluster),)
            yield found._replace(missing=(*found.missing, *more))
            return
        claims = tuple(_claims(migration, cluster, subscription, installed))
        newer = beyond(installed, claims)
        if newer is not None:
            yield _behind(cluster, running, newer, subscription)
            return
        proof = settled(installed, claims)
        if proof is None:
            yield _unproven(cluster, running, subscription)
            return
        yield passed(
            cluster.subject,
            f"MTC {running.value} is the newest {installed.y} release: {proof.source}",
            *running.evidence,
            *proof.evidence,
        )


def _operators(cluster: Cluster) -> list[ClusterServiceVersion]:
    return [item for item in cluster.known(CLUSTER_SERVICE_VERSION) if is_operator(item)]


def _subscription(cluster: Cluster) -> Subscription | None:
    known = cluster.known(SUBSCRIPTION)
    return next((item for item in known if item.package in PACKAGES), None)


def _pending(subscription: Subscription) -> bool:
    if subscription.state not in ("AtLatestKnown", ""):
        return True
    return bool(subscription.current_csv) and subscription.current_csv != subscription.installed_csv


def _claims(
    migration: Migration, cluster: Cluster, subscription: Subscription | None, installed: Version
) -> Iterator[Claim]:
    target = migration.requested.target_mtc
    if target is not None and target.exact and target.stream == installed.stream:
        yield Claim(max(target, installed), f"{target} is the requested release", settles=True)
        return
    offered = False
    for claim in (
        *_subscribed(subscription, installed),
        *_catalogued(cluster, subscription, installed),
    ):
        offered = True
        yield claim
    declared = cluster.declared.get("latestMtcVersion")
    stated = parse_or_none(str(declared.value)) if declared else None
    of_it = stated is not None and stated.exact and stated.stream == installed.stream
    if declared is not None and stated is not None and of_it:
        offered = True
        yield Claim(stated, "declared", settles=True, evidence=(declared.pointer,))
    published = migration.releases.newest_mtc(installed, migration.requested.as_of.date())
    if published is not None:
        last = "the last one, " * bool(published.ended)
        source = f"{last}published in {published}"
        yield Claim(published.version, source, settles=bool(published.ended), advisory=offered)


def _subscribed(subscription: Subscription | None, installed: Version) -> Iterator[Claim]:
    """What is at its latest is the CSV that the subscription installed, which need not be what
    runs: a legacy operator, or one that has not got to its ConfigMap."""
    if subscription is None or subscription.state != "AtLatestKnown":
        return
    named = parse_or_none(subscription.installed_csv.partition(".")[2])
    if named is not None and named.stream != installed.stream:
        return
    yield Claim(
        named or installed,
        "its subscription is AtLatestKnown",
        settles=not subscription.unhealthy_catalogs,
        evidence=(subscription.ref.at("/status/state", "AtLatestKnown"),),
    )


def _catalogued(
    cluster: Cluster, subscription: Subscription | None, installed: Version
) -> Iterator[Claim]:
    """The head of the subscribed channel, else of the channel of the installed release."""
    channel = subscription.channel if subscription else f"release-v{installed.y}"
    for package in cluster.known(PACKAGE_MANIFEST):
        if package.ref.name not in PACKAGES:
            continue
        for place, (name, text) in enumerate(package.channels):
            head = parse_or_none(text)
            if name == channel and head is not None and head.stream == installed.stream:
                pointer = package.ref.at(f"/status/channels/{place}/currentCSV", text)
                yield Claim(head, f"catalog channel {name}", settles=True, evidence=(pointer,))


def _not_installed(item: ClusterServiceVersion) -> Outcome:
    return failed(
        item.ref.subject,
        f"the operator is not installed: {item.ref.name} is {item.phase}",
        item.ref.at("/status/phase", item.phase),
        found=item.phase,
        wanted="Succeeded",
        key="phase",
        commands=(f"oc describe csv {quote(item.ref.name)} -n {quote(item.ref.namespace)}",),
    )


def _update_waits(cluster: Cluster, subscription: Subscription) -> Outcome:
    installed = subscription.installed_csv or "nothing"
    return failed(
        subscription.ref.subject,
        f"an update of the operator is pending: {installed} is installed"
        + (f", {subscription.current_csv} is available" if subscription.current_csv else "")
        + _approval(subscription),
        subscription.ref.at("/status/state", subscription.state),
        subscription.ref.at("/status/currentCSV", subscription.current_csv),
        found=f"{installed}, state {subscription.state or 'unknown'}",
        wanted=f"{subscription.current_csv or 'the newest'}, state AtLatestKnown",
        key="update",
        commands=_update_commands(cluster, subscription),
    )


def _approval(subscription: Subscription | None) -> str:
    manual = subscription is not None and subscription.approval == "Manual"
    return "; its install plans wait for approval" if manual else ""


def _update_commands(cluster: Cluster, subscription: Subscription | None) -> tuple[str, ...]:
    if subscription is None and major_or(cluster) == 3:
        return LEGACY_UPDATE
    if subscription is None:
        return (f"oc get subscriptions.operators.coreos.com -n {MTC_NAMESPACE}",)
    namespace = subscription.ref.namespace
    look = f"oc get installplan -n {quote(namespace)}"
    if subscription.approval != "Manual":
        return (look,)
    approve = (
        f"oc patch installplan <name> -n {quote(namespace)} --type=merge "
        '--patch \'{"spec":{"approved":true}}\''
    )
    return look, approve


def _behind(
    cluster: Cluster, text: Fact[str], newer: Claim, subscription: Subscription | None
) -> Outcome:
    return failed(
        cluster.subject,
        f"MTC {text.value} is not the newest {newer.newest.y} release: {newer.newest} "
        f"({newer.source}){_approval(subscription)}",
        *text.evidence,
        *newer.evidence,
        found=text.value,
        wanted=str(newer.newest),
        severity=Severity.WARNING if newer.advisory else None,
        commands=_update_commands(cluster, subscription),
    )


def _why_unproven(subscription: Subscription | None) -> str:
    if subscription is not None and subscription.unhealthy_catalogs:
        return (
            f"its subscription is {subscription.state or 'without a state'}, and its catalog "
            f"sources are unhealthy ({subscription.unhealthy_catalogs[:200]})"
        )
    return "the newest release is not in the evidence"


def _unproven(cluster: Cluster, text: Fact[str], subscription: Subscription | None) -> Outcome:
    return unknown(
        cluster.subject,
        f"cannot verify whether MTC {text.value} is the newest release: "
        f"{_why_unproven(subscription)}",
        _source_of_newest(cluster, subscription),
        evidence=text.evidence,
    )


def _source_of_newest(cluster: Cluster, subscription: Subscription | None = None) -> Missing:
    if major_or(cluster) == 3:
        return Missing("the newest legacy operator", cluster.role, LEGACY_TAGS)
    if subscription is not None and subscription.unhealthy_catalogs:
        command = "oc get catalogsources -n openshift-marketplace -o json  # repair them first"
        return Missing("a healthy operator catalog", cluster.role, command)
    command = fetch_command(SUBSCRIPTION, "", MTC_NAMESPACE)
    return Missing("the MTC operator's subscription", cluster.role, command)
