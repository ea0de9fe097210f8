"""Documented reasons to fail: no row is lost, and each has policies that exist, or a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policies import catalogue
from service.core.known_issues import KNOWN_ISSUES, OPEN

LIST = Path(__file__).parents[3] / "shared" / "reference" / "mtc-known-issues.md"
MOST_OPEN = 4
"""Rows that could be judged and are not; to be lowered with every policy that takes one."""


def test_every_row_has_policies_that_exist_or_a_reason() -> None:
    known = {policy.id for policy in catalogue()}
    assert [item.id for item in KNOWN_ISSUES if not item.policies and not item.because] == []
    assert {name for item in KNOWN_ISSUES for name in item.policies} - known == set()


def test_the_ids_are_in_order_and_each_once() -> None:
    numbers = [item.id for item in KNOWN_ISSUES]
    assert numbers == [f"KI-{number:03}" for number in range(1, len(numbers) + 1)]


def test_no_more_rows_are_open_than_before() -> None:
    assert sum(item.because == OPEN for item in KNOWN_ISSUES) <= MOST_OPEN


@pytest.mark.skipif(not LIST.exists(), reason="the list of known issues is not there")
def test_every_row_of_the_list_is_named() -> None:
    rows = re.findall(r"^\| (KI-\d{3}) \|", LIST.read_text("utf-8"), re.MULTILINE)
    assert rows == [item.id for item in KNOWN_ISSUES]
