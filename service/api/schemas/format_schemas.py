"""What a report is in the formats that are JSON, beside ``json`` itself."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import Schema, fields

from service.api.schemas.marks_schemas import SubjectSchema, maybe, maybe_text, nullable
from service.api.schemas.report_schemas import ReportSchema, ScopeSchema
from service.api.schemas.schema_base import CamelSchema, flag, many, one_of, text, texts
from service.core.decision.tickets import Action, Priority, TicketGroup
from service.core.outcome import Severity, Verdict
from service.core.report import Readiness


class TicketSchema(CamelSchema):
    """One ticket, and what to do with it."""

    fingerprint = text("the key by which the ticket is found again")
    action = one_of(Action)
    changed = flag("whether an update writes anything new")
    title = text()
    body = text("Markdown")
    priority = one_of(Priority)
    labels = texts()
    owner = text("who is to do it: a namespace, or a cluster")
    policies = texts("ids")
    findings = texts("fingerprints of what is open")
    resolved = texts("fingerprints of what is closed")


class JudgedSchema(CamelSchema):
    """The verdict, as of when, and what the evaluation was limited to."""

    verdict = one_of(Readiness)
    as_of = fields.DateTime(required=True)
    scope = fields.Nested(ScopeSchema, required=True)


class TicketsSchema(JudgedSchema):
    """Tickets for any system."""

    schema_version = text()
    assumed = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    policy_set = text()
    group = one_of(TicketGroup)
    tickets = many(TicketSchema)


class SentSchema(CamelSchema):
    """A request for the caller to send; names in braces are for the caller to fill in."""

    method = text(enum=["POST", "PUT", "PATCH"])
    path = text()
    body = fields.Dict(required=True)


class SearchSchema(CamelSchema):
    """How the caller finds what it made for a ticket before."""

    method = text(enum=["GET"])
    path = text()
    path_data_center = fields.String(metadata={"description": "for Jira Data Center"})
    query = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class ServiceNowItemSchema(CamelSchema):
    """What to do in ServiceNow for one ticket."""

    fingerprint = text()
    action = one_of(Action)
    changed = flag("whether an update writes anything new")
    find = fields.Nested(SearchSchema, required=True)
    request = fields.Nested(SentSchema, required=True)


class ServiceNowSchema(JudgedSchema):
    """Requests for ServiceNow's Table API."""

    items = many(ServiceNowItemSchema)


class JiraItemSchema(ServiceNowItemSchema):
    """What to do in Jira for one ticket."""

    reopen = fields.Nested(
        SentSchema,
        required=True,
        allow_none=True,
        metadata={"description": "to send first where the issue is done; null for a close"},
    )


class JiraSchema(JudgedSchema):
    """Requests for Jira's REST API."""

    items = many(JiraItemSchema)


class BaselineFindingSchema(CamelSchema):
    """A finding that was wrong or waived."""

    fingerprint = text()
    policy = text()
    title = text()
    verdict = maybe(Verdict, "null where only a fingerprint is known")
    before = maybe(Verdict, "its last verdict with evidence, where it is unknown now")
    severity = maybe(Severity, "null where only a fingerprint is known")
    found = maybe_text("what was found")
    subject = fields.Nested(SubjectSchema, required=True)
    key = text("distinguishes findings of one policy about one subject")
    identified_by = nullable(
        SubjectSchema, "what the fingerprint is made of, where that is not subject and key"
    )


class BaselineSchema(CamelSchema):
    """What the next evaluation is compared with."""

    policy_set = text()
    scope = fields.Nested(ScopeSchema, required=True)
    findings = many(BaselineFindingSchema)


class SarifSchema(Schema):
    """A log of SARIF 2.1.0; the schema of OASIS describes it in full."""

    schema = fields.String(required=True, data_key="$schema", metadata={"format": "uri"})
    version = text(enum=["2.1.0"])
    runs = fields.List(fields.Dict(), required=True)


class PolicyReportSchema(CamelSchema):
    """A PolicyReport; the custom resource definition describes it in full."""

    api_version = text(enum=["wgpolicyk8s.io/v1alpha2"])
    kind = text(enum=["PolicyReport"])
    metadata = fields.Dict(required=True)
    summary = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    results = fields.List(fields.Dict(), required=True)


class LinesSchema(Schema):
    """Where an issue begins."""

    begin = fields.Integer(required=True)


class LocationSchema(Schema):
    """A place in a file of the evidence."""

    path = text()
    lines = fields.Nested(LinesSchema, required=True)


class CodeQualityIssueSchema(Schema):
    """An issue, as GitLab reads it."""

    description = text()
    check_name = text("id of the policy")
    fingerprint = text()
    severity = text(enum=["info", "minor", "major", "critical", "blocker"])
    location = fields.Nested(LocationSchema, required=True)


SCHEMAS: Mapping[str, Schema | type[Schema]] = {
    "json": ReportSchema,
    "sarif": SarifSchema,
    "codequality": CodeQualityIssueSchema(many=True),
    "policyreport": PolicyReportSchema,
    "tickets": TicketsSchema,
    "jira": JiraSchema,
    "servicenow": ServiceNowSchema,
    "baseline": BaselineSchema,
}
"""The schema of each format that is JSON."""
