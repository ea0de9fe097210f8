"""Profiles, words and severities of a request, and what the operator allows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from policies import catalogue
from service.api.app import create_app
from service.settings import Settings, SettingsError

ENVELOPE = {"clusters": [{"role": "source", "facts": {"openshiftVersion": "4.14.9"}}]}


def post(client: FlaskClient, query: str = "", **more: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/v1/evaluations?{query}", json={**ENVELOPE, **more})
    return answer.status_code, json.loads(answer.data)


def evaluated(report: dict[str, Any]) -> set[str]:
    return {item["policy"] for item in report["findings"]}


def test_a_profile_by_query_and_by_envelope_is_the_same(client: FlaskClient) -> None:
    status, by_query = post(client, "profile=chapter")
    assert status == 200
    assert evaluated(by_query) == {item.id for item in catalogue() if item.chapter}
    assert by_query["scope"]["label"] == "Not ready (profile chapter)"
    _, by_envelope = post(client, options={"profile": "chapter"})
    assert by_envelope["scope"] == by_query["scope"]
    assert by_envelope["policySet"] == by_query["policySet"]
    assert {item["policy"] for item in by_query["scope"]["skipped"]} | evaluated(by_query) == {
        item.id for item in catalogue()
    }
    _, whole = post(client)
    assert whole["policySet"] != by_query["policySet"]


def test_the_query_wins_over_the_envelope(client: FlaskClient) -> None:
    _, report = post(client, "only=MTC101", options={"only": ["MTC302"], "skip": ["MTC901"]})
    assert evaluated(report) == {"MTC101"}
    _, report = post(client, "profile=full", options={"profile": "chapter"})
    assert len(evaluated(report)) == len(catalogue())


@pytest.mark.parametrize(
    ("query", "parameter", "hint"),
    [
        ("profile=chaptr", "profile", "did you mean chapter?"),
        ("only=netwrok", "only", "did you mean network?"),
        ("skip=evidence-compleet", "skip", "did you mean evidence-complete?"),
        ("severities=evidence-frsh=info", "severities", "did you mean evidence-fresh?"),
        ("parameters=MTC901.maxage=3", "parameters", "did you mean max-age?"),
    ],
)
def test_unknown_names_are_refused(
    client: FlaskClient, query: str, parameter: str, hint: str
) -> None:
    status, problem = post(client, query)
    assert (status, problem["code"]) == (400, "invalid-parameter")
    assert [(item["parameter"], item["hint"]) for item in problem["errors"]] == [(parameter, hint)]


def test_an_envelope_that_asks_for_too_much_is_refused_with_its_place(client: FlaskClient) -> None:
    status, problem = post(client, options={"skip": "MTC302", "profile": "chapter"})
    assert (status, problem["code"]) == (422, "invalid-input")
    assert [item["pointer"] for item in problem["errors"]] == ["/options/skip"]


def test_a_batch_line_may_choose_for_itself(client: FlaskClient) -> None:
    lines = [
        json.dumps({**ENVELOPE, "options": {"only": ["MTC101"]}}),
        json.dumps({**ENVELOPE, "options": {"only": ["nothing"]}}),
        json.dumps(ENVELOPE),
    ]
    answer = client.post(
        "/v1/evaluations/batch?profile=chapter&skip=MTC9*",
        data="\n".join(lines),
        content_type="application/x-ndjson",
    )
    assert answer.status_code == 200
    rows = [json.loads(row) for row in answer.data.splitlines()]
    assert [row["status"] for row in rows] == [200, 422, 200]
    assert evaluated(rows[0]["report"]) == {"MTC101"}
    assert rows[2]["report"]["scope"]["profile"] == "chapter"
    refused = client.post(
        "/v1/evaluations/batch?profile=none",
        data=lines[0],
        content_type="application/x-ndjson",
    )
    assert refused.status_code == 400


def test_what_was_not_evaluated_is_unconfirmed_and_never_resolved(client: FlaskClient) -> None:
    _, before = post(client)
    failing = [item for item in before["findings"] if item["verdict"] == "fail"]
    assert [item["policy"] for item in failing] == ["MTC401"]
    _, after = post(client, "only=MTC101", baseline=before)
    assert after["delta"]["resolved"] == []
    assert "MTC401" in {item["policy"] for item in after["delta"]["unconfirmed"]}
    assert after["delta"]["comparable"] is False
    _, tickets = post(client, "only=MTC101&format=tickets", baseline=before)
    assert "close" not in {item["action"] for item in tickets["tickets"]}


def test_a_waiver_may_name_a_policy_that_is_not_evaluated(client: FlaskClient) -> None:
    waiver = {
        "policy": "MTC401",
        "subject": {"cluster": "*"},
        "reason": "known",
        "owner": "ops",
        "expires": "2099-01-01",
    }
    status, report = post(client, "only=MTC101", waivers=[waiver])
    assert status == 200
    assert [item["status"] for item in report["waivers"]] == ["unused"]


CONFIGURATION = """
profile: acme
profiles:
  acme: {title: ours, only: [chapter, MTC801], severities: {MTC402: warning}}
parameters: {MTC901: {max-age: 24}}
requests: {skipBlockers: true}
"""


def test_the_configuration_of_the_operator(tmp_path: Path) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(CONFIGURATION)
    client = create_app(Settings(config_file=str(file))).test_client()
    _, report = post(client, "skip=MTC302=agreed")
    assert report["scope"]["label"] == "Not ready (profile acme, 1 skipped)"
    assert report["scope"]["files"] == ["policies.yaml"]
    assert "MTC801" in evaluated(report)
    assert "MTC302" not in evaluated(report)
    assert {item["severity"] for item in report["findings"] if item["policy"] == "MTC402"} == {
        "warning"
    }
    _, full = post(client, "profile=full")
    set_here = {"setting": "max-age", "value": "24 hours", "by": "policies.yaml"}
    assert full["scope"]["changed"] == [{"policy": "MTC901", **set_here}]


def test_a_wrong_configuration_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text("profiles: {acme: {only: [single-prxy]}}\nrequest: {}\nprofile: 3\n")
    with pytest.raises(SettingsError) as raised:
        create_app(Settings(config_file=str(file)))
    assert raised.value.faults == (
        "policies.yaml: request: there is no such key (did you mean requests?)",
        "policies.yaml: profile: expected a text of at most 500 characters",
    )
    file.write_text("profiles: {acme: {only: [single-prxy]}}\n")
    with pytest.raises(SettingsError) as raised:
        create_app(Settings(config_file=str(file)))
    assert raised.value.faults == (
        "profile acme: only: no policy is called 'single-prxy' (did you mean single-proxy?)",
    )
