"""Every format says what an evaluation was limited to, and why."""

from __future__ import annotations

import json

import pytest
from samples import CONTEXT, finding, report

from service.core.report import Report
from service.core.scope import Changed, Scope, Skipped
from service.formats import FORMATS
from service.formats.stored import read

SCOPE = Scope(
    profile="chapter",
    only=("network",),
    skipped=(
        Skipped("MTC901", "evidence-fresh", "warning", "known, see OPS-1 (the request)"),
        Skipped("MTC801", "controller-settings", "blocker", "not part of profile chapter"),
    ),
    left_out=1,
    changed=(Changed("MTC506", "max-age", "24 hours", "acme.yaml"),),
    files=("../.mtc-preflight.yaml",),
)


def limited() -> Report:
    return report(finding("MTC504", "pass"), scope=SCOPE)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_what_was_left_out(name: str) -> None:
    text = FORMATS[name].render(limited(), CONTEXT).decode()
    plain = text.replace("\\", "").replace("%2C", ",")
    for word in ("chapter", "known, see OPS-1", "not part of profile chapter", "24 hours"):
        assert word in plain, word
    assert "MTC901" in plain
    assert ".mtc-preflight.yaml" in plain


@pytest.mark.parametrize("name", ["text", "markdown", "html", "github", "json", "baseline"])
def test_a_limited_ready_says_so(name: str) -> None:
    text = FORMATS[name].render(limited(), CONTEXT).decode()
    assert "ready (profile chapter, only network, 1 skipped)" in text.lower()


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_evaluation_says_nothing_of_limits(name: str) -> None:
    text = FORMATS[name].render(report(finding("MTC504", "pass")), CONTEXT).decode()
    assert "not evaluated" not in text
    assert "profile " not in text


def test_a_stored_report_keeps_its_limits() -> None:
    raw = json.loads(FORMATS["json"].render(limited(), CONTEXT))
    assert read(raw).scope == SCOPE


def test_the_page_shows_no_row_for_what_was_not_evaluated() -> None:
    page = FORMATS["html"].render(limited(), CONTEXT).decode()
    assert page.count('<span class="id">MTC901</span>') == 0
