"""Requests per second of a small evaluation, against a bare Flask view under the same gunicorn.

    python benchmarks/request_rate.py [SECONDS]

The bare view parses the same body with the same JSON reader and answers one line. Both run under
gunicorn with the service's configuration, two workers, and are loaded alternately by the same
client processes over kept connections. Printed are requests per second and their ratio, for a
JSON body of two cluster descriptors.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response, request

from service.intake.texts.json import load_json

ROOT = Path(__file__).parents[1]
CLIENTS = 4
ROUNDS = 5
PATH = "/v1/evaluations"
DESCRIPTORS = {
    "clusters": [
        {
            "role": "source",
            "facts": {
                "openshiftVersion": "3.11.1159",
                "mtcVersion": "1.7.16",
                "platform": "AWS",
                "clusterAdmin": True,
                "proxy": False,
                "ports": {"8443": "open", "443": "open", "53": "open"},
            },
        },
        {
            "role": "destination",
            "facts": {
                "openshiftVersion": "4.14.9",
                "mtcVersion": "1.8.4",
                "platform": "AWS",
                "clusterAdmin": True,
                "proxy": False,
                "reaches": {"repository": True, "api": True, "routes": True},
            },
        },
    ]
}


def bare() -> Flask:
    """The least that a Flask service can do with the body."""
    app = Flask("bare")

    @app.post(PATH)
    def parse() -> Response:
        value = load_json(request.get_data())
        return Response(b'{"clusters":%d}' % len(value["clusters"]), mimetype="application/json")

    return app


@contextlib.contextmanager
def served(target: str, workers: int | None = 2) -> Iterator[int]:
    """A gunicorn with the service's configuration on a free loopback port; gives the port.

    ``workers`` None leaves their number, too, to the environment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="bench-")
    command = [sys.executable, "-m", "gunicorn", "--config", "service/api/gunicorn_conf.py"]
    command += ["--bind", f"127.0.0.1:{port}", "--max-requests", "0"]
    command += [target] if workers is None else ["--workers", str(workers), target]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open(os.path.join(folder, "log"), "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)


def _wait(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit("gunicorn did not start")


def _client(port: int, seconds: float, body: bytes, done: multiprocessing.Queue[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json"}
    count = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        connection.request("POST", PATH, body, headers)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"unexpected answer: {response.status}")
        count += 1
    done.put(count)


def load(port: int, seconds: float, body: bytes) -> float:
    """Requests per second of all clients together."""
    done: multiprocessing.Queue[int] = multiprocessing.Queue()
    clients = [
        multiprocessing.Process(target=_client, args=(port, seconds, body, done))
        for _ in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    total = sum(done.get(timeout=seconds + 60) for _ in clients)
    for client in clients:
        client.join()
    return total / seconds


def main(arguments: list[str]) -> None:
    """Print both rates and the ratio."""
    seconds = float(arguments[0]) if arguments else 2.0
    body = json.dumps(DESCRIPTORS).encode()
    with (
        served("service.api.app:create_app()") as ours,
        served("benchmarks.request_rate:bare()") as theirs,
    ):
        for port in (ours, theirs):
            load(port, 0.5, body)
        rates = [(load(ours, seconds, body), load(theirs, seconds, body)) for _ in range(ROUNDS)]
    ratios = [one / other for one, other in rates]
    print(f"evaluation {statistics.median(one for one, _ in rates):8.0f} requests/s")
    print(f"bare view  {statistics.median(other for _, other in rates):8.0f} requests/s")
    print(
        f"ratio      {statistics.median(ratios):8.2f}  (of {min(ratios):.2f} to {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
