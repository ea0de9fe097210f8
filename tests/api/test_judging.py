"""Gate, waivers, comparison and formats over HTTP, as a pipeline meets them."""

from __future__ import annotations

import http.server
import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.api.app import create_app
from service.settings import Settings, SettingsError

URL = "/v1/evaluations"


def envelope(**more: Any) -> dict[str, Any]:
    """Two clusters whose MTC versions differ; most else is not reported."""
    return {
        "clusters": [
            {"role": "source", "facts": {"openshiftVersion": "4.14.9", "mtcVersion": "1.8.15"}},
            {
                "role": "destination",
                "facts": {"openshiftVersion": "4.16.3", "mtcVersion": "1.8.16"},
            },
        ],
        **more,
    }


WAIVER = {
    "policy": "MTC403",
    "subject": {"cluster": "*"},
    "reason": "the update is booked",
    "owner": "platform team",
    "ticket": "OPS-7",
    "expires": "2026-06-30",
}
AS_OF = "as_of=2026-03-01"


def evaluate(client: FlaskClient, query: str = "", **more: Any) -> Any:
    return client.post(f"{URL}?{AS_OF}{query}", json=envelope(**more))


def findings(report: dict[str, Any], policy: str) -> list[tuple[str, str | None]]:
    return [
        (item["verdict"], item["change"]) for item in report["findings"] if item["policy"] == policy
    ]


def test_every_report_has_the_gates_decision(client):
    report = evaluate(client).get_json()
    gate = report["gate"]
    assert report["verdict"] == "not_ready"
    assert (gate["passed"], gate["failOn"], gate["unknown"]) == (False, "blocker", "fail")
    assert (gate["newOnly"], gate["status"]) == (False, False)
    assert "MTC403" in [reason["policy"] for reason in gate["reasons"]]


@pytest.mark.parametrize("query, status", [("", 200), ("&gate=report", 200), ("&gate=status", 424)])
def test_a_closed_gate_is_a_status_only_where_asked_for(client, query, status):
    response = evaluate(client, query)
    assert response.status_code == status
    assert response.get_json()["verdict"] == "not_ready"


def test_an_open_gate_is_200(client):
    response = evaluate(client, "&gate=status&unknown=ignore", waivers=[WAIVER])
    report = response.get_json()
    assert (response.status_code, report["verdict"]) == (200, "unknown")
    assert (report["gate"]["passed"], report["gate"]["reasons"]) == (True, [])


@pytest.mark.parametrize("name", ["html", "markdown", "junit", "sarif", "text", "github"])
def test_a_closed_gate_is_told_in_every_format(client, name):
    response = evaluate(client, f"&gate=status&format={name}")
    assert response.status_code == 424
    assert b"MTC403" in response.data


@pytest.mark.parametrize(
    "query, parameter",
    [
        ("&fail_on=critical", "fail_on"),
        ("&unknown=maybe", "unknown"),
        ("&gate=yes", "gate"),
        ("&new_only=1", "new_only"),
        ("&limit=10", "limit"),
        ("&limit=many", "limit"),
        ("&group=team", "group"),
        ("&color=always", "color"),
        ("&project=ops%22%20OR%201", "project"),
        ("&issue_type=%22x", "issue_type"),
        ("&notify=nobody", "notify"),
        ("&notify=http%3A%2F%2F169.254.169.254", "notify"),
        ("&new_only=true", "new_only"),
    ],
)
def test_unknown_values_are_400_and_named(client, query, parameter):
    response = evaluate(client, query)
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid-parameter")
    assert [fault["parameter"] for fault in response.get_json()["errors"]] == [parameter]


def test_a_waiver_of_the_request_is_used_and_audited(client):
    report = evaluate(client, waivers=[WAIVER]).get_json()
    waived = [item for item in report["findings"] if item["verdict"] == "waived"]
    assert {item["policy"] for item in waived} == {"MTC403"}
    assert {item["waivedVerdict"] for item in waived} == {"fail"}
    assert {item["waiver"]["ticket"] for item in waived} == {"OPS-7"}
    (audit,) = report["waivers"]
    assert (audit["status"], audit["findings"]) == ("used", [i["fingerprint"] for i in waived])


def test_a_waiver_expires_by_the_date_of_the_evaluation(client):
    late = client.post(f"{URL}?as_of=2026-07-01", json=envelope(waivers=[WAIVER])).get_json()
    assert [item["status"] for item in late["waivers"]] == ["expired"]
    assert ("fail", None) in findings(late, "MTC403")


def test_malformed_waivers_are_422_and_each_is_named(client):
    bad = [{**WAIVER, "expires": "soon"}, WAIVER, {**WAIVER, "policy": "MTC999"}]
    response = evaluate(client, waivers=bad)
    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (422, "invalid-input")
    assert [(fault["code"], fault["pointer"]) for fault in problem["errors"]] == [
        ("waiver-malformed", "/0/expires"),
        ("waiver-malformed", "/2/policy"),
    ]


def test_waivers_and_baseline_as_parts_of_a_form(client):
    first = evaluate(client).get_json()
    data = {
        "envelope": (json_file(envelope()), "bundle.json"),
        "waivers": (json_file({"waivers": [WAIVER]}), "waivers.yaml"),
        "baseline": (json_file(first), "before.json"),
    }
    report = client.post(f"{URL}?{AS_OF}&new_only=true", data=data).get_json()
    assert {change for _, change in findings(report, "MTC403")} == {"changed"}
    assert report["delta"]["comparable"] is True
    assert report["gate"]["passed"] is True


def json_file(value: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("part", "text", "code"),
    [
        ("waivers", "- {policy: MTC403", "yaml-syntax"),
        ("waivers", "- {policy: MTC403, atMost: .nan}", "yaml-number"),
        ("waivers", "", "empty-part"),
        ("baseline", '{"findings": [', "json-incomplete"),
    ],
)
def test_an_unreadable_part_of_ones_own_is_422(client, part, text, code):
    form = {
        "source": (io.BytesIO(b"facts: {mtcVersion: 1.8.15}"), "s"),
        part: (io.BytesIO(text.encode()), "own"),
    }
    answer = client.post(f"{URL}?unknown=ignore", data=form)
    (error,) = answer.get_json()["errors"]
    assert (answer.status_code, error["part"], error["code"]) == (422, part, code)


def test_the_comparison_over_two_calls(client):
    first = evaluate(client).get_json()
    same = evaluate(client, "&new_only=true&gate=status", baseline=first)
    assert same.status_code == 200
    report = same.get_json()
    assert report["delta"]["counts"]["new"] == report["delta"]["counts"]["changed"] == 0
    mended = envelope(baseline=first)
    mended["clusters"][0]["facts"]["mtcVersion"] = "1.8.16"
    after = client.post(f"{URL}?{AS_OF}", json=mended).get_json()
    gone = {item["policy"] for item in after["delta"]["resolved"]}
    cured = {item["policy"] for item in after["findings"] if item["change"] == "resolved"}
    assert "MTC403" in gone | cured


@pytest.mark.parametrize("kind", ["fingerprints", "baseline"])
def test_short_forms_of_the_previous_report(client, kind):
    if kind == "baseline":
        before = evaluate(client, "&format=baseline").get_json()
    else:
        before = [
            item["fingerprint"]
            for item in evaluate(client).get_json()["findings"]
            if item["verdict"] in ("fail", "unknown", "error")
        ]
    report = evaluate(client, "&new_only=true", baseline=before).get_json()
    assert report["gate"]["passed"] is True
    assert report["delta"]["counts"]["new"] == 0


def test_a_malformed_baseline_is_422(client):
    response = evaluate(client, baseline={"findings": [{"fingerprint": "x"}]})
    assert response.status_code == 422
    (fault,) = response.get_json()["errors"]
    assert (fault["code"], fault["pointer"]) == ("baseline-malformed", "/findings/0/fingerprint")


def test_tickets_close_over_two_calls(client):
    first = evaluate(client).get_json()
    mended = envelope(baseline=first)
    mended["clusters"][0]["facts"]["mtcVersion"] = "1.8.16"
    made = client.post(f"{URL}?{AS_OF}&format=tickets", json=mended).get_json()
    closed = [item for item in made["tickets"] if item["action"] == "close"]
    assert [item["policies"] for item in closed] == [["MTC403"]] * len(closed) != []


def test_the_jira_project_is_that_of_the_query(client):
    made = evaluate(client, "&format=jira&project=OPS&issue_type=Sub%20task").get_json()
    created = made["items"][0]["request"]["body"]["fields"]
    assert (created["project"], created["issuetype"]) == ({"key": "OPS"}, {"name": "Sub task"})


def test_the_limit_of_markdown_is_that_of_the_query(client):
    assert len(evaluate(client, "&format=markdown&limit=900").get_data(as_text=True)) <= 900


def test_what_if_by_version(client):
    as_is = evaluate(client).get_json()
    wished = evaluate(client, "&target_mtc=1.8.16").get_json()
    assert ("fail", None) in findings(as_is, "MTC403")
    assert ("fail", None) not in findings(wished, "MTC403")
    assert as_is["assumed"] == []
    assert wished["assumed"] == [{"name": "MTC", "version": "1.8.16"}]


@pytest.mark.parametrize(
    "name", ["text", "markdown", "html", "github", "junit", "sarif", "policyreport", "tickets"]
)
def test_a_what_if_says_so_in_every_format(client, name):
    query = f"&target_mtc=1.8.5&target_openshift=4.16.9&format={name}"
    told = evaluate(client, query).get_data(as_text=True)
    plain = evaluate(client, f"&format={name}").get_data(as_text=True)
    mark = "assumed" if name in ("sarif", "tickets") else "hat-if"
    assert mark in told
    assert ("1.8.5" in told, "4.16.9" in told) == (True, True)
    if name != "tickets":
        assert mark not in plain.split("</style>")[-1]


def test_what_if_by_openshift_version(client):
    """MTC 1.8 does not support an OpenShift as old as that."""
    wished = evaluate(client, "&target_openshift=4.9.3").get_json()
    as_is = evaluate(client).get_json()
    assert findings(wished, "MTC404") != findings(as_is, "MTC404")
    assert wished["assumed"] == [{"name": "OpenShift", "version": "4.9.3"}]


def test_standing_waivers_come_from_the_settings(tmp_path):
    path = tmp_path / "waivers.yaml"
    path.write_text(
        "waivers:\n- policy: mtc-same-version\n  subject: {cluster: '*'}\n  reason: booked\n"
        "  owner: team\n  expires: 2026-06-30\n"
    )
    client = create_app(Settings(waivers_file=str(path))).test_client()
    report = evaluate(client).get_json()
    assert {verdict for verdict, _ in findings(report, "MTC403")} == {"waived"}


@pytest.mark.parametrize(
    "text, fault",
    [
        (None, "MTC_PREFLIGHT_WAIVERS_FILE: no document to read (FileNotFoundError)"),
        ("- {", "MTC_PREFLIGHT_WAIVERS_FILE: line"),
        ("- {policy: MTC403}", "MTC_PREFLIGHT_WAIVERS_FILE: waivers/0/reason: missing"),
    ],
)
def test_a_wrong_file_of_waivers_stops_the_start(tmp_path: Path, text, fault):
    path = tmp_path / "waivers.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        create_app(Settings(waivers_file=str(path)))
    assert caught.value.faults[0].startswith(fault)


def test_a_target_of_the_settings_is_told(tmp_path: Path, hook):
    (tmp_path / "secret").write_text("0123456789abcdef")
    path = tmp_path / "targets.yaml"
    path.write_text(f"- {{name: ops, url: '{hook.url}', secretFile: secret, format: tickets}}\n")
    client = create_app(Settings(webhooks_file=str(path))).test_client()
    response = evaluate(client, "&notify=ops")
    assert response.headers["X-MTC-Preflight-Notified"] == ("ops; delivered; detail=204")
    ((headers, body),) = hook.received
    assert json.loads(body)["tickets"]
    assert headers["Content-Type"] == "application/vnd.mtc-preflight.tickets+json"
    assert headers["X-MTC-Preflight-Signature-256"].startswith("sha256=")


class Hook:
    """A receiver of webhooks on a loopback port."""

    def __init__(self) -> None:
        received: list[tuple[dict[str, str], bytes]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.received = received
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()
