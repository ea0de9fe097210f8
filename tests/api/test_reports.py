"""POST /v1/reports: a stored report in another form, without the evidence."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

ENVELOPE = {"clusters": [{"role": "source", "facts": {"openshiftVersion": "4.14.9"}}]}


@pytest.fixture
def report(client: FlaskClient) -> dict[str, object]:
    answer = client.post("/v1/evaluations", json=ENVELOPE)
    assert answer.status_code == 200
    return answer.get_json()


@pytest.mark.parametrize("form", ["text", "html", "junit", "sarif", "tickets", "gather", "json"])
def test_it_is_what_the_evaluation_would_have_given(client, report, form):
    url = f"?format={form}&as_of={report['asOf'].replace('+', '%2B')}"
    direct = client.post(f"/v1/evaluations{url}", json=ENVELOPE)
    again = client.post(f"/v1/reports?format={form}", json=report)
    assert (again.status_code, again.mimetype) == (200, direct.mimetype)
    assert again.data == direct.data


def test_the_gate_is_that_of_the_call(client, report):
    assert client.post("/v1/reports?gate=status", json=report).status_code == 424


@pytest.mark.parametrize(
    "body, pointer", [({"findings": []}, ""), ({"findings": [3], "policySet": "x"}, "/findings/0")]
)
def test_what_is_no_report_is_refused_with_its_place(client, body, pointer):
    answer = client.post("/v1/reports", json=body)
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert (error["code"], error.get("pointer", "")) == ("invalid-report", pointer)


def test_new_only_needs_a_report_that_was_compared(client, report):
    answer = client.post("/v1/reports?new_only=true", json=report)
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["parameter"] == "new_only"
