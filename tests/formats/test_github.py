"""Workflow commands: escaped so that no text starts one of its own."""

from __future__ import annotations

import pytest
import samples

from service.core.evidence import Missing
from service.core.outcome import Severity
from service.formats import github


def lines(report):
    return github.render(report, samples.CONTEXT).decode().splitlines()


def test_levels_places_and_order():
    heads = [line.split("::")[1] for line in lines(samples.full())]
    assert heads == [
        "error title=mtc-preflight",
        "error title=input%3A yaml-syntax",
        "error title=MTC601 fail%3A Every volume of the plan is valid (2)",
        "error file=plan.yaml,line=7,title=MTC302 fail%3A At most one proxy stands between the "
        "clusters",
        "error title=MTC801 error%3A The controller's settings are valid",
        "error title=MTC504 unknown%3A The ports that MTC needs are open",
        "warning title=MTC901 fail%3A The evidence is fresh",
        "notice title=MTC401 waived%3A OpenShift is on its newest z-stream",
    ]


def many(*levels):
    """Twelve policies that fail in each level, the last of which has 30 findings."""
    rows = [item.id for item in samples.POLICIES[:12]]
    found = [
        samples.finding(id, "fail", severity=level, message=f"{id} is not met")
        for level in levels
        for id in rows
    ]
    more = [samples.volume(f"pv-{number:04}", "Failed") for number in range(30)]
    dark = [samples.finding(id, "unknown", key="not-gathered") for id in rows]
    return samples.report(*found, *more, *dark)


def test_no_level_has_more_than_github_shows_and_none_is_dropped():
    written = lines(many(Severity.BLOCKER, Severity.WARNING, Severity.INFO))
    levels = [line.split(" ")[0] for line in written]
    assert {level: levels.count(level) for level in set(levels)} == {
        "::error": 10,
        "::warning": 10,
        "::notice": 10,
    }
    errors = [line for line in written if line.startswith("::error")]
    assert errors[0].startswith("::error title=mtc-preflight::Not ready: ")
    assert errors[-1].startswith("::error title=mtc-preflight%3A 5 more::")
    for policy in samples.POLICIES[:12]:
        assert any(policy.id in line for line in errors)
    assert "evidence is missing (12 unknown)" in errors[-1]


def test_the_findings_of_a_policy_are_one_annotation_that_counts_them():
    found = [samples.volume(f"pv-{number:04}", "Failed") for number in range(30)]
    (line,) = [item for item in lines(samples.report(*found)) if "MTC601" in item]
    assert line.startswith("::error title=MTC601 fail%3A Every volume of the plan is valid (30)::")
    assert "pv-0019" in line
    assert "pv-0020" not in line
    assert line.endswith("… and 10 more")


def test_missing_evidence_is_one_annotation_with_the_command_that_gets_it():
    nodes = (Missing("the nodes", "source", "oc get nodes -o json"),)
    found = [
        samples.finding(id, "unknown", key="not-gathered", missing=nodes)
        for id in ("MTC504", "MTC506")
    ]
    (line,) = [item for item in lines(samples.report(*found)) if "evidence is missing" in item]
    assert "gather.sh" in line
    assert line.endswith("MTC504, MTC506")


def test_ready_is_one_notice():
    assert lines(samples.ready()) == [
        "::notice title=mtc-preflight::Ready: 10 checks pass, as of 2026-03-01 12:00 UTC"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a\n::error::forged",
        "a\r\n::set-output name=x::y",
        "a%0A::error::forged",
        "a\u2028::error::forged",
        "a::stop-commands::x",
        "title,file=/etc/passwd:1",
    ],
)
def test_no_text_starts_a_command_or_a_property(text):
    written = lines(samples.hostile(text))
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in written)
    for line in written:
        head = line.split("::")[1]
        level, _, properties = head.partition(" ")
        keys = [item.partition("=")[0] for item in properties.split(",")]
        assert keys in (["title"], ["file", "title"], ["file", "line", "title"])
        assert level in ("error", "warning", "notice")


def test_the_escapes_are_undone_by_the_runner():
    line = github.command("error", "x: y, z", "100% of a\nb")
    assert line == "::error title=x%3A y%2C z::100%25 of a%0Ab"
