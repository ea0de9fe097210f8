"""CPU of the service with all its policies against Open Policy Agent with five rules.

    python benchmarks/against_opa.py [OPA]

Both run as servers and get the same evidence over HTTP: a small body of descriptors, 2,000 volumes
with their claims, and a list of 26 MB. OPA is the binary that is given, else it is built once as a
Go module into build/ (needs Go and its proxy). Printed is CPU time per request, of the server with
all its processes, and the ratio; what start and the first request take is subtracted.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from evaluation import NAMESPACES, dump, listed
from request_rate import DESCRIPTORS, served

ROOT = Path(__file__).parents[1]
RULES = Path(__file__).with_suffix(".rego")
OPA = "github.com/open-policy-agent/opa@v1.22.4"
PLAN = {"namespaces": [f"shop-{index}" for index in range(NAMESPACES)]}

Server = Callable[[], AbstractContextManager[int]]
Body = tuple[str, bytes]
"""Media type and bytes."""


def built() -> Path:
    """The path of OPA, which is built where it is not there."""
    binary = ROOT / "build" / "opa" / "opa"
    if not binary.exists():
        environment = {**os.environ, "GOBIN": str(binary.parent), "CGO_ENABLED": "0"}
        subprocess.run(["go", "install", OPA], env=environment, check=True)
    return binary


@contextlib.contextmanager
def opa(binary: Path) -> Iterator[int]:
    """OPA as a server on a free loopback port; gives the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(binary), "run", "--server", "--log-level=error", "--skip-version-check"]
    command += [f"--addr=127.0.0.1:{port}", str(RULES)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def post(port: int, path: str, body: Body) -> None:
    """One request, which must be answered with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", path, body[1], {"Content-Type": body[0]})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != 200 or not answer:
        raise SystemExit(f"unexpected answer {response.status}: {answer[:500]!r}")


def spent(server: Server, path: str, body: Body, count: int) -> float:
    """CPU seconds of a server from its start to its end, with so many requests."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with server() as port:
        for _ in range(count):
            post(port, path, body)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def per_request(server: Server, path: str, body: Body, count: int) -> float:
    """CPU seconds of a further request."""
    few = spent(server, path, body, 2)
    return (spent(server, path, body, count + 2) - few) / count


def form(parts: dict[str, bytes]) -> Body:
    """The parts as a form."""
    mark = uuid.uuid4().hex
    lines = b"".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.json"\r\n'
        "Content-Type: application/json\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, data in parts.items()
    )
    return f"multipart/form-data; boundary={mark}", lines + f"--{mark}--\r\n".encode()


def bodies(source: bytes) -> tuple[Body, Body]:
    """The same list and plan for the service and for OPA."""
    plan = json.dumps(PLAN).encode()
    asked = b'{"input": {"source": ' + source + b', "plan": ' + plan + b"}}"
    return form({"source": source, "plan": plan}), ("application/json", asked)


def volumes(count: int) -> bytes:
    """That many volumes with their claims, as `oc get -o json` prints them today."""
    value: Any = listed(count)
    value["items"] = [item for item in value["items"] if item["kind"] != "Pod"]
    for item in value["items"]:
        item["metadata"] = {**item["metadata"], "managedFields": None}
        del item["metadata"]["managedFields"]
    return json.dumps(value, indent=4).encode()


def main(arguments: list[str]) -> None:
    binary = Path(arguments[0]) if arguments else built()
    small = json.dumps(DESCRIPTORS).encode()
    asked = b'{"input": ' + small + b"}"
    rows = (
        ("small", ("application/json", small), ("application/json", asked), 400, "reported"),
        ("2,000 volumes", *bodies(volumes(2000)), 12, "at most 0.33"),
        ("26 MB", *bodies(dump(1500)), 6, "at most 0.25"),
    )
    for title, ours, theirs, count, goal in rows:
        one = per_request(
            lambda: served("service.api.app:create_app()", 1), "/v1/evaluations", ours, count
        )
        other = per_request(lambda: opa(binary), "/v1/data/preflight/deny", theirs, count)
        print(
            f"{title:14} service {one * 1000:8.1f} ms   OPA {other * 1000:8.1f} ms   "
            f"ratio {one / other:5.2f}   ({goal})",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
