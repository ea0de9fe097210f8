"""The policies, and the evidence that they read."""

from __future__ import annotations

from marshmallow import fields

from service.api.schemas.report_schemas import LinkSchema
from service.api.schemas.schema_base import CamelSchema, flag, many, one_of, text, texts
from service.core.evidence import Role
from service.core.outcome import Severity


class ReadSchema(CamelSchema):
    """Evidence that a policy reads."""

    resource = text("as an argument of oc get", examples=["routes.route.openshift.io"])
    kind = text()
    api_version = text()
    namespace = text("empty for all namespaces, or for a cluster-scoped kind")
    name = text("empty for all objects")
    plan_namespaces = flag("whether it is read for the namespaces of the plan only")
    command = text("what fetches it")


class PolicySchema(CamelSchema):
    """One prerequisite of a migration."""

    id = text("stable for ever", examples=["MTC302"])
    name = text()
    title = text("the prerequisite as one sentence")
    description = text("the rule")
    why = text("what happens when it is not met")
    severity = one_of(Severity, "of a failed finding, unless the finding has its own")
    reads = many(ReadSchema)
    declares = texts("facts and probes that it takes from a descriptor")
    remedy = text()
    docs = many(LinkSchema)
    source = text("where the rule comes from")
    upstream = texts("condition types of MTC's controller with the same meaning")
    better = text("what is checked beyond those conditions")


class PolicyListSchema(CamelSchema):
    """Every policy, by id."""

    policy_set = text("digest of the policies as they are written")
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
