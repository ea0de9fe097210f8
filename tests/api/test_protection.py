"""What protects the service: turns, deadlines, slow clients, killed workers, renewal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from serving import Server, ask, free_port
from test_endpoints import ENVELOPE

from service.api.answers.problems import Refused
from service.api.app import create_app
from service.api.runtime import EXTENSION
from service.api.server.turns import Turns
from service.core.deadline import DeadlineExceeded, check, within
from service.core.engine import evaluate
from service.intake.parts import read_body
from service.intake.pieces import Piece
from service.settings import Settings

ROOT = Path(__file__).parents[2]
URL = "/v1/evaluations"
JSON = {"Content-Type": "application/json"}
BODY = json.dumps(ENVELOPE).encode()


def wait_until(condition: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


# Deadlines


def test_a_deadline_is_noticed_and_forgotten() -> None:
    check()
    with within(0):
        time.sleep(0.001)
        with pytest.raises(DeadlineExceeded):
            check()
    check()


def test_an_inner_deadline_cannot_prolong_an_outer_one() -> None:
    with within(0), within(100):
        time.sleep(0.001)
        with pytest.raises(DeadlineExceeded):
            check()


def test_no_handler_of_errors_goes_on_after_the_deadline() -> None:
    """A policy's failure becomes a verdict; the end of the time must not."""
    app = create_app(Settings())
    policies = app.extensions[EXTENSION].policies
    migration = read_body(Piece("envelope", BytesIO(BODY)), {}).migration
    with within(0):
        time.sleep(0.001)
        with pytest.raises(DeadlineExceeded):
            evaluate(migration, policies)


def client_with_deadline(monkeypatch: pytest.MonkeyPatch, seconds: float) -> FlaskClient:
    app = create_app(Settings())
    monkeypatch.setattr(app.extensions[EXTENSION].turns, "_seconds", seconds)
    return app.test_client()


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (BODY, "application/json"),
        (b'{"clusters": [{"role": "source"}]}\n' * 3, "application/x-ndjson"),
        (b"- [" + b"a," * 100_000 + b"b]\n", "application/yaml"),
    ],
    ids=["json", "ndjson", "yaml"],
)
def test_work_that_takes_too_long_is_stopped(
    monkeypatch: pytest.MonkeyPatch, body: bytes, media_type: str
) -> None:
    client = client_with_deadline(monkeypatch, 1e-6)
    answer = client.post(URL, data=body, content_type=media_type)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "deadline-exceeded")
    monkeypatch.undo()
    assert client.post(URL, data=BODY, headers=JSON).status_code == 200


def test_a_large_evaluation_ends_by_its_deadline(start_server: Any) -> None:
    """YAML that takes many seconds to read, by the running service."""
    server: Server = start_server(DEADLINE="1")
    rows = "".join(f"- {{a: &x{n} [b, c], d: !!str e, f: g}}\n" for n in range(250_000))
    text = ("kind: List\napiVersion: v1\nitems:\n" + rows).encode()
    reply = server.request("POST", f"{URL}?role=source", text, {"Content-Type": "text/yaml"})
    assert (reply.status, reply.json["code"]) == (503, "deadline-exceeded")


# Turns


def test_who_gets_no_turn_is_told_when_to_come_again() -> None:
    waited: list[float] = []
    turns = Turns(Settings(evaluations=1, wait_timeout=1), waited.append)
    with turns, pytest.raises(Refused) as caught, turns:
        pass
    assert (caught.value.code, caught.value.headers) == ("busy", {"Retry-After": "1"})
    with turns:
        pass
    assert [seconds >= 1 for seconds in waited][:2] == [False, True]


def test_a_turn_is_given_back_whatever_happens() -> None:
    turns = Turns(Settings(evaluations=1, wait_timeout=1), float)
    for error in (ValueError, DeadlineExceeded, KeyboardInterrupt):
        with pytest.raises((error, Refused)), turns:
            raise error
    with turns:
        check()


@pytest.fixture(scope="module")
def small(start_server: Any) -> Server:
    """Two workers of four threads, of which one each takes no evaluations."""
    server: Server = start_server(
        THREADS="4", EVALUATIONS="1", WAIT_TIMEOUT="1", IDLE_TIMEOUT="5", GRACEFUL_TIMEOUT="1"
    )
    return server


@contextlib.contextmanager
def held(port: int, count: int) -> Iterator[None]:
    """Clients that begin an evaluation and send the rest of its body never."""
    head = b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 100000\r\n\r\n{"
    links = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(count)]
    try:
        for link in links:
            link.sendall(head)
        yield
    finally:
        for link in links:
            link.close()


# Health beside the requests


def test_health_and_metrics_answer_while_clients_hold_every_thread(start_server: Any) -> None:
    """One thread in all, and clients that have it; a proxy would keep them off."""
    port = free_port()
    server: Server = start_server(
        THREADS="1",
        WORKERS="1",
        IDLE_TIMEOUT="3600",
        GRACEFUL_TIMEOUT="1",
        HEALTH_ADDRESS=f"127.0.0.1:{port}",
    )
    with held(server.port, 1):
        wait_until(lambda: blocked(server))
        assert ask(port, "GET", "/livez").json == {"status": "ok"}
        assert b'route="/readyz",status="200"} 1.0' in ask(port, "GET", "/metrics").body
        assert ask(port, "HEAD", "/livez").body == b""
        assert ask(port, "GET", "/v1/policies").status == 404
        assert blocked(server)


def blocked(server: Server) -> bool:
    """Whether the API gives no answer; the last resort is a time."""
    try:
        server.request("GET", "/livez", timeout=0.5)
    except TimeoutError:
        return True
    return False


def test_livez_fails_where_the_loop_of_no_worker_runs(start_server: Any) -> None:
    port = free_port()
    server: Server = start_server(TIMEOUT="10", HEALTH_ADDRESS=f"127.0.0.1:{port}")
    for pid in server.workers():
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: ask(port, "GET", "/livez").status == 503)
    # gunicorn replaces both, and the metrics are still there.
    wait_until(lambda: ask(port, "GET", "/livez").status == 200)
    wait_until(lambda: server.request("GET", "/readyz").status == 200)
    assert b'route="/readyz",status="200"} 1.0' not in ask(port, "GET", "/metrics").body


def test_no_file_holds_metrics(start_server: Any) -> None:
    """A full disk, or none: requests are answered and counted all the same."""
    server: Server = start_server()
    folder = server.log_file.parent
    assert [item.name for item in folder.iterdir()] == ["log"]
    server.log_file.unlink()
    folder.rmdir()
    for pid in server.workers():
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: len(server.workers()) == 2)
    assert server.request("POST", URL, BODY, JSON).status == 200
    assert b"mtc_preflight_ingest_bytes_count 1.0" in server.request("GET", "/metrics").body


def test_a_health_address_that_is_taken_stops_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-m", "gunicorn", "--config", "service/api/gunicorn_conf.py",
             "--bind", "127.0.0.1:0", "service.api.app:create_app()"],
            cwd=ROOT, env={**os.environ, "MTC_PREFLIGHT_HEALTH_ADDRESS": address},
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
    assert ended.returncode != 0
    told = f"MTC_PREFLIGHT_HEALTH_ADDRESS={address}: cannot listen there (Address already in use)"
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


# Slow clients


def test_clients_that_hold_evaluations_leave_threads_for_the_rest(small: Server) -> None:
    with held(small.port, 30):
        assert small.request("GET", "/livez").status == 200
        reply = small.request("POST", URL, BODY, JSON)
        assert reply.status in (200, 429)
        if reply.status == 429:
            assert reply.json["code"] == "busy"
            assert reply.headers["retry-after"] == "1"
        # Those that send nothing for the idle timeout are left.
        wait_until(lambda: small.request("POST", URL, BODY, JSON).status == 200)
    wait_until(lambda: any(line.get("status") == 408 for line in small.log()))


def test_a_head_in_pieces_is_a_request_like_any(small: Server) -> None:
    request = b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\n"
    request += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    with socket.create_connection(("127.0.0.1", small.port), 10) as link:
        for at in range(0, len(request), 37):
            link.sendall(request[at : at + 37])
            time.sleep(0.005)
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")


def test_two_requests_at_once_on_one_connection(small: Server) -> None:
    one = b"GET /livez HTTP/1.1\r\nHost: [::1]\r\n\r\n"
    last = b"GET /livez HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n"
    assert small.raw(one + one + last).count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize("part", [0.5, 0.999])
def test_a_body_that_breaks_off_is_not_taken_for_a_shorter_one(small: Server, part: float) -> None:
    """Evidence that is cut at the end of a line can look whole."""
    lines = b"".join(
        b"- {apiVersion: v1, kind: Namespace, metadata: {name: n}}\n" for _ in range(50)
    )
    head = b"POST /v1/evaluations?role=source HTTP/1.1\r\nHost: [::1]\r\n"
    head += b"Content-Type: application/yaml\r\nContent-Length: %d\r\n\r\n" % len(lines)
    answer = small.raw(head + lines[: int(len(lines) * part)])
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert b'"code":"body-truncated"' in answer


# Workers that die, and that end


def test_killed_workers_lose_only_what_they_had_in_hand(start_server: Any) -> None:
    """kill -9 under load: every request is answered in full, or its connection breaks; the
    service is back at once, and never more requests break than were running.
    """
    server: Server = start_server()
    clients, ended = 6, threading.Event()
    good: list[int] = []
    broken: list[str] = []
    wrong: list[str] = []

    def call() -> None:
        while not ended.is_set():
            try:
                reply = server.request("POST", URL, BODY, JSON, timeout=600)
            except OSError as error:
                broken.append(type(error).__name__)
                continue
            except Exception as error:  # an answer that broke off
                broken.append(type(error).__name__)
                continue
            if reply.status == 200 and reply.json["verdict"]:
                good.append(reply.status)
            else:
                wrong.append(str(reply.status))

    kills = 5
    with ThreadPoolExecutor(clients) as pool:
        for _ in range(clients):
            pool.submit(call)
        for _ in range(kills):
            count = len(good)
            wait_until(lambda count=count: len(good) > count + 5)  # type: ignore[misc]
            os.kill(server.workers()[0], signal.SIGKILL)
        count = len(good)
        wait_until(lambda: len(good) > count + 20)
        ended.set()
    assert wrong == []
    assert len(broken) <= kills * clients
    assert len(server.workers()) == 2
    assert server.process.poll() is None


def test_the_end_finishes_running_requests(start_server: Any) -> None:
    server: Server = start_server()
    head = b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\n"
    head += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    with socket.create_connection(("127.0.0.1", server.port), 20) as link:
        link.sendall(head + BODY[:100])
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        link.sendall(BODY[100:])
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    server.process.wait(300)
