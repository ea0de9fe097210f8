"""What the report says of waivers, of the change since last time, and of the gate."""

from __future__ import annotations

from marshmallow import Schema, fields

from service.api.schemas.schema_base import CamelSchema, flag, many, number, one_of, text, texts
from service.core.decision.marks import Ending, WaiverStatus
from service.core.outcome import Severity, Verdict


def maybe(kind: type, description: str) -> fields.String:
    """One word of an enumeration, or null."""
    words = [*(item.value for item in kind), None]  # type: ignore[attr-defined]
    return fields.String(
        required=True,
        allow_none=True,
        metadata={"description": description, "enum": words},
    )


def maybe_text(description: str) -> fields.String:
    """A string, or null."""
    return fields.String(required=True, allow_none=True, metadata={"description": description})


def nullable(schema: type[Schema], description: str) -> fields.Nested:
    """An object, or null."""
    return fields.Nested(
        schema, required=True, allow_none=True, metadata={"description": description}
    )


class SelectorSchema(CamelSchema):
    """Which findings a waiver is for; globs, "*" is everything."""

    cluster = text()
    kind = text()
    namespace = text()
    name = text()
    key = text()


class WaiverSchema(CamelSchema):
    """An accepted risk, as it was understood."""

    id = text()
    policy = text("id of the policy", examples=["MTC401"])
    subject = fields.Nested(SelectorSchema, required=True)
    at_most = fields.Float(required=True, allow_none=True)
    at_least = fields.Float(required=True, allow_none=True)
    found = maybe_text("the found value that the waiver is for")
    covers_unknown = fields.Boolean(
        required=True,
        data_key="unknown",
        metadata={"description": "whether it holds for an unknown too"},
    )
    reason = text()
    ticket = text()
    owner = text()
    expires = text("as it was written", examples=["2026-06-30"])


class WaiverAuditSchema(CamelSchema):
    """A waiver and what became of it in this evaluation."""

    waiver = fields.Nested(WaiverSchema, required=True)
    status = one_of(WaiverStatus)
    detail = text()
    findings = texts("fingerprints of the findings that it waives")


class SubjectSchema(CamelSchema):
    """What a finding is about; "" where a level does not apply."""

    cluster = text("the cluster's name")
    api_version = text()
    kind = text("of the object; Cluster or Migration for those as a whole")
    namespace = text()
    name = text()


class PreviousFindingSchema(CamelSchema):
    """A finding of the previous report, as far as that report describes it."""

    fingerprint = text()
    policy = text()
    title = text()
    message = text()
    verdict = maybe(Verdict, "null where only a fingerprint was given")
    before = maybe(Verdict, "fail if an unknown finding failed when there was evidence last")
    ending = maybe(Ending, "why it is closed; null where it is not")
    see = texts("fingerprints of the open findings that report the result now")
    severity = maybe(Severity, "null where only a fingerprint was given")
    found = maybe_text("what was found then")
    subject = fields.Nested(SubjectSchema, required=True)
    key = text("distinguishes findings of one policy about one subject")
    identified_by = nullable(
        SubjectSchema, "what the fingerprint is made of, where that is not subject and key"
    )


class ChangesSchema(CamelSchema):
    """How many findings changed in which way."""

    new = number()
    unchanged = number()
    changed = number()
    resolved = number()


class DeltaSchema(CamelSchema):
    """The comparison with the previous report."""

    comparable = flag("whether the previous report was made with the same policies")
    counts = fields.Nested(ChangesSchema, required=True)
    resolved = many(PreviousFindingSchema, "findings that are gone")
    unconfirmed = many(
        PreviousFindingSchema, "findings that are gone, but were not looked at this time"
    )


class ReasonSchema(CamelSchema):
    """Why the gate is closed."""

    policy = text("id of the policy, empty where the input is the reason")
    text = text()
    findings = texts("fingerprints")


class GateSchema(CamelSchema):
    """The gate's decision."""

    passed = flag("whether a pipeline may go on")
    fail_on = one_of(Severity)
    with_unknown = fields.String(
        required=True, data_key="unknown", metadata={"enum": ["fail", "ignore"]}
    )
    new_only = flag("whether known findings were let pass")
    status = flag("whether a closed gate is the HTTP status")
    reasons = many(ReasonSchema)
