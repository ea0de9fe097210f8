"""MTC's own validation: no condition is lost, and each has a policy or a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policies import catalogue
from service.cli.coverage_page import owners
from service.cli.pages import PAGES
from service.core.conditions import CONDITIONS, IN_PART

ROOT = Path(__file__).parents[2]
INVENTORY = ROOT.parent / "shared" / "reference" / "mtc-inventory.md"
KINDS = {
    "1.1": ("MigPlan",),
    "1.2": ("MigCluster",),
    "1.3": ("MigStorage",),
    "1.4": ("MigMigration",),
    "1.5": ("DirectVolumeMigration",),
    "1.6": ("DirectImageMigration", "DirectImageStreamMigration"),
    "1.7": ("MigHook",),
}
NO_TYPES = {
    "Critical", "Error", "Warn", "Advisory", "Required", "Status.namespaces", "NotSet",
    "PodStuckInContainerCreating", "InvalidTargetCluster", "RsyncOperationsAreRunningAsNonRoot",
    "RsyncTimedOut", "RsyncNoRouteToHost", "NotFound", "NotReady",
    "NotSupported", "NotDistinct", "Malformed", "InvalidScheme",
}  # fmt: skip
"""Words in backticks that look like types and are none: categories and reasons."""


def test_every_condition_has_a_policy_or_a_reason() -> None:
    policies = catalogue()
    assert [
        (item.kind, item.type)
        for item in CONDITIONS
        if not owners(item, policies) and not item.because
    ] == []


def test_a_reason_is_given_only_where_no_policy_has_the_type_of_that_kind_alone() -> None:
    keys = [(item.kind, item.type) for item in CONDITIONS]
    assert len(keys) == len(set(keys))


def test_the_policies_name_only_conditions_that_exist() -> None:
    known = {item.type for item in CONDITIONS if not item.because}
    assert {
        (policy.id, name) for policy in catalogue() for name in policy.upstream if name not in known
    } == set()


def test_the_page_is_up_to_date() -> None:
    path = ROOT / "docs" / "coverage.md"
    assert path.read_text("utf-8") == PAGES["docs/coverage.md"](), (
        "run mtc-preflight docs --write ."
    )


@pytest.mark.skipif(not INVENTORY.exists(), reason="the inventory of MTC's code is not there")
def test_no_type_of_the_inventory_is_lost() -> None:
    """The first column of the tables, and in the other sections every type that is named."""
    known = {(item.kind, item.type) for item in CONDITIONS}
    assert {
        (kinds, name)
        for kinds, name in _inventory()
        if not any((kind, name) in known for kind in kinds)
    } == set()


def _inventory() -> set[tuple[tuple[str, ...], str]]:
    found = set()
    parts = re.split(r"^### (\d\.\d) ", INVENTORY.read_text("utf-8"), flags=re.M)
    for number, text in zip(parts[1::2], parts[2::2], strict=False):
        kinds = KINDS.get(number)
        if kinds is None:
            continue
        body = text.partition("\n## ")[0]
        names = set(re.findall(r"^\| `(\w+)` \|", body, re.M))
        if not names:
            listed = r"`([A-Z][A-Za-z]+)`(?=[ ,/;]+(?:`|\(|Critical|Warn|Advisory|Required))"
            names = set(re.findall(listed, body)) - NO_TYPES
        found |= {(kinds, name) for name in names}
    return found


def test_what_is_judged_in_part_is_judged() -> None:
    judged = {(item.kind, item.type) for item in CONDITIONS if owners(item, catalogue())}
    assert IN_PART.keys() - judged == set()
