"""Payloads for ServiceNow's Table API, table ``incident`` unless the caller names another.

Create: POST /api/now/table/incident; update and resolve: PATCH /api/now/table/incident/{sys_id}.
Only active records are looked for: what fails again after its record was closed gets a new one.
``correlation_id`` holds the fingerprint, which is how the record is found again. Impact and
urgency run from 1 (high) to 3 (low); state 6 is Resolved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.core.deadline import paced
from service.core.decision.tickets import Action, Priority, Ticket, TicketGroup, tickets
from service.core.next_steps import next_steps
from service.core.report import Finding, Report
from service.formats import json_marks, words
from service.formats.format_base import Context, Format, Options
from service.formats.json_report import dumps
from service.formats.tickets_format import UNCONFIRMED, outcome, title

_LEVELS = {Priority.HIGH: "1", Priority.MEDIUM: "2", Priority.LOW: "3"}
_SHORT = 160
_DESCRIPTION = 4000


def render(report: Report, context: Context) -> bytes:
    """One item per ticket as JSON: how to find the record, and the request to send."""
    found = tickets(report, TicketGroup(context.options.group))
    missing = list(_missing(report, context.again))
    items = [_item(ticket, missing, context.options) for ticket in paced(found)]
    return dumps({**json_marks.judged(report), "items": items})


def _item(ticket: Ticket, missing: list[str], options: Options) -> dict[str, Any]:
    table = f"/api/now/table/{options.table}"
    return {
        "fingerprint": ticket.fingerprint,
        "action": ticket.action.value,
        "changed": ticket.changed,
        "find": {
            "method": "GET",
            "path": table,
            "query": {
                "sysparm_query": f"correlation_id={ticket.fingerprint}^active=true",
                "sysparm_fields": "sys_id,number,state",
                "sysparm_limit": "1",
            },
        },
        "request": _request(ticket, missing, table, options),
    }


def _request(ticket: Ticket, missing: list[str], table: str, options: Options) -> dict[str, Any]:
    if ticket.action is Action.CLOSE:
        return {
            "method": "PATCH",
            "path": f"{table}/{{sys_id}}",
            "body": {
                "state": "6",
                "close_code": "Solution provided",
                "close_notes": outcome(ticket),
            },
        }
    level = _LEVELS[ticket.priority]
    body = {
        "short_description": title(ticket, _SHORT),
        "description": _description(ticket, missing if ticket.evidence else []),
        "impact": level,
        "urgency": level,
        "correlation_id": ticket.fingerprint,
        "correlation_display": "mtc-preflight",
    }
    if options.assignment_group:
        body["assignment_group"] = options.assignment_group
    if options.caller:
        body["caller_id"] = options.caller
    if ticket.action is Action.UPDATE:
        if ticket.changed:
            body["work_notes"] = "Evaluated again by mtc-preflight; the description is up to date."
        return {"method": "PATCH", "path": f"{table}/{{sys_id}}", "body": body}
    return {"method": "POST", "path": table, "body": body}


def _missing(report: Report, again: str) -> Iterator[str]:
    """What the ticket of missing evidence asks for: each fact once."""
    clusters = next_steps(report)
    script = words.one_script(clusters, again)
    if script:
        yield words.line(script)
    for cluster in clusters:
        yield words.lacking(cluster)
        for step in cluster.steps if cluster.given else ():
            yield f"- {words.fact(step)}"


def _description(ticket: Ticket, missing: list[str]) -> str:
    """Plain text, for the field shows no markup."""
    told = [text[:500] for text in missing] or [
        "\n".join(_finding(*row)) for row in paced(words.headed(ticket.findings))
    ]
    kept: list[str] = []
    used = 100
    for text in told:
        if kept and used + len(text) > _DESCRIPTION:
            break
        kept.append(text[: _DESCRIPTION - used])
        used += len(text) + 2
    left = len(told) - len(kept)
    if left:
        kept.append(f"… and {left} more; the report has them all.")
    elif ticket.unconfirmed:
        names = ", ".join(f"{item.policy} {item.subject}" for item in ticket.unconfirmed[:20])
        kept.append(words.line(f"{UNCONFIRMED} {names}")[:1000])
    return "\n\n".join(kept)


def _finding(finding: Finding, behind: str) -> Iterator[str]:
    yield words.line(f"{finding.policy} {finding.title}")
    yield words.line(f"{finding.subject}: {finding.message}")
    if finding.found or finding.wanted:
        yield words.line(f"Found {finding.found}, wanted {finding.wanted}.")
    if behind:
        yield behind
    for pointer in finding.evidence[:3]:
        yield f"Evidence: {words.place(pointer)}"
    for missing in finding.missing:
        yield f"Missing: {words.wanting(missing)}"
    if finding.remedy:
        yield words.line(finding.remedy)
    yield from words.prompted(finding)


FORMAT = Format(
    "servicenow",
    "application/vnd.mtc-preflight.servicenow+json",
    "servicenow.json",
    render,
    "requests for ServiceNow's Table API, one per ticket",
)
