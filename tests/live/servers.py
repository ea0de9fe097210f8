"""Real API servers: kube-apiserver, built from its module, over Debian's etcd, with RBAC."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml
from urllib3 import disable_warnings

from service.kinds.registry import RESOURCES
from service.kinds.resource import Resource

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
BINARY = ROOT / "build" / "live" / "kube-apiserver"
ADMIN = "admin-token"
NAMED = {"admin": (ADMIN, "system:masters"), "reader": ("reader-token", ""),
         "webhook": ("webhook-token", "")}  # fmt: skip
"""Users by name: token and group."""
OWN = frozenset({"", "apps", "batch", "rbac.authorization.k8s.io", "storage.k8s.io",
                 "networking.k8s.io", "apiextensions.k8s.io", "authorization.k8s.io",
                 "apiregistration.k8s.io", "scheduling.k8s.io", "policy", "apidiscovery.k8s.io",
                 "admissionregistration.k8s.io", "autoscaling"})  # fmt: skip
"""API groups that kube-apiserver serves itself."""
disable_warnings()


def missing() -> str:
    """What this machine lacks, "" where nothing."""
    lacking = [tool for tool in ("etcd", "kubectl") if shutil.which(tool) is None]
    if not BINARY.is_file() and shutil.which("go") is None:
        lacking.append("go")
    return ", ".join(lacking)


def build() -> None:
    """Build kube-apiserver once; it takes about ten minutes on two processors."""
    if BINARY.is_file():
        return
    BINARY.parent.mkdir(parents=True, exist_ok=True)
    release = "1.33.13"
    package = "k8s.io/component-base/version"
    flags = f"-s -w -X {package}.gitVersion=v{release} -X {package}.gitMajor=1 "
    flags += f"-X {package}.gitMinor=33"
    words = ["go", "build", f"-ldflags={flags}", "-o", str(BINARY), "."]
    subprocess.run(words, cwd=Path(__file__).parent / "apiserver", check=True)


class Cluster:
    """One API server. ``admin`` is a requests session with every right."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"https://127.0.0.1:{port}"
        self.admin = requests.Session()
        self.admin.trust_env = False  # REQUESTS_CA_BUNDLE would win over verify
        self.admin.verify = False
        self.admin.headers["Authorization"] = f"Bearer {ADMIN}"

    def kubeconfig(self, user: str = "admin", token: str = "", context: str = "ctx") -> Path:
        """A kubeconfig of a user of NAMED, or with a token."""
        body = {
            "apiVersion": "v1", "kind": "Config", "current-context": context,
            "clusters": [{"name": "c", "cluster": {
                "server": self.url, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "u", "user": {"token": token or NAMED[user][0]}}],
            "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
        }  # fmt: skip
        path = self.folder / f"kubeconfig-{user}-{context}"
        path.write_text(yaml.safe_dump(body))
        return path

    def kubectl(self, *words: str, text: str = "", user: str = "admin",
                good: bool = True) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Run kubectl as a user; it must end well unless ``good`` is False."""
        done = subprocess.run(
            ["kubectl", "--kubeconfig", str(self.kubeconfig(user)), *words],
            input=text, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or not good, f"kubectl {' '.join(words)}: {done.stderr}"
        return done

    def create(self, *values: dict[str, Any]) -> None:
        """Create objects, each with its status."""
        for value in values:
            path = f"{self.url}{_path(value)}"
            answer = self.admin.post(path, json=value)
            if answer.status_code == 409:
                continue
            assert answer.status_code == 201, f"{value['kind']}: {answer.text[:400]}"
            made = answer.json()
            if made.get("status") != value.get("status", made.get("status")):
                made["status"] = value["status"]
                name = value["metadata"]["name"]
                put = self.admin.put(f"{path}/{name}/status", json=made)
                assert put.status_code == 200, f"{value['kind']}: {put.text[:400]}"

    def get(self, path: str) -> Any:
        """The JSON of a path."""
        answer = self.admin.get(self.url + path)
        answer.raise_for_status()
        return answer.json()

    def audit(self, user: str) -> set[tuple[str, str]]:
        """Verbs and resources (with subresource) that a user has asked for."""
        found = set()
        for line in (self.folder / "audit.log").read_text().splitlines():
            event = json.loads(line)
            what = event.get("objectRef") or {}
            if event["user"].get("username") == user and what.get("resource"):
                sub = f"/{what['subresource']}" if what.get("subresource") else ""
                found.add((event["verb"], what["resource"] + sub))
        return found


def _path(value: dict[str, Any]) -> str:
    group, _, version = value["apiVersion"].rpartition("/")
    place = f"/apis/{group}/{version}" if group else f"/api/{version}"
    resource = next(
        (item for item in RESOURCES if item.kind == value["kind"] and group in item.groups), None
    )
    plural = resource.plural if resource else f"{value['kind'].lower()}s"
    namespace = value["metadata"].get("namespace")
    return f"{place}/namespaces/{namespace}/{plural}" if namespace else f"{place}/{plural}"


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Start etcd and an API server with the kinds of OpenShift and MTC; end both."""
    folder.mkdir()
    store, peer, port = _port(), _port(), _port()
    etcd = _start(folder / "etcd.log", [
        "etcd", "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync",
        "--listen-client-urls", f"http://127.0.0.1:{store}",
        "--advertise-client-urls", f"http://127.0.0.1:{store}",
        "--listen-peer-urls", f"http://127.0.0.1:{peer}",
    ])  # fmt: skip
    server = None
    try:
        server = _start(folder / "apiserver.log", [str(BINARY), *_flags(folder, store, port)])
        cluster = Cluster(folder, port)
        _ready(cluster, server)
        _serve_kinds(cluster)
        yield cluster
    finally:
        for process in (server, etcd):
            if process is not None:
                process.terminate()
                process.wait(30)


def _flags(folder: Path, store: int, port: int) -> list[str]:
    key = folder / "sa.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    with (folder / "tokens.csv").open("w") as stream:
        rows = csv.writer(stream)
        rows.writerows((token, name, name, group) for name, (token, group) in NAMED.items())
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
    (folder / "audit.yaml").write_text(yaml.safe_dump(policy))
    return [
        f"--etcd-servers=http://127.0.0.1:{store}", f"--secure-port={port}",
        "--bind-address=127.0.0.1", f"--cert-dir={folder / 'certs'}",
        "--authorization-mode=RBAC", f"--token-auth-file={folder / 'tokens.csv'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount",
        f"--audit-policy-file={folder / 'audit.yaml'}", f"--audit-log-path={folder / 'audit.log'}",
    ]  # fmt: skip


def _start(log: Path, words: list[str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen(words, stdout=stream, stderr=stream, env={**os.environ})


def _port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        found: int = held.getsockname()[1]
        return found


def _ready(cluster: Cluster, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert server.poll() is None, (cluster.folder / "apiserver.log").read_text()[-2000:]
        try:
            if cluster.admin.get(f"{cluster.url}/readyz", timeout=5).text == "ok":
                return
        except requests.RequestException:
            pass
        time.sleep(0.3)
    raise AssertionError("the API server does not get ready")


def _serve_kinds(cluster: Cluster) -> None:
    """The definitions of MTC and OpenShift as they ship; of kinds without one, any field."""
    made: set[str] = set()
    for path in _shipped():
        definition = yaml.safe_load(path.read_text())
        name = definition["metadata"]["name"]
        if definition["apiVersion"] == "apiextensions.k8s.io/v1" and name not in made:
            definition.pop("status", None)
            cluster.create(definition)
            made.add(name)
    for item in RESOURCES:
        name = f"{item.plural}.{item.group}"
        if item.group not in OWN and not item.command and name not in made:
            cluster.create(_open(item))
            made.add(name)
    _until_served(cluster, made)


def _shipped() -> list[Path]:
    places = (
        "migtools/mig-controller/config/crds/*.yaml",
        "migtools/mig-operator/deploy/olm-catalog/bundle/manifests/migrationcontroller.crd.yaml",
        "openshift/api/payload-manifests/crds/*-Default.crd.yaml",
    )
    return [path for place in places for path in sorted(DATA.glob(place))]


def _open(item: Resource[Any]) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": item.version, "served": True, "storage": True,
               "schema": {"openAPIV3Schema": schema}}  # fmt: skip
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{item.plural}.{item.group}", "annotations": {
            "api-approved.kubernetes.io": "unapproved, for a test"}},
        "spec": {
            "group": item.group, "scope": "Namespaced" if item.namespaced else "Cluster",
            "names": {"kind": item.kind, "plural": item.plural, "singular": item.kind.lower(),
                      "listKind": f"{item.kind}List"},
            "versions": [version],
        },
    }  # fmt: skip


def _until_served(cluster: Cluster, names: set[str]) -> None:
    end = time.monotonic() + 60
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    left = names
    while left and time.monotonic() < end:
        time.sleep(0.5)
        left = {
            item["metadata"]["name"]
            for item in cluster.get(path)["items"]
            if not any(
                row["type"] == "Established" and row["status"] == "True"
                for row in item.get("status", {}).get("conditions") or ()
            )
        }
    assert not left, f"not served: {left}"
