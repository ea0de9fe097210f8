"""Every policy against its named cases (tests/cases/<id>.yaml): the whole result is compared."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from policy_cases import CASES, POLICIES, cases_of, found, given

from service.core.engine import judge
from service.core.outcome import Severity, Verdict
from service.core.policy import Policy
from service.core.report import Finding
from service.intake.parts import read_body
from service.intake.pieces import Piece
from service.kinds.redact import redact

MARK = re.compile(r""" && echo (['"])--- \{complete: \[[^]]*\]\}\1""")


def load_cases() -> list[Any]:
    return [
        pytest.param(file.stem, case, id=f"{file.stem}-{case['name']}")
        for file in sorted(CASES.glob("*.yaml"))
        for case in cases_of(file.stem)
    ]


def plain(command: str) -> str:
    """A command as cases write it: without what makes an empty answer of it conclusive, and
    without the template that keeps the values of secrets back."""
    plainly = re.sub(r"go-template='- {[^']*'|go-template='apiVersion[^']*'", "json", command)
    return MARK.sub("", plainly).replace(" --ignore-not-found", "")


def shown(finding: Finding) -> dict[str, Any]:
    """A finding in the terms of a case; what has its default is left out."""
    row: dict[str, Any] = {
        "verdict": finding.verdict.value,
        "subject": str(finding.subject),
        "severity": finding.severity.value,
        "key": finding.key,
        "found": finding.found,
        "missing": [plain(item.command) for item in finding.missing],
    }
    return row


def wanted(policy: Policy[Any], row: dict[str, Any]) -> dict[str, Any]:
    missing = row.get("missing", [])
    engine_made = row["verdict"] == "unknown" and "key" not in row
    return {
        "verdict": row["verdict"],
        "subject": row["subject"],
        "severity": row.get("severity", policy.severity.value),
        "key": "not-gathered" if engine_made else row.get("key", ""),
        "found": row.get("found", ""),
        "missing": missing,
    }


@pytest.mark.parametrize(("policy_id", "case"), load_cases())
def test_case(policy_id: str, case: dict[str, Any]) -> None:
    policy = POLICIES[policy_id]
    findings = found(given(case), policy)
    assert [shown(finding) for finding in findings] == [
        wanted(policy, row) for row in case["expect"]
    ], "\n".join(f"{finding.verdict}: {finding.message}" for finding in findings)
    # What hides secrets must leave the commands as they are, or they cannot be run.
    commands = [item.command for finding in findings for item in finding.missing]
    assert [redact(command) for command in commands] == commands


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_policy_has_the_cases_that_it_needs(policy: Policy[Any]) -> None:
    """One pass, two fails (one with two offenders), one unknown."""
    verdicts = [[row["verdict"] for row in case["expect"]] for case in cases_of(policy.id)]
    assert sum("pass" in case for case in verdicts) >= 1
    assert sum("fail" in case for case in verdicts) >= 2
    assert policy.single or any(case.count("fail") >= 2 for case in verdicts)
    assert sum("unknown" in case for case in verdicts) >= 1
    names = [case["name"] for case in cases_of(policy.id)]
    assert len(names) == len(set(names))


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


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_read_is_declared(policy: Policy[Any]) -> None:
    """What a check reads is what the catalogue says that it reads, or it was never gathered."""
    declared = {read.resource for read in policy.reads}
    undeclared: set[str] = set()
    for case in cases_of(policy.id):
        migration = given(case)
        for cluster in migration.clusters:
            cluster.inventory.on_read = lambda resource, _namespace, _name: (
                None if resource in declared else undeclared.add(resource.kind)
            )
        list(judge(migration, policy))
    assert undeclared == set()


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_finding_has_an_identity_of_its_own(policy: Policy[Any]) -> None:
    """A single policy has one result per checked item, and none shares its fingerprint."""
    for case in cases_of(policy.id):
        marks = [(item.fingerprint, item.root) for item in found(given(case), policy)]
        assert len({mark for mark, _ in marks}) == len(marks), case["name"]
        roots = [root for _, root in marks]
        assert not policy.single or len(set(roots)) == len(roots), case["name"]


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
