"""Tickets without a database: what to create, update and close, from a report and its delta."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from service.core.decision.delta import OPEN
from service.core.decision.marks import Change, Seen
from service.core.evidence import Subject
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Report

_PLATFORM = ("openshift-", "kube-")
_PLATFORM_NAMES = frozenset({"openshift", "default"})
_WEIGHT = {Severity.BLOCKER: 0, Severity.WARNING: 1, Severity.INFO: 2}


class Group(StrEnum):
    """What one ticket is about."""

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
    open, ``waived`` are accepted since, ``closed`` are gone or met.
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


@dataclass(slots=True)
class _Pile:
    """What belongs to one ticket."""

    open: list[Finding] = field(default_factory=list)
    waived: list[Finding] = field(default_factory=list)
    closed: list[Finding | Seen] = field(default_factory=list)
    unconfirmed: list[Seen] = field(default_factory=list)


def tickets(report: Report, group: Group = Group.FINDING) -> tuple[Ticket, ...]:
    """The tickets of a report, in its order.

    Without a previous report every open finding is a ``create``; the fingerprint keeps a system
    that has the ticket from making a second one. With one, a finding that stayed is an ``update``
    and one that is met, gone or waived a ``close``; what could not be looked at this time keeps
    its ticket. Grouped tickets need a previous report that names policies and subjects, not bare
    fingerprints.
    """
    piles: dict[str, _Pile] = {}
    for finding in report.findings:
        for name in _places(finding):
            key = _key(finding.fingerprint, finding.policy, finding.subject, group)
            getattr(piles.setdefault(key, _Pile()), name).append(finding)
    for name, seen in _gone(report):
        if seen.policy or group is Group.FINDING:
            key = _key(seen.fingerprint, seen.policy, seen.subject, group)
            getattr(piles.setdefault(key, _Pile()), name).append(seen)
    made = (_ticket(key, pile, group) for key, pile in piles.items())
    return tuple(ticket for ticket in made if ticket is not None)


def _places(finding: Finding) -> Iterator[str]:
    """Which list of its pile a finding belongs to, if any."""
    if finding.verdict in OPEN:
        yield "open"
    elif finding.change in (None, Change.UNCHANGED, Change.NEW):
        return  # met or waived then as now
    elif finding.before is None or finding.before in OPEN:
        yield "waived" if finding.verdict is Verdict.WAIVED else "closed"


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


def _key(fingerprint: str, policy: str, subject: Subject, group: Group) -> str:
    if group is Group.FINDING:
        return fingerprint
    names = (policy, subject.cluster) if group is Group.POLICY else (owner(subject),)
    text = "".join(f"{len(name)}:{name}" for name in (group.value, *names))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def owner(subject: Subject) -> str:
    """Who has to act: the team of an application's namespace, a cluster's, or the migration's."""
    name = subject.namespace
    if name and name not in _PLATFORM_NAMES and not name.startswith(_PLATFORM):
        return f"{subject.cluster}/{name}".strip("/")
    return subject.cluster or "migration"


def _ticket(key: str, pile: _Pile, group: Group) -> Ticket | None:
    if not pile.open and pile.unconfirmed:
        return None  # nobody knows: the ticket stays as it is
    told = [*pile.open, *pile.waived, *pile.closed]
    first = told[0]
    return Ticket(
        fingerprint=key,
        action=_action(pile),
        changed=_changed(pile),
        title=_title(pile, group, first),
        priority=_priority(pile.open),
        owner=owner(first.subject),
        policies=tuple(dict.fromkeys(item.policy for item in told if item.policy)),
        cluster=first.subject.cluster,
        findings=tuple(pile.open),
        waived=tuple(pile.waived),
        closed=tuple(pile.closed),
    )


def _action(pile: _Pile) -> Action:
    if not pile.open:
        return Action.CLOSE
    had = pile.closed or pile.waived or pile.unconfirmed or any(map(_had_ticket, pile.open))
    return Action.UPDATE if had else Action.CREATE


def _had_ticket(finding: Finding) -> bool:
    kept = finding.change in (Change.UNCHANGED, Change.CHANGED)
    return kept and (finding.before is None or finding.before in OPEN)


def _changed(pile: _Pile) -> bool:
    moved = any(item.change is not Change.UNCHANGED for item in pile.open)
    return moved or bool(pile.closed or pile.waived)


def _priority(findings: list[Finding]) -> Priority:
    if not findings:
        return Priority.LOW
    first = min(findings, key=lambda item: (_WEIGHT[item.severity], item.verdict != Verdict.FAIL))
    if first.severity is Severity.BLOCKER and first.verdict is Verdict.FAIL:
        return Priority.HIGH
    return Priority.LOW if first.severity is Severity.INFO else Priority.MEDIUM


def _title(pile: _Pile, group: Group, first: Finding | Seen) -> str:
    count = len(pile.open)
    if group is Group.OWNER:
        number = f"{count} open finding{'' if count == 1 else 's'}" if count else "all resolved"
        return f"MTC preflight, {owner(first.subject)}: {number}"
    head = f"{first.policy} {first.title}".strip() or "MTC preflight finding"
    where = str(first.subject) if group is Group.FINDING else first.subject.cluster
    return f"{head}: {where}" if where else head
