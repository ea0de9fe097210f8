"""Parameters of policies: each has bounds, and changes what its policy says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from policy_cases import POLICIES, cases_of, found, given

from service.core.policy import Parameter, Policy

SETTABLE = [
    pytest.param(policy, item, id=f"{policy.id}.{item.name}")
    for policy in POLICIES.values()
    for item in policy.parameters
]


def verdicts(policy: Policy[Any]) -> list[list[tuple[str, str]]]:
    """What a policy says of each of its cases, without what a request asks to assume."""
    cases = [case for case in cases_of(policy.id) if "maxAgeHours" not in str(case["given"])]
    return [
        [(item.verdict.value, item.wanted) for item in found(given(case), policy)] for case in cases
    ]


def test_there_are_parameters() -> None:
    assert {param.id for param in SETTABLE} >= {
        "MTC750.restarts", "MTC842.lasts", "MTC847.approval", "MTC849.large", "MTC901.max-age",
    }  # fmt: skip


@pytest.mark.parametrize(("policy", "item"), SETTABLE)
def test_a_parameter_is_whole(policy: Policy[Any], item: Parameter) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", item.name)
    assert item.least < item.most
    assert item.accepts(item.default)
    assert not item.accepts(item.least - 1)
    assert not item.accepts(item.most + 1)
    assert item.unit
    assert item.meaning
    assert policy.value(item.name) == item.default


@pytest.mark.parametrize(("policy", "item"), SETTABLE)
def test_a_parameter_changes_what_its_policy_says(policy: Policy[Any], item: Parameter) -> None:
    default = verdicts(policy)
    assert verdicts(policy.tuned(None, {item.name: item.default})) == default
    bounds = [verdicts(policy.tuned(None, {item.name: value})) for value in (item.least, item.most)]
    flipped = [
        [verdict for rows in side for verdict, _ in rows]
        != [verdict for rows in default for verdict, _ in rows]
        for side in bounds
    ]
    assert any(flipped)
