"""What kustomize makes of a folder under deploy/."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
FOLDERS = ("overlays/kubernetes", "overlays/openshift", "admission/base", "admission/overlays/fail")
OPENSHIFT_ONLY = ("route.openshift.io/v1", "image.openshift.io/v1", "build.openshift.io/v1")

Manifest = dict[str, Any]


@cache
def build(folder: str) -> tuple[Manifest, ...]:
    """The manifests of a folder; the test is skipped where kubectl is not installed."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    made = subprocess.run(
        [kubectl, "kustomize", str(DEPLOY / folder)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert "Warning" not in made.stderr, made.stderr
    return tuple(yaml.safe_load_all(made.stdout))


def of_kind(folder: str, *kinds: str) -> list[Manifest]:
    """The manifests of some kinds."""
    return [item for item in build(folder) if item["kind"] in kinds]


def one(folder: str, kind: str, name: str) -> Manifest:
    """One manifest by kind and name."""
    (found,) = (item for item in of_kind(folder, kind) if item["metadata"]["name"] == name)
    return found
