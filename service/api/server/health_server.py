"""A listener of its own for health and metrics, in gunicorn's master.

It answers whatever the threads of the workers do. It speaks plain HTTP and asks for no token: what
it shows is no secret, and who reaches it is for the network to decide.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST


class HealthServer(ThreadingHTTPServer):
    """``/livez`` and ``/metrics``.

    ``alive`` says whether the workers are; ``exposition`` gives the metrics.
    """

    daemon_threads = True

    def __init__(
        self, address: str, alive: Callable[[], bool], exposition: Callable[[], bytes]
    ) -> None:
        """Listen at ADDRESS:PORT. Raises OSError where that cannot be had."""
        self.alive, self.exposition = alive, exposition
        host, _, port = address.rpartition(":")
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host.strip("[]"), int(port)), _Handler)

    def start(self) -> None:
        """Answer in a thread of this process, and of none that it starts."""
        os.register_at_fork(after_in_child=self.socket.close)
        threading.Thread(target=self.serve_forever, name="health", daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: HealthServer
    timeout = 5
    server_version, sys_version = "mtc-preflight", ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/livez":
            if self.server.alive():
                self._answer(200, "application/json", b'{"status":"ok"}\n')
            else:
                self._answer(503, "application/json", b'{"status":"no worker is alive"}\n')
        elif path == "/metrics":
            self._answer(200, CONTENT_TYPE_LATEST, self.server.exposition())
        else:
            self._answer(404, "text/plain", b"here are /livez and /metrics\n")

    do_HEAD = do_GET

    def _answer(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Probes are not worth a line each."""
