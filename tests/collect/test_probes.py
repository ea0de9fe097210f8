"""Trying connections for real on the loopback, and what the checks make of the results."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import trustme
import yaml
from apiserver import Server, serving
from cluster_objects import MTC, destination, obj, plan, source

from service.collect.measure import Measurement, attempt, measure
from service.collect.probe_targets import BadTarget, ProbeTarget, from_rows


@contextmanager
def answering(*answers: bytes, tls: bool = False, silent: bool = False) -> Iterator[int]:
    """A server that gives one fixed answer per connection; the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    over = threading.Event()
    held: list[socket.socket] = []

    def serve() -> None:
        left = list(answers)
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            held.append(connection)
            if silent:
                continue
            try:
                connection.settimeout(5)
                if tls:
                    connection = context.wrap_socket(connection, server_side=True)
                    held.append(connection)
                while b"\r\n\r\n" not in (head := connection.recv(4096)):
                    if not head:
                        break
                connection.sendall(left.pop(0) if len(left) > 1 else left[0])
                connection.close()
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join(10)
        for item in (*held, listener):
            item.close()


def http(status: int) -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()


def target(port: int, check: str, host: str = "127.0.0.1", **more: Any) -> ProbeTarget:
    return ProbeTarget("source", "registry", "destination", host, port, check, **more)


@pytest.fixture
def closed() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_a_port_that_is_open_and_one_that_is_closed(closed: int) -> None:
    with answering(http(200)) as port:
        assert attempt(target(port, "tcp")).open
    refused = attempt(target(closed, "tcp"))
    assert refused == Measurement(
        False, "refused: nothing listens on the port, or a firewall rejects it"
    )


def test_tls_is_tried_to_the_end() -> None:
    with answering(http(200), tls=True) as port:
        assert attempt(target(port, "tls")) == Measurement(True, "TLSv1.3 handshake")
    with answering(http(200)) as port:
        plain = attempt(target(port, "tls"), 1)
        assert not plain.open
        assert plain.detail.startswith("TCP is open, TLS fails") or "handshake" in plain.detail


def test_a_server_that_never_answers_ends_in_time() -> None:
    with answering(silent=True) as port:
        found = attempt(target(port, "tls"), 0.3)
    assert found == Measurement(False, "TCP is open, the TLS handshake gets no answer")


@pytest.mark.parametrize(
    ("status", "is_open"), [(200, True), (401, True), (503, False), (404, False)]
)
def test_a_registry_is_asked_as_mtc_does(status: int, is_open: bool) -> None:
    with answering(http(status), tls=True) as port:
        found = attempt(target(port, "registry"))
    assert (found.open, found.status) == (is_open, status)
    assert f"GET /v2/_catalog?n=5 answered {status}" in found.detail


def test_names_are_resolved() -> None:
    assert attempt(target(53, "dns", "localhost")).open
    missing = attempt(target(53, "dns", "no-such-name.invalid"))
    assert not missing.open
    assert "DNS" in missing.detail


def test_the_proxy_of_the_environment_is_used_where_mtc_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with answering(http(407)) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,.internal")
        found = attempt(target(443, "tls", "s3.example.com", proxied=True))
        assert found == Measurement(
            False, f"the proxy 127.0.0.1:{port} answered 407 to CONNECT", 407
        )
    from service.collect.measure import proxy_for

    assert proxy_for("10.1.2.3", 443) is None
    assert proxy_for("s3.internal", 443) is None


def test_a_proxy_that_is_not_there_is_told_from_a_goal_that_is_not(
    monkeypatch: pytest.MonkeyPatch, closed: int
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed}")
    refused = "refused: nothing listens on the port, or a firewall rejects it"
    assert attempt(target(443, "tls", "s3.example.com", proxied=True)) == Measurement(
        False, f"the proxy 127.0.0.1:{closed}: {refused}"
    )


def test_one_connection_for_several_clusters_is_tried_once() -> None:
    said: list[str] = []
    with answering(http(200)) as port:
        rows = [
            ProbeTarget(role, "repository", "", "127.0.0.1", port)
            for role in ("source", "destination")
        ]
        probes = measure(rows, "workstation", say=said.append)
    assert len(said) == 1
    assert probes == [
        {"from": role, "vantage": "workstation", "target": "repository", "host": "127.0.0.1",
         "port": port, "open": True, "detail": "TCP connection established"}
        for role in ("source", "destination")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        {"start": "left", "kind": "api", "cluster": "", "host": "a", "port": 1},
        {"start": "source", "kind": "api", "cluster": "", "host": "a b", "port": 1},
        {"start": "source", "kind": "api", "cluster": "", "host": "a", "port": 0},
        {"start": "source", "kind": "api", "cluster": "", "host": "a", "port": 1, "check": "rm"},
        {"start": "source"},
        7,
    ],
)
def test_targets_from_elsewhere_are_checked(row: Any) -> None:
    with pytest.raises(BadTarget):
        from_rows([row])


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Server, Server, int]]:
    """Both clusters, a repository that answers TLS, and a kubeconfig per cluster."""
    authority = trustme.CA()
    for name in ("s", "d"):
        (tmp_path / name).mkdir()
    with (
        answering(http(200), tls=True) as repository,
        serving(source(), tmp_path / "s", authority) as src,
        serving(destination(), tmp_path / "d", authority) as dst,
    ):
        mig = "migration.openshift.io/v1alpha1"
        dst.cluster.add(
            obj(mig, "MigCluster", "host", MTC, spec={"isHostCluster": True}),
            obj(mig, "MigCluster", "src", MTC, spec={"isHostCluster": False, "url": src.url}),
            obj(mig, "MigStorage", "repo", MTC, spec={
                "backupStorageProvider": "aws",
                "backupStorageConfig": {"awsS3Url": f"https://127.0.0.1:{repository}"}}),
        )  # fmt: skip
        yield src, dst, repository


def command(*arguments: Any, **more: Any) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "service.cli", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=600, check=False, **more)


def merged(folder: Path, src: Server, dst: Server) -> Path:
    """A kubeconfig with both clusters as contexts."""
    one = yaml.safe_load(src.kubeconfig().read_text())
    two = yaml.safe_load(dst.kubeconfig().read_text())
    for key in ("clusters", "users", "contexts"):
        two[key][0]["name"] = "d" + two[key][0]["name"]
        one[key].append(two[key][0])
    one["contexts"][1]["context"] = {"cluster": "dc", "user": "du"}
    path = folder / "both"
    path.write_text(yaml.safe_dump(one))
    return path


def collected(tmp_path: Path, src: Server, dst: Server, *more: str) -> Path:
    path = tmp_path / "bundle.json"
    done = command("collect", "--source", "ctx", "--destination", "dctx", "--kubeconfig",
                   merged(tmp_path, src, dst), "-o", path, *more)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path


def findings(policy: str, *arguments: Any) -> dict[str, str]:
    done = command("check", *arguments, "--format", "json")
    assert done.returncode in (0, 1, 2), done.stderr
    return {
        f"{row['subject']['cluster']} {row['key']}".strip(): row["verdict"]
        for row in json.loads(done.stdout)["findings"]
        if row["policy"] == policy
    }


def test_what_a_workstation_reaches_is_shown_and_proves_nothing(
    pair: tuple[Server, Server, int], tmp_path: Path
) -> None:
    src, dst, repository = pair
    path = collected(tmp_path, src, dst, "--probe")
    probes = json.loads(path.read_text())["probes"]
    assert {(row["from"], row["target"], row["port"], row["open"]) for row in probes} == {
        ("source", "repository", repository, True),
        ("destination", "repository", repository, True),
        ("destination", "api", int(src.url.rpartition(":")[2]), True),
    }
    assert {row["vantage"] for row in probes} == {"workstation"}
    assert set(findings("MTC501", path).values()) == {"unknown"}


def test_results_that_one_vouches_for_count(
    pair: tuple[Server, Server, int], tmp_path: Path
) -> None:
    src, dst, _ = pair
    path = collected(tmp_path, src, dst)
    done = command("probe", path, "--vantage", "declared")
    probes = tmp_path / "probes.json"
    probes.write_text(done.stdout)
    assert findings("MTC501", path, "--probes", probes) == {"source": "pass", "destination": "pass"}


def test_the_job_does_in_the_cluster_what_the_check_then_takes(
    pair: tuple[Server, Server, int], tmp_path: Path
) -> None:
    src, dst, _repository = pair
    path = collected(tmp_path, src, dst)
    done = command("probe", path, "--from", "source", "--job", "registry.example.com/preflight:1")
    job = yaml.safe_load(done.stdout)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/preflight:1"
    assert job["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    kubernetes_validate.validate(job, "1.32", strict=True)
    # What the container would run, run here.
    words = [*container["command"][1:], *container["args"]]
    ran = command(*words)
    assert ran.returncode == 0, ran.stderr
    assert [row["from"] for row in json.loads(ran.stdout)["probes"]] == ["source"]
    probes = tmp_path / "probes.json"
    probes.write_text(ran.stdout)
    verdicts = findings("MTC501", path, "--probes", probes)
    assert verdicts == {"source": "pass", "destination": "unknown"}


def test_a_repository_that_is_closed_to_one_cluster_fails_there(
    pair: tuple[Server, Server, int], tmp_path: Path
) -> None:
    src, dst, _ = pair
    path = collected(tmp_path, src, dst)
    rows = json.loads(command("probe", path, "--list").stdout)
    probes = [
        {"from": row["start"], "vantage": "cluster", "target": row["kind"], "host": row["host"],
         "port": row["port"], "cluster": row["cluster"], "open": row["start"] == "source"}
        for row in rows
    ]  # fmt: skip
    file = tmp_path / "probes.json"
    file.write_text(json.dumps(probes))
    verdicts = findings("MTC501", path, "--probes", file)
    assert verdicts == {"source": "pass", "destination": "fail"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give a bundle"),
        (("--targets", "[7]"), "targets[0]"),
        (("--targets", "[]"), "no address"),
        (("--targets", "{"), "--targets"),
    ],
)
def test_wrong_use_of_probe(arguments: tuple[str, ...], told: str) -> None:
    done = command("probe", *arguments)
    assert (done.returncode, done.stdout) == (3, "")
    assert told in done.stderr


def test_moved_nfs_volumes_are_tried_from_both_clusters(tmp_path: Path) -> None:
    moved = plan("shop")
    moved["spec"]["persistentVolumes"] = [
        {
            "name": "pv-1",
            "selection": {"action": "move"},
            "pvc": {"namespace": "shop", "name": "a"},
        },
        {
            "name": "pv-2",
            "selection": {"action": "copy"},
            "pvc": {"namespace": "shop", "name": "b"},
        },
    ]
    volumes = [
        obj("v1", "PersistentVolume", f"pv-{n}", spec={"nfs": {"server": f"nfs-{n}.example.com"}})
        for n in (1, 2)
    ]
    envelope = {
        "clusters": [{"role": "source", "objects": volumes}, {"role": "destination"}],
        "plan": moved,
    }
    file = tmp_path / "e.json"
    file.write_text(json.dumps(envelope))
    rows = json.loads(command("probe", file, "--list").stdout)
    assert [(row["start"], row["kind"], row["host"], row["port"]) for row in rows] == [
        ("source", "volume", "nfs-1.example.com", 2049),
        ("destination", "volume", "nfs-1.example.com", 2049),
    ]
