"""The command that changes a volume's selection: it is exact, and no text of the evidence runs."""

from __future__ import annotations

import io
import json
import shlex

import pytest

from service.core.plan_patch import select
from service.intake.parts import read_body
from service.intake.pieces import Piece
from service.kinds.mtc import MigPlan


def plan(name: str, *volumes: str) -> MigPlan:
    manifest = {
        "apiVersion": "migration.openshift.io/v1alpha1",
        "kind": "MigPlan",
        "metadata": {"name": name, "namespace": "openshift-migration"},
        "spec": {
            "namespaces": ["shop"],
            "persistentVolumes": [{"name": volume, "selection": {}} for volume in volumes],
        },
    }
    envelope = {"clusters": [{"role": "source"}], "plan": manifest}
    body = io.BytesIO(json.dumps(envelope).encode())
    return read_body(Piece("envelope", body), {}).migration.plan


def test_the_patch_tests_the_volume_before_it_sets_the_field() -> None:
    given = plan("shop", "pv-a", "pv-b")
    words = shlex.split(select(given, (given.volumes or ())[1], "action", "skip").text)
    assert words[:-1] == [
        "oc", "patch", "migplan", "shop", "-n", "openshift-migration", "--type=json", "-p",
    ]  # fmt: skip
    assert json.loads(words[-1]) == [
        {"op": "test", "path": "/spec/persistentVolumes/1/name", "value": "pv-b"},
        {"op": "add", "path": "/spec/persistentVolumes/1/selection/action", "value": "skip"},
    ]


@pytest.mark.parametrize("name", ["$(reboot)", "a'; reboot; '", "x`reboot`", "a b"])
def test_names_of_the_evidence_stay_one_word(name: str) -> None:
    given = plan(name, name)
    words = shlex.split(select(given, (given.volumes or ())[0], "action", name).text)
    assert words[3] == name
    assert json.loads(words[-1])[1]["value"] == name
    assert len(words) == 9
