"""Tickets without a database: what to create, update and close, from a report and its delta."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from service.core.deadline import paced
from service.core.decision.delta import DARK, OPEN, last
from service.core.decision.marks import Change, Ending, Seen
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Report
from service.kinds.ref import Subject

_PLATFORM = ("openshift-", "kube-")
_PLATFORM_NAMES = frozenset({"openshift", "default"})
_WEIGHT = {Severity.BLOCKER: 0, Severity.WARNING: 1, Severity.INFO: 2}


class TicketGroup(StrEnum):
    """What one ticket is about.

    ``owner`` makes one ticket for each owner with what fails, and one for all evidence that is
    missing, whoever's it is: it is gathered by one person in one go.
    """

    FINDING = "finding"
    POLICY = "policy"
    OWNER = "owner"


class Action(StrEnum):
    """What to do with the ticket of that fingerprint."""

    CREATE = "create"
    UPDATE = "update"
    CLOSE = "close"


class Priority(StrEnum):
    """How urgent a ticket is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One item for a ticket system; ``fingerprint`` is the idempotency key.

    ``changed`` is False for an update that would write what is there already. ``findings`` are
    open, ``waived`` are accepted since, ``closed`` are gone, met, or moved to another ticket.
    ``unconfirmed`` are open since an earlier run, and could not be looked at in this one.
    ``evidence`` says that the ticket asks for evidence.
    """

    fingerprint: str
    action: Action
    changed: bool
    title: str
    priority: Priority
    owner: str
    policies: tuple[str, ...]
    cluster: str
    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    closed: tuple[Finding | Seen, ...]
    unconfirmed: tuple[Seen, ...] = ()
    evidence: bool = False


@dataclass(slots=True)
class _Pile:
    """What belongs to one ticket."""

    evidence: bool = False
    open: list[Finding] = field(default_factory=list)
    waived: list[Finding] = field(default_factory=list)
    closed: list[Finding | Seen] = field(default_factory=list)
    moved: list[Finding] = field(default_factory=list)
    unconfirmed: list[Seen] = field(default_factory=list)


def tickets(report: Report, group: TicketGroup = TicketGroup.OWNER) -> tuple[Ticket, ...]:
    """The tickets of a report, in its order.

    Without a previous report every open finding is a ``create``; the fingerprint keeps a system
    that has the ticket from making a second one. With one, a finding that stayed is an ``update``
    and one that is met, gone or waived a ``close``; what could not be looked at this time keeps
    its ticket. Grouped tickets need a previous report that names policies and subjects, not bare
    fingerprints.
    """
    piles: dict[str, _Pile] = {}
    for finding in paced(report.findings):
        for name, verdict in _places(finding, group):
            _pile(piles, finding, verdict, group, name)
    for name, seen in _gone(report):
        if seen.policy or group is TicketGroup.FINDING:
            _pile(piles, seen, last(seen), group, name)
    made = (_ticket(key, pile, group) for key, pile in piles.items())
    return tuple(ticket for ticket in made if ticket is not None)


def _pile(
    piles: dict[str, _Pile],
    item: Finding | Seen,
    verdict: Verdict | None,
    group: TicketGroup,
    name: str,
) -> None:
    """Put a finding into the list of that name of the ticket where it is with this verdict."""
    evidence = group is TicketGroup.OWNER and verdict in DARK
    key = _key(item.fingerprint, item.policy, item.subject, group, evidence)
    getattr(piles.setdefault(key, _Pile(evidence)), name).append(item)


def _places(finding: Finding, group: TicketGroup) -> Iterator[tuple[str, Verdict]]:
    """The lists of piles that a finding belongs to, each with its verdict there.

    An unknown that failed before stays with the failures until evidence settles it.
    """
    before = finding.before or finding.verdict
    if finding.verdict in OPEN:
        yield "open", Verdict.FAIL if before is Verdict.FAIL else finding.verdict
        if _moves(finding, group):
            yield "moved", before
        return
    if finding.change in (None, Change.UNCHANGED, Change.NEW):
        return  # met or waived then as now
    if finding.before is None or finding.before in OPEN:
        yield ("waived" if finding.verdict is Verdict.WAIVED else "closed"), before


def _moves(finding: Finding, group: TicketGroup) -> bool:
    """Whether the finding leaves the ticket of missing evidence for its owner's."""
    arrived = finding.verdict is Verdict.FAIL and finding.before in DARK
    return arrived and group is TicketGroup.OWNER


def _gone(report: Report) -> Iterator[tuple[str, Seen]]:
    if report.delta is None:
        return
    for name, items in (
        ("closed", report.delta.resolved),
        ("unconfirmed", report.delta.unconfirmed),
    ):
        for seen in items:
            if seen.verdict is None or seen.verdict in OPEN:
                yield name, seen


def _key(
    fingerprint: str, policy: str, subject: Subject, group: TicketGroup, evidence: bool
) -> str:
    if group is TicketGroup.FINDING:
        return fingerprint
    if group is TicketGroup.POLICY:
        names: tuple[str, ...] = (policy, subject.cluster)
    else:
        names = ("evidence", "missing") if evidence else (owner(subject),)
    text = "".join(f"{len(name)}:{name}" for name in (group.value, *names))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def ending(item: Finding | Seen) -> Ending:
    """Why a finding of a ticket is closed there."""
    if isinstance(item, Seen):
        return item.ending or Ending.NOT_FOUND
    return _ENDINGS.get(item.verdict, Ending.EVIDENCE_ARRIVED)


_ENDINGS = {
    Verdict.PASS: Ending.MET,
    Verdict.NOT_APPLICABLE: Ending.NOT_APPLICABLE,
    Verdict.WAIVED: Ending.WAIVED,
}


def owner(subject: Subject) -> str:
    """Who has to act: the team of an application's namespace, a cluster's, or the migration's."""
    name = subject.namespace
    if name and name not in _PLATFORM_NAMES and not name.startswith(_PLATFORM):
        return f"{subject.cluster}/{name}".strip("/")
    return subject.cluster or "migration"


def _ticket(key: str, pile: _Pile, group: TicketGroup) -> Ticket | None:
    shown = [*pile.open, *pile.waived, *pile.closed, *pile.moved]
    if not shown:
        return None  # only unconfirmed: nothing is known, so the ticket stays as it is
    first = shown[0]
    return Ticket(
        fingerprint=key,
        action=_action(pile, group),
        changed=_changed(pile),
        title=_title(pile, group, first),
        priority=_priority(pile.open),
        owner="migration" if pile.evidence else owner(first.subject),
        policies=tuple(dict.fromkeys(item.policy for item in shown if item.policy)),
        cluster="" if pile.evidence else first.subject.cluster,
        findings=tuple(pile.open),
        waived=tuple(pile.waived),
        closed=(*pile.closed, *pile.moved),
        unconfirmed=tuple(pile.unconfirmed),
        evidence=pile.evidence,
    )


def _action(pile: _Pile, group: TicketGroup) -> Action:
    if not pile.open and not pile.unconfirmed:
        return Action.CLOSE
    gone = pile.closed or pile.waived or pile.moved or pile.unconfirmed
    had = gone or any(_had_ticket(item, group) for item in pile.open)
    return Action.UPDATE if had else Action.CREATE


def _had_ticket(finding: Finding, group: TicketGroup) -> bool:
    if finding.change not in (Change.UNCHANGED, Change.CHANGED) or _moves(finding, group):
        return False
    return finding.before is None or finding.before in OPEN


def _changed(pile: _Pile) -> bool:
    moved = any(item.change is not Change.UNCHANGED for item in pile.open)
    return moved or bool(pile.closed or pile.waived or pile.moved)


def _priority(findings: list[Finding]) -> Priority:
    if not findings:
        return Priority.LOW
    first = min(findings, key=lambda item: (_WEIGHT[item.severity], item.verdict != Verdict.FAIL))
    if first.severity is Severity.BLOCKER and first.verdict is Verdict.FAIL:
        return Priority.HIGH
    return Priority.LOW if first.severity is Severity.INFO else Priority.MEDIUM


def _title(pile: _Pile, group: TicketGroup, first: Finding | Seen) -> str:
    count = len(pile.open) + len(pile.unconfirmed)
    if pile.evidence:
        number = (
            f"{count} check{'' if count == 1 else 's'} without a verdict" if count else "complete"
        )
        return f"MTC preflight, missing evidence: {number}"
    if group is TicketGroup.OWNER:
        number = f"{count} open finding{'' if count == 1 else 's'}" if count else "all resolved"
        return f"MTC preflight, {owner(first.subject)}: {number}"
    head = f"{first.policy} {first.title}".strip() or "MTC preflight finding"
    where = str(first.subject) if group is TicketGroup.FINDING else first.subject.cluster
    return f"{head}: {where}" if where else head
