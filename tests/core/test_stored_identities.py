"""Findings keep the identity that earlier reports stored: tickets, baselines and waivers need it.

tests/corpus/identities.tsv holds up to two failures of each policy, as an earlier release reported
them. A row may be added; one that is changed loses the tickets and waivers of whoever has it.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from policy_cases import POLICIES, cases_of, found, given

STORED = Path(__file__).parents[1] / "corpus" / "identities.tsv"
Row = tuple[str, ...]


def identities(policy: str) -> dict[Row, None]:
    """Fingerprint, key, and subject of the failures in a policy's cases, in their order."""
    return {
        (item.fingerprint, item.key, *map(str, item.subject)): None
        for case in cases_of(policy)
        for item in found(given(case), POLICIES[policy])
        if item.verdict == "fail"
    }


def stored() -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    with STORED.open(newline="", encoding="utf-8") as lines:
        for policy, *row in csv.reader(lines, "excel-tab"):
            rows.setdefault(policy, []).append(tuple(row))
    return rows


ROWS = stored()


def test_identities_of_most_policies_are_stored() -> None:
    assert len(ROWS) > 100


@pytest.mark.parametrize("policy", list(ROWS))
def test_a_stored_failure_is_found_again(policy: str) -> None:
    assert [row for row in ROWS[policy] if row not in identities(policy)] == []
