"""A Kubernetes API server as a test double: real HTTPS on the loopback, real paging and errors."""

from __future__ import annotations

import base64
import gzip
import http.server
import json
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme
import yaml

from service.kinds.config import SERVER_VERSION
from service.kinds.rbac import ACCESS_REVIEW
from service.kinds.registry import RESOURCES

TOKEN = "sha256~a-token-of-alice-that-must-not-leak"
KINDS = {(resource.plural, resource.kind): resource for resource in RESOURCES}


@dataclass
class Cluster:
    """What the server holds and how it behaves."""

    release: int = 4
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By plural."""
    unserved: set[str] = field(default_factory=set)
    """API groups that this cluster does not have."""
    versions: dict[str, str] = field(default_factory=dict)
    """Groups that are served in another version than ours."""
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of plural and namespace ("" for lists of the whole cluster, "*" for all)."""
    throttle: Counter[str] = field(default_factory=Counter)
    """How many requests of a plural are first answered with 429."""
    expire: list[bool] = field(default_factory=list)
    """Continue tokens that are too old: True offers a new one, False none."""
    drop: Counter[str] = field(default_factory=Counter)
    """How many connections about a plural are cut."""
    admin: bool = True
    user: str = "alice"
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    retry_after: str = "0"
    broken: set[str] = field(default_factory=set)
    """API groups that are registered and answer 503, as an aggregated API that is down."""
    aggregated: bool = False
    """Whether discovery is answered in one document, as from Kubernetes 1.26 on."""
    redirect: str = ""
    """Where every request is sent to instead."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    no_legacy: bool = False
    """Whether the path of OpenShift 3's own kinds is refused, as OpenShift 4 does it."""

    def add(self, *values: dict[str, Any]) -> None:
        for value in values:
            plural = next(item.plural for item in RESOURCES if item.kind == value["kind"])
            self.objects.setdefault(plural, []).append(value)

    def served(self) -> list[tuple[str, str, Any]]:
        """Triples of group, version and resource."""
        found = []
        for item in RESOURCES:
            if self.release not in item.releases or item in (SERVER_VERSION, ACCESS_REVIEW):
                continue
            if item.group not in self.unserved:
                found.append((item.group, self.versions.get(item.group, item.version), item))
        return found


class Server:
    """The server and what a client needs to reach it."""

    def __init__(self, cluster: Cluster, authority: trustme.CA, folder: Path) -> None:
        self.cluster = cluster
        self.authority = authority
        self.folder = folder
        self.http = _Quiet(("127.0.0.1", 0), _Handler)
        self.http.daemon_threads = True
        self.http.cluster = cluster  # type: ignore[attr-defined]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.http.socket = context.wrap_socket(
            self.http.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://127.0.0.1:{self.http.server_address[1]}"

    def kubeconfig(self, user: dict[str, Any] | None = None, name: str = "ctx") -> Path:
        """A kubeconfig with one context."""
        ca = base64.b64encode(self.authority.cert_pem.bytes()).decode()
        body = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [
                {"name": "c", "cluster": {"server": self.url, "certificate-authority-data": ca}}
            ],
            "users": [{"name": "u", "user": {"token": TOKEN} if user is None else user}],
            "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}}],
        }
        path = self.folder / f"kubeconfig-{name}"
        path.write_text(yaml.safe_dump(body))
        return path


@contextmanager
def serving(
    cluster: Cluster, folder: Path, authority: trustme.CA | None = None
) -> Iterator[Server]:
    """Run a server."""
    server = Server(cluster, authority or trustme.CA(), folder)
    thread = threading.Thread(target=server.http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join(10)


class _Quiet(http.server.ThreadingHTTPServer):
    """Clients that cut a connection or refuse the certificate are part of the tests."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    @property
    def cluster(self) -> Cluster:
        found: Cluster = self.server.cluster  # type: ignore[attr-defined]
        return found

    def do_GET(self) -> None:
        self._handle("GET", b"")

    def do_POST(self) -> None:
        self._handle("POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _handle(self, method: str, body: bytes) -> None:
        url = urlsplit(self.path)
        self.cluster.requests.append((method, self.path))
        self.cluster.agents.add(self.headers["User-Agent"])
        if self.cluster.no_legacy and url.path.startswith("/oapi"):
            self._status(403, "forbidden: User cannot get path /oapi/v1")
            return
        if self.cluster.redirect:
            self._json(302, {}, {"Location": self.cluster.redirect})
            return
        if not self._known():
            self._status(401, "Unauthorized")
            return
        steps = url.path.strip("/").split("/")
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if method == "POST":
            self._review(steps, json.loads(body))
            return
        if steps[0] == "apis" and steps[1:2] and steps[1] in self.cluster.broken:
            self._status(503, "service unavailable")
            return
        fixed = self._fixed(url.path)
        if fixed is not None:
            self._json(200, fixed)
            return
        self._resource(steps, query)

    def _known(self) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return token in self.cluster.tokens or bool(self.connection.getpeercert())

    def _fixed(self, path: str) -> dict[str, Any] | None:
        served = self.cluster.served()
        if self.cluster.aggregated and "as=APIGroupDiscoveryList" in self.headers["Accept"]:
            found = self._aggregated(path, served)
            if found is not None:
                return found
        if path == "/version":
            return {"major": "1", "minor": "27", "gitVersion": "v1.27.8+4fab27b"}
        if path == "/version/openshift" and self.cluster.release == 3:
            return {"major": "3", "minor": "11+", "gitVersion": "v3.11.784"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            names = {group: version for group, version, _ in served if group}
            rows = [
                {
                    "name": group,
                    "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
                    "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version},
                }
                for group, version in names.items()
            ]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": rows}
        lists: dict[str, list[Any]] = {}
        for group, version, item in served:
            lists.setdefault(f"/apis/{group}/{version}" if group else "/api/v1", []).append(item)
        if path not in lists:
            return None
        rows = [
            {"name": item.plural, "kind": item.kind, "namespaced": item.namespaced,
             "singularName": "", "verbs": ["get", "list"]}
            for item in lists[path]
        ]  # fmt: skip
        group_version = path.removeprefix("/apis/").removeprefix("/api/")
        return {
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
            "resources": rows,
        }  # fmt: skip

    def _aggregated(self, path: str, served: list[tuple[str, str, Any]]) -> dict[str, Any] | None:
        if path not in ("/api", "/apis"):
            return None
        groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for group, version, item in served:
            if bool(group) is (path == "/apis"):
                scope = "Namespaced" if item.namespaced else "Cluster"
                row = {"resource": item.plural, "responseKind": {"kind": item.kind}, "scope": scope}
                groups.setdefault((group, version), []).append(row)
        items = [
            {"metadata": {"name": group}, "versions": [
                {"version": version, "resources": [] if group in self.cluster.broken else rows,
                 "freshness": "Stale" if group in self.cluster.broken else "Current"}]}
            for (group, version), rows in groups.items()
        ]  # fmt: skip
        version = "apidiscovery.k8s.io/v2"
        return {"kind": "APIGroupDiscoveryList", "apiVersion": version, "items": items}

    def _resource(self, steps: list[str], query: dict[str, str]) -> None:
        group, version, rest = "", steps[1] if len(steps) > 1 else "", steps[2:]
        if steps[0] == "apis":
            group, version, rest = steps[1], steps[2], steps[3:]
        namespace = ""
        if not rest or steps[0] not in ("api", "apis"):
            self._status(404, "page not found")
            return
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        plural, name = rest[0], rest[1] if len(rest) > 1 else ""
        found = [
            item for its, ver, item in self.cluster.served()
            if (its, ver, item.plural) == (group, version, plural)
        ]  # fmt: skip
        if not found:
            self._status(404, "the server could not find the requested resource")
            return
        if self._troubled(plural):
            return
        refused = self.cluster.forbidden
        if {(plural, "*"), (plural, namespace if not name else f"{namespace}/{name}")} & refused:
            text = f'{plural} is forbidden: User "{self.cluster.user}" cannot list it'
            self._status(403, text)
            return
        api_version = f"{group}/{version}" if group else version
        if name:
            self._one(plural, namespace, name, api_version)
            return
        self._list(found[0].kind, plural, namespace, api_version, query)

    def _troubled(self, plural: str) -> bool:
        if self.cluster.drop[plural] > 0:
            self.cluster.drop[plural] -= 1
            self.close_connection = True
            self.connection.close()
            return True
        if self.cluster.throttle[plural] > 0:
            self.cluster.throttle[plural] -= 1
            self._json(
                429,
                {"kind": "Status", "message": "too many requests", "code": 429},
                {"Retry-After": self.cluster.retry_after},
            )
            return True
        return False

    def _one(self, plural: str, namespace: str, name: str, api_version: str) -> None:
        if plural == "users" and name == "~":
            who = {"metadata": {"name": self.cluster.user}, "groups": ["admins"]}
            self._json(200, {"apiVersion": api_version, "kind": "User", **who})
            return
        for value in self.cluster.objects.get(plural, []):
            metadata = value["metadata"]
            if (metadata.get("namespace", ""), metadata["name"]) == (namespace, name):
                self._json(200, {**value, "apiVersion": api_version})
                return
        self._status(404, f'{plural} "{name}" not found')

    def _list(
        self, kind: str, plural: str, namespace: str, api_version: str, query: dict[str, str]
    ) -> None:
        start = 0
        if "continue" in query:
            token = json.loads(base64.b64decode(query["continue"]))
            start = token["start"]
            if self.cluster.expire and not token.get("fresh"):
                offers = self.cluster.expire.pop(0)
                new = _token(start, fresh=True) if offers else ""
                self._status(410, "The provided continue parameter is too old", new)
                return
        rows = [
            {key: item for key, item in value.items() if key not in ("apiVersion", "kind")}
            for value in self.cluster.objects.get(plural, [])
            if not namespace or value["metadata"].get("namespace") == namespace
        ]
        if "as=PartialObjectMetadataList" in self.headers["Accept"]:
            kind, api_version = "PartialObjectMetadata", "meta.k8s.io/v1"
            rows = [{"metadata": row["metadata"]} for row in rows]
        end = start + int(query.get("limit") or len(rows) or 1)
        more = _token(end) if end < len(rows) else ""
        self._json(200, {
            "kind": f"{kind}List", "apiVersion": api_version,
            "metadata": {"resourceVersion": "7", **({"continue": more} if more else {})},
            "items": rows[start:end],
        })  # fmt: skip

    def _review(self, steps: list[str], body: dict[str, Any]) -> None:
        if steps[-1] == "selfsubjectaccessreviews":
            self._json(201, {**body, "status": {"allowed": self.cluster.admin}})
        elif steps[-1] == "selfsubjectreviews":
            who = {"username": self.cluster.user, "groups": ["system:authenticated"]}
            self._json(201, {**body, "status": {"userInfo": who}})
        else:
            self._status(403, "this double takes reviews only")

    def _status(self, code: int, message: str, token: str = "") -> None:
        metadata = {"continue": token} if token else {}
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
                "code": code, "metadata": metadata}  # fmt: skip
        self._json(code, body)

    def _json(self, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(data) > 1000:
            data = gzip.compress(data)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _token(start: int, *, fresh: bool = False) -> str:
    return base64.b64encode(json.dumps({"start": start, "fresh": fresh}).encode()).decode()
