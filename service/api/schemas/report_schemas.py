"""The report of an evaluation, as ``service.formats.json_report`` writes it."""

from __future__ import annotations

from marshmallow import fields

from service.api.schemas.marks_schemas import (
    DeltaSchema,
    GateSchema,
    SubjectSchema,
    WaiverAuditSchema,
    WaiverSchema,
    maybe,
    nullable,
)
from service.api.schemas.schema_base import CamelSchema, flag, many, number, one_of, text, texts
from service.core.decision.delta import FINGERPRINT
from service.core.decision.marks import Change
from service.core.evidence import CHECKS
from service.core.facts.declared import PODS, PROBE_TARGETS
from service.core.outcome import Severity, Verdict
from service.core.report import Readiness
from service.formats.stored import HTTPS

_PLACE = "the part of the request, or the file"


class ToolSchema(CamelSchema):
    """What made the report."""

    name = text()
    version = text()


class LinkSchema(CamelSchema):
    """A page of the documentation."""

    title = text()
    url = text(format="uri", pattern=HTTPS)


class EvidenceSchema(CamelSchema):
    """One value of the input that a finding rests on."""

    part = text(_PLACE)
    member = text("the path within an archive, or empty")
    document = number("which document of that file, from 0")
    pointer = text("JSON pointer of the value")
    line = number("from 1, where it is known", nullable=True)
    value = fields.String(
        required=True, allow_none=True, metadata={"description": "the value, secrets masked"}
    )
    object = nullable(SubjectSchema, "the object that holds the value, where it is one")


class FetchSchema(CamelSchema):
    """A whole list that is missing."""

    resource = text("as an argument of oc get", examples=["pods"])
    namespaces = texts("empty for all namespaces")


class AttemptSchema(CamelSchema):
    """A connection to try from a pod of the cluster."""

    target = text("what is to be reached", enum=list(PROBE_TARGETS))
    cluster = text("role of the cluster that the target belongs to")
    host = text("host name or address, where it is known")
    port = number()
    check = text("how it is tried", enum=list(CHECKS))
    pod = text("whose pods are meant", enum=list(PODS))


class MissingSchema(CamelSchema):
    """A fact that was not gathered."""

    fact = text()
    cluster = text("the role of the cluster to log in to")
    command = text("the command that fetches it")
    reason = text("why it is missing, where the evidence has it")
    fetch = nullable(FetchSchema, "set where the fact is a whole list")
    attempt = nullable(AttemptSchema, "set where the fact is whether a connection is open")


class RemediationSchema(CamelSchema):
    """How to fix a failed finding."""

    text = text("in words")
    commands = texts("exact commands for that cluster's version")
    clusters = texts("the role of the cluster that each command is run on, in their order")


class FindingSchema(CamelSchema):
    """One policy's result for one subject."""

    policy = text("id of the policy", examples=["MTC302"])
    name = text("name of the policy", examples=["single-proxy"])
    title = text("the prerequisite")
    verdict = one_of(Verdict)
    severity = one_of(Severity, "how severe a failure is")
    message = text()
    subject = fields.Nested(SubjectSchema, required=True)
    key = text("distinguishes findings of one policy about one subject")
    identified_by = nullable(
        SubjectSchema, "what the fingerprint is made of, where that is not subject and key"
    )
    found = text()
    wanted = text()
    examined = number("how many objects were looked at")
    observed = fields.Float(
        required=True, allow_none=True, metadata={"description": "the number that a waiver bounds"}
    )
    evidence = many(EvidenceSchema)
    missing = many(MissingSchema)
    remediation = fields.Nested(RemediationSchema, required=True)
    docs = many(LinkSchema)
    fingerprint = text("stable over order, file names, wording and time", pattern=FINGERPRINT)
    waits_for = texts(
        "fingerprints of the blockers that its policy builds on, and that are open themselves"
    )
    waiver = nullable(WaiverSchema, "what made the verdict waived")
    waived_verdict = maybe(Verdict, "the verdict without the waiver")
    change = maybe(Change, "since the previous report")
    before = maybe(Verdict, "the verdict in the previous report, if it was not good")


class InputProblemSchema(CamelSchema):
    """A piece of the input that could not be used; the rest was."""

    code = text()
    message = text()
    hint = text("what to do")
    part = text(_PLACE)
    member = text("the path within an archive")
    document = number("which document of the file, from 0", nullable=True)
    line = number("from 1", nullable=True)
    column = number("from 1", nullable=True)
    pointer = text("JSON pointer of the place")
    blocks = flag("whether the verdict can therefore not be ready")


class ClusterSchema(CamelSchema):
    """A cluster as it was recognised; "" if the evidence does not show it."""

    role = text()
    name = text()
    given = flag("whether the input holds anything of it")
    host = flag("whether it runs the MTC controller")
    openshift = text("version")
    mtc = text("version")
    platform = text()
    objects = number("objects read")
    namespaces = texts("of the plan, as they are called there")


class PartSchema(CamelSchema):
    """A part of the input as it was recognised."""

    name = text()
    role = text()
    form = text()
    documents = number()
    objects = number()
    collected = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "when, if known"}
    )
    notes = texts()


class CountsSchema(CamelSchema):
    """How many findings have each verdict."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[object]) -> None:
        field_obj.data_key = field_name  # verdicts are spelt as they are in the findings


COUNTS = CountsSchema.from_dict({item.value: number() for item in Verdict}, name="CountsSchema")


class FailuresSchema(CamelSchema):
    """How many findings fail, by severity."""

    blocker = number()
    warning = number()
    info = number()


class AssumedSchema(CamelSchema):
    """A version that the caller asked to assume."""

    name = text(examples=["OpenShift"])
    version = text(examples=["4.16.3"])


class SkippedSchema(CamelSchema):
    """A policy that was not evaluated."""

    policy = text("id of the policy")
    name = text()
    severity = one_of(Severity)
    reason = text()


class ChangedSchema(CamelSchema):
    """A severity or a parameter that was set."""

    policy = text("id of the policy")
    setting = text("severity, or the name of a parameter")
    value = text()
    by = text("who set it")


class ScopeSchema(CamelSchema):
    """What the evaluation was limited to."""

    label = text("the verdict with its limits, for people", examples=["Ready (profile chapter)"])
    profile = text(examples=["full"])
    words = fields.List(
        fields.String(),
        required=True,
        data_key="only",  # marshmallow's own attribute has this name
        metadata={"description": "the words by which the profile was narrowed"},
    )
    skipped = many(SkippedSchema, "every policy that was not evaluated, and why")
    left_out = number("how many of them somebody named")
    changed = many(ChangedSchema)
    files = texts("configuration files that had a say")


class StepSchema(CamelSchema):
    """One missing fact of a cluster."""

    fact = text("what is missing")
    reason = text("why, where the evidence has it, such as forbidden")
    command = text("the command that gets it, empty where none can")
    settles = texts("ids of the policies that need it")
    findings = texts("fingerprints of their findings")
    blockers = number("how many of these findings keep the migration from being ready")


class ClusterStepsSchema(CamelSchema):
    """What is missing of one cluster, what unlocks most first."""

    role = text("role of the cluster, empty for evidence that belongs to no cluster")
    name = text()
    given = flag("whether anything of the cluster was sent")
    findings = number("how many findings need evidence of it")
    gather = text("how to get the one script that gathers all of it")
    steps = many(StepSchema)


class ReportSchema(CamelSchema):
    """Everything that one evaluation says.

    Every policy appears in ``findings``, or in ``scope`` among those that were not evaluated.
    """

    schema_version = text()
    tool = fields.Nested(ToolSchema, required=True)
    verdict = one_of(Readiness, "may the migration start?")
    as_of = fields.DateTime(
        required=True, metadata={"description": "the time that the evidence was judged for"}
    )
    assumed = many(AssumedSchema, "what was assumed in place of the evidence: a what-if")
    policy_set = text("digest of the policies; the ETag of the catalogue")
    scope = fields.Nested(ScopeSchema, required=True)
    releases = text("date and name of the release data that were used")
    plan = text("namespace/name of the plan, empty without one")
    counts = fields.Nested(COUNTS, required=True)
    failures = fields.Nested(FailuresSchema, required=True)
    clusters = many(ClusterSchema)
    next = many(ClusterStepsSchema, "what is missing, by cluster: each fact once")
    findings = many(FindingSchema)
    problems = many(InputProblemSchema)
    parts = many(PartSchema)
    waivers = many(WaiverAuditSchema, "every waiver and what became of it")
    delta = nullable(DeltaSchema, "the comparison with the baseline, null without one")
    gate = nullable(GateSchema, "may a pipeline go on?")
