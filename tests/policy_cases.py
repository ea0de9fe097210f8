"""The cases of the product's own policies (tests/cases/<id>.yaml), read once."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from policies import catalogue
from service import case_harness
from service.core.migration import Migration
from service.core.policy import Policy
from service.core.report import Finding

CASES = Path(__file__).parent / "cases"
POLICIES = {policy.id: policy for policy in catalogue()}


@cache
def cases_of(policy_id: str) -> tuple[dict[str, Any], ...]:
    """The cases of a policy."""
    return case_harness.read_cases(CASES / f"{policy_id}.yaml")


def envelopes_of(policy_id: str) -> list[dict[str, Any]]:
    """What the cases of a policy are given, as plain JSON."""
    return [json.loads(json.dumps(case["given"], default=str)) for case in cases_of(policy_id)]


def given(case: dict[str, Any]) -> Migration:
    """The migration that a case gives."""
    return case_harness.migration_of(case)


def found(migration: Migration, policy: Policy[Any]) -> list[Finding]:
    """The policy's findings; a cross-check needs those of all others."""
    return case_harness.findings_of(migration, policy, catalogue())
