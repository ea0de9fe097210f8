"""Which MTC releases run, whether they fit together, and whether they fit the clusters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from policies.data.mtc import (
    BOOKS,
    DISPUTED_HOST,
    DROPPED,
    EARLIER,
    LEGACY_UNTIL,
    REMOTE_ONLY_SINCE,
)
from service.core.evidence import Missing, Pointer
from service.core.facts import Fact
from service.core.facts.mtc import mtc_version
from service.core.facts.release import openshift
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, not_applicable, passed, unknown
from service.core.policy import ClusterPolicy, Link
from service.core.resources import (
    CLUSTER_SERVICE_VERSION,
    CLUSTER_VERSION,
    CONFIG_MAP,
    DEPLOYMENT,
    MIG_CLUSTER,
    MIGRATION_CONTROLLER,
    MTC_NAMESPACE,
    SERVER_VERSION,
    Read,
    fetch_command,
)
from service.core.versions import Version, parse_or_none

BOOK = "https://docs.redhat.com/en/documentation/openshift_container_platform/4.20/html-single/"

MTC_READS: tuple[Read[Any], ...] = (
    Read(CONFIG_MAP, MTC_NAMESPACE, "migration-cluster-config"),
    Read(CLUSTER_SERVICE_VERSION, MTC_NAMESPACE),
    Read(MIG_CLUSTER, MTC_NAMESPACE),
    Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    Read(DEPLOYMENT, MTC_NAMESPACE, "migration-operator"),
)
"""What tells the installed MTC release."""

DOCS = (
    Link("About the Migration Toolkit for Containers", BOOK + "migration_toolkit_for_containers"),
    Link("Migrating from version 3 to 4", BOOK + "migrating_from_version_3_to_4"),
)


class SameVersion(ClusterPolicy):
    """Every cluster runs the same MTC release as the host, compared as the controller compares.

    It allows one pairing of different releases: 1.5.1 or a later 1.5 with 1.6 or later. The
    documentation demands equal versions, so that is a warning. With `target_mtc` the request
    assumes one release on all clusters, and there is nothing to compare.
    """

    id = "MTC403"
    name = "mtc-same-version"
    title = "All clusters run the same MTC version"
    why = (
        "Clusters exchange custom resources whose form differs between releases; mixing 1.7 and "
        "1.8 is not supported at all."
    )
    reads = MTC_READS
    declares = ("mtcVersion",)
    remedy = "Install the same MTC release on all clusters; the legacy operator included."
    docs = DOCS
    source = (
        "MTC documentation, Migration prerequisites, Clusters; mig-controller "
        "pkg/controller/migcluster/validation.go isCrossVersionCompatible"
    )
    upstream = (
        "OperatorVersionMismatch",
        "ClusterOperatorVersionNotFound",
        "ClusterVersionMismatch",
    )
    better = "a blocker, as the documentation has it; the controller only warns"

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
        nameless = [
            (item, fact)
            for item, fact in ((cluster, here), (migration.host, host))
            if parse_or_none(fact.value) is None
        ]
        if nameless:
            yield _nameless(cluster, nameless)
            return
        if release(here.value) == release(host.value):
            yield passed(cluster.subject, f"MTC {here.value}, as on the host", *evidence)
            return
        bridged = _bridged(here.value, host.value)
        yield failed(
            cluster.subject,
            f"MTC {here.value} here, {host.value} on the host {migration.host.name}"
            + (": the controller accepts this pair, the documentation does not" * bridged),
            *evidence,
            found=here.value,
            wanted=host.value,
            severity=Severity.WARNING if bridged else None,
            commands=(
                f"oc get csv,subscriptions.operators.coreos.com -n {MTC_NAMESPACE}",
                f"oc get deployment migration-operator -n {MTC_NAMESPACE} "
                "-o jsonpath='{..image}'",
            ),
        )


def release(text: str) -> str:
    """An MTC version without a leading v and without the build number of a legacy image tag."""
    version = parse_or_none(text)
    if version is None or not version.pre.isdigit():
        return text.removeprefix("v")
    return f"{version.major}.{version.minor}.{version.patch}"


def _nameless(cluster: Cluster, nameless: list[tuple[Cluster, Fact[str]]]) -> Outcome:
    names = ", ".join(f"{item.name}: {fact.value}" for item, fact in nameless)
    missing = (
        Missing(
            "the image of the MTC operator",
            item.role,
            f"oc get deployment migration-operator -n {MTC_NAMESPACE} -o yaml",
        )
        for item, _ in nameless
    )
    return unknown(
        cluster.subject,
        f"a development build, or a release that did not know its number, names no version "
        f"({names})",
        *missing,
        evidence=tuple(pointer for _, fact in nameless for pointer in fact.evidence),
    )


def _bridged(one: str, other: str) -> bool:
    """As isCrossVersionCompatible: 1.5.z (z >= 1) works with 1.6 and later."""
    pair = sorted((Version.parse(one), Version.parse(other)))
    old, new = pair
    return old.stream == (1, 5) and old.patch >= 1 and new.major == 1 and new.minor >= 6


class SupportsOpenShift(ClusterPolicy):
    """The MTC release supports the OpenShift release of each cluster it runs on.

    The two books of the documentation give different ranges. Outside of both is a blocker,
    inside of one only a warning. `target_mtc` is judged on all clusters, `target_ocp` in place
    of the destination's release.
    """

    id = "MTC404"
    name = "mtc-supports-openshift"
    title = "The MTC release supports the OpenShift release of every cluster"
    why = "The operator cannot be installed there, or meets APIs that it does not know."
    reads = (Read(CLUSTER_VERSION, name="version"), Read(SERVER_VERSION), *MTC_READS)
    declares = ("openshiftVersion", "mtcVersion")
    remedy = (
        "Choose an MTC release that both clusters support (1.7 for OpenShift 3.11 and up to 4.9, "
        "1.8 for 4.14 and later), and run the controller on a cluster newer than 4.5."
    )
    docs = DOCS
    source = (
        "MTC documentation, Compatibility guidelines, in both books; MTC 1.8.0 release notes, "
        "Technical changes"
    )
    better = "the controller compares no OpenShift version"

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        ocp = _openshift(migration, cluster)
        mtc = _mtc(migration, cluster)
        evidence = (*ocp.evidence, *mtc.evidence)
        number = parse_or_none(mtc.value)
        if number is None or not _known(number):
            yield unknown(
                cluster.subject,
                f"no compatibility table names MTC {mtc.value}",
                Missing(
                    "an MTC release that the documentation names",
                    cluster.role,
                    fetch_command(CONFIG_MAP, "migration-cluster-config", MTC_NAMESPACE),
                ),
                evidence=evidence,
            )
            return
        found = [
            *_range(cluster, number, ocp.value, evidence),
            *_host(migration, cluster, number, ocp.value, evidence),
        ]
        if found:
            yield from found
            return
        yield passed(cluster.subject, f"MTC {number} supports OpenShift {ocp.value.y}", *evidence)


def _known(number: Version) -> bool:
    return number.y in DROPPED or any(number.y in item.supports for item in (*BOOKS, EARLIER))


def _openshift(migration: Migration, cluster: Cluster) -> Fact[Version]:
    target = migration.requested.target_ocp
    if target is not None and cluster is migration.destination:
        return Fact(target, ())
    return openshift(cluster)


def _mtc(migration: Migration, cluster: Cluster) -> Fact[str]:
    target = migration.requested.target_mtc
    return Fact(str(target), ()) if target else mtc_version(migration, cluster)


def _range(
    cluster: Cluster, number: Version, ocp: Version, evidence: tuple[Pointer, ...]
) -> Iterator[Outcome]:
    holding = [item for item in BOOKS if item.holds(number.y, ocp.stream)]
    if len(holding) == len(BOOKS):
        return
    partly = bool(holding) or EARLIER.holds(number.y, ocp.stream)
    said = "; ".join(
        f"{item.title}: {item.supports[number.y]}"
        for item in (*BOOKS, EARLIER)
        if number.y in item.supports
    )
    yield failed(
        cluster.subject,
        f"MTC {number} {'is not in every book for' if partly else 'does not support'} "
        f"OpenShift {ocp.y} ({said or 'no book supports this MTC release'})",
        *evidence,
        found=f"MTC {number} on OpenShift {ocp}",
        wanted=f"OpenShift {said}" if said else "MTC 1.7 or 1.8",
        key="range",
        severity=Severity.WARNING if partly else None,
    )


def _host(
    migration: Migration,
    cluster: Cluster,
    number: Version,
    ocp: Version,
    evidence: tuple[Pointer, ...],
) -> Iterator[Outcome]:
    """The controller does not run where only the legacy operator does, since MTC 1.6."""
    legacy = ocp.stream <= LEGACY_UNTIL
    if not migration.is_host(cluster) or not legacy or number.stream < REMOTE_ONLY_SINCE:
        return
    disputed = ocp.stream == DISPUTED_HOST
    doubt = ", though the book on migrating from 3 to 4 allows it for 3.11" if disputed else ""
    yield failed(
        cluster.subject,
        f"the MTC controller runs on OpenShift {ocp.y}, a legacy cluster{doubt}",
        *evidence,
        found=f"controller on OpenShift {ocp}",
        wanted="controller on OpenShift 4.6 or later",
        key="host",
        severity=Severity.WARNING if disputed else None,
    )
