"""The life of one ticket over three nights: no evidence, a failure, and the cure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running import run

VERSION = """\
apiVersion: config.openshift.io/v1
kind: ClusterVersion
metadata: {name: version}
spec: {clusterID: 1f2b0a52-6a3f-4a6e-9d36-6f1d1f2b0a52, channel: stable-4.12}
status: {desired: {version: 4.12.30}, history: [{state: Completed, version: 4.12.30}]}
"""
REGISTRY = """\
---
apiVersion: imageregistry.operator.openshift.io/v1
kind: Config
metadata: {name: cluster}
spec: {managementState: Managed, defaultRoute: EXPOSED}
--- {complete: [routes.route.openshift.io]}
"""
NIGHTS = (
    VERSION,
    VERSION + REGISTRY.replace("EXPOSED", "false"),
    VERSION + REGISTRY.replace("EXPOSED", "true"),
)
PLAN = "namespaces: [shop]\n"
TITLE = "MTC201 The image registry is exposed, for direct image migration: source: Cluster source"


def nights(folder: Path, *options: str) -> list[dict[str, Any]]:
    """What each night's job writes, each with the report of the night before as baseline."""
    (folder / "plan.yaml").write_text(PLAN)
    (folder / "dst.yaml").write_text("facts: {openshiftVersion: 4.14.9, mtcVersion: 1.8.8}\n")
    made: list[dict[str, Any]] = []
    formats = ("json", "tickets", "jira", "servicenow")
    for number, evidence in enumerate(NIGHTS):
        (folder / "source.yaml").write_text(evidence)
        files = {name: folder / f"{name}-{number}" for name in formats}
        before = ["--baseline", folder / f"json-{number - 1}"] if number else []
        done = run(
            "check", "-q", "--source", folder / "source.yaml", "--destination",
            folder / "dst.yaml", "--plan", folder / "plan.yaml", "--only", "MTC201",
            *before, *options, *(f"-o{name}={path}" for name, path in files.items()),
        )  # fmt: skip
        assert done.err == ""
        made.append({name: json.loads(path.read_text()) for name, path in files.items()})
    return made


def test_one_ticket_lives_through_unknown_fail_and_pass(tmp_path: Path) -> None:
    made = nights(tmp_path, "--group", "finding", "--project", "OPS")
    rows = [ticket for night in made for ticket in night["tickets"]["tickets"]]
    assert [(row["action"], row["changed"], row["title"]) for row in rows] == [
        ("create", True, TITLE),
        ("update", True, TITLE),
        ("close", True, TITLE),
    ]
    assert len({row["fingerprint"] for row in rows}) == 1
    assert rows[-1]["body"].startswith("The prerequisite is met.\n")
    for name, methods in (
        ("jira", ["POST", "PUT", "POST"]),
        ("servicenow", ["POST", "PATCH", "PATCH"]),
    ):
        items = [item for night in made for item in night[name]["items"]]
        assert [item["request"]["method"] for item in items] == methods
        assert {item["fingerprint"] for item in items} == {rows[0]["fingerprint"]}


@pytest.mark.parametrize("name", ["tickets", "jira", "servicenow"])
def test_by_default_evidence_is_one_ticket_and_the_owner_gets_the_failure(
    tmp_path: Path, name: str
) -> None:
    made = nights(tmp_path)
    titles = [
        [(row["action"], row["title"]) for row in night["tickets"]["tickets"]] for night in made
    ]
    assert titles == [
        [("create", "MTC preflight, missing evidence: 1 check without a verdict")],
        [
            ("create", "MTC preflight, source: 1 open finding"),
            ("close", "MTC preflight, missing evidence: complete"),
        ],
        [("close", "MTC preflight, source: all resolved")],
    ]
    (mark,) = {
        item["fingerprint"]
        for item in made[1]["json"]["findings"]
        if item["subject"]["cluster"] == "source"
    }
    arrived = json.dumps(made[1][name])
    ended = "The missing evidence arrived. Other findings report the result."
    assert f"{ended} See {mark}." in arrived
    assert "The prerequisite is met." not in arrived
    assert "The prerequisite is met." in json.dumps(made[2][name])
