"""The service beside a real API server: tokens, the webhook, reports, and its own manifests."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import yaml
from servers import ROOT, Cluster

Pair = tuple[Cluster, Cluster]
MTC = "openshift-migration"
EXAMPLE = ROOT / "examples" / "migration-4-to-4.yaml"
OVERLAYS = sorted(
    str(path.parent.relative_to(ROOT / "deploy"))
    for path in (ROOT / "deploy").rglob("kustomization.yaml")
)


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[int]:
    """The service with these settings; its port."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    own = {f"MTC_PREFLIGHT_{key}": value for key, value in settings.items()}
    words = [sys.executable, "-m", "service.cli", "serve", "--bind", f"127.0.0.1:{port}"]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            words, cwd=ROOT, env={**os.environ, **own}, stdout=log, stderr=log
        )
    try:
        end = time.monotonic() + 60
        while True:
            assert process.poll() is None, (folder / "serve.log").read_text()
            assert time.monotonic() < end, (folder / "serve.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def test_tokens_of_the_cluster_are_reviewed(pair: Pair, tmp_path: Path) -> None:
    _, new = pair
    new.kubectl("create", "serviceaccount", "pipeline", "-n", "default")
    new.kubectl("create", "serviceaccount", "nobody", "-n", "default")
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "evaluate"}, "rules": [
                {"apiGroups": ["mtc-preflight"], "resources": ["evaluations"],
                 "verbs": ["create"]}]}  # fmt: skip
    new.kubectl("apply", "-f", "-", text=json.dumps(role))
    new.kubectl("create", "clusterrolebinding", "evaluate", "--clusterrole=evaluate",
                "--serviceaccount=default:pipeline")  # fmt: skip
    tokens = {
        name: new.kubectl("create", "token", name, "-n", "default").stdout.strip()
        for name in ("pipeline", "nobody")
    }
    body = EXAMPLE.read_bytes()
    os.environ["KUBECONFIG"] = str(new.kubeconfig())
    try:
        with serving(tmp_path, AUTH="kubernetes") as port:
            for token, wanted in ((tokens["pipeline"], 200), (tokens["nobody"], 403),
                                  ("no-token", 401)):  # fmt: skip
                answer = requests.post(
                    f"http://127.0.0.1:{port}/v1/evaluations", data=body, timeout=60,
                    headers={"Authorization": f"Bearer {token}",
                             "Content-Type": "application/yaml"},
                )  # fmt: skip
                assert answer.status_code == wanted, answer.text
        os.environ["KUBECONFIG"] = str(new.kubeconfig("reader"))
        with serving(tmp_path, AUTH="kubernetes") as port:
            answer = requests.post(
                f"http://127.0.0.1:{port}/v1/evaluations", data=body, timeout=60,
                headers={"Authorization": f"Bearer {tokens['pipeline']}",
                         "Content-Type": "application/yaml"},
            )  # fmt: skip
            assert answer.status_code == 503
        log = (tmp_path / "serve.log").read_text()
        assert "bind ClusterRole system:auth-delegator" in log
        assert tokens["pipeline"] not in log
    finally:
        del os.environ["KUBECONFIG"]


def test_the_webhook_denies_warns_and_lets_mtc_write(pair: Pair, tmp_path: Path) -> None:
    _, new = pair
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(tmp_path / "tls.key")
    (tmp_path / "tls.crt").write_bytes(b"".join(item.bytes() for item in leaf.cert_chain_pems))
    state = {"kind": "List", "apiVersion": "v1", "items": json.loads(
        new.kubectl("get", "migplans,migclusters,migstorages", "-n", MTC, "-o", "json").stdout
    )["items"]}  # fmt: skip
    (tmp_path / "state.yaml").write_text(yaml.safe_dump(state))
    (ours,) = (item for item in state["items"] if item["kind"] == "MigPlan")
    clash = {key: ours[key] for key in ("apiVersion", "kind", "spec")}
    clash["metadata"] = {"name": "clash", "namespace": MTC}
    with serving(
        tmp_path, AUTH="tokens", OPEN_SCOPES="admission",
        TLS_CERT_FILE=str(tmp_path / "tls.crt"), TLS_KEY_FILE=str(tmp_path / "tls.key"),
        ADMISSION_STATE_FILE=str(tmp_path / "state.yaml"),
    ) as port:  # fmt: skip
        hook = webhook(port, authority)
        new.kubectl("apply", "-f", "-", text=yaml.safe_dump(hook))
        try:
            time.sleep(2)
            done = new.kubectl("create", "--dry-run=server", "-f", "-", text=json.dumps(clash))
            assert f"MTC716: open plan {MTC}/shop also has" in done.stderr
            bad = {"spec": {"mig_pv_limit": "many"}}
            denied = new.kubectl(
                "patch", "migrationcontroller", "migration-controller", "-n", MTC, "--type=merge",
                "-p", json.dumps(bad), "--dry-run=server", good=False,
            )  # fmt: skip
            assert denied.returncode != 0
            assert "MTC801" in denied.stderr
        finally:
            new.kubectl("delete", "validatingwebhookconfiguration", "mtc-preflight")


def webhook(port: int, authority: trustme.CA) -> dict[str, Any]:
    """The webhook of overlays/fail, by URL."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(ROOT / "deploy/admission/overlays/fail")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    kind = "ValidatingWebhookConfiguration"
    (hook,) = (item for item in yaml.safe_load_all(done.stdout) if item["kind"] == kind)
    found: dict[str, Any] = hook
    found["webhooks"][0]["clientConfig"] = {
        "url": f"https://127.0.0.1:{port}/v1/admission/validate",
        "caBundle": base64.b64encode(authority.cert_pem.bytes()).decode(),
    }
    return found


def test_while_the_webhook_is_down_mtc_still_writes(pair: Pair) -> None:
    _, new = pair
    new.kubectl("apply", "-f", "-", text=yaml.safe_dump(webhook(9, trustme.CA())))
    change = ("patch", "migplan", "shop", "-n", MTC, "--type=merge", "-p",
              '{"metadata": {"annotations": {"touched": "yes"}}}', "--dry-run=server")  # fmt: skip
    try:
        time.sleep(2)
        refused = new.kubectl(*change, good=False)
        assert refused.returncode != 0
        assert "failed calling webhook" in refused.stderr
        account = f"system:serviceaccount:{MTC}:migration-controller"
        new.kubectl(*change, f"--as={account}", "--as-group=system:masters")
    finally:
        new.kubectl("delete", "validatingwebhookconfiguration", "mtc-preflight")


def test_a_large_policy_report_is_applied_as_the_docs_say(pair: Pair, tmp_path: Path) -> None:
    _, new = pair
    names = [f"shop-{number:04}" for number in range(700)]
    plan = {"namespaces": names, "srcMigClusterRef": {"name": "old", "namespace": MTC},
            "destMigClusterRef": {"name": "host", "namespace": MTC}}  # fmt: skip
    claims = [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
         "metadata": {"name": "data", "namespace": name}, "status": {"phase": "Pending"}}
        for name in names
    ]  # fmt: skip
    body = {"clusters": [{"role": "source", "objects": claims}], "plan": plan}
    (tmp_path / "big.yaml").write_text(json.dumps(body))
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "check", str(tmp_path / "big.yaml"), "--format",
         "policyreport"], cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert len(done.stdout) > 256 * 1024
    new.kubectl("apply", "-f", "-", text=yaml.safe_dump(policy_report_kind()))
    time.sleep(3)
    new.kubectl("apply", "--server-side", "-f", "-", text=done.stdout)


def policy_report_kind() -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "policyreports.wgpolicyk8s.io"},
        "spec": {
            "group": "wgpolicyk8s.io", "scope": "Namespaced",
            "names": {"kind": "PolicyReport", "plural": "policyreports",
                      "singular": "policyreport", "listKind": "PolicyReportList"},
            "versions": [{"name": "v1alpha2", "served": True, "storage": True,
                          "schema": {"openAPIV3Schema": schema}}],
        },
    }  # fmt: skip


@pytest.mark.parametrize("folder", OVERLAYS)
def test_every_overlay_is_accepted(pair: Pair, folder: str) -> None:
    _, new = pair
    done = new.kubectl("apply", "--dry-run=server", "-k", str(ROOT / "deploy" / folder), good=False)
    refused = [
        line for line in done.stderr.splitlines()
        if "no matches for kind" not in line and 'namespaces "mtc-preflight" not found' not in line
    ]  # fmt: skip
    assert [line for line in refused if "rror" in line] == [], done.stderr
