"""The app in process, and the service as it really runs: gunicorn on a loopback port."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from serving import Server, Start, free_port
from werkzeug.test import TestResponse

from service.api.app import create_app
from service.settings import Settings

ROOT = Path(__file__).parents[2]
WORKERS = 2


@pytest.fixture(scope="session")
def app() -> Flask:
    """The app with the default settings."""
    return create_app(Settings())


class Client(FlaskClient):
    """Reads every answer to its end, as real clients do: a large one keeps its place until then."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **options})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return Client(app, app.response_class)


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts servers with given settings; all are stopped at the end of the tests."""
    running: list[Server] = []

    def start(*arguments: str, inside: tuple[str, ...] = (), **settings: str) -> Server:
        folder = tmp_path_factory.mktemp("server")
        port = free_port()
        command = [
            *inside,
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "service/api/gunicorn_conf.py",
        ]
        command += ["--bind", f"127.0.0.1:{port}", *arguments, "service.api.app:create_app()"]
        names = {f"MTC_PREFLIGHT_{name}": value for name, value in settings.items()}
        # A busy machine is no reason to stop an evaluation.
        usual = {"MTC_PREFLIGHT_WORKERS": str(WORKERS), "MTC_PREFLIGHT_DEADLINE": "3600"}
        environment = {**os.environ, **usual, **names}
        environment["TMPDIR"] = str(folder)
        log_file = folder / "log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)
        server = Server(port, process, log_file)
        running.append(server)
        _wait(server, names)
        return server

    yield start
    for server in running:
        server.process.send_signal(signal.SIGTERM)
    for server in running:
        server.process.wait(300)


def _wait(server: Server, names: Mapping[str, str]) -> None:
    tls = "MTC_PREFLIGHT_TLS_CERT_FILE" in names  # then the port has to do
    for _ in range(3000):
        with contextlib.suppress(OSError):
            if tls:
                socket.create_connection(("127.0.0.1", server.port), 5).close()
            ready = tls or server.request("GET", "/readyz").status == 200
            if ready and len(server.workers()) >= int(names.get("MTC_PREFLIGHT_WORKERS", WORKERS)):
                return
        assert server.process.poll() is None, server.log_file.read_text()
        time.sleep(0.1)
    raise AssertionError("the server did not start: " + server.log_file.read_text())


@pytest.fixture(scope="session")
def server(start_server: Start) -> Server:
    """A server with the default settings."""
    return start_server()
