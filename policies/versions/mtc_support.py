"""Which OpenShift releases an MTC release supports."""

from __future__ import annotations

from collections.abc import Iterator

from policies.data.mtc import (
    BOOKS,
    DISPUTED_HOST,
    DROPPED,
    EARLIER,
    LAST,
    LEGACY_UNTIL,
    REMOTE_ONLY_SINCE,
    Stream,
)
from policies.versions.mtc_same import DOCS, MTC_READS
from service.core.evidence import Missing
from service.core.facts import Fact
from service.core.facts.mtc import mtc_version
from service.core.facts.release import openshift
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, unknown
from service.core.policy import ClusterPolicy
from service.core.values.versions import Version, parse_or_none
from service.kinds.cluster import CONFIG_MAP
from service.kinds.config import CLUSTER_VERSION, SERVER_VERSION
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.ref import Pointer
from service.kinds.resource import Read, fetch_command


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
        "Technical changes, and of 1.8.13"
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
        last = LAST.get(number.y, ocp.stream)
        if ocp.stream > last:
            yield _too_new(cluster, number, ocp, last, evidence)
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
        wanted=f"an OpenShift release that every book names ({said})" if said else "MTC 1.7 or 1.8",
        key="range",
        severity=Severity.WARNING if partly else None,
    )


def _too_new(
    cluster: Cluster, number: Version, ocp: Version, last: Stream, evidence: tuple[Pointer, ...]
) -> Outcome:
    newest = ".".join(map(str, last))
    return failed(
        cluster.subject,
        f"MTC {number.y} blocks updates of its cluster beyond OpenShift {newest} (release notes), "
        f"and this is {ocp.y}; the books leave it open",
        *evidence,
        found=f"MTC {number} on OpenShift {ocp}",
        wanted=f"OpenShift {newest} or earlier",
        key="range",
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
