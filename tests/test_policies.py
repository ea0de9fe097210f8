"""Every policy against its named cases (tests/cases/<id>.yaml): the whole result is compared."""

from __future__ import annotations

import io
from typing import Any

import pytest
from policy_cases import CASES, POLICIES, cases_of, given

from policies import catalogue
from service.case_harness import case_faults, coverage_faults
from service.core.engine import judge
from service.core.outcome import Severity, Verdict
from service.core.policy import Policy
from service.intake.parts import read_body
from service.intake.pieces import Piece


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
