"""What protects the service: turns, deadlines, slow clients, killed workers, renewal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from serving import Server
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
    server: Server = start_server(DEADLINE="1", REMEMBERED="0")
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


@contextlib.contextmanager
def dripping(port: int, head: bytes, count: int, every: float = 0.2) -> Iterator[None]:
    """Clients that have sent this much and go on with a byte now and then."""
    links = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(count)]
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(every):
            for link in links:
                with contextlib.suppress(OSError):
                    link.send(b"x")

    thread = threading.Thread(target=drip, daemon=True)
    try:
        for link in links:
            link.sendall(head)
        thread.start()
        yield
    finally:
        ended.set()
        thread.join(10)
        for link in links:
            link.close()


@pytest.fixture(scope="module")
def small(start_server: Any) -> Server:
    """Two workers of four threads: eight slow clients would hold it all."""
    server: Server = start_server(
        THREADS="4", EVALUATIONS="1", WAIT_TIMEOUT="1", IDLE_TIMEOUT="5", REMEMBERED="0"
    )
    return server


def quickest(server: Server, method: str, path: str, body: Any = None) -> tuple[int, float]:
    """Status and seconds of the slowest of ten requests."""
    worst = 0.0
    for _ in range(10):
        start = time.perf_counter()
        status = server.request(method, path, body, JSON, timeout=600).status
        worst = max(worst, time.perf_counter() - start)
    return status, worst


def test_slow_heads_block_nobody(small: Server) -> None:
    """Sixty clients that send a byte of their heads now and then, to eight threads."""
    head = b"POST /v1/evaluations HTTP/1.1\r\nHost: x\r\nX-Slow: "
    with dripping(small.port, head, 60):
        time.sleep(1)
        status, seconds = quickest(small, "POST", URL, BODY)
    assert status == 200
    assert seconds < 3


def test_slow_bodies_leave_threads_for_the_rest(small: Server) -> None:
    head = b"POST /v1/evaluations HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    with dripping(small.port, head, 30):
        time.sleep(4)  # meanwhile those that found no place are sent away
        status, seconds = quickest(small, "GET", "/livez")
        assert (status, seconds < 3) == (200, True)
        reply = small.request("POST", URL, BODY, JSON)
        assert reply.status in (200, 429)
        if reply.status == 429:
            assert reply.json["code"] == "busy"
            assert reply.headers["retry-after"] == "1"
        # Too slow on average over the idle timeout: they are left, though they never stop.
        wait_until(lambda: small.request("POST", URL, BODY, JSON).status == 200, 15)
    told = [line for line in small.log() if line.get("status") == 408]
    assert told


def test_a_head_in_pieces_is_a_request_like_any(small: Server) -> None:
    request = b"POST /v1/evaluations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    request += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    with socket.create_connection(("127.0.0.1", small.port), 10) as link:
        for at in range(0, len(request), 37):
            link.sendall(request[at : at + 37])
            time.sleep(0.005)
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")


def test_two_requests_at_once_on_one_connection(small: Server) -> None:
    one = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert small.raw(one + one + last).count(b"HTTP/1.1 200") == 3


def test_half_a_head_and_the_end_cost_no_time(small: Server) -> None:
    """The client closes its side: nothing more will come, and no loop waits for it."""
    before = sum(processor_time(pid) for pid in small.workers())
    for data in (b"GET /li", b"G", b"GET /livez HTTP/1.1\r\nHost: x\r\n"):
        start = time.monotonic()
        small.raw(data)
        assert time.monotonic() - start < 8
    assert sum(processor_time(pid) for pid in small.workers()) - before < 1.0


def processor_time(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("part", [0.5, 0.999])
def test_a_body_that_breaks_off_is_not_taken_for_a_shorter_one(small: Server, part: float) -> None:
    """Evidence that is cut at the end of a line can look whole."""
    lines = b"".join(
        b"- {apiVersion: v1, kind: Namespace, metadata: {name: n}}\n" for _ in range(50)
    )
    head = b"POST /v1/evaluations?role=source HTTP/1.1\r\nHost: x\r\n"
    head += b"Content-Type: application/yaml\r\nContent-Length: %d\r\n\r\n" % len(lines)
    answer = small.raw(head + lines[: int(len(lines) * part)])
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert b'"code":"body-truncated"' in answer


# Workers that die, and that end


def test_killed_workers_lose_only_what_they_had_in_hand(start_server: Any) -> None:
    """kill -9 under load: every request is answered in full, or its connection breaks; the
    service is back at once, and never more requests break than were running.
    """
    server: Server = start_server(REMEMBERED="0")
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
    head = b"POST /v1/evaluations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
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


def test_a_worker_that_holds_too_much_memory_is_renewed(start_server: Any) -> None:
    server: Server = start_server(MEMORY_BYTES="20Mi")
    before = set(server.workers())
    for _ in range(200):
        assert server.request("GET", "/livez").status == 200
        if not before & set(server.workers()):
            break
    wait_until(lambda: not before & set(server.workers()))
    assert any("renewing the worker" in line["message"] for line in server.log())
