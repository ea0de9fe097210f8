"""The API document: committed as generated, true of the answers, and held against random input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
import yaml
from against_the_document import EXCLUDED, errors
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate
from test_bodies import FORM as FORM_HEADERS
from test_bodies import FULL_FORM
from test_endpoints import ENVELOPE, URL

from service.api.app import create_app
from service.api.openapi import text
from service.settings import Settings

COMMITTED = Path(__file__).parents[2] / "openapi.yaml"


def test_the_committed_document_is_the_generated_one() -> None:
    assert COMMITTED.read_text() == text(create_app(Settings(migplans=True))), "make docs"


def test_both_forms_are_the_same_document(client: FlaskClient) -> None:
    assert (
        yaml.safe_load(client.get("/openapi.yaml").data) == client.get("/openapi.json").get_json()
    )


def test_every_route_is_documented(app: Flask, client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    rules = {rule.rule.replace("<", "{").replace(">", "}") for rule in app.url_map.iter_rules()}
    assert set(paths) == rules - {"/docs/{asset}"}


def test_the_document_is_valid(client: FlaskClient) -> None:
    validate(client.get("/openapi.json").get_json())


def test_no_parameter_has_the_name_of_a_part(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    both = [
        (operation["operationId"], name)
        for _, _, operation in operations(document)
        for name in form_of(document, operation)
        if name in {item["name"] for item in operation["parameters"]}
    ]
    assert both == []


def form_of(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """The parts of an operation's form, and their schemas."""
    content = operation.get("requestBody", {}).get("content", {})
    name = content.get("multipart/form-data", {}).get("schema", {}).get("$ref", "")
    schema = document["components"]["schemas"].get(name.rpartition("/")[2], {})
    return dict(schema.get("properties", {}))


def test_the_parts_of_a_form_are_files_and_lists_where_they_may_repeat(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    forms = {
        operation["operationId"]: {
            name: part.get("items", part)["format"] + "[]" * (part["type"] == "array")
            for name, part in form_of(document, operation).items()
        }
        for _, _, operation in operations(document)
        if form_of(document, operation)
    }
    many = ("source", "destination", "host", "plan", "storage", "controller", "probes", "graph",
            "envelope")  # fmt: skip
    parts = dict.fromkeys(many, "binary[]") | dict.fromkeys(
        ("waivers", "baseline", "options"), "binary"
    )
    assert forms == {
        "evaluate": parts,
        "patchMigrationController": {**parts, "settings": "binary", "controller": "binary"},
        "partitionMigPlans": {**parts, "partition": "binary"},
    }


def test_every_json_format_of_a_report_has_a_schema(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    content = document["paths"]["/v1/evaluations"]["post"]["responses"]["200"]["content"]
    bare = [
        name
        for name, item in content.items()
        if name.endswith("json") and "$ref" not in item["schema"].get("items", item["schema"])
    ]
    assert bare == []


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


LINKS = [
    ("evaluate", "200", "next", "evaluate", ["baseline"]),
    ("evaluate", "200", "policy", "getPolicy", ["policy_id"]),
    ("evaluate", "200", "patch", "patchMigrationController", ["evaluation"]),
    ("evaluate", "200", "partition", "partitionMigPlans", ["evaluation"]),
    ("evaluate", "424", "next", "evaluate", ["baseline"]),
    ("evaluate", "424", "policy", "getPolicy", ["policy_id"]),
    ("evaluate", "424", "patch", "patchMigrationController", ["evaluation"]),
    ("evaluate", "424", "partition", "partitionMigPlans", ["evaluation"]),
    (
        "patchMigrationController",
        "200",
        "next",
        "patchMigrationController",
        ["controller"],
    ),
    (
        "patchMigrationController",
        "200",
        "undo",
        "patchMigrationController",
        ["controller", "settings"],
    ),
    ("patchMigrationController", "200", "evaluate", "evaluate", ["controller"]),
    ("partitionMigPlans", "200", "evaluate", "evaluate", ["plan"]),
    ("listEvidence", "200", "script", "listEvidence", ["format", "role"]),
    ("listEvidence", "200", "reader", "getPolicy", ["policy_id"]),
    ("listPolicies", "200", "policy", "getPolicy", ["policy_id"]),
]


def test_the_links_from_answers_to_further_calls(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    assert [
        (operation["operationId"], status, name, link["operationId"],
         [*link.get("parameters", {}), *re.findall(r'"(\w+)": \{\$', link.get("requestBody", ""))])
        for _, _, operation in operations(document)
        for status, answer in operation["responses"].items()
        for name, link in answer.get("links", {}).items()
    ] == LINKS  # fmt: skip


def taken(document: dict[str, Any], operation: dict[str, Any]) -> set[str]:
    """The names that an operation takes: parameters, and the keys of its JSON body."""
    names = {item["name"] for item in operation["parameters"]}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
    schemas = document["components"]["schemas"]
    return names | set(schemas[name]["properties"] if name else ())


def test_a_link_gives_only_what_its_target_takes(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    takes = {item["operationId"]: taken(document, item) for _, _, item in operations(document)}
    assert [row for row in LINKS if not set(row[4]) <= takes[row[3]]] == []


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
        ("/v1/policies/MTC101", "OnePolicy"),
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


random_app = create_app(Settings(log_level="ERROR"))
schema = schemathesis.openapi.from_wsgi("/openapi.json", random_app)


@schema.parametrize()
@settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
def test_random_requests_are_answered_as_documented(case: schemathesis.Case) -> None:
    plain = {"Accept-Encoding": "identity"}  # the WSGI client does not unpack answers
    response = case.call(headers=plain)
    case.validate_response(response, excluded_checks=EXCLUDED)
    if response.headers.get("content-type") == ["application/json"] and case.path == URL:
        assert errors(response.json()) == [], "a policy failed on this evidence"
