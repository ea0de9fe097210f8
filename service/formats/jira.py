"""Payloads for Jira's REST API, version 2 (Cloud and Data Center).

Create: POST /rest/api/2/issue; update: PUT /rest/api/2/issue/{issueIdOrKey}; comment and close:
POST /rest/api/2/issue/{issueIdOrKey}/transitions. Version 2 takes descriptions as wiki markup,
which both editions know. Names in braces are for the caller: the issue's key comes from ``find``,
the transition's id from GET .../transitions, for it differs by project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from service.core.decision.tickets import Action, Group, Priority, Ticket, tickets
from service.core.report import Finding, Report
from service.formats import words
from service.formats.base import Context, Format
from service.formats.json_report import dumps
from service.formats.tickets import labels, outcome, title

_PRIORITIES = {Priority.HIGH: "High", Priority.MEDIUM: "Medium", Priority.LOW: "Low"}
_SUMMARY = 255
_DESCRIPTION = 32_767
_ISSUE = "/rest/api/2/issue"
# What Jira's renderer takes a backslash away from; before all else it shows the backslash.
_MARKUP = re.compile(r"([{}\[\]()*_|!^~+\-?#@%])")
# A backslash that would escape, or with a second one break the line.
_BACKSLASH = re.compile(r"\\(?=[\\{}\[\]()*_|!^~+\-?#@%]|$)")
# What no backslash changes, a space of no width parts: smileys, and addresses that become links.
_PARTED = re.compile(r"(?<=[:;])(?=[PD](?![0-9A-Za-z]))|(?<=[A-Za-z])(?=://)|(?<=www)(?=\.)")


def render(report: Report, context: Context) -> bytes:
    """One item per ticket as JSON: how to find the issue, and the request to send."""
    found = tickets(report, Group(context.options.group))
    return dumps({"items": [_item(ticket, context) for ticket in found]})


def _item(ticket: Ticket, context: Context) -> dict[str, Any]:
    project = context.options.project or "{projectKey}"
    mark = key_label(ticket)
    return {
        "fingerprint": ticket.fingerprint,
        "action": ticket.action.value,
        "changed": ticket.changed,
        "find": {
            "method": "GET",
            "path": "/rest/api/2/search/jql",
            "pathDataCenter": "/rest/api/2/search",
            "query": {
                "jql": f'project = "{project}" AND labels = "{mark}" ORDER BY created DESC',
                "fields": "key,status",
                "maxResults": "1",
            },
        },
        "request": _request(ticket, project, context.options.issue_type),
    }


def key_label(ticket: Ticket) -> str:
    """The label by which the issue of a ticket is found again."""
    return f"mtc-preflight-{ticket.fingerprint}"


def _request(ticket: Ticket, project: str, issue_type: str) -> dict[str, Any]:
    if ticket.action is Action.CLOSE:
        return {
            "method": "POST",
            "path": f"{_ISSUE}/{{issueIdOrKey}}/transitions",
            "body": {
                "transition": {"id": "{transitionId}"},
                "update": {"comment": [{"add": {"body": wiki(outcome(ticket))}}]},
            },
        }
    fields: dict[str, Any] = {
        "summary": title(ticket, _SUMMARY),
        "description": _description(ticket),
        "priority": {"name": _PRIORITIES[ticket.priority]},
        "labels": [*labels(ticket), key_label(ticket)],
    }
    if ticket.action is Action.UPDATE:
        return {"method": "PUT", "path": f"{_ISSUE}/{{issueIdOrKey}}", "body": {"fields": fields}}
    fields["project"] = {"key": project}
    fields["issuetype"] = {"name": issue_type}
    return {"method": "POST", "path": _ISSUE, "body": {"fields": fields}}


def wiki(text: str) -> str:
    """Text as wiki markup that shows exactly this text, and makes no link of it."""
    parts = (_MARKUP.sub(r"\\\1", part) for part in _BACKSLASH.split(words.line(text)))
    return _PARTED.sub("\u200b", "&#92;".join(parts))


def _verbatim(text: str) -> str:
    inner = words.safe(text).replace("{noformat}", "{ noformat}")
    return f"{{noformat}}\n{inner}\n{{noformat}}"


def _description(ticket: Ticket) -> str:
    left = len(ticket.findings)
    kept: list[str] = []
    used = 200
    for finding in ticket.findings:
        text = "\n".join(_finding(finding))
        if used + len(text) > _DESCRIPTION:
            break
        kept.append(text)
        used += len(text) + 2
        left -= 1
    if left:
        kept.append(f"… and {left} more findings; the report has them all.")
    return "\n\n".join(kept)


def _finding(finding: Finding) -> Iterator[str]:
    yield f"h3. {wiki(f'{finding.policy} {finding.title}')}"
    yield f"*{wiki(str(finding.subject))}*: {wiki(finding.message)}"
    if finding.found or finding.wanted:
        yield f"Found {wiki(finding.found)}, wanted {wiki(finding.wanted)}."
    for pointer in finding.evidence[:3]:
        yield f"Evidence: {wiki(words.place(pointer))}"
    for missing in finding.missing:
        yield f"Missing: {wiki(words.wanting(missing))}"
    if finding.remedy:
        yield wiki(finding.remedy)
    commands = words.commands(finding)
    if commands:
        yield _verbatim("\n".join(commands))


FORMAT = Format(
    "jira",
    "application/vnd.mtc-preflight.jira+json",
    render,
    "requests for Jira's REST API, one per ticket",
)
