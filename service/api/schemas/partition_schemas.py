"""What POST /v1/migplans/partition takes and gives."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from service.api.requests.parameters import Query
from service.api.schemas.envelope_schemas import EnvelopeSchema
from service.api.schemas.schema_base import CamelSchema, flag, many, number, one_of, text, texts
from service.core.partition import TieKind

FORMATS = {"json": "application/json", "manifests": "application/yaml"}
"""The forms of the answer and their media types; the first is the default."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAMESPACE = rf"{_LABEL}(?::{_LABEL})?"
PREFIX = r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"
_MOST = 10**9


class PartitionQuery(Query):
    """Query of POST /v1/migplans/partition."""

    format = fields.String(
        validate=validate.OneOf(list(FORMATS), error="expected one of: {choices}"),
        metadata={
            "description": "form of the answer; wins over the Accept header",
            "choices": tuple(FORMATS),
        },
    )


def _pattern(pattern: str, wanted: str, description: str, **more: Any) -> fields.String:
    return fields.String(
        validate=validate.Regexp(rf"{pattern}\Z", error=wanted),
        metadata={"description": description, "pattern": f"^{pattern}$", **more},
    )


def _count(description: str, least: int = 0) -> fields.Integer:
    return fields.Integer(
        strict=True,
        validate=validate.Range(least, _MOST, error=f"wanted {least} or more"),
        metadata={"description": description},
    )


def _names(description: str) -> fields.List[Any]:
    return fields.List(fields.String(), metadata={"description": description})


class NamespaceLoadSchema(CamelSchema):
    """A namespace of the source and what it holds."""

    name = fields.String(
        required=True,
        validate=validate.Regexp(rf"{NAMESPACE}\Z", error="wanted source or source:destination"),
        metadata={
            "description": "as a plan lists it: source or source:destination",
            "pattern": f"^{NAMESPACE}$",
            "examples": ["shop"],
        },
    )
    pods = _count("running pods")
    volumes = _count("bound persistent volume claims")
    groups = _names("namespaces with a group in common stay together")
    needs = _names("namespaces that it refers to: together, or else in an earlier wave")


class LimitsSchema(CamelSchema):
    """What one plan may hold; what is left out is the controller's limit."""

    namespaces = _count("mig_namespace_limit, default 10", 1)
    pods = _count("mig_pod_limit, default 100", 1)
    volumes = _count("mig_pv_limit, default 100", 1)


class PartitionRequestSchema(CamelSchema):
    """The namespaces as a table, or the evidence that they are taken from."""

    namespaces = fields.List(
        fields.Nested(NamespaceLoadSchema),
        validate=validate.Length(1, error="expected one namespace or more"),
        metadata={"description": "instead of evidence"},
    )
    limits = fields.Nested(LimitsSchema)
    name_prefix = _pattern(
        PREFIX,
        "wanted at most 40 lower-case letters, digits and dashes",
        "start of the plans' names; default is the plan's name, or plan",
        examples=["shop"],
    )
    plan = fields.Dict(
        metadata={"description": "a MigPlan whose clusters, repository and modes all plans get"}
    )
    controller = fields.Dict(metadata={"description": "the MigrationController, for its limits"})
    evaluation = fields.Dict(
        metadata={"description": "the evidence of the source, as for an evaluation"}
    )


class PartitionDocumentSchema(PartitionRequestSchema):
    """The request as the API document shows it."""

    evaluation = fields.Nested(EnvelopeSchema)  # type: ignore[assignment]


class SizeSchema(CamelSchema):
    """Numbers of namespaces, pods and volumes."""

    namespaces = number()
    pods = number()
    volumes = number()


class PlannedSchema(CamelSchema):
    """One plan, in the order of migration."""

    name = text()
    wave = number("from 1; what is needed comes in an earlier wave")
    namespaces = texts("as the plan lists them")
    size = fields.Nested(SizeSchema, required=True)
    manifest = fields.Dict(required=True, metadata={"description": "the MigPlan"})


class OversizedSchema(CamelSchema):
    """Namespaces that must stay together and fit into no plan."""

    namespaces = texts()
    size = fields.Nested(SizeSchema, required=True)
    exceeds = texts("the limits that are exceeded")
    hint = text("what can be done")


class TieSchema(CamelSchema):
    """Two namespaces that belong together, and what was made of it."""

    one = text()
    other = text("for a reference, the one that is needed")
    kind = one_of(TieKind)
    why = text()
    kept = text("whether they are in one plan, or in different waves", enum=["together", "order"])


class LackingSchema(CamelSchema):
    """Evidence that could have shown more dependencies."""

    fact = text()
    cluster = text("the role of the cluster")
    command = text("what fetches it")


class PartitionSchema(CamelSchema):
    """The plans, and what is known of how few they are."""

    plans = many(PlannedSchema)
    oversized = many(OversizedSchema)
    minimal = flag("whether it is proven that there is no way with fewer plans")
    least = number("a number of plans that nothing can undercut")
    limits = fields.Nested(SizeSchema, required=True)
    total = fields.Nested(SizeSchema, required=True)
    ties = many(TieSchema)
    missing = many(LackingSchema)
