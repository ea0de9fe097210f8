"""`mtc-preflight patch`: made, refused, written, without a secret in the wrong place."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from running import run

CONTROLLER: dict[str, Any] = {
    "apiVersion": "migration.openshift.io/v1alpha1",
    "kind": "MigrationController",
    "metadata": {
        "name": "migration-controller",
        "namespace": "openshift-migration",
        "resourceVersion": "42",
    },
    "spec": {
        "azure_resource_group": "",
        "cluster_name": "host",
        "mig_pv_limit": 100,
        "migration_controller": True,
        "migration_ui": True,
        "migration_velero": True,
        "olm_managed": True,
        "restic_timeout": "1h",
        "version": "1.8.8",
    },
}


@pytest.fixture
def controller(tmp_path: Path) -> Path:
    path = tmp_path / "controller.yaml"
    path.write_text(yaml.safe_dump(CONTROLLER))
    return path


def test_a_setting_as_a_merge_patch(controller: Path) -> None:
    done = run("patch", "--controller", controller, "--set", "mig_pv_limit=200",
               "--format", "merge-patch")  # fmt: skip
    assert done.status == 0, done.err
    assert json.loads(done.out) == {
        "metadata": {"resourceVersion": "42"},
        "spec": {"mig_pv_limit": 200},
    }


def test_the_password_is_encoded_and_only_in_the_files(controller: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("hun ter#2\n")
    folder = tmp_path / "patch"
    done = run("patch", "--controller", controller, "--proxy-host", "proxy.example.com",
               "--proxy-port", "3128", "--proxy-user", "mtc", "--proxy-password-file", password,
               "--write", folder)  # fmt: skip
    assert done.status == 0, done.err
    assert not any(text in done.out for text in ("hun ter", "hun%20ter"))
    merge = json.loads((folder / "merge-patch.json").read_text())
    assert merge["spec"]["stunnel_tcp_proxy"] == "http://mtc:hun%20ter%232@proxy.example.com:3128"
    assert {path.name for path in folder.iterdir()} == {
        "merge-patch.json", "json-patch.json", "undo.json", "migrationcontroller.yaml",
    }  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_every_reason_of_a_refusal_is_told(controller: Path) -> None:
    done = run("patch", "--controller", controller, "--set", "mig_pv_limt=200",
               "--set", "stunnel_tcp_proxy=proxy.example.com:3128")  # fmt: skip
    assert (done.status, done.out) == (1, "")
    assert done.err.count("refused: ") == 2
    assert "mig_pv_limit" in done.err


def test_the_single_proxy_rule_needs_the_evidence(controller: Path, tmp_path: Path) -> None:
    proxy = {"proxy": "http://proxy.example.com:3128"}
    bundle = tmp_path / "bundle.json"
    roles = ("source", "destination")
    bundle.write_text(json.dumps({"clusters": [{"role": role, "facts": proxy} for role in roles]}))
    done = run("patch", bundle, "--controller", controller, "--set",
               "stunnel_tcp_proxy=http://proxy.example.com:3128")  # fmt: skip
    assert done.status == 1
    assert "MTC302" in done.err


def test_nothing_to_change(controller: Path) -> None:
    done = run("patch", "--controller", controller, "--set", "mig_pv_limit=100")
    assert done.status == 0
    assert "no change is needed" in done.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--set", "password-hunter2"), "KEY=VALUE"),
        (("--settings", "nowhere.yaml"), "nowhere.yaml"),
        (("--set", "mig_pv_limit=2", "--format", "manifest"), "--controller"),
        (("--set", "mig_pv_limit=2", "--format", "pdf"), "pdf"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], told: str) -> None:
    done = run("patch", *arguments)
    assert (done.status, done.out) == (3, "")
    assert told in done.err
    assert "hunter2" not in done.err
