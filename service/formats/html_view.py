"""What the HTML page shows of findings: one card per policy and verdict, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from service.core.deadline import paced
from service.core.decision.marks import Seen
from service.core.link import Link
from service.core.next_steps import next_steps
from service.core.outcome import Command, Verdict
from service.core.policy import Policy
from service.core.report import Finding, Report
from service.core.values.wording import few
from service.formats import words
from service.formats.html_looks import BAD, look, sign
from service.formats.html_looks import anchor as anchor_of

MOST_ROWS = 200
"""How many subjects one card lists; a page is for people, and the JSON report has them all."""


@dataclass(frozen=True, slots=True)
class CardItem:
    """One finding in a card."""

    subject: str
    message: str
    found: str
    wanted: str
    places: tuple[str, ...]
    missing: tuple[str, ...]
    commands: tuple[Command, ...]
    change: str
    waiver: str
    behind: str


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
    items: tuple[CardItem, ...]
    more: int
    commands: tuple[Command, ...]


def cards(
    heads: words.Headed, policies: Sequence[Policy[Any]], verdicts: Iterable[Verdict]
) -> tuple[Card, ...]:
    """One card per policy and look for these verdicts, in the order of the findings."""
    wanted = set(verdicts)
    known = {policy.id: policy for policy in policies}
    groups: dict[str, words.Headed] = {}
    for finding, behind in paced(heads):
        if finding.verdict in wanted:
            groups.setdefault(anchor_of(finding), []).append((finding, behind))
    return tuple(_card(anchor, items, known) for anchor, items in groups.items())


def _card(anchor: str, heads: words.Headed, known: dict[str, Policy[Any]]) -> Card:
    first, _ = heads[0]
    policy = known.get(first.policy)
    shown = [finding for finding, _ in heads[:MOST_ROWS]]
    # Commands that all subjects share, on one cluster, are shown once, below the list.
    shared = words.commands(first) if len(shown) > 1 else []
    shared = [text for text in shared if all(text in words.commands(item) for item in paced(shown))]
    return Card(
        anchor=anchor,
        look=look(first),
        sign=sign(first),
        word=words.VERDICTS[first.verdict],
        severity=first.severity.value,
        id=first.policy,
        title=words.line(first.title),
        why=policy.why if policy and first.verdict in BAD else "",
        remedy=words.safe(first.remedy) if first.verdict is not Verdict.WAIVED else "",
        docs=first.docs,
        items=tuple(_item(*row, shared) for row in paced(heads[:MOST_ROWS])),
        more=len(heads) - len(shown),
        commands=tuple(shared),
    )


def _item(finding: Finding, behind: str, shared: Sequence[Command]) -> CardItem:
    waiver = finding.waiver
    about = ""
    if waiver is not None:
        ticket = f", {waiver.ticket}" if waiver.ticket else ""
        about = f"Waived by {waiver.owner}{ticket} until {waiver.until}: {waiver.reason}"
    own = [text for text in words.commands(finding) if text not in shared]
    return CardItem(
        subject=words.about(finding.subject),
        message=words.line(finding.message),
        found=words.line(finding.found),
        wanted=words.line(finding.wanted),
        places=tuple(words.place(at) for at in finding.evidence[:3]),
        missing=tuple(words.wanting(item) for item in finding.missing),
        commands=() if waiver else tuple(own),
        change=finding.change.value if finding.change else "",
        waiver=words.line(about),
        behind=words.line(behind),
    )


@dataclass(frozen=True, slots=True)
class Lacked:
    """A missing fact, and the unknown policies that lack nothing but facts: the first that they do.

    A row is an anchor, a policy's sign, id and title, and the subjects; the anchor is "" where
    another row has it.
    """

    fact: str
    rows: tuple[tuple[str, str, str, str, str], ...]


def lacked(report: Report, heads: words.Headed, taken: Iterable[str]) -> tuple[Lacked, ...]:
    """Unknown findings that only lack facts, by the fact; ``taken`` are anchors of others."""
    facts: dict[str, str] = {}
    for cluster in next_steps(report):
        whole = f"anything of the {cluster.role} cluster"
        for step in cluster.steps:
            where = f" of the {cluster.role} cluster" if cluster.role else ""
            for mark in step.findings:
                facts.setdefault(mark, f"{step.fact}{where}" if cluster.given else whole)
    groups: dict[str, dict[str, list[Finding]]] = {}
    for finding, behind in heads:
        if finding.verdict is Verdict.UNKNOWN and words.only_missing(finding) and not behind:
            fact = facts.get(finding.fingerprint, "")
            groups.setdefault(fact, {}).setdefault(anchor_of(finding), []).append(finding)
    used = set(taken)
    found = []
    for fact, policies in groups.items():
        rows = []
        for anchor, findings in policies.items():
            first = findings[0]
            subjects = few((words.about(item.subject) for item in findings), MOST_ROWS)
            mark = "" if anchor in used else anchor
            rows.append((mark, look(first), first.policy, words.line(first.title), subjects))
            used.add(anchor)
        found.append(Lacked(words.line(fact), tuple(rows)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Lacking:
    """What is missing of one cluster, as the page shows it."""

    title: str
    role: str
    steps: tuple[tuple[str, str], ...]


def steps(report: Report) -> tuple[Lacking, ...]:
    """What is missing by cluster: facts, each with its command; of one not sent, only that."""
    return tuple(
        Lacking(
            title=words.lacking(item),
            role=item.role,
            steps=tuple(
                (words.fact(step), words.safe(step.command))
                for step in (item.steps if item.given else ())
            ),
        )
        for item in next_steps(report)
    )


def gone(items: Iterable[Seen]) -> tuple[str, ...]:
    """Findings of the previous report that this one has no more, in words."""
    texts = (f"{item.policy} {item.subject}: {item.title}".strip(" :") for item in items)
    return tuple(
        words.line(text or item.fingerprint) for text, item in zip(texts, items, strict=True)
    )


def problems(report: Report) -> tuple[tuple[str, str, str, bool], ...]:
    """Where, what, how to fix it, and whether it blocks, for each problem of the input."""
    return tuple(
        (
            words.line(
                " › ".join(part for part in (item.part, item.member) if part)
                + (f":{item.line}" if item.line else "")
            ),
            words.line(item.message),
            words.line(item.hint),
            item.blocks,
        )
        for item in paced(report.problems)
    )
