"""What answers where the pages connect to: the service, and the API servers of both clusters."""

from __future__ import annotations

import base64
import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import clusters
import trustme
import yaml
from apiserver import TOKEN, Cluster, Server, serving
from werkzeug.serving import make_server

ROOT = Path(__file__).parents[2]
MTC_TOKEN = "sha256~of-mtc-on-old"
_RUN = re.compile(r"^run:.*\n\t(.+)$", re.MULTILINE)


def started(address: str) -> list[str]:
    """What `make run` runs in the end, on another address."""
    found = _RUN.search((ROOT / "Makefile").read_text())
    assert found is not None
    variables = {"BIN": f"{sys.prefix}/bin", "ADDRESS": address}
    return shlex.split(re.sub(r"\$\((\w+)\)", lambda name: variables[name[1]], found[1]))


@contextmanager
def service(folder: Path) -> Iterator[str]:
    """The service as `make run` starts it; HOST:PORT."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    given = {name: value for name, value in os.environ.items() if "MTC_PREFLIGHT" not in name}
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            started(address),
            cwd=ROOT,
            env={**given, "MTC_PREFLIGHT_WORKERS": "1"},
            stdout=log,
            stderr=log,
        )
        try:
            _until_ready(f"http://{address}/readyz", process)
            yield address
        finally:
            process.terminate()
            process.wait(300)


def _until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            assert process.poll() is None
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the service does not become ready")


@contextmanager
def hosted(app: Any, authority: trustme.CA | None = None, name: str = "") -> Iterator[str]:
    """An application in this process, with TLS where a name is given; HOST:PORT."""
    context = None
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def api_servers(folder: Path) -> Iterator[tuple[Path, str]]:
    """Both clusters behind API servers: a kubeconfig with the contexts old and new, and the
    HOST:PORT of new."""
    authority = trustme.CA()
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name in ("old", "new"):
            tokens = {TOKEN, MTC_TOKEN, f"sha256~of-alice-on-{name}"}
            cluster = Cluster(user="alice", tokens=tokens, aggregated=True)
            servers[name] = stack.enter_context(serving(cluster, folder, authority))
        for name, server in servers.items():
            server.cluster.add(*_reachable(name, servers["old"]))
        place = servers["new"].url.removeprefix("https://")
        yield _kubeconfig(folder / "kubeconfig", servers), place


def _reachable(name: str, old: Server) -> list[clusters.Object]:
    """The objects of a cluster, with MTC's way to the source as it is here, and a repository that
    is nowhere."""
    found = clusters.objects(name)
    for item in found:
        if item["kind"] == "MigStorage":
            item["spec"]["backupStorageConfig"]["awsS3Url"] = "https://s3.example.com"
        if (item["kind"], item["metadata"]["name"]) == ("MigCluster", "old"):
            item["spec"]["url"] = old.url
            item["spec"]["caBundle"] = base64.b64encode(old.authority.cert_pem.bytes()).decode()
        if (item["kind"], item["metadata"]["name"]) == ("Secret", "old-token"):
            item["data"] = {"saToken": base64.b64encode(MTC_TOKEN.encode()).decode()}
    return found


def _kubeconfig(file: Path, servers: dict[str, Server]) -> Path:
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": "new"}
    body |= {"clusters": [], "users": [{"name": "alice", "user": {"token": TOKEN}}]}
    body["contexts"] = [
        {"name": name, "context": {"cluster": name, "user": "alice"}} for name in servers
    ]
    for name, server in servers.items():
        data = base64.b64encode(server.authority.cert_pem.bytes()).decode()
        way = {"server": server.url, "certificate-authority-data": data}
        body["clusters"].append({"name": name, "cluster": way})
    file.write_text(yaml.safe_dump(body))
    return file
