"""Webhooks: signed, repeated with patience, bounded, and to nobody but the settings' targets."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
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
from service.observability import JsonFormatter, logging_config

URL = "https://ops.example/hook?token=t0ps3cr3t"
TARGET = WebhookTarget("ops", URL, "tickets", "0123456789abcdef", {"Authorization": "Bearer t"})
BODY = b'{"verdict":"not_ready"}'


QUICK = Patience(first=0.001)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers with the statuses that it has left, and notes what it got."""

    left: list[tuple[int, dict[str, str]]]
    got: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append(self.headers[DELIVERY])
        status, headers = self.left.pop(0)
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def receiver(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[WebhookTarget]:
    """A target on a real server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield WebhookTarget(
            "ops", f"http://127.0.0.1:{server.server_port}/t0ps3cr3t", "json", "0" * 16
        )
    finally:
        server.shutdown()
        server.server_close()


def answering(*answers: int | tuple[int, dict[str, str]]) -> type[Receiver]:
    """A receiver with these answers."""
    left = [item if isinstance(item, tuple) else (item, {}) for item in answers]
    return type("Answering", (Receiver,), {"left": left, "got": []})


def send(target: WebhookTarget = TARGET, patience: Patience = QUICK) -> Delivery:
    return deliver(target, BODY, "application/json", patience)


@responses.activate
def test_what_is_sent_is_signed():
    responses.post(URL, status=204)
    assert send() == Delivery("ops", DeliveryState.DELIVERED, "204")
    (call,) = responses.calls
    headers = call.request.headers
    assert call.request.body == BODY
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer t"
    message = headers[TIMESTAMP].encode() + b"." + BODY
    wanted = hmac.new(b"0123456789abcdef", message, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={wanted}"
    assert abs(int(headers[TIMESTAMP]) - time.time()) < 60


def test_a_passing_failure_is_repeated():
    handler = answering(503, 500, 429, 200)
    with receiver(handler) as target:
        assert send(target) == Delivery("ops", DeliveryState.DELIVERED, "200")
    assert len(handler.got) == 4
    assert len(set(handler.got)) == 1  # the receiver can tell a repetition


def test_a_failure_that_does_not_pass_is_given_up():
    handler = answering(*[503] * 9)
    with receiver(handler) as target:
        assert send(target) == Delivery("ops", DeliveryState.FAILED, "503")
    assert len(handler.got) == 4


@responses.activate
@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 410, 422])
def test_a_refusal_is_final_and_no_redirect_is_followed(status):
    responses.post(URL, status=status, headers={"Location": "http://169.254.169.254/"})
    assert send() == Delivery("ops", DeliveryState.REFUSED, str(status))
    assert len(responses.calls) == 1


def test_errors_of_the_network_are_reported_without_the_address(caplog):
    for name, chosen in logging_config("DEBUG")["loggers"].items():
        caplog.set_level(chosen["level"], name)
    caplog.handler.setLevel("DEBUG")
    with receiver(Receiver) as target:
        pass  # nobody listens there any more
    delivery = send(target)
    assert delivery == Delivery("ops", DeliveryState.FAILED, "ConnectionError")
    assert [record.name for record in caplog.records] == ["service.webhook"]
    assert "t0ps3cr3t" not in caplog.text + repr(delivery) + repr(TARGET)
    assert TARGET.secret not in repr(TARGET)


@responses.activate
def test_the_log_tells_the_target_and_the_outcome(caplog):
    responses.post(URL, status=403)
    with caplog.at_level("INFO", "service.webhook"):
        send()
    line = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert {key: line.get(key) for key in ("target", "state", "detail")} == {
        "target": TARGET.name,
        "state": "refused",
        "detail": "403",
    }


@pytest.mark.parametrize("pause", ["1", "86400"])
def test_a_pause_that_a_receiver_asks_for_takes_no_longer_than_allowed(pause):
    handler = answering((503, {"Retry-After": pause}), 200)
    with receiver(handler) as target:
        delivery = send(target, Patience(seconds=3.0))
    wanted = (DeliveryState.DELIVERED, "200") if pause == "1" else (DeliveryState.FAILED, "Timeout")
    assert delivery == Delivery("ops", *wanted)


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
    with receiver(Slow) as target:
        assert send(target).state is DeliveryState.DELIVERED


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
    with receiver(Dribble) as target:
        assert send(target, Patience(seconds=1.0)) == Delivery(
            "ops", DeliveryState.FAILED, "Timeout"
        )


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
        ("{}", "targets.yaml: expected a list of at most 50 targets"),
        ("[", "targets.yaml: cannot be read (ParserError)"),
        ("- x", "targets.yaml[0]: expected an object with name, url and secretFile"),
        (f"- {{{GOOD}, uri: x}}", "targets.yaml[0].uri: unknown key"),
        ("- {name: Ops!, url: 'https://a/', secretFile: secret}",
         "targets.yaml[0].name: expected lower-case letters, digits and hyphens"),
        ("- {name: ops, url: 'file:///etc/passwd', secretFile: secret}",
         "targets.yaml[0].url: expected http(s)://HOST[:PORT]/PATH without user and password"),
        ("- {name: ops, url: 'https://u:p@a/', secretFile: secret}",
         "targets.yaml[0].url: expected http(s)://HOST[:PORT]/PATH without user and password"),
        ("- {name: ops, url: 'https://a:x/', secretFile: secret}",
         "targets.yaml[0].url: expected http(s)://HOST[:PORT]/PATH without user and password"),
        ("- {name: ops, url: 'https://a/'}",
         "targets.yaml[0].secretFile: missing: webhooks are always signed"),
        ("- {name: ops, url: 'https://a/', secretFile: gone}",
         "targets.yaml[0].secretFile: cannot be read (FileNotFoundError)"),
        (f"- {{{GOOD}, format: pdf}}", "targets.yaml[0].format: expected one of json, tickets"),
        (f"- {{{GOOD}, headers: {{'A\\nB': x}}}}",
         "targets.yaml[0].headers: a name is not one of HTTP's"),
        (f'- {{{GOOD}, headers: {{A: "x\\ny"}}}}',
         "targets.yaml[0].headers.A: expected one line of text"),
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
    assert caught.value.faults == ("targets.yaml[0].secretFile: has fewer than 16 characters",)


def test_two_wrong_targets_are_both_named(tmp_path):
    path = write(tmp_path, f"- {{{GOOD}}}\n- x\n- {{{GOOD}, name: B}}")
    with pytest.raises(TargetsError) as caught:
        read_targets(path, FORMATS)
    assert len(caught.value.faults) == 2


def test_no_such_file(tmp_path):
    with pytest.raises(TargetsError, match="cannot be read"):
        read_targets(tmp_path / "gone.yaml", FORMATS)
