"""What a finding waits for: the open blocker that its policy builds on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from made import DESTINATION, SOURCE, finding
from policy_cases import POLICIES, given

from service.core.engine import evaluate
from service.core.evidence import Missing
from service.core.roots import with_roots
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.ref import Subject

NAMES = {"source": "source", "destination": "destination"}
PLAN = Subject("destination", kind="MigPlan", name="shop")
MTC, STORAGE, NEXT, LAST = "MTC745", "MTC712", "MTC820", "MTC711"
REQUIRES = {STORAGE: (MTC,), NEXT: (MTC,), LAST: (NEXT,), "MTC505": (STORAGE,)}


def lacks(fact: str, cluster: str = "source") -> dict[str, Any]:
    return {"missing": (Missing(fact, cluster, f"oc get {fact}"),)}


def waits(*findings: Any, requires: Any = REQUIRES) -> list[list[str]]:
    """The policies that each finding waits for."""
    policies: Any = [
        SimpleNamespace(id=name, requires=requires.get(name, ()))
        for name in dict.fromkeys(item.policy for item in findings)
    ]
    found = with_roots(findings, policies, NAMES)
    marks = {item.fingerprint: item.policy for item in found}
    return [[marks[mark] for mark in item.waits_for] for item in found]


def test_what_builds_on_a_failure_of_its_cluster_waits_for_it() -> None:
    root = finding(MTC, "fail")
    there = finding(NEXT, "fail", DESTINATION)
    unknown = finding(LAST, "unknown", **lacks("a"))
    assert waits(root, finding(NEXT, "fail"), there, unknown) == [[], [MTC], [], [MTC]]


def test_what_lacks_a_fact_of_the_failed_cluster_waits_too() -> None:
    root = finding(MTC, "fail", DESTINATION)
    assert waits(root, finding(NEXT, "unknown", SOURCE, **lacks("a", "destination"))) == [[], [MTC]]


def test_an_unknown_blocker_has_those_behind_it_that_lack_the_same() -> None:
    root = finding(MTC, "unknown", **lacks("a"))
    same, other = (finding(name, "unknown", **lacks(fact)) for name, fact in
                   ((NEXT, "a"), (LAST, "b")))  # fmt: skip
    assert waits(root, same, other) == [[], [MTC], []]


def test_behind_a_failure_of_the_plan_only_what_is_unknown_waits() -> None:
    root = finding(STORAGE, "fail", PLAN)
    unknown, failed = (finding("MTC505", verdict, SOURCE) for verdict in ("unknown", "fail"))
    assert waits(root, unknown) == [[], [STORAGE]]
    assert waits(root, failed) == [[], []]


@pytest.mark.parametrize(
    "root",
    [finding(MTC, "pass"), finding(MTC, "waived"), finding(MTC, "fail", severity="warning")],
    ids=["met", "waived", "warning"],
)
def test_nothing_waits_for_what_is_not_an_open_blocker(root: Any) -> None:
    assert waits(root, finding(NEXT, "fail")) == [[], []]


def test_what_is_met_waits_for_nothing() -> None:
    assert waits(finding(MTC, "fail"), finding(NEXT, "pass")) == [[], []]


def test_a_pack_that_requires_in_a_circle_or_what_there_is_not_hides_nothing() -> None:
    circle = {MTC: (NEXT, "NONE"), NEXT: (MTC,)}
    found = waits(finding(MTC, "fail"), finding(NEXT, "fail"), requires=circle)
    assert found == [[], []]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_what_a_policy_requires_exists_and_does_not_require_it(policy: Any) -> None:
    found = list(policy.requires)
    for name in found:
        assert name in POLICIES
        found += [one for one in POLICIES[name].requires if one not in found]
    assert policy.id not in found


EXAMPLE = Path(__file__).parents[2] / "examples" / "migration-4-to-4.yaml"


def left(envelope: dict[str, Any]) -> tuple[int, list[tuple[str, str]]]:
    """How many findings wait, and the blockers that wait for nothing."""
    report = evaluate(given({"given": envelope}), tuple(POLICIES.values()))
    blockers = [
        item
        for item in report.findings
        if item.verdict in ("fail", "unknown") and item.severity == "blocker"
    ]
    heads = [(item.policy, item.verdict.value) for item in blockers if not item.waits_for]
    return sum(bool(item.waits_for) for item in report.findings), heads


def example() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    return found


def test_without_a_plan_one_blocker_is_left() -> None:
    envelope = example()
    del envelope["plan"]
    waiting, heads = left(envelope)
    assert heads == [("MTC780", "unknown")]
    assert waiting > 60


def test_where_mtc_is_not_installed_that_is_what_is_left() -> None:
    envelope = example()
    del envelope["controller"], envelope["storage"]
    for cluster in envelope["clusters"]:
        del cluster["facts"]["mtcVersion"], cluster["facts"]["latestMtcVersion"]
        cluster["objects"] = [
            item
            for item in cluster["objects"]
            if not item["kind"].startswith("Mig")
            and MTC_NAMESPACE not in (item["metadata"]["name"], item["metadata"].get("namespace"))
        ]
        cluster["complete"] += ["namespaces", "migclusters", "migrationcontrollers", *(
            f"{kind}/{MTC_NAMESPACE}" for kind in ("deployments", "pods", "configmaps")
        )]  # fmt: skip
    waiting, heads = left(envelope)
    assert [row for row in heads if row[0] != "MTC502"] == [("MTC745", "fail")] * 2
    assert waiting > 20


def test_without_its_migcluster_a_plan_has_one_fault() -> None:
    envelope = example()
    host = envelope["clusters"][1]
    host["objects"] = [
        item
        for item in host["objects"]
        if (item["kind"], item["metadata"]["name"]) != ("MigCluster", "old")
    ]
    host["complete"].append("migclusters")
    _, heads = left(envelope)
    assert [row for row in heads if row[0] != "MTC502"] == [("MTC710", "fail")]
