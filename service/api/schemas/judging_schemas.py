"""Query parameters that say how findings are judged, gated and shown."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from service.api.requests.parameters import Query
from service.api.schemas.envelope_schemas import EvaluationQuery, FormatQuery
from service.core.decision.tickets import TicketGroup
from service.core.evidence import Role
from service.core.outcome import Severity
from service.formats.format_base import Options


def _choice(
    names: list[str], default: str, description: str, data_key: str | None = None
) -> fields.String:
    return fields.String(
        data_key=data_key,
        validate=validate.OneOf(names, error="expected one of: {choices}"),
        metadata={"description": description, "choices": tuple(names), "default": default},
    )


def _flag(description: str) -> fields.Boolean:
    return fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        error_messages={"invalid": "expected true or false"},
        metadata={"description": description, "choices": ("true", "false"), "default": False},
    )


def _matching(pattern: str, wanted: str, description: str, default: Any) -> fields.String:
    return fields.String(
        validate=validate.Regexp(pattern, error=f"wanted {wanted}"),
        metadata={
            "description": description,
            "pattern": pattern,
            **({} if default is None else {"default": default}),
        },
    )


class GateFields(Query):
    """What closes the gate."""

    fail_on = _choice(
        [item.value for item in Severity],
        "blocker",
        "failed findings of this severity or above close the gate",
    )
    on_unknown = _choice(
        ["fail", "ignore"],
        "fail",
        "whether unknowns and unreadable input close the gate",
        data_key="unknown",
    )
    new_only = _flag(
        "let findings pass that the baseline has with the same verdict and severity; "
        "refused without a baseline"
    )
    gate = _choice(
        ["report", "status"], "report", "status: a closed gate is answered with 424 (curl -f)"
    )


def _words(description: str, examples: str, data_key: str | None = None) -> fields.String:
    return fields.String(
        data_key=data_key,
        validate=validate.Length(1, 4000, error="wanted 1 to 4000 characters"),
        metadata={"description": description, "examples": [examples]},
    )


class SelectionFields(Query):
    """Which policies are evaluated, and how they are set.

    Policies are named by id, name, area or a glob of these.
    """

    profile = _words("chapter, plan, full, or one of the operator's", "chapter")
    words = _words("evaluate only these policies", "network,MTC3*", data_key="only")
    skip = _words("leave out these policies, each with =REASON if you like", "MTC901=known")
    severities = _words("severities of policies", "MTC901=blocker")
    parameters = _words("parameters of policies", "MTC901.max-age=24")

    @post_load
    def named(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        """``words`` by its own name, which no attribute of a schema can have."""
        return {"only" if key == "words" else key: value for key, value in values.items()}


class GateQuery(EvaluationQuery, SelectionFields, GateFields):
    """Query of what evaluates: the evidence, the policies, and the gate."""


class ShownFields(Query):
    """How a report is shown."""

    color = _flag("colours in plain text")
    alerts = _flag("in SARIF, only what needs action, as GitHub's code scanning shows it")
    limit = fields.Integer(
        strict=False,
        validate=validate.Range(500, 1_000_000, error="expected a number from 500 to 1000000"),
        error_messages={"invalid": "expected a number from 500 to 1000000"},
        metadata={"description": "most characters of Markdown", "default": Options().limit},
    )
    group = _choice(
        [item.value for item in TicketGroup], Options().group, "what one ticket is about"
    )
    project = _matching(
        r"^[A-Z][A-Z0-9_]{1,49}$", "a project key such as OPS", "Jira project of new issues", None
    )
    issue_type = _matching(
        r"^[A-Za-z][A-Za-z0-9 -]{0,59}$", "a name such as Task", "Jira type of new issues", "Task"
    )
    jira_api = _choice(
        ["2", "3"], "2", "version of Jira's REST API: 2 takes wiki markup, 3 takes ADF"
    )
    priorities = _matching(
        r"^(none|[^,]{1,60},[^,]{1,60},[^,]{1,60})$",
        "three names such as High,Medium,Low, or none",
        "Jira priorities for failed blockers, for other findings, and for information",
        Options().priorities,
    )
    table = _matching(
        r"^[a-z][a-z0-9_]{0,79}$", "a table such as incident", "ServiceNow table", Options().table
    )
    assignment_group = _matching(
        r"^[^\x00-\x1f]{0,80}$", "a name or sys_id", "ServiceNow group that gets the records", ""
    )
    caller = _matching(
        r"^[^\x00-\x1f]{0,80}$", "a name or sys_id", "ServiceNow caller of the records", ""
    )
    gather_for = _choice(
        ["all", *(role.value for role in Role)],
        "all",
        "cluster that format=gather writes a script for",
        data_key="for",
    )


class RenderingQuery(FormatQuery, GateFields, ShownFields):
    """Query of POST /v1/reports."""


class JudgingQuery(GateQuery, ShownFields):
    """Query of POST /v1/evaluations."""

    notify = _matching(
        r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "the name of a webhook target",
        "webhook target of the settings that receives the result; other names are refused",
        None,
    )
