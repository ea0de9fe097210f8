"""The API document: committed as generated, true of the answers, and held against random input."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
import yaml
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS
from test_bodies import FORM as FORM_HEADERS
from test_bodies import FULL_FORM
from test_endpoints import ENVELOPE, URL

from service.api.app import create_app
from service.api.openapi import text
from service.settings import Settings

COMMITTED = Path(__file__).parents[2] / "openapi.yaml"


def test_the_committed_document_is_the_generated_one(app: Flask) -> None:
    assert COMMITTED.read_text() == text(app), "make docs"


def test_both_forms_are_the_same_document(client: FlaskClient) -> None:
    assert (
        yaml.safe_load(client.get("/openapi.yaml").data) == client.get("/openapi.json").get_json()
    )


def test_every_route_is_documented(app: Flask, client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    rules = {rule.rule.replace("<", "{").replace(">", "}") for rule in app.url_map.iter_rules()}
    assert set(paths) == rules - {"/docs/{asset}"}


def strict(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A schema of the document that allows no key which it does not name."""
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        schema.setdefault("additionalProperties", False)
    return {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}


@pytest.mark.parametrize(
    "path, name",
    [
        ("/", "Root"),
        ("/livez", "Health"),
        ("/readyz", "Ready"),
        ("/v1/policies", "PolicyList"),
        ("/v1/policies/MTC101", "Policy"),
        ("/v1/evidence", "EvidenceList"),
        ("/v1/evidence?role=host", "EvidenceList"),
        ("/nowhere", "Problem"),
        ("/v1/policies?x=1&x=2", "Problem"),
    ],
)
def test_answers_have_exactly_the_documented_form(
    client: FlaskClient, path: str, name: str
) -> None:
    document = client.get("/openapi.json").get_json()
    jsonschema.Draft202012Validator(strict(document, name)).validate(client.get(path).get_json())


def test_a_report_has_exactly_the_documented_form(client: FlaskClient) -> None:
    validator = jsonschema.Draft202012Validator(
        strict(client.get("/openapi.json").get_json(), "Report")
    )
    broken = b"kind: Broken: yaml\n"
    source = b"apiVersion: v1\nkind: List\nitems: [{kind: Pod, apiVersion: v1}]\n---\n" + broken
    bad = FULL_FORM.replace(b'{"openshiftVersion": "3.11.1159", "clusterAdmin": true}', source)
    for report in (
        client.post(URL, json=ENVELOPE).get_json(),
        client.post(URL, data=bad, headers=FORM_HEADERS).get_json(),
    ):
        validator.validate(report)
    assert report["problems"]


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.serializer("application/gzip")
def _gzip(_: Any, value: Any) -> bytes:
    return gzip.compress(_bytes(value))


@schemathesis.serializer(
    "application/x-ndjson", "application/x-tar", "application/x-xz", "application/zip",
    "application/octet-stream", "application/x-yaml", "text/yaml",
)  # fmt: skip
def _plain(_: Any, value: Any) -> bytes:
    return _bytes(value)


random_app = create_app(Settings(log_level="ERROR"))
schema = schemathesis.openapi.from_wsgi("/openapi.json", random_app)


@schema.parametrize()
@settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
def test_random_requests_are_answered_as_documented(case: schemathesis.Case) -> None:
    response = case.call()
    case.validate_response(response, excluded_checks=_EXCLUDED)
    if response.headers.get("content-type") == ["application/json"] and case.path == URL:
        errors = [item for item in response.json()["findings"] if item["verdict"] == "error"]
        assert not errors, "a policy failed on this evidence"


# The service takes text of any media type by its bytes, so "wrong" bodies may well be right, and
# a form is given as bytes: whether a body is good is tested elsewhere, here that all is answered.
_EXCLUDED = [
    check
    for check in (CHECKS.get_one(name) for name in ("positive_data_acceptance",
                                                    "negative_data_rejection"))
]  # fmt: skip
