"""A day of a running service in minutes: are memory, file descriptors and files flat?

    python benchmarks/soak.py [--minutes 15] [--clients 4] [--rows 15]

Starts gunicorn on a loopback port with TLS, tokens and two workers that are never renewed. Sends
good and hostile requests in a random but repeatable order as fast as they are answered, and puts a
new certificate and new tokens in place for each row of the table that it prints. Exit status 1
where memory, descriptors, the files of the temporary folder or the metrics grew between the first
and the last third, where a status was not one of those expected of its request, where an old
certificate or token was still in use, or where a worker died.
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
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import trustme
import yaml

from service.api.access.tokens import SCOPES, make

ROOT = Path(__file__).parents[1]
EVALUATE = "/v1/evaluations"
JSON, YAML, FORM = "application/json", "application/yaml", "multipart/form-data"
GROWTH = 0.10
FREE = {"MiB": 8, "descriptors": 8, "files": 4, "metrics kB": 16}
"""What of each may be added besides, from the first third of the rows to the last."""
DAY = 24 * 60 * 60


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


class Access:
    """The certificate and the token in use, which the service reads from files."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "tls.crt", folder / "tls.key"
        self.tokens = folder / "tokens"
        self.token = self.old = self.gone = ""
        self._authority = trustme.CA()
        self.context = ssl.create_default_context()
        self._authority.configure_trust(self.context)
        self.rotate()

    def rotate(self) -> None:
        """A new certificate and key; a new token, beside which the last one still counts."""
        made = self._authority.issue_cert("127.0.0.1")
        _replace(self.key, made.private_key_pem.bytes())
        _replace(self.certificate, b"".join(pem.bytes() for pem in made.cert_chain_pems))
        secret, token = make("soak", frozenset(SCOPES))
        lines = [token.line(), *self._lines()[:1]]
        _replace(self.tokens, "\n".join(lines).encode() + b"\n")
        self.gone, self.old, self.token = self.old, self.token, secret

    def _lines(self) -> list[str]:
        return self.tokens.read_text("ascii").splitlines() if self.tokens.exists() else []

    def shown(self, port: int) -> str:
        """The certificate that the service shows now."""
        with (
            socket.create_connection(("127.0.0.1", port), 60) as plain,
            self.context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
        ):
            return ssl.DER_cert_to_PEM_cert(link.getpeercert(binary_form=True) or b"").strip()

    def in_use(self, port: int) -> bool:
        """Whether the service has the newest certificate, and the token before the last is void."""
        wanted = self.certificate.read_text("ascii")
        headers = {"Authorization": f"Bearer {self.gone}"}
        request = Request("", "POST", EVALUATE, b"{}", headers=headers)
        return self.shown(port) in wanted and send(port, request, self) == 401


def _replace(file: Path, data: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(data)
    new.replace(file)


def send(port: int, request: Request, access: Access) -> int:
    """The status; 0 for raw bytes, of which only the end is waited for."""
    if request.raw:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 30) as plain,
            access.context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
        ):
            link.sendall(request.raw)
            link.shutdown(socket.SHUT_WR)
            while link.recv(65536):
                pass
        return 0
    link = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=access.context)
    try:
        own = {"Content-Type": request.media_type, "Authorization": f"Bearer {access.token}"}
        link.request(request.method, request.path, request.body, own | request.headers)
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


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@dataclass(frozen=True)
class Running:
    """A running gunicorn."""

    port: int
    process: int
    folder: Path
    access: Access

    def workers(self) -> list[int]:
        text = Path(f"/proc/{self.process}/task/{self.process}/children").read_text()
        return sorted(int(word) for word in text.split())

    def sample(self) -> dict[str, float]:
        """What must not grow."""
        every = [self.process, *self.workers()]
        link = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=60, context=self.access.context
        )
        link.request("GET", "/metrics", headers={"Authorization": f"Bearer {self.access.token}"})
        metrics = len(link.getresponse().read())
        link.close()
        return {
            "MiB": sum(map(resident, every)) / 2**20,
            "descriptors": sum(map(descriptors, every)),
            "files": len(list(self.folder.iterdir())),
            "metrics kB": metrics / 1000,
        }


@contextlib.contextmanager
def service() -> Iterator[Running]:
    """A gunicorn with TLS and tokens, and a temporary folder of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as own, tempfile.TemporaryDirectory() as folder:
        access = Access(Path(own))
        settings = {
            "WORKERS": "2", "MAX_REQUESTS": "0", "LOG_LEVEL": "ERROR",
            "TLS_CERT_FILE": str(access.certificate), "TLS_KEY_FILE": str(access.key),
            "TOKENS_FILE": str(access.tokens),
        }  # fmt: skip
        environment = {**os.environ, "TMPDIR": folder}
        environment |= {f"MTC_PREFLIGHT_{name}": value for name, value in settings.items()}
        command = [sys.executable, "-m", "gunicorn", "--config", "python:service.api.gunicorn_conf",
                   "--bind", f"127.0.0.1:{port}", "service.api.app:create_app()"]  # fmt: skip
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        try:
            for _ in range(600):
                with contextlib.suppress(OSError):
                    if send(port, Request("", "GET", "/readyz"), access) == 200:
                        break
                time.sleep(0.1)
            yield Running(port, process.pid, Path(folder), access)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


class Load:
    """Requests in a random but repeatable order from a few clients, and what came back."""

    def __init__(self, running: Running, pool: ThreadPoolExecutor) -> None:
        self.statuses: Counter[int] = Counter()
        self.wrong: Counter[str] = Counter()
        self._running, self._pool = running, pool
        self._fine, self._foul = list(good()), list(hostile())
        self._order = random.Random(7)
        self._lock = threading.Lock()

    def send(self, count: int) -> None:
        """So many requests."""
        order = self._order
        picked = [
            order.choice(self._fine if order.random() < 0.6 else self._foul) for _ in range(count)
        ]
        list(self._pool.map(self._one, picked))

    def _one(self, request: Request) -> None:
        try:
            status = send(self._running.port, request, self._running.access)
        except (OSError, http.client.HTTPException) as error:
            with self._lock:
                self.wrong[f"{request.name}: {type(error).__name__}"] += 1
            return
        with self._lock:
            self.statuses[status] += 1
            # Any request may be refused for a while.
            if status and status not in request.expected | {429}:
                self.wrong[f"{request.name}: {status}"] += 1


def table(running: Running, load: Load, minutes: float, rows: int) -> list[dict[str, float]]:
    """Print the rows, and give what was measured for each."""
    samples: list[dict[str, float]] = []
    start, before = time.monotonic(), load.statuses.total()
    print("| minute | requests | MiB | descriptors | files | metrics kB | rotations |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for row in range(1, rows + 1):
        running.access.rotate()
        if not running.access.in_use(running.port):
            load.wrong["an old certificate or token is in use"] += 1
        while time.monotonic() - start < row * minutes * 60 / rows:
            load.send(50)
        samples.append(running.sample())
        values = " | ".join(f"{value:.0f}" for value in samples[-1].values())
        done, minute = load.statuses.total() - before, (time.monotonic() - start) / 60
        print(f"| {minute:.1f} | {done} | {values} | {row} |", flush=True)
    print(f"{done} requests: those of a day with one every {DAY / done:.1f} seconds")
    return samples


def grown(samples: list[dict[str, float]]) -> Iterator[str]:
    """What is more in the last third of the rows than in the first."""
    third = max(1, len(samples) // 3)
    for name, free in FREE.items():
        early = median(sample[name] for sample in samples[:third])
        late = median(sample[name] for sample in samples[-third:])
        print(f"{name}: {early:.0f}, at the end {late:.0f}")
        if late - early > max(GROWTH * early, free):
            yield f"{name} grew"


def main() -> int:
    """Run it; the exit status."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    reader.add_argument("--minutes", type=float, default=15)
    reader.add_argument("--clients", type=int, default=4)
    reader.add_argument("--rows", type=int, default=15)
    asked = reader.parse_args()
    with service() as running, ThreadPoolExecutor(asked.clients) as pool:
        load = Load(running, pool)
        first = running.workers()
        load.send(500)  # what is allocated once
        samples = table(running, load, asked.minutes, asked.rows)
        died = first != running.workers()
    faults = [*grown(samples), *(["a worker died"] if died else [])]
    faults += [f"not expected: {text} ({count} times)" for text, count in load.wrong.most_common()]
    print(f"statuses {dict(sorted(load.statuses.items()))}")
    print("\n".join(faults) or "no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
