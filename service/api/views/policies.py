"""GET /v1/policies: the catalogue, derived from the policy classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from functools import cache
from typing import Any

from flask import Blueprint, Response

from service.api.answers.caching import cached
from service.api.answers.negotiation import choose
from service.api.answers.problems import Refused, encode
from service.api.contract import ApiLink, Contract, Success, operation
from service.api.runtime import runtime
from service.api.schemas.catalogue_schemas import OnePolicySchema, PolicyListSchema
from service.core.engine import digest
from service.core.policy import Policy
from service.core.scope import FULL
from service.core.selection import Catalogue
from service.examples import summaries_of
from service.kinds.resource import Read

blueprint = Blueprint("policies", __name__)
_JSON = "application/json"


@blueprint.get("/v1/policies")
@operation(
    Contract(
        "listPolicies",
        "List the policies",
        Success(
            "Every policy.",
            {_JSON: PolicyListSchema},
            cached=True,
            links={
                "policy": ApiLink(
                    "getPolicy",
                    "One of the policies, here the first, by its id.",
                    {"policy_id": "$response.body#/policies/0/id"},
                )
            },
        ),
        problems=("not-acceptable",),
        tag="catalogue",
    )
)
def list_policies(query: Mapping[str, Any]) -> Response:
    now = runtime()
    choose([_JSON])
    return cached(_list(now.catalogue), _JSON)


@blueprint.get("/v1/policies/<policy_id>")
@operation(
    Contract(
        "getPolicy",
        "Show one policy",
        Success("The policy.", {_JSON: OnePolicySchema}, cached=True),
        problems=("policy-not-found", "not-acceptable"),
        tag="catalogue",
    )
)
def get_policy(query: Mapping[str, Any], policy_id: str) -> Response:
    now = runtime()
    choose([_JSON])
    policy = now.context.by_id.get(policy_id)
    if policy is None:
        near = get_close_matches(policy_id.upper(), now.context.by_id, 1)
        hint = f"Did you mean {near[0]}?" if near else "GET /v1/policies lists them."
        raise Refused("policy-not-found", hint)
    return cached(_one(now.catalogue, policy), _JSON)


@cache
def _list(catalogue: Catalogue) -> bytes:
    return list_document(catalogue, catalogue.policies)


@cache
def _one(catalogue: Catalogue, policy: Policy[Any]) -> bytes:
    return one_document(catalogue, policy)


def list_document(catalogue: Catalogue, policies: Iterable[Policy[Any]]) -> bytes:
    """Some policies of a catalogue as JSON."""
    document = {
        "policy_set": digest(catalogue.policies),
        "profile": catalogue.operator.profile or FULL,
        "profiles": [
            {
                "name": name,
                "title": profile.title,
                "policies": [
                    item.id for item in catalogue.policies if name in catalogue.profiles_of(item)
                ],
            }
            for name, profile in catalogue.profiles.items()
        ],
        "policies": [as_dict(item, catalogue) for item in policies],
    }
    return encode(PolicyListSchema().dump(document))


def one_document(catalogue: Catalogue, policy: Policy[Any]) -> bytes:
    """A policy as JSON, with its cases in short."""
    cases = [item._asdict() for item in summaries_of(policy)]
    return encode(OnePolicySchema().dump({**as_dict(policy, catalogue), "cases": cases}))


def as_dict(policy: Policy[Any], catalogue: Catalogue) -> dict[str, Any]:
    """A policy as the catalogue shows it."""
    return {
        "id": policy.id,
        "name": policy.name,
        "area": policy.area(),
        "pack": policy.pack,
        "profiles": catalogue.profiles_of(policy),
        "title": policy.title,
        "description": inspect.getdoc(type(policy)) or "",
        "why": policy.why,
        "severity": policy.severity.value,
        "parameters": [
            {**asdict(item), "value": policy.value(item.name)} for item in policy.parameters
        ],
        "reads": [read_as_dict(item) for item in policy.reads],
        "declares": policy.declares,
        "requires": policy.requires,
        "remedy": policy.remedy,
        "docs": policy.docs,
        "source": policy.source,
        "upstream": policy.upstream,
        "better": policy.better,
    }


def read_as_dict(read: Read[Any]) -> dict[str, Any]:
    """What is read, and the command that fetches it."""
    return {
        "resource": read.resource.argument,
        "kind": read.resource.kind,
        "api_version": read.resource.api_version,
        "namespace": read.namespace,
        "name": read.name,
        "plan_namespaces": read.plan_namespaces,
        "command": read.command(),
    }
