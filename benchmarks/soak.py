"""Thousands of requests, good and hostile, to a running service: is the memory flat?

    python benchmarks/soak.py [--requests 10000] [--clients 4]

Starts gunicorn on a loopback port with two workers that are never renewed, sends a warm-up and
then the requests in a random but repeatable order, and prints the memory of the workers as it
goes. Exit status 1 where the memory grew by more than a tenth (and 8 MiB) between the first and
the last third, where a status was not one of those expected of its request, or a worker died.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import http.client
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import yaml

ROOT = Path(__file__).parents[1]
EVALUATE = "/v1/evaluations"
JSON, YAML, FORM = "application/json", "application/yaml", "multipart/form-data"
GROWTH, FREE = 0.10, 8 << 20


@dataclass(frozen=True)
class Request:
    """A request, and the statuses that are right for it."""

    name: str
    method: str
    path: str
    body: bytes = b""
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    expected: frozenset[int] = frozenset({200})
    raw: bytes = b""


def envelopes() -> Iterator[bytes]:
    """What the policies' own cases are given."""
    for file in sorted((ROOT / "tests" / "cases").glob("*.yaml")):
        for case in yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader):
            yield json.dumps(case["given"], default=str).encode()


def archive(damage: bool = False) -> bytes:
    """A must-gather in small, whole or torn."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for number in range(200):
            text = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: n{number}}}\n".encode()
            member = tarfile.TarInfo(
                f"must-gather/cluster-scoped-resources/core/namespaces/n{number}.yaml"
            )
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    data = out.getvalue()
    return data[: len(data) * 2 // 3] if damage else data


def form(name: str, data: bytes) -> tuple[bytes, str]:
    """A multipart form of one part."""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n'
    return head.encode() + data + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def good() -> Iterator[Request]:
    for number, body in enumerate(envelopes()):
        yield Request(f"envelope-{number}", "POST", EVALUATE, body)
    for name in ("sarif", "junit", "markdown", "html", "text", "policyreport"):
        yield Request(name, "POST", f"{EVALUATE}?format={name}", next(envelopes()),
                      expected=frozenset({200, 400}))  # fmt: skip
    body, media_type = form("source", archive())
    yield Request("archive", "POST", EVALUATE, body, media_type)
    batch = b"\n".join(body for body, _ in zip(envelopes(), range(5), strict=False))
    yield Request("batch", "POST", f"{EVALUATE}/batch", batch, "application/x-ndjson")
    patch = {"settings": {"mig_pv_limit": 200}}
    path = "/v1/migrationcontroller/patches"
    yield Request("patch", "POST", path, json.dumps(patch).encode())
    for path in ("/", "/livez", "/readyz", "/metrics", "/v1/policies", "/v1/evidence", "/docs"):
        yield Request(path, "GET", path, expected=frozenset({200, 302, 308}))


def hostile() -> Iterator[Request]:
    bad = frozenset({400, 408, 413, 415, 422})
    deep = b"[" * 100_000
    bomb = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(8)
    )
    zeros = gzip.compress(b"\0" * (32 << 20))
    damaged, media_type = form("source", archive(damage=True))
    bodies = {
        "deep": (deep, JSON), "aliases": (bomb, YAML), "zeros": (zeros, "application/gzip"),
        "noise": (random.Random(1).randbytes(50_000), "application/octet-stream"),
        "tags": (b"!!python/object/apply:os.system [id]", YAML), "half": (b'{"clusters": [', JSON),
        "twins": (b'{"clusters": [], "clusters": []}', JSON), "number": (b"1" * 50_000, JSON),
        "text": ("\ud7ff".encode() * 9_999, YAML), "null": (b"null", JSON),
        "nul": (b"\0" * 99, YAML),
        "form": (b"--b\r\nContent-Disposition: form-data; name=x", f"{FORM}; boundary=b"),
        "picture": (b"\x89PNG", "image/png"), "empty": (b"", JSON),
    }  # fmt: skip
    for name, (body, kind) in bodies.items():
        yield Request(name, "POST", EVALUATE, body, kind, expected=bad)
        yield Request(f"{name}-role", "POST", f"{EVALUATE}?role=source", body, kind,
                      expected=bad | {200})  # fmt: skip
    yield Request("torn", "POST", EVALUATE, damaged, media_type, expected=bad | {200})
    yield Request("query", "POST", f"{EVALUATE}?formt=json", b"{}", expected=bad)
    yield Request("path", "GET", "/../../etc/passwd", expected=frozenset({400, 404}))
    yield Request("method", "DELETE", EVALUATE, expected=frozenset({405}))
    yield Request("accept", "POST", EVALUATE, b"{}", headers={"Accept": "image/png"},
                  expected=frozenset({406}))  # fmt: skip
    yield Request("review", "POST", "/v1/admission/validate", b'{"kind": 3}', expected=bad)
    for name, raw in {
        "gone": b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 9999\r\n\r\nabc",
        "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "head": b"GET / HTTP/1.1\r\nHost: [::1]\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        "line": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
    }.items():
        yield Request(name, "", "", raw=raw)


def send(port: int, request: Request) -> int:
    """The status; 0 for raw bytes, of which only the end is waited for."""
    if request.raw:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 30) as link,
        ):
            link.sendall(request.raw)
            link.shutdown(socket.SHUT_WR)
            while link.recv(65536):
                pass
        return 0
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Content-Type": request.media_type, **request.headers}
        link.request(request.method, request.path, request.body, headers)
        answer = link.getresponse()
        answer.read()
        return answer.status
    finally:
        link.close()


def resident(pid: int) -> int:
    """The bytes of a process that are its own, in memory."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def service() -> Iterator[tuple[int, Callable[[], list[int]]]]:
    """A running gunicorn: its port, and its workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "MTC_PREFLIGHT_WORKERS": "2", "MTC_PREFLIGHT_MAX_REQUESTS": "0"}
    environment |= {"MTC_PREFLIGHT_LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "gunicorn", "--config", "python:service.api.gunicorn_conf",
               "--bind", f"127.0.0.1:{port}", "service.api.app:create_app()"]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                if send(port, Request("", "GET", "/readyz")) == 200:
                    break
            time.sleep(0.1)
        yield port, lambda: sorted(int(word) for word in children.read_text().split())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def main() -> int:
    """Run it; the exit status."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    reader.add_argument("--requests", type=int, default=10_000)
    reader.add_argument("--clients", type=int, default=4)
    asked = reader.parse_args()
    fine, foul = list(good()), list(hostile())
    order = random.Random(7)
    seen: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    lock = threading.Lock()

    with service() as (port, workers), ThreadPoolExecutor(asked.clients) as pool:

        def one(request: Request) -> None:
            try:
                status = send(port, request)
            except (OSError, http.client.HTTPException) as error:
                with lock:
                    wrong[f"{request.name}: {type(error).__name__}"] += 1
                return
            with lock:
                seen[str(status)] += 1
                # Everybody may be told to come again.
                if status and status not in request.expected | {429}:
                    wrong[f"{request.name}: {status}"] += 1

        def some(count: int) -> None:
            picked = [order.choice(fine if order.random() < 0.6 else foul) for _ in range(count)]
            list(pool.map(one, picked))

        first = workers()
        some(max(500, asked.requests // 10))
        samples = []
        step = max(1, asked.requests // 30)
        start = time.monotonic()
        for done in range(step, asked.requests + 1, step):
            some(step)
            samples.append(sum(map(resident, workers())))
            print(f"{done:7d} requests  {samples[-1] / 2**20:8.1f} MiB", flush=True)
        seconds = time.monotonic() - start
        died = first != workers()
    third = max(1, len(samples) // 3)
    before, after = median(samples[:third]), median(samples[-third:])
    grew = after - before > max(GROWTH * before, FREE)
    print(f"{asked.requests / seconds:.0f} requests/s; statuses {dict(sorted(seen.items()))}")
    print(f"memory of both workers: {before / 2**20:.1f} MiB, at the end {after / 2**20:.1f} MiB")
    for text, count in wrong.most_common():
        print(f"not expected: {text} ({count} times)")
    if died:
        print("a worker died")
    return 1 if grew or wrong or died else 0


if __name__ == "__main__":
    sys.exit(main())
