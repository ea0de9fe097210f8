"""Payloads for Jira's REST API, versions 2 (Cloud and Data Center) and 3 (Cloud).

Create: POST /rest/api/2/issue; update: PUT /rest/api/2/issue/{issueIdOrKey}; comment, close and
reopen: POST /rest/api/2/issue/{issueIdOrKey}/transitions. Version 2 takes texts as wiki markup,
version 3 as Atlassian Document Format (ADF). Names in braces are for the caller: the issue's key
comes from ``find``, the ids of transitions from GET .../transitions, for they differ by project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from service.core.decision.tickets import Action, Priority, Ticket, TicketGroup, tickets
from service.core.next_steps import next_steps
from service.core.report import Finding, Report
from service.formats import json_marks, words
from service.formats.format_base import Context, Format, Options
from service.formats.json_report import dumps
from service.formats.tickets_format import UNCONFIRMED, labels, outcome, title

_PRIORITIES = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)
_SUMMARY = 255
_DESCRIPTION = 32_767
# What Jira's renderer takes a backslash away from; before all else it shows the backslash.
_MARKUP = re.compile(r"([{}\[\]()*_|!^~+\-?#@%])")
# A backslash that would escape, or with a second one break the line.
_BACKSLASH = re.compile(r"\\(?=[\\{}\[\]()*_|!^~+\-?#@%]|$)")
# What no backslash changes, a space of no width parts: smileys, and addresses that become links.
_PARTED = re.compile(r"(?<=[:;])(?=[PD](?![0-9A-Za-z]))|(?<=[A-Za-z])(?=://)|(?<=www)(?=\.)")
_NOFORMAT = re.compile(r"\{(?=noformat[:}])", re.IGNORECASE)

Block = tuple[str, str]
"""A piece of a description: ``heading``, ``text`` or ``code``, and its plain text."""


def render(report: Report, context: Context) -> bytes:
    """One item per ticket as JSON: how to find the issue, and the requests to send."""
    found = tickets(report, TicketGroup(context.options.group))
    missing = list(_missing(report, context.again))
    items = [_item(ticket, missing, context.options) for ticket in found]
    return dumps({**json_marks.judged(report), "items": items})


def _item(ticket: Ticket, missing: list[Block], options: Options) -> dict[str, Any]:
    project = options.project or "{projectKey}"
    mark = key_label(ticket)
    return {
        "fingerprint": ticket.fingerprint,
        "action": ticket.action.value,
        "changed": ticket.changed,
        "find": {
            "method": "GET",
            "path": f"/rest/api/{options.jira_api}/search/jql",
            "pathDataCenter": "/rest/api/2/search",
            "query": {
                "jql": f'project = "{project}" AND labels = "{mark}" ORDER BY created DESC',
                "fields": "key,status",
                "maxResults": "1",
            },
        },
        "request": _request(ticket, missing if ticket.evidence else [], project, options),
        "reopen": None if ticket.action is Action.CLOSE else _reopen(options),
    }


def key_label(ticket: Ticket) -> str:
    """The label by which the issue of a ticket is found again."""
    return f"mtc-preflight-{ticket.fingerprint}"


def _request(
    ticket: Ticket, missing: list[Block], project: str, options: Options
) -> dict[str, Any]:
    issue = f"/rest/api/{options.jira_api}/issue"
    if ticket.action is Action.CLOSE:
        comment = _written([("text", outcome(ticket))], options)
        return _transition(issue, "{transitionId}", comment)
    fields: dict[str, Any] = {
        "summary": title(ticket, _SUMMARY),
        "description": _written(_description(ticket, missing), options),
        "labels": [*labels(ticket), key_label(ticket)],
    }
    if options.priorities != "none":
        name = dict(zip(_PRIORITIES, options.priorities.split(","), strict=True))[ticket.priority]
        fields["priority"] = {"name": name}
    if ticket.action is Action.UPDATE:
        return {"method": "PUT", "path": f"{issue}/{{issueIdOrKey}}", "body": {"fields": fields}}
    fields["project"] = {"key": project}
    fields["issuetype"] = {"name": options.issue_type}
    return {"method": "POST", "path": issue, "body": {"fields": fields}}


def _reopen(options: Options) -> dict[str, Any]:
    """What to send first where ``find`` gives an issue that is done: the finding is open."""
    comment = _written([("text", "Reported again by mtc-preflight.")], options)
    return _transition(f"/rest/api/{options.jira_api}/issue", "{reopenTransitionId}", comment)


def _transition(issue: str, transition: str, comment: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": f"{issue}/{{issueIdOrKey}}/transitions",
        "body": {
            "transition": {"id": transition},
            "update": {"comment": [{"add": {"body": comment}}]},
        },
    }


def _missing(report: Report, again: str) -> Iterator[Block]:
    """What the ticket of missing evidence asks for."""
    clusters = next_steps(report)
    script = words.one_script(clusters, again)
    if script:
        yield "text", script
    for cluster in clusters:
        yield "heading", words.lacking(cluster)
        for step in cluster.steps if cluster.given else ():
            yield "text", words.fact(step)


def _description(ticket: Ticket, missing: list[Block]) -> list[Block]:
    heads = words.headed(ticket.findings)
    left = len(heads)
    kept: list[Block] = []
    used = 200
    for block in missing:
        used += len(wiki(block[1])) + 30
        if used < _DESCRIPTION:
            kept.append(block)
    for finding, behind in () if missing else heads:
        blocks = list(_finding(finding, behind))
        size = sum(len(wiki(text)) + 30 for _, text in blocks)
        if used + size > _DESCRIPTION:
            break
        kept += blocks
        used += size
        left -= 1
    if left and not missing:
        kept.append(("text", f"… and {left} more findings; the report has them all."))
    elif ticket.unconfirmed:
        names = (f"{item.policy} {item.subject}" for item in ticket.unconfirmed[:20])
        kept.append(("text", f"{UNCONFIRMED} {', '.join(names)}"))
    return kept


def _finding(finding: Finding, behind: str) -> Iterator[Block]:
    yield "heading", f"{finding.policy} {finding.title}"
    yield "text", f"{finding.subject}: {finding.message}"
    if finding.found or finding.wanted:
        yield "text", f"Found {finding.found}, wanted {finding.wanted}."
    if behind:
        yield "text", behind
    for pointer in finding.evidence[:3]:
        yield "text", f"Evidence: {words.place(pointer)}"
    for missing in finding.missing:
        yield "text", f"Missing: {words.wanting(missing)}"
    if finding.remedy:
        yield "text", finding.remedy
    commands = words.commands(finding)
    if commands:
        yield "code", words.pasted(commands)


def _written(blocks: list[Block], options: Options) -> Any:
    """The blocks as the asked version of the API takes them."""
    if options.jira_api == "3":
        return {"type": "doc", "version": 1, "content": [_adf(*block) for block in blocks]}
    return "\n".join(_wiki_block(*block) for block in blocks)


def _adf(kind: str, text: str) -> dict[str, Any]:
    shown = words.safe(text) if kind == "code" else words.line(text)
    content = [{"type": "text", "text": shown}] if shown else []
    if kind == "code":
        return {"type": "codeBlock", "content": content}
    if kind == "heading":
        return {"type": "heading", "attrs": {"level": 3}, "content": content}
    return {"type": "paragraph", "content": content}


def _wiki_block(kind: str, text: str) -> str:
    if kind == "code":
        return _verbatim(text)
    return f"h3. {wiki(text)}" if kind == "heading" else wiki(text)


def wiki(text: str) -> str:
    """Text as wiki markup that shows exactly this text, and makes no link of it."""
    parts = (_MARKUP.sub(r"\\\1", part) for part in _BACKSLASH.split(words.line(text)))
    return _PARTED.sub("\u200b", "&#92;".join(parts))


def _verbatim(text: str) -> str:
    inner = _NOFORMAT.sub("{ ", words.safe(text))
    return f"{{noformat}}\n{inner}\n{{noformat}}"


FORMAT = Format(
    "jira",
    "application/vnd.mtc-preflight.jira+json",
    "jira.json",
    render,
    "requests for Jira's REST API, one per ticket",
)
