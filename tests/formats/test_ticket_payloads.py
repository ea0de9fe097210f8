"""Ticket payloads: what a bot sends, field by field."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
import samples
from schemas import STRING, closed, many, one_of

from service.core.decision import delta
from service.core.decision.delta import compare, parse
from service.core.decision.tickets import TicketGroup
from service.formats import baseline, jira, servicenow, tickets_format

OLD = samples.volume("pv-0001", "Failed")
KEPT = samples.volume("pv-0007", "Failed")
NEW = samples.volume("pv-0042", "Released")


def given():
    return compare(samples.report(*samples.GOOD, KEPT, NEW), parse(delta.baseline([OLD, KEPT])))


GONE = "The policy was evaluated again and does not report this any more."


def read(module, report=None, group="finding", **options):
    options["group"] = group
    return json.loads(module.render(report or given(), samples.context(**options)))


# Fields of the reference of Jira's REST API 2, "Create issue", "Edit issue" and "Transition issue".
JIRA_FIELDS = closed(
    ("summary", "description"),
    project=closed(("key",), key=STRING),
    issuetype=closed(("name",), name=STRING),
    summary={"type": "string", "maxLength": 255, "pattern": "^[^\n]*$"},
    description={"type": "string", "maxLength": 32767},
    priority=closed(("name",), name=STRING),
    labels=many({"type": "string", "pattern": r"^\S{1,255}$"}),
)
JIRA_BODY = closed(
    fields=JIRA_FIELDS,
    transition=closed(("id",), id=STRING),
    update=closed(comment=many(closed(add=closed(("body",), body=STRING)))),
)
# Fields of the incident table that the reference of ServiceNow's Table API shows.
RECORD = closed(
    short_description={"type": "string", "maxLength": 160, "pattern": "^[^\n]*$"},
    description={"type": "string", "maxLength": 4200},
    impact=one_of("1", "2", "3"),
    urgency=one_of("1", "2", "3"),
    correlation_id={"type": "string", "pattern": "^[0-9a-f]{32}$"},
    correlation_display=STRING,
    work_notes=STRING,
    state=one_of("6"),
    close_code=STRING,
    close_notes=STRING,
)


# A validator that is made once does not check its schema for each of thousands of bodies.
IN_JIRA, IN_SERVICENOW = map(jsonschema.Draft202012Validator, (JIRA_BODY, RECORD))


def test_the_ticket_in_full():
    first, second, third = read(tickets_format)["tickets"]
    assert first == {
        "fingerprint": KEPT.fingerprint,
        "action": "update",
        "changed": False,
        "title": "MTC601 Every volume of the plan is valid: legacy-eu: PersistentVolume pv-0007",
        "body": first["body"],
        "priority": "high",
        "labels": ["mtc-preflight", "mtc601", "cluster-legacy-eu"],
        "owner": "legacy-eu",
        "policies": ["MTC601"],
        "findings": [KEPT.fingerprint],
        "resolved": [],
    }
    assert "oc describe pv pv-0007" in first["body"]
    assert first["body"].endswith(f"Key `{KEPT.fingerprint}`\n")
    assert (second["action"], third["action"]) == ("create", "close")
    assert third["body"] == (
        f"{GONE}\n\n"
        "- MTC601 `legacy-eu: PersistentVolume pv-0001` Every volume of the plan is valid: "
        "not found\n"
    )


def test_jira_requests():
    kept, new, old = read(jira, project="OPS")["items"]
    for item in (kept, new, old):
        IN_JIRA.validate(item["request"]["body"])
    assert kept["find"]["query"]["jql"] == (
        f'project = "OPS" AND labels = "mtc-preflight-{KEPT.fingerprint}" ORDER BY created DESC'
    )
    assert (kept["request"]["method"], kept["request"]["path"]) == (
        "PUT",
        "/rest/api/2/issue/{issueIdOrKey}",
    )
    assert (new["request"]["method"], new["request"]["path"]) == ("POST", "/rest/api/2/issue")
    fields = new["request"]["body"]["fields"]
    assert fields == {
        "project": {"key": "OPS"},
        "issuetype": {"name": "Task"},
        "summary": "MTC601 Every volume of the plan is valid: legacy-eu: PersistentVolume pv-0042",
        "description": fields["description"],
        "priority": {"name": "High"},
        "labels": [
            "mtc-preflight",
            "mtc601",
            "cluster-legacy-eu",
            f"mtc-preflight-{NEW.fingerprint}",
        ],
    }
    assert (
        "{noformat}\n# on the source cluster\noc describe pv pv-0042\n{noformat}"
        in fields["description"]
    )
    assert old["request"] == {
        "method": "POST",
        "path": "/rest/api/2/issue/{issueIdOrKey}/transitions",
        "body": {
            "transition": {"id": "{transitionId}"},
            "update": {"comment": [{"add": {"body": jira.wiki(GONE)}}]},
        },
    }


def test_service_now_requests():
    kept, new, old = read(servicenow)["items"]
    for item in (kept, new, old):
        IN_SERVICENOW.validate(item["request"]["body"])
    assert new["find"]["query"]["sysparm_query"] == f"correlation_id={NEW.fingerprint}^active=true"
    assert (new["request"]["method"], new["request"]["path"]) == (
        "POST",
        "/api/now/table/incident",
    )
    assert new["request"]["body"]["correlation_id"] == NEW.fingerprint
    assert (kept["request"]["method"], kept["request"]["path"]) == (
        "PATCH",
        "/api/now/table/incident/{sys_id}",
    )
    assert "work_notes" not in kept["request"]["body"]
    assert old["request"]["body"] == {
        "state": "6",
        "close_code": "Solution provided",
        "close_notes": GONE,
    }


@pytest.mark.parametrize("group", [item.value for item in TicketGroup])
def test_thousands_of_findings_in_one_ticket_stay_within_the_limits(group):
    many_found = [samples.volume(f"pv-{place:05}", "Failed") for place in range(2000)]
    report = samples.report(*samples.GOOD, *many_found)
    made = read(tickets_format, report, group=group)["tickets"]
    assert sum(len(item["findings"]) for item in made) == 2000
    assert all(len(item["body"]) <= 30_000 for item in made)
    for item in read(jira, report, group=group)["items"]:
        IN_JIRA.validate(item["request"]["body"])
    for item in read(servicenow, report, group=group)["items"]:
        IN_SERVICENOW.validate(item["request"]["body"])


@pytest.mark.parametrize(
    "hostile", ["[~admin] {noformat} !x.png! *b*\n# h", "a" * 9000, "\x00\ud800", "{code}"]
)
def test_hostile_text_keeps_the_payloads_in_form(hostile):
    report = samples.hostile(hostile)
    for item in read(jira, report)["items"]:
        IN_JIRA.validate(item["request"]["body"])
    for item in read(servicenow, report)["items"]:
        IN_SERVICENOW.validate(item["request"]["body"])
    assert read(tickets_format, report)["tickets"]


def test_wiki_markup_is_escaped():
    assert jira.wiki("[~admin] {color:red}x!") == r"\[\~admin\] \{color:red\}x\!"
    assert jira.wiki("source: Cluster (a) 5%") == r"source: Cluster \(a\) 5\%"
    assert jira.wiki(r"CORP\user a\\b c\-d e" + "\\") == r"CORP\user a&#92;\b c&#92;\-d e&#92;"
    assert jira.wiki("see https://x.example :D") == "see https\u200b://x.example :\u200bD"
    verbatim = jira._verbatim("a {noformat} b")
    assert len(re.findall(re.escape("{noformat}"), verbatim)) == 2


def test_a_baseline_can_be_sent_back():
    first = samples.full()
    kept = json.loads(baseline.render(first, samples.CONTEXT))
    again = compare(samples.report(*first.findings, problems=first.problems), parse(kept))
    assert again.delta.comparable
    assert {item.change.value for item in again.findings if item.change} == {"unchanged"}
    assert again.delta.resolved == ()
    assert {item.fingerprint for item in again.delta.unconfirmed} == {
        item.fingerprint for item in first.delta.unconfirmed
    }


def test_jira_version_3_takes_documents():
    items = read(jira, project="OPS", jira_api="3", priorities="none")["items"]
    assert [item["request"]["path"] for item in items] == [
        "/rest/api/3/issue/{issueIdOrKey}",
        "/rest/api/3/issue",
        "/rest/api/3/issue/{issueIdOrKey}/transitions",
    ]
    fields = items[1]["request"]["body"]["fields"]
    assert "priority" not in fields
    document = fields["description"]
    assert (document["type"], document["version"]) == ("doc", 1)
    assert {"type": "codeBlock", "content": [{"type": "text", "text": COMMAND}]} in (
        document["content"]
    )


COMMAND = "# on the source cluster\noc describe pv pv-0042"


def test_an_open_finding_says_how_to_reopen_its_issue():
    kept, new, old = read(jira)["items"]
    assert kept["reopen"]["body"]["transition"] == {"id": "{reopenTransitionId}"}
    assert (new["reopen"], old["reopen"]) == (kept["reopen"], None)


def test_a_name_cannot_end_a_block():
    assert jira._verbatim("a {noformat:title=x} {NoFormat}") == (
        "{noformat}\na { noformat:title=x} { NoFormat}\n{noformat}"
    )


def test_priorities_are_mapped():
    kept = read(jira, priorities="P1,P2,P3")["items"][0]
    assert kept["request"]["body"]["fields"]["priority"] == {"name": "P1"}


def test_service_now_fields_of_the_caller():
    options = {"table": "problem", "assignment_group": "platform", "caller": "mtc-bot"}
    new = read(servicenow, **options)["items"][1]["request"]
    assert new["path"] == "/api/now/table/problem"
    assert (new["body"]["assignment_group"], new["body"]["caller_id"]) == ("platform", "mtc-bot")
