"""What operators rely on: settings, the log, metrics of several workers, renewal of workers."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from serving import Server
from test_endpoints import ENVELOPE, URL

from service.api.app import create_app
from service.intake.limits import DEFAULT_LIMITS, Limits
from service.observability import JsonFormatter
from service.settings import VARIABLES, Settings, SettingsError, from_environment

ROOT = Path(__file__).parents[2]
BODY = json.dumps(ENVELOPE).encode()


def test_without_variables_the_defaults_hold() -> None:
    assert from_environment({}) == Settings()
    assert from_environment({"MTC_PREFLIGHT_WORKERS": " "}) == Settings()


def test_every_setting_can_be_set() -> None:
    values = {"log_level": "debug"}
    values |= {"nested_archives": "1", "auth": "none", "open_scopes": "metrics"}
    values |= {"health_address": "127.0.0.1:8081", "proxies": "127.0.0.1"}
    values |= {"policies": "one, other"}
    values |= {"migplans": "on", "update_service": "https://updates.example.com/graph"}
    given = {item.name: values.get(item.field, "11") for item in VARIABLES}
    settings = from_environment(given)
    for field in fields(Limits):
        assert getattr(settings.limits, field.name) == int(values.get(field.name, 11))
    for field in fields(Settings):
        if field.name not in ("limits", "migplan_namespaces", *values):
            assert str(getattr(settings, field.name)) == "11"
    assert settings.migplan_namespaces == {"11"}
    assert settings.proxies == {"127.0.0.1"}
    assert settings.policies == ("one", "other")
    assert settings.migplans
    assert settings.update_service == values["update_service"]
    assert settings.health_address == values["health_address"]
    assert settings.log_level == "DEBUG"
    assert (settings.auth, settings.open_scopes) == ("none", {"metrics"})


@pytest.mark.parametrize(
    "text, size",
    [("1", 1), ("2k", 2000), ("512Mi", 512 * 2**20), ("4Gi", 2**32), ("3G", 3 * 10**9)],
)
def test_sizes_have_units(text: str, size: int) -> None:
    assert from_environment({"MTC_PREFLIGHT_BODY_BYTES": text}).limits.body_bytes == size


def test_all_faults_are_told_at_once_with_what_is_wanted() -> None:
    with pytest.raises(SettingsError) as caught:
        from_environment(
            {
                "MTC_PREFLIGHT_BODY_BYTES": "-5",
                "MTC_PREFLIGHT_THREADS": "many",
                "MTC_PREFLIGHT_LOG_LEVEL": "LOUD",
                "MTC_PREFLIGHT_WORKER": "3",
                "MTC_PREFLIGHT_DEPTH": "100000",
            }
        )
    assert caught.value.faults == (
        "MTC_PREFLIGHT_WORKER: no such setting; did you mean MTC_PREFLIGHT_WORKERS?",
        "MTC_PREFLIGHT_LOG_LEVEL='LOUD': expected DEBUG | INFO | WARNING | ERROR",
        "MTC_PREFLIGHT_THREADS='many': expected a whole number from 1 to 256",
        "MTC_PREFLIGHT_BODY_BYTES='-5': expected a number of bytes, such as 512Mi",
        "MTC_PREFLIGHT_DEPTH='100000': expected a whole number from 10 to 201",
    )


def test_what_kubernetes_puts_into_every_pod_is_no_setting() -> None:
    given = {
        "MTC_PREFLIGHT_SERVICE_HOST": "10.0.0.1",
        "MTC_PREFLIGHT_SERVICE_PORT": "8080",
        "MTC_PREFLIGHT_SERVICE_PORT_HTTP": "8080",
        "MTC_PREFLIGHT_PORT": "tcp://10.0.0.1:8080",
        "MTC_PREFLIGHT_PORT_8080_TCP_ADDR": "10.0.0.1",
        "MTC_PREFLIGHT_API_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    }
    assert from_environment(given) == Settings()


def test_the_limits_of_the_settings_are_those_of_the_readers() -> None:
    assert Settings().limits == DEFAULT_LIMITS


def test_wrong_settings_stop_the_start_with_a_clear_word() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", "service/api/gunicorn_conf.py",
         "--bind", "127.0.0.1:0", "service.api.app:create_app()"],
        cwd=ROOT, env={**os.environ, "MTC_PREFLIGHT_THREADS": "0"}, capture_output=True,
        text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ended.returncode != 0
    assert "MTC_PREFLIGHT_THREADS='0': expected a whole number from 1 to 256" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_one_line_per_request_and_nothing_of_its_body(start_server: Any) -> None:
    server: Server = start_server()
    envelope = {"clusters": [{**row, "name": "prod-eu-1"} for row in ENVELOPE["clusters"]]}
    body = json.dumps(envelope).encode()
    reply = server.request("POST", URL, body, {"X-Request-Id": "my-id"})
    server.request("GET", "/v1/policies/MTC101?x=prod-eu-1", headers={"X-Request-Id": "a\tb"})
    server.request("GET", "/prod-eu-1")
    lines = [line for line in server.log() if line["logger"] == "service.request"][-3:]
    first = lines[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first.pop("time"))
    assert 0 < first.pop("duration_ms") < 10_000
    assert first == {
        "level": "info",
        "logger": "service.request",
        "message": "request",
        "request_id": "my-id",
        "method": "POST",
        "route": URL,
        "status": 200,
        "verdict": reply.json["verdict"],
        "counts": reply.json["counts"],
        "bytes_in": len(body),
        "bytes_out": len(reply.body),
    }
    assert [line["route"] for line in lines[1:]] == ["/v1/policies/<policy_id>", "unmatched"]
    assert "prod-eu-1" not in server.log_file.read_text()


def test_the_log_tells_the_trace_that_a_router_began(start_server: Any) -> None:
    server: Server = start_server()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    told = [
        f"00-{trace}-00f067aa0ba902b7-01", f"00-{trace.upper()}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{trace}-00f067aa0ba902b7-01\tx", "",
    ]  # fmt: skip
    for header in told:
        server.request("GET", "/livez", headers={"traceparent": header})
    lines = [line for line in server.log() if line.get("route") == "/livez"][-len(told) :]
    assert [line.get("trace_id") for line in lines] == [trace, None, None, None, None]


def test_a_record_is_one_line_whatever_it_holds() -> None:
    record = logging.LogRecord(
        "x", logging.INFO, "", 0, 'a\n{"level": "fatal"}\u2028\r%s', ("b",), None
    )
    text = JsonFormatter().format(record)
    assert len(text.splitlines()) == 1
    assert json.loads(text)["message"] == 'a\n{"level": "fatal"}\u2028\rb'


def test_an_unexpected_error_is_a_problem_and_its_text_is_told_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    app: Flask = create_app(Settings())
    monkeypatch.setattr("service.api.views.evaluations.judge", broken)
    response = app.test_client().post(URL, json=ENVELOPE)
    document = response.get_json()
    assert (response.status_code, document["code"]) == (500, "internal-error")
    written = capsys.readouterr()
    log = [json.loads(line) for line in written.out.splitlines()]
    assert [(line["message"], line["error"]) for line in log] == [
        ("unexpected", "RuntimeError"),
        ("request", "RuntimeError"),
    ]
    assert re.fullmatch(r"test_operations\.py:\d+", log[0]["at"])
    assert {line["request_id"] for line in log} == {document["request_id"]}
    for text in (response.text, written.out, written.err):
        assert "hunter2" not in text
        assert "Traceback" not in text


def sample(text: str, name: str, **labels: str) -> float:
    """The value of one sample."""
    for line in text.splitlines():
        if line.startswith((f"{name} ", f"{name}{{")) and all(
            f'{key}="{value}"' in line for key, value in labels.items()
        ):
            return float(line.rpartition(" ")[2])
    return 0.0


def scrape(server: Server) -> str:
    return server.request("GET", "/metrics").body.decode()


def evaluated(text: str) -> float:
    return sum(
        sample(text, "mtc_preflight_evaluations_total", verdict=verdict)
        for verdict in ("ready", "not_ready", "unknown")
    )


def test_metrics_add_up_over_workers_and_their_renewal(start_server: Any) -> None:
    server: Server = start_server("--max-requests", "10", "--max-requests-jitter", "0")
    before, first = set(server.workers()), scrape(server)
    total = 60
    for _ in range(total):
        assert server.request("POST", URL, BODY).status == 200
    deadline = time.monotonic() + 300
    while set(server.workers()) & before and time.monotonic() < deadline:
        server.request("GET", "/livez")
        time.sleep(0.05)
    assert not set(server.workers()) & before, "no worker was renewed"
    text = scrape(server)
    assert evaluated(text) - evaluated(first) == total
    assert (
        sample(text, "mtc_preflight_requests_total", route=URL, method="POST", status="200") == 60
    )
    assert sample(text, "mtc_preflight_request_duration_seconds_count", route=URL) == total
    assert sample(text, "mtc_preflight_ingest_bytes_sum") == total * len(BODY)
    findings = sum(
        sample(text, "mtc_preflight_findings_total", policy="MTC101", verdict=verdict)
        for verdict in ("pass", "fail", "unknown")
    )
    assert findings >= total
    assert sample(text, "mtc_preflight_waiting_seconds_count") == total


def test_a_killed_worker_is_replaced_and_the_metrics_stay(start_server: Any) -> None:
    server: Server = start_server()
    for _ in range(10):
        server.request("POST", URL, BODY)
    victims = server.workers()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if len(server.workers()) == 2 and not set(server.workers()) & set(victims):
            break
        time.sleep(0.1)
    assert evaluated(scrape(server)) == 10


def test_a_reload_keeps_serving(start_server: Any) -> None:
    server: Server = start_server()
    server.request("POST", URL, BODY)
    before = set(server.workers())
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 300
    while set(server.workers()) & before and time.monotonic() < deadline:
        assert server.request("GET", "/livez").status == 200
        time.sleep(0.1)
    assert evaluated(scrape(server)) == 1


def test_the_metrics_tell_what_runs(client: FlaskClient, start_server: Any) -> None:
    for ready, text in (
        (client.get("/readyz").get_json(), client.get("/metrics").text),
        (json.loads((server := start_server()).request("GET", "/readyz").body), scrape(server)),
    ):
        build = {"version": ready["version"], "policy_set": ready["policySet"]}
        assert sample(text, "mtc_preflight_build_info", **build) == 1
        assert text.count("mtc_preflight_build_info{") == 1


def test_labels_hold_no_names_of_the_input(client: FlaskClient) -> None:
    envelope = {"clusters": [{**row, "name": "prod-eu-1"} for row in ENVELOPE["clusters"]]}
    client.post(URL, json=envelope)
    client.get("/prod-eu-1")
    client.open("/livez", method="PRODEU1")
    text = client.get("/metrics").text
    assert "prod" not in text.lower()
    assert sample(text, "mtc_preflight_requests_total", route="unmatched", method="OTHER") >= 1
    assert sample(text, "mtc_preflight_problems_total", code="not-found") >= 1


def test_preloading_the_app_works(start_server: Any) -> None:
    server: Server = start_server("--preload")
    for _ in range(6):
        assert server.request("POST", URL, BODY).status == 200
    assert evaluated(scrape(server)) == 6
