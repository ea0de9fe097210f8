"""An API server on a loopback port that reviews tokens and permissions, and nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml


@dataclass
class Cluster:
    """Who has which token, and what they may do."""

    port: int = 0
    users: dict[str, str] = field(default_factory=dict)
    allowed: set[tuple[str, str, str]] = field(default_factory=set)
    broken: bool = False
    asked: list[str] = field(default_factory=list)

    def kubeconfig(self, folder: Path) -> Path:
        """A kubeconfig that leads here."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "u", "user": {"token": "own"}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        }
        file = folder / "kubeconfig"
        file.write_text(yaml.safe_dump(document))
        return file

    def status(self, path: str, spec: Any) -> dict[str, Any]:
        """The status of a review."""
        self.asked.append(path.rpartition("/")[2])
        if path == "/apis/authentication.k8s.io/v1/tokenreviews":
            name = self.users.get(spec["token"])
            if name is None:
                return {"authenticated": False, "user": {}, "error": "invalid bearer token"}
            return {"authenticated": True, "user": {"username": name, "groups": ["all"]}}
        assert path == "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        wanted = spec["resourceAttributes"]
        assert wanted["group"] == "mtc-preflight"
        return {"allowed": (spec["user"], wanted["verb"], wanted["resource"]) in self.allowed}


@contextmanager
def running() -> Iterator[Cluster]:
    """The server, until the block ends."""
    cluster = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if cluster.broken:
                self.send_error(500)
                return
            review["status"] = cluster.status(self.path, review["spec"])
            body = json.dumps(review).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    cluster.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
