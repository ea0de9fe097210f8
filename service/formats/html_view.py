"""What the HTML page shows, as plain values: the matrix, and one card per policy and verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from service.core.marks import Seen
from service.core.outcome import Severity, Verdict
from service.core.policy import Link, Policy
from service.core.redact import redact
from service.core.report import ClusterSummary, Finding, Report
from service.formats import words

MOST_ROWS = 200
"""How many subjects one card lists; a page is for people, and the JSON report has them all."""

_BAD = (Verdict.FAIL, Verdict.ERROR, Verdict.UNKNOWN)


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
    """A group of policies: a module of the catalogue."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One finding in a card."""

    subject: str
    message: str
    found: str
    wanted: str
    places: tuple[str, ...]
    missing: tuple[str, ...]
    commands: tuple[str, ...]
    change: str
    waiver: str


@dataclass(frozen=True, slots=True)
class Card:
    """The findings of one policy that have one verdict."""

    anchor: str
    look: str
    sign: str
    word: str
    severity: str
    id: str
    title: str
    why: str
    remedy: str
    docs: tuple[Link, ...]
    items: tuple[Item, ...]
    more: int
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the bar that shows how the prerequisites stand, in per mille."""

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


def look(finding: Finding) -> str:
    """The class by which the style sheet knows the finding's verdict and weight."""
    if finding.verdict in _BAD and finding.severity is not Severity.BLOCKER:
        return f"{finding.verdict.value}-minor"
    return finding.verdict.value.replace("_", "-")


def columns(report: Report) -> tuple[Column, ...]:
    """One column per cluster, and one for what belongs to none of them."""
    clusters = tuple(Column(words.line(item.name), _role(item)) for item in report.clusters)
    names = {item.name for item in report.clusters}
    rest = any(item.subject.cluster not in names for item in report.findings)
    return (*clusters, Column("Plan", "migration")) if rest or not clusters else clusters


def _role(cluster: ClusterSummary) -> str:
    runs = ", runs MTC" if cluster.host and cluster.role != "host" else ""
    return f"{cluster.role}{runs}"


def areas(report: Report, policies: Sequence[Policy[Any]]) -> tuple[Area, ...]:
    """The matrix: every policy of the catalogue, in its areas."""
    names = [item.name for item in report.clusters]
    width = len(columns(report))
    by_policy: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_policy.setdefault(finding.policy, []).append(finding)
    rows: dict[str, list[Row]] = {}
    known = {policy.id: policy for policy in policies}
    for key in sorted({*known, *by_policy}):
        findings = by_policy.get(key, [])
        policy = known.get(key)
        title = policy.title if policy else findings[0].title
        area = type(policy).__module__.rpartition(".")[2] if policy else "other"
        row = Row(key, words.line(title), _row_look(findings), _cells(findings, names, width))
        rows.setdefault(area.replace("_", " ").capitalize(), []).append(row)
    return tuple(Area(name, tuple(found)) for name, found in rows.items())


def _row_look(findings: Sequence[Finding]) -> str:
    return look(min(findings, key=words.urgency)) if findings else ""


def _cells(
    findings: Iterable[Finding], names: Sequence[str], width: int
) -> tuple[Cell | None, ...]:
    places = {name: place for place, name in enumerate(names)}
    held: list[list[Finding]] = [[] for _ in range(width)]
    for finding in findings:
        held[places.get(finding.subject.cluster, width - 1)].append(finding)
    return tuple(_cell(items) if items else None for items in held)


def _cell(findings: Sequence[Finding]) -> Cell:
    first = min(findings, key=words.urgency)
    alike = [item for item in findings if look(item) == look(first)]
    return Cell(look(first), _sign(first), _word(first), len(alike), _anchor(first))


def _sign(finding: Finding) -> str:
    minor = finding.verdict is Verdict.FAIL and finding.severity is not Severity.BLOCKER
    return "▲" if minor else words.SIGNS[finding.verdict]


def _word(finding: Finding) -> str:
    word = words.VERDICTS[finding.verdict]
    bad = finding.verdict in _BAD and finding.severity is not Severity.BLOCKER
    return f"{word}, {finding.severity.value} only" if bad else word


def _anchor(finding: Finding) -> str:
    return f"{finding.policy}-{look(finding)}"


def cards(
    report: Report, policies: Sequence[Policy[Any]], verdicts: Iterable[Verdict]
) -> tuple[Card, ...]:
    """One card per policy and look for these verdicts, the most urgent first."""
    wanted = set(verdicts)
    known = {policy.id: policy for policy in policies}
    groups: dict[str, list[Finding]] = {}
    for finding in words.by_urgency(report.findings):
        if finding.verdict in wanted:
            groups.setdefault(_anchor(finding), []).append(finding)
    return tuple(_card(anchor, items, known) for anchor, items in groups.items())


def _card(anchor: str, findings: Sequence[Finding], known: dict[str, Policy[Any]]) -> Card:
    first = findings[0]
    policy = known.get(first.policy)
    shown = findings[:MOST_ROWS]
    # Commands that all subjects share are told once, below the list.
    shared = words.commands(first) if len(shown) > 1 else []
    shared = [text for text in shared if all(text in words.commands(item) for item in shown)]
    return Card(
        anchor=anchor,
        look=look(first),
        sign=_sign(first),
        word=words.VERDICTS[first.verdict],
        severity=first.severity.value,
        id=first.policy,
        title=words.line(first.title),
        why=policy.why if policy and first.verdict in _BAD else "",
        remedy=words.safe(first.remedy) if first.verdict is not Verdict.WAIVED else "",
        docs=first.docs,
        items=tuple(_item(item, shared) for item in shown),
        more=len(findings) - len(shown),
        commands=tuple(shared),
    )


def _item(finding: Finding, shared: Sequence[str]) -> Item:
    waiver = finding.waiver
    about = ""
    if waiver is not None:
        ticket = f", {waiver.ticket}" if waiver.ticket else ""
        about = f"Waived by {waiver.owner}{ticket} until {waiver.until}: {waiver.reason}"
    own = [text for text in words.commands(finding) if text not in shared]
    return Item(
        subject=words.line(str(finding.subject)),
        message=words.line(finding.message),
        found=words.line(finding.found),
        wanted=words.line(finding.wanted),
        places=tuple(words.place(at) for at in finding.evidence[:3]),
        missing=tuple(words.wanting(item) for item in finding.missing),
        commands=() if waiver else tuple(own),
        change=finding.change.value if finding.change else "",
        waiver=words.line(about),
    )


def bar(report: Report) -> tuple[Part, ...]:
    """How the findings stand, as stretches of 1000, each at least wide enough to be seen."""
    counts: dict[str, tuple[str, int]] = {}
    for finding in words.by_urgency(report.findings):
        if finding.verdict is not Verdict.NOT_APPLICABLE:
            word, count = counts.get(look(finding), (_word(finding), 0))
            counts[look(finding)] = (word, count + 1)
    total = sum(count for _, count in counts.values())
    widths = {key: max(12.0, 1000 * count / total) for key, (_, count) in counts.items()}
    scale = 1000 / sum(widths.values()) if widths else 1
    parts, start = [], 0.0
    for key, (word, count) in counts.items():
        width = widths[key] * scale
        parts.append(Part(key, word, count, round(start, 1), round(width, 1)))
        start += width
    return tuple(parts)


def gone(items: Iterable[Seen]) -> tuple[str, ...]:
    """Findings of the previous report that this one has no more, in words."""
    texts = (f"{item.policy} {item.subject}: {item.title}".strip(" :") for item in items)
    return tuple(
        words.line(text or item.fingerprint) for text, item in zip(texts, items, strict=True)
    )


def problems(report: Report) -> tuple[tuple[str, str, str, bool], ...]:
    """Where, what, how to mend it, and whether it blocks, for each problem of the input."""
    return tuple(
        (
            words.line(
                " › ".join(part for part in (item.part, item.member) if part)
                + (f":{item.line}" if item.line else "")
            ),
            words.line(redact(item.message)),
            words.line(redact(item.hint)),
            item.blocks,
        )
        for item in report.problems
    )
