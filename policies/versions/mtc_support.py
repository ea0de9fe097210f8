"""Which OpenShift releases an MTC release supports."""

from __future__ import annotations

from collections.abc import Iterator

from policies.versions.mtc_same import DOCS, MTC_READS
from policies.versions.pairing import combination, direction, fit
from service.core.evidence import Missing
from service.core.facts import Fact
from service.core.facts.mtc_release import mtc_version
from service.core.facts.release import READS as RELEASE_READS
from service.core.facts.release import openshift
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, unknown
from service.core.policy import ClusterPolicy
from service.core.releases import Releases
from service.core.values.versions import Version, parse_or_none
from service.kinds.cluster import CONFIG_MAP
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.ref import Pointer
from service.kinds.resource import fetch_command

LEGACY_UNTIL = (4, 5)
"""The newest OpenShift release that only the legacy operator runs on (MTC 1.7 compatibility)."""

REMOTE_ONLY_SINCE = (1, 6)
"""The first MTC release whose controller cannot run on a legacy cluster."""

DISPUTED_HOST = (3, 11)
"""The 3 to 4 book lets it run the controller; the MTC 1.7 compatibility table does not."""


class SupportsOpenShift(ClusterPolicy):
    """The MTC release supports the OpenShift release of each cluster it runs on.

    A migration from OpenShift 3 is judged by the book on migrating from 3 to 4, any other by the
    book of MTC; release notes count beside them. Outside of all is a blocker, inside of some only
    a warning, and so is a stream whose maintenance has ended. The ranges are those of the release
    data. `target_mtc` is judged on all clusters, `target_openshift` in place of the destination's
    release.
    """

    id = "MTC404"
    name = "mtc-supports-openshift"
    title = "The MTC release supports the OpenShift release of every cluster"
    why = "The operator cannot be installed there, or finds APIs that it does not support."
    reads = (*RELEASE_READS, *MTC_READS)
    declares = ("openshiftVersion", "mtcVersion")
    requires = ("MTC745",)
    remedy = (
        "Install the MTC release that the finding names on every cluster, and run the controller "
        "on a cluster newer than 4.5."
    )
    docs = DOCS
    source = (
        "MTC documentation, Compatibility guidelines, in both books; MTC 1.8 release notes; MTC "
        "life cycle: each row of the release data names its own"
    )
    better = "The controller does not compare OpenShift versions."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        ocp = _openshift(migration, cluster)
        mtc = _mtc(migration, cluster)
        evidence = (*ocp.evidence, *mtc.evidence)
        number = parse_or_none(mtc.value)
        if number is None or not _known(migration.releases, number):
            yield unknown(
                cluster.subject,
                f"no compatibility table lists MTC {mtc.value}",
                Missing(
                    "an MTC release that the documentation lists",
                    cluster.role,
                    fetch_command(CONFIG_MAP, "migration-cluster-config", MTC_NAMESPACE),
                ),
                evidence=evidence,
            )
            return
        found = [
            *_range(migration, cluster, number, ocp.value, evidence),
            *_host(migration, cluster, number, ocp.value, evidence),
        ]
        ended = tuple(_life_cycle(migration, cluster, number, mtc.evidence))
        yield from (*found, *ended)
        if not found and not ended:
            text = f"MTC {number} supports OpenShift {ocp.value.y}"
            yield passed(cluster.subject, text, *evidence)


def _known(releases: Releases, number: Version) -> bool:
    return number.y in releases.dropped or number.y in releases.mtc


def _openshift(migration: Migration, cluster: Cluster) -> Fact[Version]:
    target = migration.requested.target_openshift
    if target is not None and cluster is migration.destination:
        return Fact(target, ())
    return openshift(cluster)


def _mtc(migration: Migration, cluster: Cluster) -> Fact[str]:
    target = migration.requested.target_mtc
    return Fact(str(target), ()) if target else mtc_version(migration, cluster)


def _range(
    migration: Migration,
    cluster: Cluster,
    number: Version,
    ocp: Version,
    evidence: tuple[Pointer, ...],
) -> Iterator[Outcome]:
    found = fit(migration.releases, number, ocp, direction(migration))
    if found.severity is None:
        return
    partly = found.severity is Severity.WARNING
    yield failed(
        cluster.subject,
        f"MTC {number} {'is not in all documentation for' if partly else 'does not support'} "
        f"OpenShift {ocp.y}: {found.reason}",
        *evidence,
        found=f"MTC {number} on OpenShift {ocp}",
        wanted=migration.derive(combination) or "an MTC release that supports both clusters",
        key="range",
        severity=found.severity,
    )


def _life_cycle(
    migration: Migration, cluster: Cluster, number: Version, evidence: tuple[Pointer, ...]
) -> Iterator[Outcome]:
    newest = migration.releases.mtc.get(number.y)
    if newest is None or newest.ends is None or migration.requested.as_of.date() <= newest.ends:
        return
    best = migration.derive(combination)
    alone = best.startswith(f"MTC {number.y}.")
    yield failed(
        cluster.subject,
        f"MTC {number.y}: {newest.ended} on {newest.ends.isoformat()}"
        + ("; no supported MTC release migrates between these clusters" if alone else ""),
        *evidence,
        found=f"MTC {number}",
        wanted=(f"{best}, under a support exception" if alone else best) or "MTC 1.8",
        key="life-cycle",
        severity=Severity.WARNING,
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
