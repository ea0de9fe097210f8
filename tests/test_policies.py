"""Every policy against its named cases (tests/cases/<id>.yaml): the whole result is compared."""

from __future__ import annotations

import ast
import io
import json
from contextlib import suppress
from typing import Any

import jsonpatch
import pytest
from policy_cases import CASES, POLICIES, cases_of, found, given

from policies import catalogue
from service.case_harness import case_faults, coverage_faults
from service.core.engine import judge
from service.core.outcome import Severity, Verdict
from service.core.policy import CrossCheck, Policy
from service.core.report import Finding, fingerprint
from service.intake.parts import read_body
from service.intake.pieces import BadInput, Piece
from service.kinds.cluster import NAMESPACE
from service.kinds.mtc import MIG_PLAN, MIG_STORAGE
from service.kinds.resource import Resource


def load_cases() -> list[Any]:
    return [
        pytest.param(file.stem, case, id=f"{file.stem}-{case['name']}")
        for file in sorted(CASES.glob("*.yaml"))
        for case in cases_of(file.stem)
    ]


@pytest.mark.parametrize(("policy_id", "case"), load_cases())
def test_case(policy_id: str, case: dict[str, Any]) -> None:
    assert list(case_faults(POLICIES[policy_id], case, catalogue())) == []


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_policy_has_the_cases_that_it_needs(policy: Policy[Any]) -> None:
    """One pass, two fails (one with two offenders), one unknown."""
    assert list(coverage_faults(policy, cases_of(policy.id))) == []


ALWAYS = {
    "MTC820": "a controller runs in every migration",
    "MTC821": "an operator runs on every cluster",
    "MTC822": "Velero runs on both sides",
    "MTC827": "the operator reconciles on every cluster",
    "MTC832": "quotas across namespaces can limit any plan",
    "MTC833": "every namespace can have a node selector",
    "MTC837": "every pod was let in by constraints",
    "MTC838": "every pod can name a class",
    "MTC844": "any plan can be limited by a setting",
    "MTC846": "every cluster has nodes",
    "MTC847": "every cluster has operators",
    "MTC855": "every cluster can have webhooks",
    "MTC858": "every cluster has certificates",
}
"""Policies beyond MTC's own validation that apply to every migration, and why."""
BEYOND = [item for item in POLICIES.values() if "MTC820" <= item.id <= "MTC859"]


@pytest.mark.parametrize("policy", BEYOND, ids=lambda item: item.id)
def test_a_policy_beyond_validation_shows_what_is_fixed_and_where_it_does_not_apply(
    policy: Policy[Any],
) -> None:
    """What a fault looks like once it is fixed, and a migration that the policy has no word on."""
    cases = {
        case["name"]: {row["verdict"] for row in case["expect"]} for case in cases_of(policy.id)
    }
    fixed = [verdicts for name, verdicts in cases.items() if name.startswith("fixed: ")]
    assert fixed
    assert not any(verdicts & {"fail", "error", "unknown"} for verdicts in fixed)
    applies = not any("not_applicable" in verdicts for verdicts in cases.values())
    assert applies is (policy.id in ALWAYS)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_policy_says_what_a_reader_needs(policy: Policy[Any]) -> None:
    for attribute in ("name", "title", "why", "remedy", "source"):
        assert getattr(policy, attribute).strip(), attribute
    assert policy.id.startswith("MTC")
    assert policy.id[3:].isdigit()
    assert len(policy.id) == 6
    assert policy.reads or policy.declares
    assert policy.docs
    assert all(link.url.startswith("https://") and link.title for link in policy.docs)
    assert policy.severity in Severity
    assert type(policy).__doc__


OF_EVIDENCE = [item for item in POLICIES.values() if not isinstance(item, CrossCheck)]
SETTLED = {MIG_PLAN, MIG_STORAGE}
"""What every migration is made of before a policy sees it."""
IDENTIFYING = {"MTC902": {NAMESPACE}}
"""What a cluster is identified by, likewise."""


@pytest.mark.parametrize("policy", OF_EVIDENCE, ids=lambda item: item.id)
def test_what_is_declared_is_read_and_nothing_else(policy: Policy[Any]) -> None:
    """What is read but not declared is never gathered; what is declared but not read is in vain.

    A policy's own cases, and where they do not read something, those of the others.
    """
    declared = {read.resource for read in policy.reads}
    read = {resource for case in cases_of(policy.id) for resource in reads(policy, case)}
    read |= IDENTIFYING.get(policy.id, set())
    assert read - declared == set()
    others = (case for name in POLICIES for case in cases_of(name))
    while left := declared - SETTLED - read:
        case = next(others, None)
        assert case is not None, f"no case reads {', '.join(map(str, left))}"
        read |= reads(policy, case)


def reads(policy: Policy[Any], case: dict[str, Any]) -> set[Resource[Any]]:
    """The resources that a policy reads of a case."""
    seen: set[Resource[Any]] = set()
    migration = given(case)
    for cluster in migration.clusters:
        cluster.inventory.on_read = lambda resource, _namespace, _name: seen.add(resource.base)
    list(judge(migration, policy))
    return seen


def test_every_pass_says_what_it_rests_on() -> None:
    """In the code: every ``passed`` names its evidence, or how many objects it looked at."""
    bare = [
        f"{path.name}:{call.lineno}"
        for path in (CASES.parents[1] / "policies").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "") == "passed"
        and len(call.args) < 3
        and all(word.arg != "examined" for word in call.keywords)
    ]
    assert bare == []


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_no_pass_has_looked_at_nothing(policy: Policy[Any]) -> None:
    empty = [
        f"{case['name']}: {finding.message}"
        for case in cases_of(policy.id)
        for finding in found(given(case), policy)
        if finding.verdict is Verdict.PASS and not finding.examined
    ]
    assert not empty or policy.vacuous, empty


OTHERWISE = {
    "MTC101": "the declared user has the rights too",
    "MTC301": "the ConfigMap that the operator writes agrees",
    "MTC402": "the newest release is in the subscription too",
    "MTC406": "the second of two installed releases decides",
    "MTC501": "a probe measured the connection, whatever the storage's address is",
    "MTC502": "a probe measured the connection, whatever the address is",
    "MTC504": "a probe measured the connection, whatever the address is",
    "MTC613": "the labels of the nodes name the region too",
    "MTC718": "the other list of groups has the kind",
    "MTC745": "the other object of MTC is there",
    "MTC820": "the Deployment has its replicas",
    "MTC822": "the Deployment has its replicas",
}
"""Policies that still pass without one of the places that a pass names, and what they pass on."""
NOT_OF_OBJECTS = {
    "MTC901": "judges when the evidence was collected, not what it holds",
    "MTC903": "judges what was collected, not what it holds",
}


@pytest.mark.parametrize("policy", OF_EVIDENCE, ids=lambda item: item.id)
def test_malformed_evidence_is_no_pass(policy: Policy[Any]) -> None:
    """The places that a pass names as its evidence, made malformed: no pass, and no error.

    A pass that names none: one of its objects at least decides.
    """
    lost = 0
    for case in cases_of(policy.id):
        for finding in found(given(case), policy):
            if finding.verdict is not Verdict.PASS:
                continue
            named = [
                item.pointer
                for item in finding.evidence
                # That a list is whole is no field of an object.
                if item.pointer and "/complete/" not in item.pointer
            ]
            for pointer in named or objects(case["given"]):
                after = spoilt(case["given"], pointer, policy)
                if after is None:
                    continue
                assert Verdict.ERROR not in [item.verdict for item in after]
                if (finding.fingerprint, Verdict.PASS) not in [
                    (item.fingerprint, item.verdict) for item in after
                ]:
                    lost += 1
                else:
                    assert not named or policy.id in OTHERWISE, (case["name"], pointer)
    assert lost or policy.id in NOT_OF_OBJECTS


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda item: item.id)
def test_no_two_findings_of_a_case_are_the_same_to_a_ticket_system(policy: Policy[Any]) -> None:
    """A second one would be counted, and be another with every order of the evidence."""
    for case in cases_of(policy.id):
        findings = found(given(case), policy)
        assert len({item.fingerprint for item in findings}) == len(findings)
        for finding in findings:
            if finding.verdict is not Verdict.NOT_APPLICABLE:
                mark = fingerprint(finding.policy, *finding.identity)
                assert finding.fingerprint == mark, case["name"]


def objects(envelope: dict[str, Any]) -> list[str]:
    """Pointers to what the objects of an envelope hold."""
    places = [(f"/{key}", envelope.get(key)) for key in ("plan", "storage", "controller")]
    for number, cluster in enumerate(envelope.get("clusters", ())):
        for place, item in enumerate(cluster.get("objects", ())):
            places.append((f"/clusters/{number}/objects/{place}", item))
    return [
        f"{pointer}/{key}"
        for pointer, item in places
        if isinstance(item, dict)
        for key in item
        if key not in ("apiVersion", "kind")
    ]


def spoilt(envelope: dict[str, Any], pointer: str, policy: Policy[Any]) -> list[Finding] | None:
    """What a policy finds where a number stands in a place; None where there is no such place."""
    plain = json.loads(json.dumps(envelope, default=str))
    for verb in ("replace", "add"):  # what a pass may name is a field that is not there
        patch = jsonpatch.JsonPatch([{"op": verb, "path": pointer, "value": 7.5}])
        with suppress(jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
            changed = patch.apply(plain)
            break
    else:
        return None
    try:
        return found(given({"given": changed}), policy)
    except BadInput:
        return []  # refused as a whole


def test_no_policy_passes_or_fails_without_evidence() -> None:
    """An empty migration: everything is unknown or not applicable, and nothing is in error."""
    migration = read_body(Piece("envelope", io.BytesIO(b'{"clusters":[{"role":"source"}]}')), {})
    found = {
        (policy.id, finding.verdict)
        for policy in POLICIES.values()
        for finding in judge(migration.migration, policy)
    }
    allowed = (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE)
    assert {(name, verdict) for name, verdict in found if verdict not in allowed} == set()
