"""What POST /v1/evaluations takes, for the API document.

The reader of the input checks bodies itself: it has to name part, document and place of every
fault, and it must not walk the objects of a cluster twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, fields, validate

from service.api.requests.parameters import Query
from service.api.schema_fields import MOMENT, NAME, VERSION, Hours, Moment, ObjectName, VersionName
from service.api.schemas.schema_base import BINARY, CamelSchema, one_type_of
from service.core.decision import waiver_form
from service.core.evidence import Role
from service.core.facts.declared import DECLARABLE, PODS, PROBE_TARGETS, VANTAGES
from service.formats import FORMATS
from service.intake.options import MOST_HOURS
from service.intake.pieces import ONCE, PART_NAMES

_JSON_TYPES = {str: "string", bool: "boolean", list: "array", dict: "object"}
_ITEMS = {"volumes": "object", "storageClasses": "object"}
"""What the lists among the facts hold."""
_ROLES = [role.value for role in Role]


def _choice(names: list[str], description: str, **more: Any) -> fields.String:
    return fields.String(
        validate=validate.OneOf(names, error="expected one of: {choices}"),
        metadata={"description": description, "choices": tuple(names), **more},
    )


def _version(description: str) -> VersionName:
    return VersionName(
        metadata={"description": description, "type": "string", "pattern": f"^{VERSION}$"}
    )


def _hours(description: str) -> Hours:
    bounds = {"exclusiveMinimum": 0, "maximum": MOST_HOURS}
    return Hours(metadata={"description": description, **bounds})


class FormatQuery(Query):
    """Query of what answers with a report."""

    format = fields.List(
        fields.String(validate=validate.OneOf(list(FORMATS), error="expected one of: {choices}")),
        metadata={
            "description": "format of the report; wins over the Accept header. Given several "
            "times, the answer is a zip with a file for each",
            "choices": tuple(FORMATS),
        },
    )


class EvaluationQuery(FormatQuery):
    """Query of what evaluates. No name is that of a part: clients have both in one call."""

    ALIASES: ClassVar[Mapping[str, str]] = {
        "plan": "plan_name",
        "host": "controller_on",
        "target_ocp": "target_openshift",
    }

    role = _choice(
        _ROLES,
        "the cluster that a body of bare objects or one archive belongs to, which are refused "
        "without it; a form and an envelope say so themselves",
    )
    controller_on = _choice(
        _ROLES, "which cluster runs the MTC controller; default as the plan says"
    )
    plan_name = ObjectName(
        metadata={
            "description": "NAMESPACE/NAME or NAME of the plan that is meant",
            "type": "string",
            "pattern": f"^{NAME}$",
        }
    )
    as_of = Moment(
        metadata={
            "description": "judge as of this date or time (ISO 8601)",
            "type": "string",
            "pattern": MOMENT,
        }
    )
    target_openshift = _version("judge for a destination that runs this OpenShift version")
    target_mtc = _version("judge for clusters with this MTC version")
    max_age_hours = _hours("evidence older than this is stale")


def _fact_fields() -> dict[str, fields.Field[Any]]:
    found: dict[str, fields.Field[Any]] = {}
    for fact in DECLARABLE:
        types = [_JSON_TYPES[item] for item in fact.types]
        found[fact.name] = fields.Raw(
            metadata={
                "description": fact.meaning,
                "examples": [fact.example],
                **one_type_of(types, _ITEMS.get(fact.name, "string")),
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
            **one_type_of(["boolean", "array"]),
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

    as_of = fields.String(metadata={"pattern": MOMENT, "examples": ["2026-01-31T12:00:00Z"]})
    target_openshift = _version("judge for a destination that runs this OpenShift version")
    target_mtc = _version("judge for clusters with this MTC version")
    max_age_hours = _hours("evidence older than this is stale")
    plan_name = fields.String(metadata={"examples": ["openshift-migration/shop"]})
    controller_on = fields.String(validate=validate.OneOf(_ROLES))
    profile = fields.String(metadata={"examples": ["chapter"]})
    words = fields.Raw(
        data_key="only",
        metadata={
            "description": "ids, names or areas of policies, or globs: a text, or a list of texts",
            "examples": [["network", "MTC3*"]],
        },
    )
    skip = fields.Raw(
        metadata={
            "description": "policies to leave out: a text of ID=REASON, or a list of such texts or "
            "of objects with policy and reason",
            "examples": [[{"policy": "MTC901", "reason": "known"}]],
        }
    )
    severities = fields.Raw(
        metadata={
            "description": "severities by policy: a text, or an object",
            "examples": [{"MTC901": "blocker"}],
        }
    )
    parameters = fields.Raw(
        metadata={
            "description": "parameters by policy: a text, or an object",
            "examples": [{"MTC901": {"max-age": 24}}],
        }
    )


def _manifest(kind: str) -> fields.Dict:
    return fields.Dict(metadata={"description": f"a {kind} manifest, or its spec in short"})


class PlanNameSchema(CamelSchema):
    """A MigPlan of the cluster that the service runs on."""

    namespace = fields.String(required=True, metadata={"examples": ["openshift-migration"]})
    name = fields.String(required=True, metadata={"examples": ["shop"]})


class WaiverSubjectSchema(CamelSchema):
    """Which findings a waiver is for: globs, "*" is everything."""

    KEYWORDS: ClassVar[Mapping[str, Any]] = {"minProperties": 1}

    cluster = fields.String()
    kind = fields.String()
    namespace = fields.String()
    name = fields.String()
    key = fields.String()


def _described(description: str, *, required: bool = False) -> fields.String:
    length = validate.Length(1 if required else 0, waiver_form.LONGEST)
    return fields.String(required=required, validate=length, metadata={"description": description})


class WaiverFormSchema(CamelSchema):
    """An accepted risk."""

    policy = _described("id or name of the policy", required=True)
    subject = fields.Nested(WaiverSubjectSchema, required=True)
    reason = _described("why it is accepted", required=True)
    owner = _described("who accepts it", required=True)
    expires = fields.String(
        required=True,
        metadata={"description": "the last day (UTC), or a time", "pattern": MOMENT},
    )
    ticket = _described("where it was decided")
    id = _described("a name of its own")
    at_most = fields.Float(metadata={"description": "holds while the number is at most this"})
    at_least = fields.Float(metadata={"description": "holds while the number is at least this"})
    found = _described("the exact found value that it holds for")
    covers_unknown = fields.Boolean(
        data_key="unknown", metadata={"description": "whether it holds for an unknown too"}
    )


def _waivers() -> fields.List[Any]:
    return fields.List(
        fields.Nested(WaiverFormSchema),
        validate=validate.Length(max=waiver_form.MOST),
        metadata={"description": "accepted risks"},
    )


def _baseline() -> fields.Raw:
    return fields.Raw(
        metadata={
            "description": "what to compare with: a previous report (format=json or baseline)",
            "type": "object",
            "required": ["findings"],
            "properties": {"findings": {"type": "array", "items": {"type": "object"}}},
        }
    )


class NamedPlanSchema(CamelSchema):
    """A plan by its name: the service reads its clusters by itself (MTC_PREFLIGHT_MIGPLANS=on)."""

    mig_plan = fields.Nested(PlanNameSchema, required=True)
    waivers = _waivers()
    baseline = _baseline()
    options = fields.Nested(OptionsSchema)


class EnvelopeSchema(CamelSchema):
    """Everything in one document."""

    KEYWORDS: ClassVar[Mapping[str, Any]] = {"minProperties": 1}

    clusters = fields.List(fields.Nested(EnvelopeClusterSchema))
    plan = _manifest("MigPlan")
    storage = _manifest("MigStorage")
    controller = _manifest("MigrationController")
    probes = fields.List(fields.Nested(ProbeSchema))
    waivers = _waivers()
    graph = fields.Dict(metadata={"description": "an OpenShift update graph (Cincinnati)"})
    baseline = _baseline()
    options = fields.Nested(OptionsSchema)


def _part(description: str, *, once: bool) -> fields.Field[Any]:
    if once:
        return fields.Raw(metadata={"description": description, **BINARY})
    return fields.List(fields.Raw(metadata=BINARY), metadata={"description": description})


_MEANING = {
    "source": "evidence of the source cluster: archive, objects or descriptor",
    "destination": "evidence of the destination cluster",
    "host": "evidence of the cluster that runs the controller, where it is a third one",
}


class FormSchema(Schema):
    """A form of named parts."""

    KEYWORDS: ClassVar[Mapping[str, Any]] = {"minProperties": 1}


def form(name: str, required: str = "", **own: str) -> type[Schema]:
    """The schema of a form: the parts of an evaluation, and ``own`` ones, which come once."""
    parts = {
        part: _part(_MEANING.get(part, f"as `{part}` of the envelope"), once=part in ONCE)
        for part in PART_NAMES
    }
    parts |= {part: _part(description, once=True) for part, description in own.items()}
    if required:
        parts[required].required = True
    return FormSchema.from_dict(parts, name=name)


FORM = form("EvaluationFormSchema")
