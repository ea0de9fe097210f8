"""What to do next: each missing fact once, with what it settles and the command that gets it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from service.core.deadline import paced
from service.core.evidence import Attempt, Fetch, Missing
from service.core.outcome import Severity, Verdict
from service.core.report import ClusterSummary, Finding, Report
from service.kinds.registry import resource_named
from service.kinds.resource import Resource, fetch_command

_DARK = (Verdict.UNKNOWN, Verdict.ERROR)


@dataclass(frozen=True, slots=True)
class Step:
    """One missing fact of a cluster.

    ``fetch`` is the whole list that it is, if it is one, and ``attempt`` the connection to try.

    ``settles`` are the ids of the policies that lack it, ``findings`` the fingerprints of their
    findings, ``blockers`` how many of these can keep the migration from being ready.
    """

    fact: str
    command: str
    reason: str
    fetch: Fetch | None
    attempt: Attempt | None
    settles: tuple[str, ...]
    findings: tuple[str, ...]
    blockers: int


@dataclass(frozen=True, slots=True)
class ClusterSteps:
    """What is missing of one cluster, what unlocks most first.

    ``role`` is "" for evidence that belongs to no cluster. ``given`` is False where nothing of
    the cluster was sent.
    """

    role: str
    name: str
    given: bool
    steps: tuple[Step, ...]

    @property
    def findings(self) -> int:
        """How many findings lack something of this cluster."""
        return len({mark for step in self.steps for mark in step.findings})


def next_steps(report: Report) -> tuple[ClusterSteps, ...]:
    """The missing facts of a report by cluster: where most is missing first."""
    lacking: dict[str, list[tuple[Missing, Finding]]] = {}
    for finding in paced(report.findings):
        if finding.verdict in _DARK:
            for missing in finding.missing:
                lacking.setdefault(missing.cluster, []).append((missing, finding))
    summaries = {item.role: item for item in report.clusters}
    found = [_cluster(role, rows, summaries.get(role)) for role, rows in lacking.items()]
    return tuple(sorted(found, key=lambda item: (not item.role, -item.findings)))


def _cluster(
    role: str, rows: Iterable[tuple[Missing, Finding]], summary: ClusterSummary | None
) -> ClusterSteps:
    steps = sorted(_steps(rows), key=lambda step: (-step.blockers, -len(step.findings)))
    name = summary.name if summary else role
    return ClusterSteps(role, name, summary is None or summary.given, tuple(steps))


def _steps(rows: Iterable[tuple[Missing, Finding]]) -> Iterator[Step]:
    """One step for each command; lists of one resource in several namespaces are one command."""
    piles: dict[tuple[str, Hashable], list[tuple[Missing, Finding]]] = {}
    for missing, finding in paced(rows):
        listed = missing.fetch.resource if missing.fetch else ""
        one = missing.attempt or missing.command or missing.fact
        key = (listed, missing.reason) if listed else ("", one)
        piles.setdefault(key, []).append((missing, finding))
    for (listed, _), pile in paced(piles.items()):
        fact, command, fetch = _list(listed, pile) if listed else _single(pile)
        marks = dict.fromkeys(finding.fingerprint for _, finding in pile)
        blocking = {
            finding.fingerprint for _, finding in pile if finding.severity is Severity.BLOCKER
        }
        yield Step(
            fact=fact,
            command=command,
            reason=pile[0][0].reason,
            fetch=fetch,
            attempt=pile[0][0].attempt,
            settles=tuple(sorted({finding.policy for _, finding in pile})),
            findings=tuple(marks),
            blockers=len(blocking),
        )


Task = tuple[str, str, Fetch | None]
"""The fact of a step, its command, and the list that it is."""


def _single(pile: list[tuple[Missing, Finding]]) -> Task:
    facts = dict.fromkeys(missing.fact for missing, _ in pile)
    first = pile[0][0]
    return "; ".join(facts), first.command, first.fetch


def _listed(name: str) -> Resource[Any]:
    found = resource_named(name)
    assert found is not None, name
    return found


def _list(listed: str, pile: list[tuple[Missing, Finding]]) -> Task:
    fetches = dict.fromkeys(missing.fetch for missing, _ in pile if missing.fetch)
    if len(fetches) == 1:
        return _single(pile)
    resource = _listed(listed)
    names = tuple(dict.fromkeys(name for fetch in fetches for name in fetch.namespaces))
    if any(not fetch.namespaces for fetch in fetches):
        names = ()
    some = f" of namespaces {', '.join(names[:5])}" + " …" * (len(names) > 5) if names else ""
    command = fetch_command(resource, namespaces=names)
    return f"every {resource.kind}{some}", command, Fetch(listed, names)
