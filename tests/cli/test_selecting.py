"""Profiles, words and files by which a command line chooses policies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import EARLY, GOOD, run

from policies import catalogue


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Evidence, in a folder of a project that the test works in."""
    folder = tmp_path / "project" / "migrations"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    (folder / "good.json").write_text(json.dumps(GOOD))
    return folder / "good.json"


def test_options_choose(good: Path) -> None:
    done = run(
        "check", good, "--format", "json", "--only", "proxies,evidence",
        "--only", "MTC60?", "--skip", "MTC901=known", "--severity", "MTC901=info",
    )  # fmt: skip
    report = done.report
    assert {item["policy"] for item in report["findings"]} == {
        "MTC301", "MTC302", "MTC303", "MTC601", "MTC602", "MTC603", "MTC902", "MTC903",
    }  # fmt: skip
    skipped = {item["policy"]: item["reason"] for item in report["scope"]["skipped"]}
    assert skipped["MTC901"] == "known (the command line)"
    assert len(skipped) + 8 == len(catalogue())


def test_every_fault_is_named_with_its_option(good: Path) -> None:
    done = run(
        "check", good, "--only", "netwrok", "--severity", "MTC901=fatal", "--parameter", "x",
    )  # fmt: skip
    assert (done.status, done.out) == (3, "")
    assert done.err.splitlines() == [
        "mtc-preflight: --severity: MTC901: expected one of blocker, warning, info",
        "mtc-preflight: --parameter: wanted ID.PARAMETER=NUMBER",
    ]
    done = run("check", good, "--only", "netwrok", "--profile", "plan")
    assert done.err.splitlines() == [
        "mtc-preflight: --only: no policy is called 'netwrok'",
        "  did you mean network?",
    ]


def test_the_file_of_the_project_is_found_upward_and_named(good: Path) -> None:
    (good.parents[1] / ".mtc-preflight.yaml").write_text(
        "profile: plan\nskip: [{policy: MTC719, reason: old kinds are known}]\n"
        "parameters: {MTC750: {restarts: 9}}\n"
    )
    scope = run("check", good, "--format", "json").report["scope"]
    assert scope["label"] == "Unknown (profile plan, 1 skipped)"
    assert scope["files"] == ["../.mtc-preflight.yaml"]
    assert scope["changed"] == [
        {
            "policy": "MTC750",
            "setting": "restarts",
            "value": "9 restarts",
            "by": "../.mtc-preflight.yaml",
        }
    ]
    scope = run("check", good, "--format", "json", "--only", "MTC750").report["scope"]
    assert (scope["profile"], scope["only"]) == ("full", ["MTC750"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("severities: {MTC901: info}", "severities: there is no such key"),
        ("policies: /tmp/x", "policies: there is no such key"),
        ("requests: {skipBlockers: true}", "requests: there is no such key"),
        ("skip: [MTC901]", "skip: MTC901 has no reason"),
        ("skip: [{policy: MTC302, reason: x}]", "skip: MTC302 is a blocker"),
        ("profile: [a", "line "),
        ("- a", "expected an object"),
    ],
)
def test_the_file_of_the_project_can_do_no_more(good: Path, text: str, told: str) -> None:
    (good.parent / ".mtc-preflight.yaml").write_text(text)
    done = run("check", good)
    assert (done.status, done.out) == (3, "")
    assert done.err.startswith("mtc-preflight: .mtc-preflight.yaml: ")
    assert told in done.err


def test_the_operators_file_opens_what_it_says(good: Path, tmp_path: Path) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text("requests: {skipBlockers: true}\nprofiles: {acme: {only: [chapter]}}\n")
    done = run(
        "check", good, *EARLY, "--config", file, "--profile", "acme", "--skip", "MTC302=agreed"
    )
    assert done.out.splitlines()[0].startswith("UNKNOWN (profile acme, 1 skipped): ")
    by_environment = run(
        "check", good, *EARLY, "--profile", "acme", "--skip", "MTC302=agreed",
        MTC_PREFLIGHT_CONFIG_FILE=str(file),
    )  # fmt: skip
    assert by_environment.out == done.out
    file.write_text("profiles: {acme: {only: [chaptr]}}\n")
    done = run("check", good, "--config", file)
    assert (done.status, done.err) == (
        3,
        "mtc-preflight: profile acme: only: no policy is called 'chaptr' (expected an id, a "
        "name or an area of policies, or a glob)\n",
    )
