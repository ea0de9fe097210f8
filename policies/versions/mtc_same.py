"""Which MTC releases run, whether they fit together, and whether they fit the clusters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from policies import links
from policies.versions.pairing import combination
from service.core.evidence import Missing
from service.core.facts import Fact
from service.core.facts.mtc_release import mtc_version
from service.core.facts.release import READS as RELEASE_READS
from service.core.facts.release import major_or
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, not_applicable, passed, unknown
from service.core.policy import ClusterPolicy
from service.core.values.versions import Version, parse_or_none
from service.kinds.cluster import CONFIG_MAP
from service.kinds.mtc import MIG_CLUSTER, MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.operators import CLUSTER_SERVICE_VERSION
from service.kinds.ref import Subject
from service.kinds.resource import Read, fetch_command
from service.kinds.workloads import DEPLOYMENT

MTC_READS: tuple[Read[Any], ...] = (
    Read(CONFIG_MAP, MTC_NAMESPACE, "migration-cluster-config"),
    Read(CLUSTER_SERVICE_VERSION, MTC_NAMESPACE),
    Read(MIG_CLUSTER, MTC_NAMESPACE),
    Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    Read(DEPLOYMENT, MTC_NAMESPACE, "migration-operator"),
)
"""What shows the installed MTC release."""

DOCS = (
    links.COMPATIBILITY,
    links.FROM_3_TO_4,
)


class SameVersion(ClusterPolicy):
    """Every cluster runs the same MTC release as the host, compared as the controller compares.

    It accepts 1.5.1 or a later 1.5 with 1.6 or later without a word. The documentation allows 1.5
    with 1.6, which is a warning for its demand of equal versions; with 1.7 and later is not
    supported. With `target_mtc` the request
    assumes one release on all clusters, and there is nothing to compare.
    """

    id = "MTC403"
    name = "mtc-same-version"
    single = True
    title = "All clusters run the same MTC version"
    why = (
        "Clusters exchange custom resources that differ between releases. Mixing 1.7 and 1.8 is "
        "not supported."
    )
    reads = (*MTC_READS, *RELEASE_READS)
    declares = ("mtcVersion",)
    requires = ("MTC745",)
    remedy = "Install the same MTC release on all clusters, including the legacy operator."
    docs = DOCS
    chapter = True
    source = (
        "MTC documentation, Migration prerequisites, Clusters; mig-controller "
        "pkg/controller/migcluster/validation.go isCrossVersionCompatible"
    )
    upstream = (
        "OperatorVersionMismatch",
        "ClusterOperatorVersionNotFound",
        "ClusterVersionMismatch",
    )
    better = "A blocker, as in the documentation. The controller only warns."

    def subjects(self, migration: Migration) -> Iterable[Cluster]:
        return (item for item in migration.clusters if not migration.is_host(item))

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        target = migration.requested.target_mtc
        if target is not None:
            yield not_applicable(
                cluster.subject, f"the request assumes MTC {target} on every cluster"
            )
            return
        host = mtc_version(migration, migration.host)
        here = mtc_version(migration, cluster)
        evidence = (*here.evidence, *host.evidence)
        both = ((cluster, here), (migration.host, host))
        inexact = [(item, fact) for item, fact in both if not _exact(fact.value)]
        if inexact and not _apart(here.value, host.value):
            yield vague(cluster.subject, inexact)
            return
        if release(here.value) == release(host.value):
            if _noted(here) and _noted(host) and here.value != host.value:
                yield _spelled(cluster, here, host)
                return
            yield passed(cluster.subject, f"MTC {here.value}, as on the host", *evidence)
            return
        accepted = _accepted(here.value, host.value)
        yield failed(
            cluster.subject,
            f"MTC {here.value} here, {host.value} on the host {migration.host.name}"
            + (": the controller accepts this pair, but the documentation does not" * accepted),
            *evidence,
            found=here.value,
            wanted=_wanted(migration, host.value),
            severity=Severity.WARNING if _bridged(here.value, host.value) else None,
            commands=(
                f"oc get csv,subscriptions.operators.coreos.com -n {MTC_NAMESPACE}",
                f"oc get deployment migration-operator -n {MTC_NAMESPACE} "
                "-o jsonpath='{..image}'",
            ),
        )


def _noted(fact: Fact[str]) -> bool:
    """Whether a version is the OPERATOR_VERSION that the controller compares."""
    return any(item.pointer.endswith("/data/OPERATOR_VERSION") for item in fact.evidence)


def _spelled(cluster: Cluster, here: Fact[str], host: Fact[str]) -> Outcome:
    """One release in two spellings: the controller compares the texts."""
    return failed(
        cluster.subject,
        f"OPERATOR_VERSION is {here.value} here and {host.value} on the host: this is one "
        "release, but the controller compares the texts and reports OperatorVersionMismatch",
        *here.evidence,
        *host.evidence,
        found=here.value,
        wanted=host.value,
        severity=Severity.WARNING,
    )


def release(text: str) -> str:
    """An MTC version without a leading v and without the build number of a legacy image tag."""
    version = parse_or_none(text)
    if version is None or not version.pre.isdigit():
        return text.removeprefix("v")
    return f"{version.major}.{version.minor}.{version.patch}"


def _exact(text: str) -> bool:
    version = parse_or_none(text)
    return version is not None and version.exact


def _apart(one: str, other: str) -> bool:
    """Whether both name a minor release, and not the same."""
    pair = parse_or_none(one), parse_or_none(other)
    return pair[0] is not None and pair[1] is not None and pair[0].stream != pair[1].stream


def vague(subject: Subject, inexact: list[tuple[Cluster, Fact[str]]]) -> Outcome:
    """The outcome where the MTC versions of these clusters are not known exactly."""
    names = ", ".join(f"{item.name}: {fact.value}" for item, fact in inexact)
    return unknown(
        subject,
        "a development build, an unnumbered release or a minor release does not identify the "
        f"version ({names})",
        *(_exactly(item, fact.value) for item, fact in inexact),
        evidence=tuple(pointer for _, fact in inexact for pointer in fact.evidence),
    )


def _exactly(cluster: Cluster, text: str) -> Missing:
    """What shows the release where the ConfigMap does not."""
    if parse_or_none(text) is not None:
        command = fetch_command(CONFIG_MAP, "migration-cluster-config", MTC_NAMESPACE)
        return Missing("the exact MTC release", cluster.role, command)
    if major_or(cluster) == 3:
        command = fetch_command(DEPLOYMENT, "migration-operator", MTC_NAMESPACE)
        return Missing("the image of the MTC operator", cluster.role, command)
    command = fetch_command(CLUSTER_SERVICE_VERSION, "", MTC_NAMESPACE)
    return Missing("the installed MTC operator", cluster.role, command)


def _wanted(migration: Migration, host: str) -> str:
    best = migration.derive(combination)
    return f"{host} on every cluster" if f"MTC {release(host)} " in best or not best else best


def _accepted(one: str, other: str) -> bool:
    """As isCrossVersionCompatible: 1.5.z (z >= 1) with 1.6 and later."""
    old, new = sorted((Version.parse(one), Version.parse(other)))
    return old.stream == (1, 5) and old.patch >= 1 and new.major == 1 and new.minor >= 6


def _bridged(one: str, other: str) -> bool:
    """The one pair that the documentation names: the legacy 1.5.1 with 1.6."""
    return _accepted(one, other) and max(Version.parse(one), Version.parse(other)).stream == (1, 6)
