"""Whether the evidence is recent enough to judge by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from policies import links
from policies.evidence.collect_again import (
    collect_command,
    parts_of,
    parts_of_none,
    whole,
)
from service.core.evidence import Missing
from service.core.facts.release import READS as RELEASE_READS
from service.core.migration import Cluster, Migration, Part
from service.core.outcome import Command, Outcome, Severity, failed, passed, unknown
from service.core.policy import MigrationPolicy, Parameter
from service.core.values.wording import plural
from service.kinds.ref import Origin, Pointer, Subject

TOLERANCE = timedelta(minutes=5)
"""How far the clocks of two machines may differ before a time lies in the future."""


MAX_AGE = Parameter(
    "max-age", 168, "hours", 0.01, 1_000_000,
    "the age from which evidence is stale; the option maxAgeHours of a request wins over it",
)  # fmt: skip


class EvidenceFresh(MigrationPolicy):
    """No part of the evidence is older than allowed, or from the future.

    The allowed age is the parameter max-age, a week unless set, or the option maxAgeHours. Parts
    without a time (plain `oc get` output) are unknown; declarations without objects have no age.
    """

    id = "MTC901"
    name = "evidence-fresh"
    title = "The evidence is fresh"
    why = "The clusters may have changed since the evidence was collected."
    severity = Severity.WARNING
    reads = RELEASE_READS
    declares = ("collectedAt",)
    remedy = "Collect the evidence again."
    docs = (links.MUST_GATHER,)
    source = "must-gather timestamp files; collectedAt of a descriptor"
    parameters = (MAX_AGE,)

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        asked = migration.requested.max_age_hours
        allowed = self.value("max-age") if asked is None else asked
        settled = True
        dated: list[Part] = []
        for place, parts, command in _groups(migration):
            timed = [part for part in parts if part.collected is not None]
            dated += timed
            not_known = [part for part in parts if part.collected is None and part.objects]
            for outcome in (
                _too_old(migration, place, timed, allowed, command),
                _too_new(migration, place, timed, command),
                _undated(place, not_known, command),
            ):
                if outcome is not None:
                    settled = False
                    yield outcome
        if settled and dated:
            yield passed(
                whole(migration),
                f"{plural(len(dated), 'part')} collected within the last {_span(allowed)}",
                *(_moment(part) for part in dated),
                examined=len(dated),
            )
        elif settled:
            text, role = _again(migration.source)
            need = Missing("when the evidence was collected", role, text)
            yield unknown(
                whole(migration), "no part of the evidence has a time of collection", need
            )


def _again(cluster: Cluster) -> Command:
    return Command(collect_command(cluster), cluster.role)


def _groups(migration: Migration) -> Iterator[tuple[Subject, list[Part], Command]]:
    for cluster in migration.clusters:
        yield cluster.subject, parts_of(migration, cluster), _again(cluster)
    loose = [part for part in parts_of_none(migration) if part.collected is not None]
    yield whole(migration), loose, _again(migration.host)


def _age(migration: Migration, moment: datetime) -> timedelta:
    return migration.requested.as_of - moment


def _moment(part: Part) -> Pointer:
    text = part.collected.isoformat() if part.collected else None
    return Pointer(Origin(part.name), "", text)


def _span(hours: float) -> str:
    """An age in words: hours up to two days, then days."""
    unit, number = ("hour", hours) if hours < 48 else ("day", hours / 24)
    shown = f"{number:.0f}" if number >= 10 else f"{round(number, 1):g}"
    return f"{shown} {unit}" if shown == "1" else f"{shown} {unit}s"


def _too_old(
    migration: Migration, place: Subject, parts: Iterable[Part], allowed: float, command: Command
) -> Outcome | None:
    most = timedelta(hours=allowed)
    old = [part for part in parts if part.collected and _age(migration, part.collected) > most]
    if not old:
        return None
    oldest = min(old, key=lambda part: part.collected or migration.requested.as_of)
    assert oldest.collected is not None
    hours = _age(migration, oldest.collected) / timedelta(hours=1)
    return failed(
        place,
        f"collected {_span(hours)} ago ({oldest.collected.isoformat()})",
        *(_moment(part) for part in old),
        found=_span(hours),
        wanted=f"at most {_span(allowed)}",
        commands=(command,),
        observed=round(hours, 1),
    )


def _too_new(
    migration: Migration, place: Subject, parts: Iterable[Part], command: Command
) -> Outcome | None:
    ahead = [
        part for part in parts if part.collected and _age(migration, part.collected) < -TOLERANCE
    ]
    if not ahead:
        return None
    latest = max(part.collected for part in ahead if part.collected)
    return failed(
        place,
        f"collected in the future ({latest.isoformat()}): a clock is wrong, or asOf of the "
        "request is earlier than the collection",
        *(_moment(part) for part in ahead),
        found=latest.isoformat(),
        wanted=f"at or before {migration.requested.as_of.isoformat()}",
        key="future",
        commands=(command,),
    )


def _undated(place: Subject, parts: list[Part], command: Command) -> Outcome | None:
    if not parts:
        return None
    need = Missing(
        "when these objects were collected (declare collectedAt)", command.cluster, command.text
    )
    return unknown(
        place,
        f"{plural(sum(part.objects for part in parts), 'object')} without a time of collection",
        need,
        key="undated",
        evidence=tuple(Pointer(Origin(part.name), "") for part in parts),
    )
