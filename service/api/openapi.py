"""The API document (OpenAPI 3.1), made of the contracts and the schemas; `make docs` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

import yaml
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import fields

from service.api.answers.problems import KINDS, MEDIA_TYPE
from service.api.contract import ApiLink, Contract, Form
from service.api.requests.body import FORM as FORM_TYPE
from service.api.requests.body import MEDIA_TYPES
from service.api.runtime import EXTENSION
from service.api.schemas.envelope_schemas import EnvelopeSchema, NamedPlanSchema
from service.api.schemas.problem import ProblemSchema
from service.api.schemas.schema_base import BINARY

_DESCRIPTION = """\
Evidence in, verdicts out: checks the prerequisites of a migration with the Migration Toolkit for
Containers (MTC) against what was gathered from the clusters.

Every error is a problem document (RFC 9457), or the same as text for those who ask for text.
Every answer carries `X-Request-Id`; a request may bring its own (`[A-Za-z0-9._-]`, at most 64
characters).
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
_SENT = ("empty-body", "body-timeout", "body-too-large", "unsupported-media-type")
_BOUNDED = ("busy", "deadline-exceeded")
_GUARDED = ("unauthenticated", "forbidden", "authentication-unavailable")
_DOCUMENT_TYPES = tuple(item for item in MEDIA_TYPES if item.endswith(("/json", "yaml")))
_TEXT = {"type": "string"}
_ERROR_HEADERS = {
    401: {"WWW-Authenticate": "how to authenticate"},
    403: {"WWW-Authenticate": "the scope that is missing"},
    405: {"Allow": "the methods that there are"},
    415: {"Accept": "the media types that are read"},
    429: {"Retry-After": "seconds to wait"},
}


def document(app: Flask) -> dict[str, Any]:
    """The API document of an app."""
    plugin = MarshmallowPlugin(schema_name_resolver=_component_name)
    spec = APISpec(
        title="mtc-preflight",
        version=version("mtc-preflight"),
        openapi_version="3.1.0",
        plugins=[plugin],
        info={
            "description": _DESCRIPTION,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        servers=[{"url": "/"}],
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
    )
    plugin.converter.add_attribute_function(_free)  # type: ignore[union-attr]
    _add_headers(spec)
    _add_problems(spec)
    bearer = {"type": "http", "scheme": "bearer", "description": "a token of the service"}
    spec.components.security_scheme("bearer", bearer)
    now = app.extensions[EXTENSION]
    ids, by_name = [policy.id for policy in now.policies], now.settings.migplans
    for rule, method, contract in _operations(app):
        spec.path(
            path=_PATH_PARAMETER.sub(r"{\1}", rule),
            operations={method: _operation(rule, contract, ids, by_name=by_name)},
        )
    # Keywords of an object as a whole, which marshmallow does not know.
    for key, name in plugin.converter.refs.items():  # type: ignore[union-attr]
        spec.components.schemas[name] |= getattr(key[0], "KEYWORDS", {})
    return spec.to_dict()


def _free(_: object, field: fields.Field[Any], **more: Any) -> dict[str, Any]:
    """What a mapping of anything is: generators of clients do not understand an empty schema."""
    free = isinstance(field, fields.Dict) and field.value_field is None
    return {"additionalProperties": True} if free else {}


class _Dumper(yaml.SafeDumper):
    """Writes everything out: not every reader of API documents takes YAML's references."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def text(app: Flask) -> str:
    """The API document as YAML."""
    written: str = yaml.dump(
        document(app), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return written


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


def _add_problems(spec: APISpec) -> None:
    """One answer for each status of an error, with all its codes."""
    meanings: dict[int, list[str]] = {}
    for code, kind in KINDS.items():
        meanings.setdefault(kind.status, []).append(f"{kind.title} (`{code}`).")
    for status, texts in sorted(meanings.items()):
        headers: dict[str, Any] = {"X-Request-Id": "RequestId"}
        for name, description in _ERROR_HEADERS.get(status, {}).items():
            headers[name] = {"description": description, "schema": {"type": "string"}}
        content = {MEDIA_TYPE: {"schema": ProblemSchema}, "text/plain": {"schema": _TEXT}}
        answer = {"description": " ".join(texts), "content": content, "headers": headers}
        spec.components.response(_problem_name(status), answer)


def _problem_name(status: int) -> str:
    return f"Problem{status}"


def _operation(
    rule: str, contract: Contract, ids: Sequence[str], *, by_name: bool
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": contract.name,
        "summary": contract.summary,
        "tags": [contract.tag],
    }
    if contract.description:
        operation["description"] = contract.description
    operation["parameters"] = [*_path_parameters(rule, ids), *_query_parameters(contract)]
    # The empty one: a service on a loopback address asks for no token.
    operation["security"] = [{"bearer": [contract.scope]}, {}] if contract.scope else []
    if contract.body:
        operation["requestBody"] = _body(contract, by_name=by_name)
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


def _body(contract: Contract, *, by_name: bool) -> dict[str, Any]:
    document: Form = contract.document or BINARY
    if contract.media_types:
        return _content(dict.fromkeys(contract.media_types, document))
    if contract.document is None:
        document = {"oneOf": [EnvelopeSchema, NamedPlanSchema]} if by_name else EnvelopeSchema
    schemas: dict[str, Form] = {
        FORM_TYPE: contract.form,
        **dict.fromkeys(_DOCUMENT_TYPES, document),
    }
    if contract.document is None:
        schemas |= {name: BINARY for name in MEDIA_TYPES if name not in schemas}
    return _content(schemas)


def _content(schemas: dict[str, Form]) -> dict[str, Any]:
    content = {name: {"schema": schema} for name, schema in schemas.items()}
    return {"required": True, "content": content}


def _responses(contract: Contract) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-Id": "RequestId"}
    good: dict[str, Any] = {
        "description": contract.answer.description,
        "content": {
            media_type: {} if schema == {} else {"schema": _TEXT if schema is None else schema}
            for media_type, schema in contract.answer.content.items()
        },
        "headers": dict(headers),
    }
    if contract.answer.links:
        good["links"] = {name: _link(link) for name, link in contract.answer.links.items()}
    responses: dict[str, Any] = {str(contract.answer.status): good}
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
    sent = _SENT if contract.body else ()
    codes = (*contract.problems, *sent, *guarded, *bounded, *_ALWAYS)
    for status in sorted({KINDS[code].status for code in codes}):
        responses[str(status)] = _problem_name(status)
    return responses


def _link(link: ApiLink) -> dict[str, Any]:
    written: dict[str, Any] = {"operationId": link.operation, "description": link.description}
    if link.parameters:
        written["parameters"] = dict(link.parameters)
    if link.body:
        # A string with expressions in braces: many generators take no other literal.
        parts = (f'"{key}": {{{expression}}}' for key, expression in link.body.items())
        written["requestBody"] = f"{{{', '.join(parts)}}}"
    return written
