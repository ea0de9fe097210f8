"""Faults of the machine under the running service: only what was in hand is lost."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme
from serving import Server, Start, free_port
from test_auth import asked, certificate

URL = "/v1/evaluations?role=source"
JSON = {"Content-Type": "application/json"}
SMALL = b'{"apiVersion":"v1","kind":"List","items":[]}'
LARGE = SMALL + b" " * (4 * 1024 * 1024)
"""Beyond what is held in memory (MTC_PREFLIGHT_SPOOL_BYTES)."""


def status(server: Server, body: bytes = SMALL) -> int:
    return server.request("POST", URL, body, JSON).status


def eventually(wanted: object, ask: object) -> None:
    """Ask until the answer is the wanted one."""
    for _ in range(300):
        with contextlib.suppress(OSError):
            if (found := ask()) == wanted:  # type: ignore[operator]
                return
        time.sleep(0.1)
    raise AssertionError(found)


def errors(server: Server) -> list[dict[str, object]]:
    """What the log says of errors; every line of it is JSON."""
    return [line for line in server.log() if line["level"] in ("error", "critical")]


def test_a_temporary_folder_that_vanishes_and_comes_back(start_server: Start) -> None:
    server = start_server()
    folder = server.log_file.parent
    aside = folder.with_name(folder.name + "-aside")
    folder.rename(aside)
    try:
        reply = server.request("POST", URL, LARGE, JSON)
        assert (reply.status, reply.json["code"]) == (503, "storage-unavailable")
        assert status(server) == 200
        assert server.request("GET", "/livez").status == 200
        before = server.workers()
        for worker in before:  # those that begin now take no other folder
            os.kill(worker, signal.SIGKILL)
        eventually(True, lambda: len(server.workers()) == 2 and not {*before} & {*server.workers()})
        for _ in range(6):
            assert server.request("GET", "/readyz").json["code"] == "storage-unavailable"
        assert server.request("GET", "/metrics").status == 200
    finally:
        aside.rename(folder)
    assert status(server, LARGE) == 200
    assert server.request("GET", "/readyz").status == 200


def test_a_full_disk(tmp_path: Path, start_server: Start) -> None:
    """A limit on the size of files, as the end of a disk: nothing more can be written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 1024 * 1024, before[1]))
    try:
        server = start_server()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    reply = server.request("POST", URL, LARGE, JSON)
    assert (reply.status, reply.json["code"]) == (503, "storage-unavailable")
    form = (
        b'--b\r\nContent-Disposition: form-data; name="source"\r\n\r\n' + LARGE + b"\r\n--b--\r\n"
    )
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert server.request("POST", "/v1/evaluations", form, kind).status == 503
    assert status(server) == 200
    assert server.request("GET", "/metrics").status == 200


READ_ONLY = (
    "unshare", "--map-root-user", "--mount", "sh", "-c",
    'mount -t tmpfs -o size=1m none "$TMPDIR" && mount -o remount,ro,bind / && exec "$@"', "sh",
)  # fmt: skip
"""Runs a command where / is read-only, and the temporary folder a file system of 1 MiB."""


def test_a_read_only_root_with_a_temporary_folder_that_is_full(start_server: Start) -> None:
    """As in a container: nothing but the temporary folder can be written, and that is small."""
    probe = subprocess.run([*READ_ONLY, "touch", str(Path.cwd() / "written")], check=False,
                           env={**os.environ, "TMPDIR": "/mnt"}, capture_output=True)  # fmt: skip
    if b"Read-only file system" not in probe.stderr:
        pytest.skip(f"NOT TESTED: no read-only root can be made here: {probe.stderr.decode()}")
    server = start_server(inside=READ_ONLY)
    assert status(server) == 200
    for _ in range(3):
        reply = server.request("POST", URL, LARGE, JSON)
        assert (reply.status, reply.json["code"]) == (503, "storage-unavailable")
        assert status(server) == 200
    for path in ("/livez", "/metrics"):
        assert server.request("GET", path).status == 200
    inside = Path(f"/proc/{server.process.pid}/root{server.log_file.parent}")
    assert list(inside.iterdir()) == [], "a temporary file was left behind"


@pytest.fixture
def few_files(start_server: Start) -> Iterator[Server]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        yield start_server(WORKERS="1", HEALTH_ADDRESS=f"127.0.0.1:{free_port()}")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_no_more_file_descriptors(few_files: Server) -> None:
    """More clients than files: those that are left are answered, and all are when some go."""
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    links = [socket.create_connection(("127.0.0.1", few_files.port), 30) for _ in range(150)]
    time.sleep(1)
    for link in links:
        link.close()
    eventually(200, lambda: status(few_files))
    eventually(200, lambda: status(few_files, LARGE))
    assert few_files.process.poll() is None


VOLUME = {"apiVersion": "v1", "kind": "PersistentVolume", "status": {"phase": "Failed"}}
SLOW = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "List",
        "items": [{**VOLUME, "metadata": {"name": f"pv-{number}"}} for number in range(10_000)],
    }
).encode()
"""It is evaluated for seconds."""
HEAD = (
    b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n"
)


@pytest.mark.parametrize("stage", ["receiving", "waiting", "evaluating", "sending"])
def test_a_worker_that_is_killed_at_any_stage_is_replaced(start_server: Start, stage: str) -> None:
    server = start_server(
        WORKERS="2",
        HEALTH_ADDRESS=f"127.0.0.1:{(port := free_port())}",
        EVALUATIONS="1" if stage == "waiting" else "4",
    )
    line = b'{"clusters":[{"role":"source"}]}\n'
    path, body, sent = {
        "receiving": (b"/v1/evaluations?role=source", SMALL + b" " * 99, SMALL),
        "waiting": (b"/v1/evaluations?role=source", SLOW, SLOW),
        "evaluating": (b"/v1/evaluations?role=source", SLOW, SLOW),
        "sending": (b"/v1/evaluations/batch", line * 200, line * 200),
    }[stage]
    head = HEAD % (path, len(body))
    if stage == "sending":
        head = head.replace(b"application/json", b"application/x-ndjson")
    held = []
    for _ in range(4):
        link = socket.create_connection(("127.0.0.1", server.port), 60)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.sendall(head + sent)
        held.append(link)
    if stage == "sending":
        assert held[0].recv(15) == b"HTTP/1.1 200 OK"
    before = server.workers()
    os.kill(before[0], signal.SIGKILL)
    eventually(200, lambda: status(server))
    eventually(True, lambda: len(server.workers()) == 2 and before[0] not in server.workers())
    for link in held:
        link.close()
    assert [status(server) for _ in range(6)] == [200] * 6
    with socket.create_connection(("127.0.0.1", port), 60) as health:
        health.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: health.recv(65536), b""))
    assert b"mtc_preflight_requests_total" in answer
    assert any(before[0] == line.get("pid") or str(before[0]) in str(line["message"])
               for line in server.log()), "the log says that the worker died"  # fmt: skip
    assert not list(server.log_file.parent.glob("tmp*")), "a temporary file was left behind"


class Load:
    """Requests one after the other from a few clients, and what was wrong with the answers."""

    def __init__(self, server: Server, clients: int = 4) -> None:
        self.done = 0
        self.wrong: list[str] = []
        self._server = server
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                found = status(self._server)
            except OSError as error:
                if self._server.process.poll() is None and not isinstance(
                    error, ConnectionRefusedError
                ):
                    self.wrong.append(type(error).__name__)
                continue
            self.done += 1
            if found != 200:
                self.wrong.append(str(found))


def test_a_reload_under_load_loses_no_request(start_server: Start) -> None:
    server = start_server()
    before = server.workers()
    with Load(server) as load:
        eventually(True, lambda: load.done > 20)
        server.process.send_signal(signal.SIGHUP)
        eventually(True, lambda: len(server.workers()) == 2 and not {*before} & {*server.workers()})
        count = load.done
        eventually(True, lambda: load.done > count + 20)
    assert load.wrong == []
    assert errors(server) == []
    assert server.request("GET", "/metrics").status == 200


def test_a_reload_under_load_through_tls_loses_no_connection(
    start_server: Start, tmp_path: Path
) -> None:
    """Handshakes with client certificates go on beside broken ones, while workers are replaced."""
    ca, other = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    own, client = certificate(tmp_path, "server", ca), certificate(tmp_path, "client", ca)
    stranger = certificate(tmp_path, "stranger", other)
    server = start_server(TLS_CERT_FILE=str(own), TLS_KEY_FILE=str(own.with_suffix(".key")),
                          TLS_CLIENT_CA_FILE=str(tmp_path / "ca.crt"),
                          IDLE_TIMEOUT="5")  # fmt: skip
    before = server.workers()
    # Some never begin their handshake, until the service leaves them.
    silent = [socket.create_connection(("127.0.0.1", server.port), 60) for _ in range(4)]

    def ask(number: int) -> int:
        if number == 20:
            server.process.send_signal(signal.SIGHUP)
        if number % 3 == 1:
            return asked(server.port, "/livez", ca, stranger)
        if number % 3 == 2:
            with socket.create_connection(("127.0.0.1", server.port), 60) as link:
                link.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
                with contextlib.suppress(OSError):
                    link.recv(100)
            return 0
        return asked(server.port, "/livez", ca, client)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(90)))
    assert found == [200 if number % 3 == 0 else 0 for number in range(90)]
    eventually(True, lambda: len(server.workers()) == 2 and not {*before} & {*server.workers()})
    assert [asked(server.port, "/livez", ca, client) for _ in range(6)] == [200] * 6
    for link in silent:
        link.close()
    assert errors(server) == []


def test_at_the_end_what_runs_is_finished_and_what_comes_is_refused(start_server: Start) -> None:
    server = start_server()
    body = SMALL + b" " * 99
    links = [socket.create_connection(("127.0.0.1", server.port), 60) for _ in range(6)]
    for link in links:
        link.sendall(HEAD % (b"/v1/evaluations?role=source", len(body)) + SMALL)
    time.sleep(1)  # until a thread has each of them in hand
    server.process.send_signal(signal.SIGTERM)
    time.sleep(1)
    for link in links:
        link.sendall(body[len(SMALL) :])
    assert [link.recv(15) for link in links] == [b"HTTP/1.1 200 OK"] * 6
    assert server.process.wait(60) == 0
    assert errors(server) == []
    with pytest.raises(OSError, match="refused"):
        status(server)


WALL_CLOCK = {
    "service/api/access/tokens.py": "the last day of a token",
    "service/collect/api.py": "Retry-After as a date",
    "service/collect/webhook.py": "the timestamp that a receiver checks",
    "service/collect/writer.py": "when the evidence was collected",
    "service/intake/options.py": "the time that evidence is judged for",
}
"""Files that may ask for the time of day, and what for."""


def test_no_deadline_looks_at_a_clock_that_can_jump() -> None:
    """Deadlines, waits and heartbeats are of the clock that only goes on."""
    root = Path(__file__).parents[2]
    found = set()
    for file in sorted(root.glob("service/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in (
                "time.time", "datetime.now", "datetime.utcnow", "date.today", "time.localtime",
            ):  # fmt: skip
                found.add(str(file.relative_to(root)))
    assert found == {*WALL_CLOCK}


JUMPING = """
import os, time
now = time.time
def jumped():
    with open(os.environ["JUMP"]) as file:
        return now() + float(file.read() or 0)
time.time = jumped
"""


def test_a_clock_that_jumps_by_a_year_and_back_under_load(
    start_server: Start, tmp_path: Path
) -> None:
    """For all that asks for the time of day by time.time, such as gunicorn and the log."""
    (tmp_path / "sitecustomize.py").write_text(JUMPING)
    jump = tmp_path / "jump"
    jump.write_text("0")
    server = start_server(inside=("env", f"PYTHONPATH={tmp_path}", f"JUMP={jump}"))
    before = server.workers()
    with Load(server) as load:
        for seconds in (31_536_000, -31_536_000, 0):
            jump.write_text(str(seconds))
            count = load.done
            eventually(True, lambda count=count: load.done > count + 20)
    assert load.wrong == []
    assert errors(server) == []
    assert server.workers() == before
    assert len({line["time"][:4] for line in server.log()}) == 3, "the clock did jump"


@pytest.mark.parametrize(
    "bind, settings, words",
    [
        ("0.0.0.0", {}, "MTC_PREFLIGHT_AUTH"),
        ("127.0.0.1", {"MTC_PREFLIGHT_THREADS": "many"}, "MTC_PREFLIGHT_THREADS"),
        ("127.0.0.1", {"MTC_PREFLIGHT_WAIVERS_FILE": "/nowhere"}, "MTC_PREFLIGHT_WAIVERS_FILE"),
        ("127.0.0.1", {"MTC_PREFLIGHT_HEALTH_ADDRESS": "192.0.2.1:1"}, "HEALTH_ADDRESS"),
    ],
)
def test_a_refused_start_says_why_in_json_and_leaves_nothing_behind(
    tmp_path: Path, bind: str, settings: dict[str, str], words: str
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", "service/api/gunicorn_conf.py",
               "--bind", f"{bind}:{port}", "service.api.app:create_app()"]  # fmt: skip
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path), **settings}, start_new_session=True,
    )  # fmt: skip
    assert done.returncode != 0
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert any(words in row["message"] and row["level"] == "critical" for row in rows), rows
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 5)
