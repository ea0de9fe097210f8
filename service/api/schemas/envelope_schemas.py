"""What POST /v1/evaluations takes, for the API document.

The reader of the input checks bodies itself: it has to name part, document and place of every
fault, and it must not walk the objects of a cluster twice.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from service.api.requests.parameters import Query
from service.api.schema_fields import NAME, VERSION, Moment, ObjectName, VersionName
from service.api.schemas.schema_base import CamelSchema
from service.core.evidence import Role
from service.core.facts.declared import DECLARABLE, PODS, PROBE_TARGETS, VANTAGES
from service.formats import FORMATS
from service.intake.pieces import PART_NAMES

_JSON_TYPES = {str: "string", bool: "boolean", list: "array", dict: "object"}
_ROLES = [role.value for role in Role]


def _choice(names: list[str], description: str, **more: Any) -> fields.String:
    return fields.String(
        validate=validate.OneOf(names, error="wanted one of: {choices}"),
        metadata={"description": description, "choices": tuple(names), **more},
    )


def _version(description: str) -> VersionName:
    return VersionName(
        metadata={"description": description, "type": "string", "pattern": f"^{VERSION}$"}
    )


class FormatQuery(Query):
    """Query of what answers with a report."""

    format = _choice(list(FORMATS), "format of the report; wins over the Accept header")


class EvaluationQuery(FormatQuery):
    """Query of what evaluates."""

    role = _choice(_ROLES, "the cluster that a body of bare objects or an archive belongs to")
    host = _choice(_ROLES, "which cluster runs the MTC controller; default as the plan says")
    plan = ObjectName(
        metadata={
            "description": "NAMESPACE/NAME or NAME of the plan that is meant",
            "type": "string",
            "pattern": f"^{NAME}$",
        }
    )
    as_of = Moment(
        metadata={
            "description": "judge as of this date or time (ISO 8601)",
            "anyOf": [
                {"type": "string", "format": "date"},
                {"type": "string", "format": "date-time"},
            ],
        }
    )
    target_ocp = _version("judge for a destination that runs this OpenShift version")
    target_mtc = _version("judge for clusters with this MTC version")
    max_age_hours = fields.Float(
        validate=validate.Range(
            0, 1_000_000, min_inclusive=False, error="wanted a number of hours above 0"
        ),
        error_messages={"invalid": "wanted a number of hours above 0"},
        metadata={"description": "evidence older than this is stale"},
    )


def _fact_fields() -> dict[str, fields.Field[Any]]:
    found: dict[str, fields.Field[Any]] = {}
    for fact in DECLARABLE:
        types = [_JSON_TYPES[item] for item in fact.types]
        found[fact.name] = fields.Raw(
            metadata={
                "description": fact.meaning,
                "type": types[0] if len(types) == 1 else types,
                "examples": [fact.example],
            }
        )
    return found


FACTS = Schema.from_dict(_fact_fields(), name="FactsSchema")


class GatheredSchema(Schema):
    """What a collector reports of one list, or of one object, that it fetched."""

    resource = fields.String(required=True, metadata={"examples": ["routes.route.openshift.io"]})
    namespace = fields.String(metadata={"description": "empty for all"})
    name = fields.String(
        metadata={
            "description": "of a single object: complete, and not among the objects, means "
            "that it does not exist"
        }
    )
    complete = fields.Boolean(metadata={"description": "whether the list is whole"})
    error = fields.String(metadata={"description": "why it could not be fetched"})


class EnvelopeClusterSchema(CamelSchema):
    """One cluster: declared facts, objects as oc prints them, or both."""

    role = fields.String(required=True, validate=validate.OneOf(_ROLES))
    name = fields.String(metadata={"description": "default is the role"})
    facts = fields.Nested(FACTS)
    objects = fields.List(
        fields.Dict(), metadata={"description": "Kubernetes objects, Lists and typed lists"}
    )
    complete = fields.Raw(
        metadata={
            "description": "resources of which every object is given (RESOURCE or "
            "RESOURCE/NAMESPACE), or true for all that are given",
            "type": ["boolean", "array"],
            "items": {"type": "string"},
            "examples": [["routes", "persistentvolumeclaims/shop"]],
        }
    )
    gathered = fields.List(fields.Nested(GatheredSchema))
    collected_at = fields.String(metadata={"format": "date-time"})
    notes = fields.List(fields.String())


class ProbeSchema(CamelSchema):
    """A measured connection attempt."""

    source = fields.String(
        required=True,
        data_key="from",
        validate=validate.OneOf(_ROLES),
        metadata={"description": "the cluster that it is about"},
    )
    vantage = fields.String(
        validate=validate.OneOf(VANTAGES), metadata={"description": "where it really ran"}
    )
    target = fields.String(required=True, validate=validate.OneOf(PROBE_TARGETS))
    cluster = fields.String(
        validate=validate.OneOf(["", *_ROLES]),
        metadata={"description": "the cluster that the target belongs to"},
    )
    host = fields.String()
    port = fields.Integer(validate=validate.Range(0, 65535))
    open = fields.Boolean(required=True)
    detail = fields.String()
    http_status = fields.Integer(allow_none=True)
    pod = fields.String(
        validate=validate.OneOf(["", *PODS]),
        metadata={"description": "the pod that it ran in, as network rules see it"},
    )
    proxy = fields.Boolean(metadata={"description": "whether it went through an HTTP proxy"})


class OptionsSchema(CamelSchema):
    """What to assume; the query wins over it."""

    as_of = fields.String(metadata={"examples": ["2026-01-31T12:00:00Z"]})
    target_openshift = fields.String(metadata={"examples": ["4.16.3"]})
    target_mtc = fields.String(metadata={"examples": ["1.8.8"]})
    max_age_hours = fields.Float()
    plan = fields.String(metadata={"examples": ["openshift-migration/shop"]})
    host = fields.String(validate=validate.OneOf(_ROLES))
    profile = fields.String(metadata={"examples": ["chapter"]})
    words = fields.Raw(
        data_key="only",
        metadata={
            "description": "ids, names or areas of policies, or globs",
            "type": ["string", "array"],
            "items": {"type": "string"},
            "examples": [["network", "MTC3*"]],
        },
    )
    skip = fields.Raw(
        metadata={
            "description": "policies to leave out, as ID=REASON or with the keys policy and reason",
            "type": ["string", "array"],
            "items": {"type": ["string", "object"]},
            "examples": [[{"policy": "MTC901", "reason": "known"}]],
        }
    )
    severities = fields.Raw(
        metadata={"type": ["string", "object"], "examples": [{"MTC901": "blocker"}]}
    )
    parameters = fields.Raw(
        metadata={"type": ["string", "object"], "examples": [{"MTC901": {"max-age": 24}}]}
    )


def _manifest(kind: str) -> fields.Dict:
    return fields.Dict(metadata={"description": f"a {kind} manifest, or its spec in short"})


class PlanNameSchema(Schema):
    """A MigPlan of the cluster that the service runs on."""

    namespace = fields.String(required=True, metadata={"examples": ["openshift-migration"]})
    name = fields.String(required=True, metadata={"examples": ["shop"]})


class EnvelopeSchema(CamelSchema):
    """Everything in one document."""

    mig_plan = fields.Nested(
        PlanNameSchema,
        metadata={
            "description": "instead of clusters: the plan whose clusters the service reads by "
            "itself, where it is set up for it (MTC_PREFLIGHT_MIGPLANS=on)"
        },
    )

    clusters = fields.List(fields.Nested(EnvelopeClusterSchema))
    plan = _manifest("MigPlan")
    storage = _manifest("MigStorage")
    controller = _manifest("MigrationController")
    probes = fields.List(fields.Nested(ProbeSchema))
    waivers = fields.Raw(metadata={"description": "accepted risks"})
    graph = fields.Dict(metadata={"description": "an OpenShift update graph (Cincinnati)"})
    baseline = fields.Raw(metadata={"description": "a previous report to compare with"})
    options = fields.Nested(OptionsSchema)


def _part_fields() -> dict[str, fields.Field[Any]]:
    meaning = {
        "source": "evidence of the source cluster: archive, objects or descriptor",
        "destination": "evidence of the destination cluster",
        "host": "evidence of the cluster that runs the controller, where it is a third one",
    }
    return {
        name: fields.Raw(
            metadata={
                "description": meaning.get(name, f"as `{name}` of the envelope"),
                "type": "string",
                "contentMediaType": "application/octet-stream",
            }
        )
        for name in PART_NAMES
    }


FORM = Schema.from_dict(_part_fields(), name="EvaluationFormSchema")
