"""GET /v1/evidence: what the policies read, and how to gather it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from flask import Blueprint, Response
from marshmallow import fields, validate

from service.api.answers.caching import cached
from service.api.answers.negotiation import choose
from service.api.answers.problems import Refused, RequestFault, encode
from service.api.contract import ApiLink, Contract, Success, operation
from service.api.requests.parameters import Query
from service.api.runtime import runtime
from service.api.schemas.catalogue_schemas import EvidenceListSchema
from service.api.views.policies import read_as_dict
from service.core.evidence import Role
from service.core.policy import Policy
from service.formats.gather_script import script
from service.kinds.resource import Read

blueprint = Blueprint("evidence", __name__)

_JSON = "application/json"
_SCRIPT = "text/x-shellscript"
_FORMATS = {"json": _JSON, "sh": _SCRIPT}
_ROLES = tuple(role.value for role in Role)


class EvidenceQuery(Query):
    """Query of GET /v1/evidence."""

    format = fields.String(
        validate=validate.OneOf(list(_FORMATS), error="expected one of: {choices}"),
        metadata={
            "description": "sh is a script that collects all of it; it needs role",
            "choices": tuple(_FORMATS),
        },
    )
    role = fields.String(
        validate=validate.OneOf(_ROLES, error="expected one of: {choices}"),
        metadata={"description": "only the cluster of this role", "choices": _ROLES},
    )


@blueprint.get("/v1/evidence")
@operation(
    Contract(
        "listEvidence",
        "List the evidence that the policies read",
        Success(
            "What to collect from each cluster, with the commands; or a script.",
            {_JSON: EvidenceListSchema, _SCRIPT: None},
            cached=True,
            links={
                "script": ApiLink(
                    "listEvidence",
                    "The script that collects all of this from the cluster of a role, here the "
                    "first.",
                    {"format": "sh", "role": "$response.body#/roles/0/role"},
                ),
                "reader": ApiLink(
                    "getPolicy",
                    "A policy that reads an item, here the first of the first.",
                    {"policy_id": "$response.body#/roles/0/items/0/policies/0"},
                ),
            },
        ),
        query=EvidenceQuery(),
        problems=("not-acceptable",),
        tag="catalogue",
    )
)
def list_evidence(query: Mapping[str, Any]) -> Response:
    """The evidence by role, as JSON or as a shell script for one role."""
    now = runtime()
    media_type = _FORMATS[query["format"]] if "format" in query else choose(_FORMATS.values())
    roles = (query["role"],) if "role" in query else _ROLES
    if media_type == _JSON:
        return cached(_json(now.policies, now.policy_set, roles), _JSON)
    if "role" not in query:
        fault = RequestFault(
            "missing-parameter", "a script is for one cluster", f"add role={'|'.join(_ROLES)}",
            parameter="role",
        )  # fmt: skip
        raise Refused("invalid-parameter", "Invalid in the query: role.", errors=[fault])
    response = cached(script(query["role"], now.reads).encode(), _SCRIPT)
    response.headers["Content-Disposition"] = f'inline; filename="gather-{query["role"]}.sh"'
    return response


@cache
def _json(policies: tuple[Policy[Any], ...], policy_set: str, roles: Sequence[str]) -> bytes:
    document = {"policy_set": policy_set, "roles": [_role(role, policies) for role in roles]}
    return encode(EvidenceListSchema().dump(document))


def _role(role: str, policies: Sequence[Policy[Any]]) -> dict[str, Any]:
    facts = {name for policy in policies for name in policy.declares}
    return {
        "role": role,
        "script": f"/v1/evidence?format=sh&role={role}",
        "items": list(_items(policies)),
        "facts": sorted(facts),
    }


def _items(policies: Sequence[Policy[Any]]) -> list[dict[str, Any]]:
    readers: dict[Read[Any], list[str]] = {}
    for policy in policies:
        for read in policy.reads:
            readers.setdefault(read, []).append(policy.id)
    return [
        {
            **read_as_dict(read),
            "title": read.resource.title,
            "releases": read.resource.releases,
            "policies": sorted(set(ids)),
        }
        for read, ids in sorted(readers.items(), key=_order)
    ]


def _order(row: tuple[Read[Any], list[str]]) -> tuple[str, str, str, bool]:
    read = row[0]
    return read.resource.argument, read.namespace, read.name, read.plan_namespaces
