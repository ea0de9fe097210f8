"""The API document (OpenAPI 3.1), made of the contracts and the schemas; `make docs` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import yaml
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from service.api.answers.problems import KINDS, MEDIA_TYPE
from service.api.contract import ApiLink, Contract, Form
from service.api.requests.body import FORM as FORM_TYPE
from service.api.requests.body import MEDIA_TYPES
from service.api.runtime import EXTENSION
from service.api.schemas.envelope_schemas import FORM, EnvelopeSchema
from service.api.schemas.problem import ProblemSchema

_DESCRIPTION = """\
Evidence in, verdicts out: checks the prerequisites of a migration with the Migration Toolkit for
Containers (MTC) against what was gathered from the clusters.

Every error is a problem document (RFC 9457). Every answer carries `X-Request-Id`; a request may
bring its own (`[A-Za-z0-9._-]`, at most 64 characters).
"""
_TAGS = {
    "evaluations": "Evidence in, a verdict out",
    "patches": "Settings in, the one change that is safe to apply out",
    "plans": "Namespaces in, plans that keep MTC's limits out",
    "admission": "For the API server of a cluster",
    "catalogue": "What is checked, and what it reads",
    "operations": "For those who run the service",
}
_PATH_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
# Refusals that any operation may answer with.
_ALWAYS = ("invalid-parameter", "method-not-allowed", "internal-error")
_BOUNDED = ("busy", "deadline-exceeded")
_GUARDED = ("unauthenticated", "forbidden", "authentication-unavailable")
_DOCUMENT_TYPES = tuple(item for item in MEDIA_TYPES if item.endswith(("/json", "yaml")))


def document(app: Flask) -> dict[str, Any]:
    """The API document of an app."""
    plugin = MarshmallowPlugin(schema_name_resolver=_component_name)
    spec = APISpec(
        title="mtc-preflight",
        version=version("mtc-preflight"),
        openapi_version="3.1.0",
        plugins=[plugin],
        info={"description": _DESCRIPTION, "license": {"name": "Apache-2.0"}},
        servers=[{"url": "/"}],
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
    )
    _add_headers(spec)
    bearer = {"type": "http", "scheme": "bearer", "description": "a token of the service"}
    spec.components.security_scheme("bearer", bearer)
    ids = [policy.id for policy in app.extensions[EXTENSION].policies]
    for rule, method, contract in _operations(app):
        spec.path(
            path=_PATH_PARAMETER.sub(r"{\1}", rule),
            operations={method: _operation(rule, contract, ids)},
        )
    return spec.to_dict()


def text(app: Flask) -> str:
    """The API document as YAML."""
    return yaml.safe_dump(document(app), sort_keys=False, allow_unicode=True, width=100)


def _component_name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")


def _operations(app: Flask) -> Iterator[tuple[str, str, Contract]]:
    found = []
    for rule in app.url_map.iter_rules():
        contract = getattr(app.view_functions[rule.endpoint], "contract", None)
        if contract is None:
            continue
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        found += [(rule.rule, method.lower(), contract) for method in sorted(methods)]
    order = list(_TAGS)
    return iter(sorted(found, key=lambda row: (order.index(row[2].tag), row[0], row[1])))


def _add_headers(spec: APISpec) -> None:
    spec.components.header(
        "RequestId",
        {
            "description": "the ID of this request in the log",
            "schema": {"type": "string"},
        },
    )
    spec.components.header(
        "ETag",
        {
            "description": "changes with the policies; send it back in If-None-Match",
            "schema": {"type": "string"},
        },
    )


def _operation(rule: str, contract: Contract, ids: Sequence[str]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": contract.name,
        "summary": contract.summary,
        "tags": [contract.tag],
    }
    if contract.description:
        operation["description"] = contract.description
    operation["parameters"] = [*_path_parameters(rule, ids), *_query_parameters(contract)]
    if contract.scope:
        # The empty one: a service on a loopback address asks for no token.
        operation["security"] = [{"bearer": [contract.scope]}, {}]
    if contract.body:
        operation["requestBody"] = _body(contract)
    operation["responses"] = _responses(contract)
    return operation


def _path_parameters(rule: str, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    for name in _PATH_PARAMETER.findall(rule):
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        if name == "policy_id":
            schema["examples"] = list(ids)
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(contract: Contract) -> list[dict[str, Any]]:
    return [{"in": "query", "schema": contract.query}] if contract.query.fields else []


def _body(contract: Contract) -> dict[str, Any]:
    if contract.media_types:
        schema = {} if contract.document is None else {"schema": contract.document}
        return {"required": True, "content": dict.fromkeys(contract.media_types, schema)}
    content: dict[str, Any] = {FORM_TYPE: {"schema": _form(contract)}}
    for media_type in MEDIA_TYPES:
        if media_type in _DOCUMENT_TYPES:
            content[media_type] = {"schema": contract.document or EnvelopeSchema}
        elif media_type != FORM_TYPE and contract.document is None:
            content[media_type] = {}
    return {"required": True, "content": content}


def _form(contract: Contract) -> Form:
    if not contract.parts:
        return FORM
    names = dict.fromkeys((*contract.parts, *FORM().fields))
    properties = {
        name: {"type": "string", "contentMediaType": "application/octet-stream"} for name in names
    }
    return {"type": "object", "properties": properties}


def _responses(contract: Contract) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-Id": "RequestId"}
    good: dict[str, Any] = {
        "description": contract.answer.description,
        "content": {
            media_type: {} if schema == {} else {"schema": _schema(schema)}
            for media_type, schema in contract.answer.content.items()
        },
        "headers": dict(headers),
    }
    if contract.answer.links:
        good["links"] = {name: _link(link) for name, link in contract.answer.links.items()}
    responses = {str(contract.answer.status): good}
    if contract.answer.cached:
        good["headers"]["ETag"] = "ETag"
        responses["304"] = {
            "description": "Nothing has changed.",
            "headers": {**headers, "ETag": "ETag"},
        }
    for other, meaning in contract.answer.also.items():
        responses[str(other)] = {**good, "description": meaning}
    guarded = _GUARDED if contract.scope else ()
    bounded = _BOUNDED if contract.scope in ("evaluate", "patch") else ()
    codes = dict.fromkeys((*contract.problems, *guarded, *bounded, *_ALWAYS))
    for status, meaning in sorted(_meanings(codes).items()):
        responses[status] = {
            "description": meaning,
            "content": {MEDIA_TYPE: {"schema": ProblemSchema}},
            "headers": dict(headers),
        }
    return responses


def _link(link: ApiLink) -> dict[str, Any]:
    written: dict[str, Any] = {"operationId": link.operation, "description": link.description}
    if link.parameters:
        written["parameters"] = dict(link.parameters)
    if link.body:
        written["requestBody"] = dict(link.body)
    return written


def _schema(schema: Form) -> Any:
    return {"type": "string"} if schema is None else schema


def _meanings(codes: Mapping[str, Any]) -> dict[str, str]:
    """The codes by status, as one description each."""
    found: dict[str, list[str]] = {}
    for code in codes:
        kind = KINDS[code]
        found.setdefault(str(kind.status), []).append(f"{kind.title} (`{code}`).")
    return {status: " ".join(texts) for status, texts in found.items()}
