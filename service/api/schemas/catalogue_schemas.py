"""The policies, and the evidence that they read."""

from __future__ import annotations

from marshmallow import fields

from service.api.schemas.report_schemas import LinkSchema
from service.api.schemas.schema_base import CamelSchema, flag, many, one_of, text, texts
from service.core.evidence import Role
from service.core.outcome import Severity, Verdict


class ReadSchema(CamelSchema):
    """Evidence that a policy reads."""

    resource = text("as an argument of oc get", examples=["routes.route.openshift.io"])
    kind = text()
    api_version = text()
    namespace = text("empty for all namespaces, or for a cluster-scoped kind")
    name = text("empty for all objects")
    plan_namespaces = flag("whether it is read for the namespaces of the plan only")
    command = text("what fetches it")


class ParameterSchema(CamelSchema):
    """A number that a policy compares with, and that may be set."""

    name = text(examples=["max-age"])
    value = fields.Float(required=True, metadata={"description": "as it is set here"})
    default = fields.Float(required=True)
    unit = text(examples=["hours"])
    least = fields.Float(required=True)
    most = fields.Float(required=True)
    whole = flag("whether it has no fraction")
    meaning = text()


class CaseSchema(CamelSchema):
    """A situation of the policy's own test data, and what the policy makes of it."""

    verdict = one_of(Verdict)
    name = text("the situation")


class PolicySchema(CamelSchema):
    """One prerequisite of a migration."""

    id = text("stable for ever", examples=["MTC302"])
    name = text()
    area = text("by which it can be chosen", examples=["network"])
    pack = text("the policy pack that it comes from, empty for the product's own")
    profiles = texts("the profiles that it is part of")
    title = text("the prerequisite as one sentence")
    description = text("the rule")
    why = text("what happens when it is not met")
    severity = one_of(Severity, "of a failed finding, unless the finding has its own")
    parameters = many(ParameterSchema)
    reads = many(ReadSchema)
    declares = texts("facts and probes that it takes from a descriptor")
    remedy = text()
    docs = many(LinkSchema)
    requires = texts("ids of the policies that it builds on")
    source = text("where the rule comes from")
    upstream = texts("condition types of MTC's controller with the same meaning")
    better = text("what is checked beyond those conditions")


class OnePolicySchema(PolicySchema):
    """One prerequisite of a migration, with the situations that its tests hold."""

    cases = many(CaseSchema)


class ProfileSchema(CamelSchema):
    """A named choice of policies."""

    name = text(examples=["chapter"])
    title = text()
    policies = texts("ids")


class PolicyListSchema(CamelSchema):
    """Every policy, by id."""

    policy_set = text("digest of the policies as they are written")
    profile = text("the profile of a request that names none")
    profiles = many(ProfileSchema)
    policies = many(PolicySchema)


class EvidenceItemSchema(ReadSchema):
    """Evidence to gather from one cluster, and who reads it."""

    title = text("what it contains")
    releases = fields.List(
        fields.Integer(), required=True, metadata={"description": "OpenShift releases that have it"}
    )
    policies = texts("ids of the policies that read it")


class RoleEvidenceSchema(CamelSchema):
    """What to gather from the cluster of one role."""

    role = one_of(Role)
    script = text("path of the script that gathers it all")
    items = many(EvidenceItemSchema)
    facts = texts("facts and probes that only a descriptor can provide")


class EvidenceListSchema(CamelSchema):
    """What the policies read, by cluster role."""

    policy_set = text("digest of the policies as they are written")
    roles = many(RoleEvidenceSchema)
