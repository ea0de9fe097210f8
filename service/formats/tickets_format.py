"""Tickets for any system: title, Markdown body, labels, priority, key and action."""

from __future__ import annotations

import re
from typing import Any

from service.core.deadline import paced
from service.core.decision.marks import Ending, Seen
from service.core.decision.tickets import Action, Ticket, TicketGroup, ending, tickets
from service.core.report import Finding, Report
from service.formats import json_marks, words
from service.formats.format_base import Context, Format
from service.formats.json_report import dumps
from service.formats.markdown import code, escape, finding_text, fit, next_text

_TITLE = 200
_MOST_SEE = 5
_BODY = 30_000
"""Most characters of a body; Jira and ServiceNow take 32,767 and more."""


def render(report: Report, context: Context) -> bytes:
    """The tickets as JSON."""
    group = TicketGroup(context.options.group)
    missing = "\n\n".join(next_text(report, context.again))
    return dumps(
        {
            "schemaVersion": "1",
            "assumed": dict(report.assumed),
            "policySet": report.policy_set,
            **json_marks.judged(report),
            "group": group.value,
            "tickets": [_item(ticket, missing) for ticket in paced(tickets(report, group))],
        }
    )


def _item(ticket: Ticket, missing: str) -> dict[str, Any]:
    return {
        "fingerprint": ticket.fingerprint,
        "action": ticket.action.value,
        "changed": ticket.changed,
        "title": title(ticket),
        "body": body(ticket, missing),
        "priority": ticket.priority.value,
        "labels": labels(ticket),
        "owner": words.line(ticket.owner),
        "policies": ticket.policies,
        "findings": [item.fingerprint for item in ticket.findings],
        "resolved": [item.fingerprint for item in (*ticket.waived, *ticket.closed)],
    }


def title(ticket: Ticket, most: int = _TITLE) -> str:
    """The title as one line of at most ``most`` characters."""
    text = words.line(ticket.title)
    return text if len(text) <= most else text[: most - 1] + "…"


def labels(ticket: Ticket) -> list[str]:
    """Labels without spaces, as Jira wants them."""
    marks = ["mtc-preflight", *(policy.lower() for policy in ticket.policies[:10])]
    cluster = re.sub(r"[^a-z0-9.-]+", "-", ticket.cluster.lower()).strip("-")[:60]
    return [*marks, f"cluster-{cluster}"] if cluster else marks


_ENDINGS = {
    Ending.MET: "The prerequisite is met.",
    Ending.NOT_APPLICABLE: "The prerequisite does not apply any more.",
    Ending.EVIDENCE_ARRIVED: "The missing evidence arrived. Other findings report the result.",
    Ending.NOT_FOUND: "The policy was evaluated again and does not report this any more.",
}


UNCONFIRMED = "Not confirmed this time, because evidence is missing:"


def outcome(ticket: Ticket) -> str:
    """Why a ticket is closed, in one line: all reasons that its findings have."""
    by = sorted({item.waiver.owner for item in ticket.waived if item.waiver})
    waived = [f"Waived by {', '.join(by)}."] if by else []
    found = {ending(item) for item in ticket.closed}
    marks = list(dict.fromkeys(mark for item in ticket.closed for mark in _see(item)))
    see = [f"See {', '.join(marks[:_MOST_SEE])}."] if marks else []
    texts = [*waived, *(_ENDINGS[item] for item in Ending if item in found), *see]
    return words.line(" ".join(texts))


def _see(item: Finding | Seen) -> tuple[str, ...]:
    """The open findings that report the result of a closed one: for one that moved, itself."""
    if isinstance(item, Seen):
        return item.see
    return (item.fingerprint,) if ending(item) is Ending.EVIDENCE_ARRIVED else ()


def body(ticket: Ticket, missing: str = "") -> str:
    """The body as Markdown; ``missing`` is what a ticket of missing evidence begins with."""
    if ticket.action is Action.CLOSE:
        return escape(outcome(ticket)) + "\n\n" + "\n".join(_done(ticket)) + "\n"
    shown: set[str] = set()
    pieces = [missing] if ticket.evidence and missing else []
    for finding, behind in () if pieces else paced(words.headed(ticket.findings)):
        pieces.append(finding_text(finding, behind, again=finding.policy in shown))
        shown.add(finding.policy)
    done = _done(ticket)
    if done:
        pieces.append("Closed since the previous report:\n\n" + "\n".join(done))
    if ticket.unconfirmed:
        rows = "\n".join(f"- {_name(item)}" for item in ticket.unconfirmed[:100])
        pieces.append(f"{UNCONFIRMED}\n\n{rows}")
    foot = f"Key {code(ticket.fingerprint)}"
    return fit(pieces[0], [*pieces[1:], foot], _BODY)


def _done(ticket: Ticket) -> list[str]:
    return [f"- {_short(item)}" for item in (*ticket.waived, *ticket.closed)[:100]]


def _short(item: Finding | Seen) -> str:
    see = _see(item)
    places = f" (see {', '.join(map(code, see[:_MOST_SEE]))})" if see else ""
    reason = ending(item).value.replace("-", " ")
    return f"{_name(item)}: {reason}{places}"


def _name(item: Finding | Seen) -> str:
    text = f"{item.policy} {code(str(item.subject))} {escape(item.title)}".strip()
    return text or code(item.fingerprint)


FORMAT = Format(
    "tickets",
    "application/vnd.mtc-preflight.tickets+json",
    "tickets.json",
    render,
    "tickets for any ticket system, each with the action to take",
)
