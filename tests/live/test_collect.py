"""`collect` and the patch against real API servers, from nothing to READY."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import clusters
import pytest
import yaml
from servers import ROOT, Cluster

from policies import catalogue
from service.collect.kubeconfig import KubeContext
from service.collect.reference import PlanName, collect_plan

Pair = tuple[Cluster, Cluster]
RBAC = ROOT / "deploy" / "rbac"
MTC = "openshift-migration"


def run(*words: Any, good: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode in good, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def collected(pair: Pair, folder: Path) -> Path:
    """A bundle of both clusters, read by the administrator with one kubeconfig."""
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Config"}
    for cluster, name in zip(pair, ("old", "new"), strict=True):
        one = yaml.safe_load(cluster.kubeconfig().read_text())
        for key in ("clusters", "users", "contexts"):
            body.setdefault(key, []).append({**one[key][0], "name": name})
        body["contexts"][-1]["context"] = {"cluster": name, "user": name}
    (folder / "kubeconfig").write_text(yaml.safe_dump(body))
    path = folder / "bundle.json.gz"
    run("collect", "--source", "old", "--destination", "new", "--kubeconfig",
        folder / "kubeconfig", "-o", path)  # fmt: skip
    return path


def probes(folder: Path) -> Path:
    """The connections that no API server can tell of, as pods of the clusters found them."""
    ports = {"6443": "open", "443": "open", "53": "open"}
    facts = {
        item["role"]: {key: item["facts"][key] for key in ("reaches",) if key in item["facts"]}
        | {"ports": ports}
        for item in clusters.example()["clusters"]
    }
    path = folder / "facts.yaml"
    rows = [{"role": role, "facts": known} for role, known in facts.items()]
    host, _, port = clusters.PROXY.removeprefix("http://").partition(":")
    proxy = {"from": "source", "vantage": "cluster", "target": "endpoint", "host": host,
             "port": int(port), "pod": "rsync", "open": True}  # fmt: skip
    path.write_text(yaml.safe_dump({"clusters": rows, "probes": [proxy]}))
    return path


def report_of(*paths: Path) -> dict[str, Any]:
    done = run("check", *paths, "--format", "json", good=(0, 1, 2))
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def open_findings(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (item["policy"], item["message"])
        for item in report["findings"]
        if item["severity"] == "blocker" and item["verdict"] in ("fail", "unknown", "error")
    ]


def test_from_nothing_to_ready(pair: Pair, tmp_path: Path) -> None:
    _, new = pair
    before = report_of(collected(pair, tmp_path), probes(tmp_path))
    assert before["problems"] == []
    assert [policy for policy, _ in open_findings(before)] == ["MTC301"]
    (current := tmp_path / "mc.yaml").write_text(
        new.kubectl("get", "migrationcontroller", "migration-controller", "-n", MTC, "-o",
                    "yaml").stdout
    )  # fmt: skip
    (settings := tmp_path / "settings.yaml").write_text(
        yaml.safe_dump({"stunnel_tcp_proxy": clusters.PROXY})
    )
    patched = run("patch", "--controller", current, "--settings", settings, "--format", "manifest")
    new.kubectl("replace", "-f", "-", "-n", MTC, text=patched.stdout)
    after = report_of(collected(pair, tmp_path), probes(tmp_path))
    assert open_findings(after) == []
    assert after["verdict"] == "ready"


def test_the_shipped_roles_suffice_and_grant_what_is_used(pair: Pair, tmp_path: Path) -> None:
    old, _ = pair
    for name in ("collect.yaml", "secrets.yaml"):
        old.kubectl("apply", "-f", str(RBAC / name))
    for namespace in ("shop", "bank"):
        old.kubectl(
            "create", "rolebinding", "mtc-preflight-collect", "-n", namespace,
            "--clusterrole=mtc-preflight-collect-plan-namespaces",
            "--serviceaccount=mtc-preflight:mtc-preflight",
        )  # fmt: skip
    token = old.kubectl("create", "token", "mtc-preflight", "-n", "mtc-preflight").stdout.strip()
    path = old.kubeconfig("collector", token=token)
    done = run("collect", "--source", "ctx", "--kubeconfig", path, "--namespaces",
               "shop,bank,gone", "--not-migrating-user", "-o", tmp_path / "s.json")  # fmt: skip
    assert "not gathered" not in done.stderr
    asked = old.audit("system:serviceaccount:mtc-preflight:mtc-preflight")
    assert {verb for verb, _ in asked} <= {"get", "list"}
    assert TOKEN_VALUE not in (tmp_path / "s.json").read_text()


def test_whoever_may_read_nothing_is_told_each_right(pair: Pair, tmp_path: Path) -> None:
    old, _ = pair
    done = run("collect", "--source", "ctx", "--kubeconfig", old.kubeconfig("reader"),
               "--namespaces", "shop", "-o", tmp_path / "s.json", good=(2,))  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("not gathered")]
    assert lines
    assert all("forbidden: needs" in line for line in lines), done.stderr
    assert not any("/oapi" in line for line in lines)


def test_a_plan_by_its_name(pair: Pair) -> None:
    _, new = pair
    stream = io.BytesIO()
    reads = tuple(dict.fromkeys(read for policy in catalogue() for read in policy.reads))
    done = collect_plan(
        PlanName(MTC, "shop"),
        reads,
        stream,
        seconds=60,
        host=KubeContext("ctx", str(new.kubeconfig())),
    )
    assert done.tallies["destination"].errors == []
    # The example's source cannot be reached from here, and that is noted.
    assert "source" in done.lost
    assert TOKEN_VALUE not in stream.getvalue().decode()


@pytest.mark.parametrize("form", ["merge", "json"])
def test_a_patch_applies_and_is_taken_back(pair: Pair, tmp_path: Path, form: str) -> None:
    _, new = pair
    name = ("migrationcontroller", "migration-controller", "-n", MTC)
    before = json.loads(new.kubectl("get", *name, "-o", "json").stdout)
    (tmp_path / "mc.json").write_text(json.dumps(before))
    (tmp_path / "settings.yaml").write_text("mig_pv_limit: 200\n")
    done = run("patch", "--controller", tmp_path / "mc.json", "--settings",
               tmp_path / "settings.yaml", "--format", "json")  # fmt: skip
    answer = json.loads(done.stdout)
    patch = answer["mergePatch" if form == "merge" else "jsonPatch"]
    (tmp_path / "patch.json").write_text(json.dumps(patch))
    file = f"--patch-file={tmp_path / 'patch.json'}"
    new.kubectl("patch", *name, f"--type={form}", file)
    assert json.loads(new.kubectl("get", *name, "-o", "json").stdout)["spec"]["mig_pv_limit"] == 200
    stale = new.kubectl("patch", *name, f"--type={form}", file, good=False)
    assert stale.returncode != 0, "the object has changed since, and the patch says so"
    undo = {key: value for key, value in answer["undo"].items() if key != "metadata"}
    (tmp_path / "undo.json").write_text(json.dumps(undo))
    new.kubectl("patch", *name, "--type=merge", f"--patch-file={tmp_path / 'undo.json'}")
    after = json.loads(new.kubectl("get", *name, "-o", "json").stdout)
    assert after["spec"] == before["spec"]


TOKEN_VALUE = next(
    value
    for item in clusters.objects("new")
    if item["kind"] == "Secret" and "saToken" in item.get("data", {})
    for value in (item["data"]["saToken"],)
)
"""The token of the example, which must be in no bundle."""
