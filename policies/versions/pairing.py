"""Which MTC release fits which OpenShift release, and the one that fits both clusters."""

from __future__ import annotations

from dataclasses import dataclass

from service.core.evidence import NotGathered
from service.core.facts.release import major, openshift
from service.core.migration import Cluster, Migration
from service.core.outcome import Severity
from service.core.releases import Releases
from service.core.values.versions import Version

OLD_TO_NEW, NEW_TO_NEW = "3-to-4", "4-to-4"


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether releases fit: ``severity`` None is yes, WARNING that the books disagree."""

    severity: Severity | None
    reason: str = ""


def direction(migration: Migration) -> str:
    """Which book counts: by the source's major release; "" where that is not known."""
    try:
        return OLD_TO_NEW if major(migration.source) == 3 else NEW_TO_NEW
    except NotGathered:
        return ""


def fit(releases: Releases, mtc: Version, ocp: Version, way: str) -> Fit:
    """Whether an MTC release supports an OpenShift release in a migration of this direction."""
    for limit in releases.limits:
        if mtc in limit.mtc and ocp.stream in limit.openshift:
            return Fit(Severity.BLOCKER, f"{limit.why} ({limit.source})")
    books = [
        book
        for book in releases.books
        if mtc in book.mtc and (not way or book.direction in (way, "any"))
    ]
    holding = [book for book in books if ocp.stream in book.openshift]
    text = "; ".join(f"{book.title}: {book.openshift}" for book in books)
    if not holding:
        return Fit(Severity.BLOCKER, text or "no documentation lists this MTC release as supported")
    return Fit(Severity.WARNING if len(holding) < len(books) else None, text)


def combination(migration: Migration) -> str:
    """The MTC release to run on both clusters, in words; "" where a cluster's release is unknown.

    The newest one that fits both, one in support and without a disagreement first.
    """
    try:
        clusters = {
            item.role: target_or_own(migration, item)
            for item in (migration.source, migration.destination)
        }
    except NotGathered:
        return ""
    way = direction(migration)
    ranked = []
    for newest in migration.releases.mtc.values():
        fits = [fit(migration.releases, newest.version, ocp, way) for ocp in clusters.values()]
        if all(item.severity is not Severity.BLOCKER for item in fits):
            doubts = sum(item.severity is not None for item in fits)
            ranked.append((not newest.ended, -doubts, newest.version))
    if not ranked:
        named = " and ".join(ocp.y for ocp in clusters.values())
        return f"other OpenShift releases: no MTC release supports {named} together"
    legacy = [f"the legacy operator on {ocp.y}" for ocp in clusters.values() if ocp < OLM]
    return f"MTC {max(ranked)[2]} on both clusters" + "".join(f", by {item}" for item in legacy)


OLM = Version.parse("4.6.0")
"""The first OpenShift release that MTC's operator is installed on by OLM."""


def target_or_own(migration: Migration, cluster: Cluster) -> Version:
    """The OpenShift release to judge: `target_openshift` for the destination, else what runs."""
    target = migration.requested.target_openshift
    if target is not None and cluster is migration.destination:
        return target
    return openshift(cluster).value
