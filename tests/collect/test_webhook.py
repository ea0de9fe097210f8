"""Webhooks: signed, repeated with patience, bounded, and to nobody but the settings' targets."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import threading
import time
from pathlib import Path

import pytest
import requests
import responses

from service.collect.webhook import (
    DELIVERY,
    SIGNATURE,
    TIMESTAMP,
    Delivery,
    DeliveryState,
    Patience,
    WebhookTarget,
    deliver,
)
from service.collect.webhook_targets import TargetsError, read_targets
from service.observability import JsonFormatter

URL = "https://ops.example/hook?token=t0ps3cr3t"
TARGET = WebhookTarget("ops", URL, "tickets", "0123456789abcdef", {"Authorization": "Bearer t"})
BODY = b'{"verdict":"not_ready"}'


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self, per_call: float = 0.0) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self._per_call = per_call

    def __call__(self) -> float:
        self.now += self._per_call
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def send(clock: Clock | None = None, **patience) -> Delivery:
    clock = clock or Clock()
    return deliver(
        TARGET, BODY, "application/json", Patience(**patience), clock=clock, sleep=clock.sleep
    )


@responses.activate
def test_what_is_sent_is_signed():
    responses.post(URL, status=204)
    assert send() == Delivery("ops", DeliveryState.DELIVERED, 1, "204")
    (call,) = responses.calls
    headers = call.request.headers
    assert call.request.body == BODY
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer t"
    message = headers[TIMESTAMP].encode() + b"." + BODY
    wanted = hmac.new(b"0123456789abcdef", message, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={wanted}"
    assert abs(int(headers[TIMESTAMP]) - time.time()) < 60


@responses.activate
def test_a_passing_failure_is_repeated_with_growing_pauses():
    for status in (503, 500, 429):
        responses.post(URL, status=status)
    responses.post(URL, status=200)
    clock = Clock()
    assert send(clock, attempts=5) == Delivery("ops", DeliveryState.DELIVERED, 4, "200")
    for pause, base in zip(clock.slept, (0.5, 1.0, 2.0), strict=True):
        assert base <= pause <= 2 * base
    marks = {call.request.headers[DELIVERY] for call in responses.calls}
    assert len(marks) == 1  # the receiver can tell a repetition


@responses.activate
@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 410, 422])
def test_a_refusal_is_final_and_no_redirect_is_followed(status):
    responses.post(URL, status=status, headers={"Location": "http://169.254.169.254/"})
    assert send() == Delivery("ops", DeliveryState.REFUSED, 1, str(status))
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize("error", [requests.ConnectionError(URL), requests.ReadTimeout(URL)])
def test_errors_of_the_network_are_told_without_the_address(error, caplog):
    responses.post(URL, body=error)
    delivery = send(attempts=2)
    assert delivery == Delivery("ops", DeliveryState.FAILED, 2, type(error).__name__)
    assert "t0ps3cr3t" not in caplog.text + repr(delivery) + repr(TARGET)
    assert TARGET.secret not in repr(TARGET)


@responses.activate
def test_the_log_tells_the_target_and_the_outcome(caplog):
    responses.post(URL, status=403)
    with caplog.at_level("INFO", "service.webhook"):
        deliver(TARGET, b"x", "text/plain", sleep=lambda _: None)
    line = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert {key: line.get(key) for key in ("target", "state", "tries", "detail")} == {
        "target": TARGET.name,
        "state": "refused",
        "tries": 1,
        "detail": "403",
    }


@responses.activate
def test_the_whole_takes_no_longer_than_allowed():
    responses.post(URL, status=503)
    clock = Clock()
    delivery = send(clock, seconds=4.0, attempts=100)
    assert delivery.state is DeliveryState.FAILED
    assert clock.now - 100 <= 4.0
    assert delivery.attempts <= 4


@responses.activate
def test_a_receiver_may_ask_for_a_pause():
    responses.post(URL, status=503, headers={"Retry-After": "7"})
    responses.post(URL, status=200)
    clock = Clock()
    assert send(clock).state is DeliveryState.DELIVERED
    assert 7 <= clock.slept[0] <= 7.5


@responses.activate
def test_a_pause_beyond_the_time_is_not_waited_for():
    responses.post(URL, status=503, headers={"Retry-After": "86400"})
    clock = Clock()
    assert send(clock) == Delivery("ops", DeliveryState.FAILED, 1, "503")
    assert clock.slept == []


class Slow(http.server.BaseHTTPRequestHandler):
    """Answers with a header and then a body that never ends."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        while True:
            try:
                self.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.05)

    def log_message(self, *args: object) -> None:
        pass


def test_an_endless_answer_of_a_real_server_is_not_read():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target = WebhookTarget("slow", f"http://127.0.0.1:{server.server_port}/", "json", "0" * 16)
    try:
        assert deliver(target, BODY, "application/json").state is DeliveryState.DELIVERED
    finally:
        server.shutdown()
        server.server_close()


class Dribble(http.server.BaseHTTPRequestHandler):
    """Answers a byte at a time, and never to the end of its first line."""

    def do_POST(self) -> None:
        while True:
            try:
                self.wfile.write(b"H")
            except OSError:
                return
            time.sleep(0.05)

    def log_message(self, *args: object) -> None:
        pass


def test_a_server_that_answers_a_byte_at_a_time_is_left():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dribble)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target = WebhookTarget("slow", f"http://127.0.0.1:{server.server_port}/", "json", "0" * 16)
    try:
        delivery = deliver(target, BODY, "application/json", Patience(seconds=1.0))
        assert delivery == Delivery("slow", DeliveryState.FAILED, 1, "Timeout")
    finally:
        server.shutdown()
        server.server_close()


def write(folder: Path, text: str, secret: str = "0123456789abcdef") -> Path:
    (folder / "secret").write_text(secret + "\n")
    path = folder / "targets.yaml"
    path.write_text(text)
    return path


FORMATS = ("json", "tickets")


def test_targets_are_read_from_a_file(tmp_path):
    path = write(
        tmp_path,
        "- {name: ops, url: 'https://ops.example/x', secretFile: secret}\n"
        "- {name: log, url: 'http://log:8080', secretFile: secret, format: json, "
        "headers: {Authorization: Bearer t}}\n",
    )
    assert read_targets(path, FORMATS) == {
        "ops": WebhookTarget("ops", "https://ops.example/x", "tickets", "0123456789abcdef"),
        "log": WebhookTarget(
            "log", "http://log:8080", "json", "0123456789abcdef", {"Authorization": "Bearer t"}
        ),
    }


GOOD = "name: ops, url: 'https://a/', secretFile: secret"


@pytest.mark.parametrize(
    "text, fault",
    [
        ("{}", "targets.yaml: wanted a list of at most 50 targets"),
        ("[", "targets.yaml: cannot be read (ParserError)"),
        ("- x", "targets.yaml[0]: wanted an object with name, url and secretFile"),
        (f"- {{{GOOD}, uri: x}}", "targets.yaml[0].uri: unknown key"),
        ("- {name: Ops!, url: 'https://a/', secretFile: secret}",
         "targets.yaml[0].name: wanted lower-case letters, digits and hyphens"),
        ("- {name: ops, url: 'file:///etc/passwd', secretFile: secret}",
         "targets.yaml[0].url: wanted http(s)://HOST[:PORT]/PATH without user and password"),
        ("- {name: ops, url: 'https://u:p@a/', secretFile: secret}",
         "targets.yaml[0].url: wanted http(s)://HOST[:PORT]/PATH without user and password"),
        ("- {name: ops, url: 'https://a:x/', secretFile: secret}",
         "targets.yaml[0].url: wanted http(s)://HOST[:PORT]/PATH without user and password"),
        ("- {name: ops, url: 'https://a/'}",
         "targets.yaml[0].secretFile: missing: what is sent is always signed"),
        ("- {name: ops, url: 'https://a/', secretFile: gone}",
         "targets.yaml[0].secretFile: cannot be read (FileNotFoundError)"),
        (f"- {{{GOOD}, format: pdf}}", "targets.yaml[0].format: wanted one of json, tickets"),
        (f"- {{{GOOD}, headers: {{'A\\nB': x}}}}",
         "targets.yaml[0].headers: a name is not one of HTTP's"),
        (f'- {{{GOOD}, headers: {{A: "x\\ny"}}}}',
         "targets.yaml[0].headers.A: wanted one line of text"),
        (f"- {{{GOOD}}}\n- {{{GOOD}}}", "targets.yaml[1].name: given twice"),
    ],
)  # fmt: skip
def test_a_wrong_target_is_named(tmp_path, text, fault):
    with pytest.raises(TargetsError) as caught:
        read_targets(write(tmp_path, text), FORMATS)
    assert caught.value.faults == (fault,)


def test_a_short_secret_is_refused_and_not_told(tmp_path):
    path = write(tmp_path, f"- {{{GOOD}}}", secret="hunter2")
    with pytest.raises(TargetsError) as caught:
        read_targets(path, FORMATS)
    assert caught.value.faults == ("targets.yaml[0].secretFile: holds fewer than 16 characters",)


def test_two_wrong_targets_are_both_named(tmp_path):
    path = write(tmp_path, f"- {{{GOOD}}}\n- x\n- {{{GOOD}, name: B}}")
    with pytest.raises(TargetsError) as caught:
        read_targets(path, FORMATS)
    assert len(caught.value.faults) == 2


def test_no_such_file(tmp_path):
    with pytest.raises(TargetsError, match="cannot be read"):
        read_targets(tmp_path / "gone.yaml", FORMATS)
