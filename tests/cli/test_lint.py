"""`mtc-preflight lint`, and the hook of pre-commit that runs it: manifests without clusters."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from running import run

HOOKS = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
HEAD = "apiVersion: migration.openshift.io/v1alpha1\n"
PLAN = f"""{HEAD}kind: MigPlan
metadata: {{name: NAME, namespace: openshift-migration}}
spec:
  namespaces: [SPACES]
  srcMigClusterRef: {{name: ocp3, namespace: openshift-migration}}
  destMigClusterRef: {{name: host, namespace: openshift-migration}}
  migStorageRef: {{name: repo, namespace: openshift-migration}}
"""
CONTROLLER = f"""{HEAD}kind: MigrationController
metadata: {{name: migration-controller, namespace: openshift-migration}}
spec:
  cluster_name: host
  migration_controller: true
  migration_ui: true
  migration_velero: true
  stunel_tcp_proxy: http://proxy.example.com:3128
"""


def plan(name: str, spaces: str) -> str:
    return PLAN.replace("NAME", name).replace("SPACES", spaces)


GOOD, BAD = plan("good", "shop"), plan("bad", "blog, Bad_Name")
OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
ENTRY = (
    "entry 'Bad_Name' of plan bad: the source half 'Bad_Name' is not a valid namespace name "
    "(DNS-1123 label)"
)


@pytest.mark.parametrize(
    "text, found",
    [
        (GOOD, []),
        (OTHER, []),
        ("a: {{ .Values.x }}\nb: [\n", []),
        (BAD, [("5", "MTC741", f"MigPlan openshift-migration/bad: {ENTRY}")]),
        (
            f"{GOOD}---\n{OTHER}---\n{BAD}",
            [("18", "MTC741", f"MigPlan openshift-migration/bad: {ENTRY}")],
        ),
        (
            CONTROLLER,
            [
                (
                    "9",
                    "MTC801",
                    "MigrationController openshift-migration/migration-controller: "
                    "stunel_tcp_proxy: no release of the operator reads 'stunel_tcp_proxy'; did "
                    "you mean stunnel_tcp_proxy?",
                )
            ],
        ),
    ],
    ids=["good", "other kinds", "a template", "a plan", "the second of two plans", "a controller"],
)
def test_what_fails_is_one_line_with_its_place(
    tmp_path: Path, text: str, found: list[tuple[str, str, str]]
) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(text)
    done = run("lint", path)
    heads = [line for line in done.out.splitlines() if not line.startswith(" ")]
    assert heads == [f"{path}:{line}: {id} blocker: {rest}" for line, id, rest in found]
    assert (done.status, done.err) == (1 if found else 0, "")


def test_a_broken_manifest_of_mtc_is_status_3_and_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(f"{HEAD}kind: MigPlan\nspec: [\n")
    done = run("lint", tmp_path / "gone.yaml")
    assert (done.status, done.err) == (
        3,
        f"mtc-preflight: {tmp_path}/gone.yaml: No such file or directory\n",
    )
    done = run("lint", path)
    assert done.status == 3
    assert done.err.startswith(f"mtc-preflight: {path}:")


def test_the_hook_runs_it_for_every_file_of_a_commit(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load(HOOKS.read_text())
    assert (hook["id"], hook["language"], hook["types_or"]) == (
        "mtc-preflight",
        "python",
        ["yaml", "json"],
    )
    program, *words = hook["entry"].split()
    assert program == "mtc-preflight"
    for name, text in (("good", GOOD), ("bad", BAD), ("other", OTHER)):
        (tmp_path / f"{name}.yaml").write_text(text)
    assert run(*words, tmp_path / "good.yaml", tmp_path / "other.yaml").status == 0
    assert run(*words, *sorted(tmp_path.iterdir())).status == 1
