"""Every endpoint, asked rightly and wrongly; the whole answer is compared where it is fixed."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from policies import catalogue
from service.api.answers.caching import cached
from service.api.answers.problems import KINDS
from service.core.engine import digest

SOURCE = {"openshiftVersion": "3.11.1159", "clusterAdmin": True}
DESTINATION = {"openshiftVersion": "4.14.9", "clusterAdmin": True}
ENVELOPE = {
    "clusters": [
        {"role": "source", "facts": SOURCE},
        {"role": "destination", "facts": DESTINATION},
    ]
}
URL = "/v1/evaluations"


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer, its fixed fields checked."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    document: dict[str, Any] = response.get_json()
    assert document["type"] == f"/docs/problems#{code}"
    assert document["title"] == KINDS[code].title
    assert document["status"] == status == KINDS[code].status
    assert document["code"] == code
    assert document["request_id"] == response.headers["X-Request-Id"]
    assert document["detail"]
    assert set(document) == {
        "type", "title", "status", "detail", "instance", "code", "request_id", "errors",
    }  # fmt: skip
    return document


def test_an_envelope_gives_a_report_with_every_policy(client: FlaskClient) -> None:
    response = client.post(URL, json=ENVELOPE)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    report = response.get_json()
    assert {finding["policy"] for finding in report["findings"]} == {
        policy.id for policy in catalogue()
    }
    assert report["verdict"] in ("not_ready", "unknown")
    assert report["policySet"] == digest(catalogue())
    assert sum(report["counts"].values()) == len(report["findings"])
    assert [(item["role"], item["openshift"]) for item in report["clusters"]] == [
        ("source", "3.11.1159"),
        ("destination", "4.14.9"),
    ]


def test_a_form_gives_the_same_report_as_an_envelope(client: FlaskClient) -> None:
    form = {
        "source": (io.BytesIO(json.dumps(SOURCE).encode()), "source.json"),
        "destination": (io.BytesIO(b"openshiftVersion: 4.14.9\nclusterAdmin: true\n"), "d.yaml"),
    }
    from_form = client.post(f"{URL}?as_of=2026-01-31", data=form).get_json()
    from_envelope = client.post(f"{URL}?as_of=2026-01-31", json=ENVELOPE).get_json()
    for report in (from_form, from_envelope):
        del report["parts"]
        for finding in report["findings"]:
            del finding["evidence"]
    assert from_form == from_envelope


def test_a_form_field_without_a_file_name_is_a_part_too(client: FlaskClient) -> None:
    form = {"source": json.dumps(SOURCE), "destination": json.dumps(DESTINATION)}
    report = client.post(URL, data=form, content_type="multipart/form-data").get_json()
    assert [item["openshift"] for item in report["clusters"]] == ["3.11.1159", "4.14.9"]


def test_a_bare_body_belongs_to_the_role_of_the_query(client: FlaskClient) -> None:
    body = (
        b"apiVersion: config.openshift.io/v1\nkind: ClusterVersion\nmetadata: {name: version}\n"
        b"status: {desired: {version: 4.14.9}, history: [{state: Completed, version: 4.14.9}]}\n"
    )
    for media_type in ("application/yaml", "application/x-www-form-urlencoded", None):
        response = client.post(f"{URL}?role=source", data=body, content_type=media_type)
        assert response.status_code == 200, response.text
        assert response.get_json()["clusters"][0]["openshift"] == "4.14.9"


@pytest.mark.parametrize(
    "query, fault",
    [
        (
            "rôle=source",
            {
                "code": "unknown-parameter",
                "detail": "there is no such parameter",
                "parameter": "rôle",
                "hint": "did you mean role?",
            },
        ),
        (
            "format=jsn",
            {
                "code": "invalid-value",
                "detail": "",
                "parameter": "format",
                "hint": "did you mean json?",
            },
        ),
        (
            "role=sorce",
            {
                "code": "invalid-value",
                "detail": "expected one of: source, destination, host",
                "parameter": "role",
                "hint": "did you mean source?",
            },
        ),
        (
            "max_age_hours=soon",
            {
                "code": "invalid-value",
                "detail": "expected a number of hours above 0",
                "parameter": "max_age_hours",
            },
        ),
        (
            "max_age_hours=nan",
            {
                "code": "invalid-value",
                "detail": "expected a number of hours above 0",
                "parameter": "max_age_hours",
            },
        ),
        (
            "target_openshift=4",
            {
                "code": "invalid-value",
                "detail": "expected a version such as 4.16.3",
                "parameter": "target_openshift",
            },
        ),
        (
            "as_of=2026-01-31T10:00:00",
            {
                "code": "invalid-value",
                "detail": "expected an offset from UTC: end the time with Z",
                "parameter": "as_of",
            },
        ),
        (
            "as_of=yesterday",
            {
                "code": "invalid-value",
                "detail": "expected a date or a time such as 2026-01-31T12:00:00Z",
                "parameter": "as_of",
            },
        ),
        (
            "plan=a/b/c",
            {
                "code": "invalid-value",
                "detail": "expected NAMESPACE/NAME or NAME of a Kubernetes object",
                "parameter": "plan_name",
            },
        ),
        (
            "role=source&role=host",
            {
                "code": "repeated-parameter",
                "detail": "given more than once",
                "parameter": "role",
                "hint": "give it once",
            },
        ),
    ],
)
def test_a_wrong_query_is_refused_with_the_nearest_known(
    client: FlaskClient, query: str, fault: dict[str, str]
) -> None:
    document = problem(client.post(f"{URL}?{query}", json=ENVELOPE), 400, "invalid-parameter")
    found = document["errors"]
    if not fault["detail"]:  # the list of formats grows
        found[0]["detail"] = ""
    assert found == [fault]


def test_all_wrong_parameters_are_told_at_once(client: FlaskClient) -> None:
    document = problem(
        client.post(f"{URL}?format=pdf&colour=red&plan=-", json=ENVELOPE), 400, "invalid-parameter"
    )
    assert [(item["parameter"], item["code"]) for item in document["errors"]] == [
        ("colour", "unknown-parameter"),
        ("format", "invalid-value"),
        ("plan_name", "invalid-value"),
    ]


@pytest.mark.parametrize(
    "path",
    ["/", "/livez", "/readyz", "/healthz", "/metrics", "/v1/policies", "/v1/evidence",
     "/openapi.yaml", "/openapi.json", "/docs", "/docs/problems"],
)  # fmt: skip
def test_no_page_takes_a_parameter_that_it_does_not_know(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200
    problem(client.get(f"{path}?colour=red"), 400, "invalid-parameter")


@pytest.mark.parametrize("path", ["/v1/policies", "/v1/policies/MTC101", "/v1/evidence",
                                  "/v1/evidence?format=sh&role=source",
                                  "/openapi.yaml", "/openapi.json"])  # fmt: skip
def test_a_known_answer_is_not_sent_again(client: FlaskClient, path: str) -> None:
    first = client.get(path)
    assert first.status_code == 200
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_an_etag_is_of_the_bytes_that_are_sent(app: Flask) -> None:
    """Whatever changes an answer, a client that knows the old one gets the new."""
    with app.test_request_context("/"):
        marks = {cached(body, "application/json").headers["ETag"] for body in (b"a", b"b", b"a")}
    assert len(marks) == 2


def test_the_catalogue_is_the_policies(client: FlaskClient) -> None:
    response = client.get("/v1/policies")
    document = response.get_json()
    assert document["policySet"] == digest(catalogue())
    assert [item["id"] for item in document["policies"]] == [item.id for item in catalogue()]
    for policy in document["policies"]:
        one = client.get(f"/v1/policies/{policy['id']}").get_json()
        assert {case["verdict"] for case in one.pop("cases")} >= {"fail"}
        assert one == policy


def test_an_unknown_policy_names_the_nearest(client: FlaskClient) -> None:
    document = problem(client.get("/v1/policies/mtc101"), 404, "policy-not-found")
    assert document["detail"] == "Did you mean MTC101?"


@pytest.mark.parametrize(
    "path, detail",
    [
        ("/v1/policies/", "The path has an extra slash: use /v1/policies."),
        ("/v1/evaluations/", "The path has an extra slash: use /v1/evaluations."),
        ("/v1//policies", "The path has an extra slash: use /v1/policies."),
        ("/v2/policies", "GET / lists the paths; /docs describes them."),
        ("/docs/secret.js", "GET /docs shows the documentation of the API."),
        ("/docs/../../etc/passwd", "GET / lists the paths; /docs describes them."),
    ],
)
def test_a_wrong_path_is_a_problem_and_no_redirect(
    client: FlaskClient, path: str, detail: str
) -> None:
    assert problem(client.get(path), 404, "not-found")["detail"] == detail


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    response = client.get(URL)
    assert problem(response, 405, "method-not-allowed")["detail"] == "Use OPTIONS, POST."
    assert {item.strip() for item in response.headers["Allow"].split(",")} == {"POST", "OPTIONS"}
    response = client.delete("/v1/policies")
    problem(response, 405, "method-not-allowed")
    assert {item.strip() for item in response.headers["Allow"].split(",")} == {
        "GET", "HEAD", "OPTIONS",
    }  # fmt: skip


def test_head_and_options_are_answered(client: FlaskClient) -> None:
    get, head = client.get("/v1/policies"), client.head("/v1/policies")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    options = client.options(URL)
    assert options.status_code == 200
    assert "POST" in options.headers["Allow"]


@pytest.mark.parametrize(
    "accept, status",
    [
        ("*/*", 200),
        ("application/json", 200),
        ("application/*;q=0.5", 200),
        ("image/png, application/json;q=0.1", 200),
        ("image/png", 406),
        ("application/json;q=0", 406),
        ("", 200),
    ],
)
def test_the_format_is_negotiated(client: FlaskClient, accept: str, status: int) -> None:
    response = client.post(URL, json=ENVELOPE, headers={"Accept": accept})
    assert response.status_code == status
    if status == 406:
        assert "application/json" in problem(response, 406, "not-acceptable")["detail"]
    else:
        assert response.mimetype == "application/json"
        assert "Accept" in response.headers["Vary"]


def test_the_format_parameter_wins_over_the_accept_header(client: FlaskClient) -> None:
    response = client.post(f"{URL}?format=json", json=ENVELOPE, headers={"Accept": "image/png"})
    assert (response.status_code, response.mimetype) == (200, "application/json")


@pytest.mark.parametrize("given", ["abc", "A.b-c_1", "x" * 64])
def test_a_good_request_id_is_kept(client: FlaskClient, given: str) -> None:
    response = client.get("/nowhere", headers={"X-Request-Id": given})
    assert response.headers["X-Request-Id"] == given
    assert response.get_json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "ä", "{}"])
def test_a_bad_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    response = client.get("/livez", headers={"X-Request-Id": given})
    assert len(response.headers["X-Request-Id"]) == 32
    assert response.headers["X-Request-Id"] != given


_BROWSER = {"Accept": "text/html,*/*;q=0.8"}


def test_the_root_points_on(client: FlaskClient) -> None:
    document = client.get("/").get_json()
    for key in ("policies", "evidence", "documentation", "openapi"):
        assert client.get(document[key]).status_code == 200
    page = client.get("/", headers=_BROWSER)
    assert page.mimetype == "text/html"
    assert "'http://localhost/v1/evaluations?format=text'</code></pre>" in page.text
    there = client.get("/", base_url="https://preflight.apps.example.com", headers=_BROWSER)
    assert "https://preflight.apps.example.com/v1/evaluations?format=text" in there.text
    odd = client.get("/", headers={**_BROWSER, "Host": 'x"><script>y</script>'})
    assert "<script>y" not in odd.text
    assert "curl" in page.text


def test_the_documentation_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.text.replace("http-equiv", "")
    sources = [
        word.split('"')[1] for word in page.text.split() if word.startswith(("src=", "href="))
    ]
    assert len(sources) == 6
    for source in sources:
        assert source.startswith("/")
        assert client.get(source).status_code == 200


def test_every_problem_code_is_documented(client: FlaskClient) -> None:
    page = client.get("/docs/problems").text
    for code in KINDS:
        assert f'id="{code}"' in page
