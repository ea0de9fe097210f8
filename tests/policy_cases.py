"""The cases of the policies (tests/cases/<id>.yaml), and what a policy makes of one."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from policies import catalogue
from service.core.engine import judge, judge_all
from service.core.migration import Migration
from service.core.policy import CrossCheck, Policy
from service.core.report import Finding
from service.intake.parts import read_body
from service.intake.pieces import Piece

CASES = Path(__file__).parent / "cases"
POLICIES = {policy.id: policy for policy in catalogue()}


@cache
def cases_of(policy_id: str) -> tuple[dict[str, Any], ...]:
    """The cases of a policy, read once."""
    text = (CASES / f"{policy_id}.yaml").read_text("utf-8")
    return tuple(yaml.load(text, Loader=yaml.CSafeLoader))


def envelopes_of(policy_id: str) -> list[dict[str, Any]]:
    """What the cases of a policy are given, as plain JSON."""
    return [json.loads(json.dumps(case["given"], default=str)) for case in cases_of(policy_id)]


def given(case: dict[str, Any]) -> Any:
    envelope = json.dumps(case["given"], default=str).encode()
    return read_body(Piece("envelope", io.BytesIO(envelope)), {}).migration


def found(migration: Migration, policy: Policy[Any]) -> list[Finding]:
    """The policy's findings; a cross-check needs those of all others."""
    if not isinstance(policy, CrossCheck):
        return list(judge(migration, policy))
    policies = [policy if item.id == policy.id else item for item in catalogue()]
    return [item for item in judge_all(migration, policies) if item.policy == policy.id]
