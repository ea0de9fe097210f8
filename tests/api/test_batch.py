"""Batches: a line in, a line out, whatever is wrong with the others."""

from __future__ import annotations

import gzip
import json
import socket
import time
from typing import Any

import pytest

from service.api.app import create_app
from service.api.views.batch import _lines
from service.settings import Settings

URL = "/v1/evaluations/batch"
TYPE = {"Content-Type": "application/x-ndjson"}


def item(**more: Any) -> dict[str, Any]:
    facts = {"openshiftVersion": "4.14.9", "mtcVersion": "1.8.3"}
    return {"clusters": [{"role": "source", "facts": facts}], **more}


def body(*rows: Any) -> bytes:
    lines = (row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    return b"\n".join(lines) + b"\n"


def post(client, data: bytes, query: str = "", **headers: str):
    return client.post(f"{URL}?as_of=2026-03-01{query}", data=data, headers={**TYPE, **headers})


def rows(response) -> list[dict[str, Any]]:
    assert response.status_code == 200
    assert response.mimetype == "application/x-ndjson"
    return [json.loads(line) for line in response.data.splitlines()]


def test_one_bad_line_does_not_fail_the_rest(client):
    found = rows(
        post(
            client,
            body(
                item(id="a"),
                b"{not json",
                b"",
                item(id="b", clusters=[{"role": "nobody"}]),
                item(id=7, waivers=[{}]),
                b'{"id":"c","kind":"Pod"}',
                b"[]",
                item(id="last"),
            ),
        )
    )
    assert [(row["line"], row["id"], row["status"]) for row in found] == [
        (1, "a", 200),
        (2, None, 422),
        (4, "b", 422),
        (5, 7, 422),
        (6, "c", 422),
        (7, None, 422),
        (8, "last", 200),
    ]
    assert found[-1]["report"]["verdict"] in ("not_ready", "unknown")
    assert found[3]["problem"]["errors"][0]["code"] == "waiver-malformed"


def test_each_problem_names_the_request(client):
    answer = post(client, body(b"{not json", item(clusters=[])), **{"X-Request-Id": "batch-77"})
    assert [row["problem"]["request_id"] for row in rows(answer)] == ["batch-77", "batch-77"]


def test_a_line_is_judged_as_a_request_of_its_own(client):
    alone = client.post("/v1/evaluations?as_of=2026-03-01", json=item()).get_json()
    (row,) = rows(post(client, body(item())))
    assert row["report"] == alone


def test_the_gate_decides_the_status_of_each_line(client):
    ((one), (two)) = rows(post(client, body(item(id=1), item(id=2)), "&gate=status&detail=summary"))
    assert (one["status"], two["status"]) == (424, 424)
    assert set(one["report"]) == {
        "verdict", "asOf", "assumed", "policySet", "scope", "plan", "counts", "failures",
        "clusters", "gate",
    }  # fmt: skip


def test_new_only_without_a_baseline_is_the_lines_own_fault(client):
    first = client.post("/v1/evaluations?as_of=2026-03-01", json=item()).get_json()
    found = rows(post(client, body(item(id=1), item(id=2, baseline=first)), "&new_only=true"))
    assert [row["status"] for row in found] == [400, 200]


def test_a_line_beyond_the_limit_is_told_and_skipped():
    client = create_app(Settings(batch_line_bytes=2000)).test_client()
    found = rows(post(client, body(item(id=1), item(id=2, x="y" * 100_000), item(id=3))))
    assert [(row["line"], row["status"]) for row in found] == [(1, 200), (2, 413), (3, 200)]


def test_gzip_bodies(client):
    data = gzip.compress(body(item(id=1), item(id=2)))
    assert [r["id"] for r in rows(post(client, data))] == [1, 2]
    assert [r["id"] for r in rows(post(client, data, **{"Content-Encoding": "gzip"}))] == [1, 2]
    cut = rows(post(client, data[:-20]))
    assert cut[-1]["status"] == 422


@pytest.mark.parametrize(
    "data, headers, status",
    [
        (b"", TYPE, 400),
        (b"x", {"Content-Type": "image/png"}, 415),
        (
            b'--b\r\nContent-Disposition: form-data; name="source"\r\n\r\nx\r\n--b--\r\n',
            {"Content-Type": "multipart/form-data; boundary=b"},
            415,
        ),
    ],
)
def test_what_is_no_batch(client, data, headers, status):
    assert client.post(URL, data=data, headers=headers).status_code == status


@pytest.mark.parametrize(
    "query", ["format=html", "detail=none", "role=source&role=host", "limit=900"]
)
def test_unknown_parameters_are_400(client, query):
    assert client.post(f"{URL}?{query}", data=body(item()), headers=TYPE).status_code == 400


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_do_not_depend_on_how_they_arrive(size):
    data = b"a\n\nbb\nccccc\nd"
    pieces = (data[place : place + size] for place in range(0, len(data), size))
    assert list(_lines(pieces, 4)) == [b"a", b"", b"bb", None, b"d"]


def test_many_lines_in_bounded_memory(server):
    """The real service: memory does not grow with the number of lines."""
    line = json.dumps(item()).encode() + b"\n"
    server.request("POST", f"{URL}?detail=summary", line * 20, TYPE)
    before = server.peak_memory()
    reply = server.request("POST", f"{URL}?detail=summary", line * 600, TYPE, timeout=600)
    assert reply.status == 200
    assert len(reply.body.splitlines()) == 600
    assert server.peak_memory() - before < 48 * 2**20


def test_lines_beyond_the_bound_are_not_evaluated_and_the_last_line_says_so():
    client = create_app(Settings(batch_lines=2)).test_client()
    found = rows(post(client, body(item(id=1), item(id=2), item(id=3), item(id=4))))
    assert [(row["line"], row["id"], row["status"]) for row in found] == [
        (1, 1, 200), (2, 2, 200), (3, None, 413),
    ]  # fmt: skip
    (fault,) = found[-1]["problem"]["errors"]
    assert fault["code"] == "limit-batch-lines"
    assert "MTC_PREFLIGHT_BATCH_LINES" in fault["hint"]
    assert [row["status"] for row in rows(post(client, body(item(), item())))] == [200, 200]


def test_a_batch_ends_when_its_time_is_over(monkeypatch):
    clock = iter(range(0, 10_000, 20))
    monkeypatch.setattr("service.core.deadline.monotonic", lambda: next(clock))
    client = create_app(Settings(batch_deadline=30)).test_client()
    found = rows(post(client, body(item(id=1), item(id=2), item(id=3))))
    assert (found[-1]["id"], found[-1]["status"]) == (None, 503)
    assert "MTC_PREFLIGHT_BATCH_DEADLINE" in found[-1]["problem"]["detail"]
    assert len(found) < 4


def test_slow_readers_of_batches_hold_their_places_and_leave_the_others_theirs(start_server):
    server = start_server(THREADS="4", WORKERS="1", IDLE_TIMEOUT="20")
    lines = (json.dumps(item()).encode() + b"\n") * 200  # answers beyond what sockets buffer
    head = (
        f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {len(lines)}\r\n"
        "Content-Type: application/x-ndjson\r\n\r\n"
    )
    slow = []
    for _ in range(3):
        link = socket.create_connection(("127.0.0.1", server.port), 60)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.sendall(head.encode() + lines)
        assert link.recv(15) == b"HTTP/1.1 200 OK"
        slow.append(link)
    assert server.request("GET", "/livez").status == 200
    assert server.request("POST", URL, body(item()), TYPE).json["code"] == "busy"
    for link in slow:
        link.close()
    for _ in range(100):  # each place is free again as soon as its client is gone
        if server.request("POST", URL, body(item()), TYPE).status == 200:
            return
        time.sleep(0.2)
    raise AssertionError("the places of clients that left are not free again")
