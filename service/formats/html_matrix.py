"""The overview of the page: prerequisites by clusters, and a bar of their verdicts."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from service.core.deadline import paced
from service.core.outcome import Verdict
from service.core.policy import Policy
from service.core.report import ClusterSummary, Finding, Report
from service.formats import words
from service.formats.html_looks import anchor, look, sign, word_of

_WHOLE = frozenset({"MigPlan", "Migration"})


@dataclass(frozen=True, slots=True)
class Cell:
    """What a policy says of one column: the most urgent finding, and how many are like it."""

    look: str
    sign: str
    word: str
    count: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Row:
    """A policy in the matrix."""

    id: str
    title: str
    look: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Area:
    """The policies of an area."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class BarPart:
    """A stretch of the bar that shows the verdicts of the prerequisites, in per mille."""

    look: str
    word: str
    count: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the matrix: a cluster, or the migration as a whole."""

    name: str
    role: str


def columns(report: Report) -> tuple[Column, ...]:
    """One column per cluster, and one for what belongs to none of them."""
    clusters = tuple(Column(words.line(item.name), _role(item)) for item in report.clusters)
    names = {item.name for item in report.clusters}
    rest = any(_whole(item, names) for item in report.findings)
    return (*clusters, Column("Plan", "migration")) if rest or not clusters else clusters


def _whole(finding: Finding, names: Container[str]) -> bool:
    """Whether a finding is about the migration, wherever its plan is kept."""
    return finding.subject.kind in _WHOLE or finding.subject.cluster not in names


def _role(cluster: ClusterSummary) -> str:
    runs = ", runs MTC" if cluster.host and cluster.role != "host" else ""
    return f"{cluster.role}{runs}"


def areas(report: Report, policies: Sequence[Policy[Any]]) -> tuple[Area, ...]:
    """The matrix: every policy that was evaluated, in its areas."""
    names = [item.name for item in report.clusters]
    width = len(columns(report))
    by_policy: dict[str, list[Finding]] = {}
    for finding in paced(report.findings):
        by_policy.setdefault(finding.policy, []).append(finding)
    rows: dict[str, list[Row]] = {}
    skipped = {item.policy for item in report.scope.skipped}
    known = {policy.id: policy for policy in policies if policy.id not in skipped}
    for key in sorted({*known, *by_policy}):
        findings = by_policy.get(key, [])
        policy = known.get(key)
        title = policy.title if policy else findings[0].title
        area = policy.area().capitalize() if policy else "Other"
        row = Row(key, words.line(title), _row_look(findings), _cells(findings, names, width))
        rows.setdefault(area, []).append(row)
    return tuple(Area(name, tuple(found)) for name, found in rows.items())


def _row_look(findings: Sequence[Finding]) -> str:
    return look(min(findings, key=words.urgency)) if findings else ""


def _cells(
    findings: Iterable[Finding], names: Sequence[str], width: int
) -> tuple[Cell | None, ...]:
    places = {name: place for place, name in enumerate(names)}
    held: list[list[Finding]] = [[] for _ in range(width)]
    for finding in findings:
        whole = _whole(finding, places)
        held[width - 1 if whole else places[finding.subject.cluster]].append(finding)
    return tuple(_cell(items) if items else None for items in held)


def _cell(findings: Sequence[Finding]) -> Cell:
    first = min(findings, key=words.urgency)
    alike = [item for item in paced(findings) if look(item) == look(first)]
    return Cell(look(first), sign(first), word_of(first), len(alike), anchor(first))


def bar(report: Report) -> tuple[BarPart, ...]:
    """The verdicts of the findings, as stretches of 1000, each at least wide enough to be seen."""
    counts: dict[str, tuple[str, int]] = {}
    for finding in words.by_urgency(report.findings):
        if finding.verdict is not Verdict.NOT_APPLICABLE:
            word, count = counts.get(look(finding), (word_of(finding), 0))
            counts[look(finding)] = (word, count + 1)
    total = sum(count for _, count in counts.values())
    widths = {key: max(12.0, 1000 * count / total) for key, (_, count) in counts.items()}
    scale = 1000 / sum(widths.values()) if widths else 1
    parts, start = [], 0.0
    for key, (word, count) in counts.items():
        width = widths[key] * scale
        parts.append(BarPart(key, word, count, round(start, 1), round(width, 1)))
        start += width
    return tuple(parts)
