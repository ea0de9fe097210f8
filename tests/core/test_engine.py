"""The engine: missing evidence is unknown, doubt turns a fail into unknown, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from service.core import engine
from service.core.engine import digest, evaluate, judge, judge_all
from service.core.evidence import Missing, NotGathered, Problem
from service.core.inventory import Inventory
from service.core.link import Link
from service.core.migration import Cluster, Migration, Requested, Role
from service.core.outcome import Outcome, Severity, Verdict, failed, passed
from service.core.policy import CrossCheck, Judged, MigrationPolicy, NotApplicable
from service.core.report import Finding, Readiness, fingerprint, readiness
from service.kinds.ref import Subject

MISSING = Missing("the moon", "source", "oc get moon -o json")


def migration(**more: Any) -> Migration:
    source, destination = (
        Cluster(role, role.value, Inventory(role, {})) for role in (Role.SOURCE, Role.DESTINATION)
    )
    requested = Requested(datetime(2026, 1, 1, tzinfo=UTC))
    return Migration(source, destination, destination, requested, **more)


class Sample(MigrationPolicy):
    """A policy whose behaviour a test sets."""

    id = "MTC000"
    name = "sample"
    title = "The sample holds"
    why = "It would not."
    severity = Severity.BLOCKER
    reads: ClassVar[tuple[Any, ...]] = ()
    remedy = "Fix it."
    docs = (Link("Sample", "https://example.com"),)
    source = "nowhere"
    doubt: Exception | None = None

    def __init__(self, *outcomes: Outcome | Exception) -> None:
        self.outcomes = outcomes

    def applies(self, migration: Migration) -> None:
        if self.doubt is not None:
            raise self.doubt

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        for outcome in self.outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome


WHOLE = Subject(kind="Migration")
PASS = passed(WHOLE, "well")
FAIL = failed(WHOLE, "bad", found="1", wanted="2", key="a")


def results(policy: Sample) -> list[tuple[str, str, list[str]]]:
    return [
        (finding.verdict.value, finding.message, [item.command for item in finding.missing])
        for finding in judge(migration(), policy)
    ]


def test_missing_evidence_is_unknown_and_what_was_found_before_it_stays() -> None:
    assert results(Sample(FAIL, NotGathered(MISSING))) == [
        ("fail", "bad", []),
        ("unknown", "not gathered: the moon (source)", ["oc get moon -o json"]),
    ]


def test_a_rule_that_does_not_concern_the_migration_says_why() -> None:
    policy = Sample(FAIL)
    policy.doubt = NotApplicable("no moon is migrated")
    assert results(policy) == [("not_applicable", "no moon is migrated", [])]


def test_where_the_rule_may_not_concern_the_migration_a_pass_stands_and_a_fail_is_unknown() -> None:
    policy = Sample(PASS, FAIL)
    policy.doubt = NotGathered(MISSING)
    assert results(policy) == [
        ("pass", "well", []),
        (
            "unknown",
            "bad (whether this matters is not known without: the moon (source))",
            ["oc get moon -o json"],
        ),
    ]


def test_what_tells_whether_the_rule_matters_is_asked_for_first() -> None:
    policy = Sample(NotGathered(Missing("the sun", "source", "oc get sun -o json"), MISSING))
    policy.doubt = NotGathered(MISSING)
    assert results(policy) == [
        (
            "unknown",
            "not gathered: the moon (source); the sun (source)",
            ["oc get moon -o json", "oc get sun -o json"],
        )
    ]


def test_what_is_not_known_is_not_to_be_mended_unless_it_is_a_fault_that_may_not_matter() -> None:
    remedies = [item.remedy for item in judge(migration(), Sample(FAIL, NotGathered(MISSING)))]
    assert remedies == ["Fix it.", ""]
    doubtful = Sample(FAIL)
    doubtful.doubt = NotGathered(MISSING)
    assert [item.remedy for item in judge(migration(), doubtful)] == ["Fix it."]


def test_a_policy_that_breaks_is_an_error_that_quotes_no_evidence() -> None:
    assert results(Sample(PASS, ValueError("hunter2"))) == [
        ("pass", "well", []),
        ("error", "policy MTC000 failed on this evidence (ValueError): please report", []),
    ]


def test_a_policy_that_says_nothing_is_an_error() -> None:
    assert results(Sample()) == [("error", "policy MTC000 came to no verdict", [])]


def test_two_fails_with_one_key_stay_apart() -> None:
    findings = list(judge(migration(), Sample(FAIL, FAIL)))
    assert len({finding.fingerprint for finding in findings}) == 2


def test_passwords_do_not_pass_through_a_finding() -> None:
    outcome = failed(
        WHOLE,
        "the proxy http://joe:hunter2@proxy:3128 is bad",
        found="http://joe:hunter2@proxy:3128",
        wanted="no joe:hunter2@proxy",
        commands=("curl -x http://joe:hunter2@proxy:3128",),
    )
    (finding,) = judge(migration(), Sample(outcome))
    assert "hunter2" not in repr(finding)
    assert finding.found == "http://joe:****@proxy:3128"


def test_every_policy_is_in_the_report() -> None:
    report = evaluate(migration(), [Sample(PASS)])
    assert [finding.policy for finding in report.findings] == ["MTC000"]
    assert report.verdict is Readiness.READY
    assert report.counts == {
        "pass": 1, "fail": 0, "unknown": 0, "not_applicable": 0, "waived": 0, "error": 0,
    }  # fmt: skip


def finding(verdict: Verdict, severity: Severity = Severity.BLOCKER) -> Finding:
    return Finding("MTC000", "t", verdict, severity, "m", WHOLE, "f")


BLOCKS = Problem("yaml-syntax", "broken")
HARMLESS = Problem("empty-list", "nothing", blocks=False)
READINESS = {
    "a blocker fails": (
        [finding(Verdict.PASS), finding(Verdict.UNKNOWN), finding(Verdict.FAIL)], [], "not_ready",
    ),
    "a blocker is unknown": ([finding(Verdict.PASS), finding(Verdict.UNKNOWN)], [], "unknown"),
    "a blocker is in error": ([finding(Verdict.PASS), finding(Verdict.ERROR)], [], "unknown"),
    "a warning fails": (
        [finding(Verdict.PASS), finding(Verdict.FAIL, Severity.WARNING)], [], "ready",
    ),
    "a part could not be read": ([finding(Verdict.PASS)], [BLOCKS], "unknown"),
    "a note about the input": ([finding(Verdict.PASS)], [HARMLESS], "ready"),
    "a waived blocker": ([finding(Verdict.WAIVED)], [], "ready"),
    "nothing was judged": ([finding(Verdict.NOT_APPLICABLE)], [], "unknown"),
    "nothing at all": ([], [], "unknown"),
    "a fail outweighs what could not be read": ([finding(Verdict.FAIL)], [BLOCKS], "not_ready"),
}  # fmt: skip


@pytest.mark.parametrize(("findings", "problems", "wanted"), READINESS.values(), ids=READINESS)
def test_readiness(findings: list[Finding], problems: list[Problem], wanted: str) -> None:
    assert readiness(findings, problems) == wanted


def test_a_fingerprint_keeps_the_object_and_not_its_version() -> None:
    old = Subject("source", "extensions/v1beta1", "NetworkPolicy", "shop", "deny")
    new = Subject("source", "extensions/v1", "NetworkPolicy", "shop", "deny")
    other = Subject("source", "extensions/v1", "NetworkPolicy", "shopd", "eny")
    marks = {fingerprint("MTC506", subject, "") for subject in (old, new, other)}
    assert len(marks) == 2


def test_the_digest_names_a_set_of_policies() -> None:
    assert digest([Sample()]) == digest([Sample(PASS)])
    assert digest([]) != digest([Sample()])


def test_the_digest_changes_with_every_file_that_a_verdict_depends_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "core"
    (code / "deep" / "__pycache__").mkdir(parents=True)
    monkeypatch.setattr(engine, "_CODE", (code,))
    seen = []

    def look() -> str:
        engine._files.cache_clear()
        seen.append(digest([Sample()]))
        return seen[-1]

    look()
    for name in ("rule.py", "deep/rule.py", "deep/data.json"):
        for text in ("1", "2"):
            (code / name).write_text(text)
            look()
    (code / "rule.py").rename(code / "other.py")
    last = look()
    assert len(set(seen)) == len(seen)
    (code / "deep" / "__pycache__" / "rule.pyc").write_text("3")
    assert look() == last
    engine._files.cache_clear()


def test_all_that_judging_imports_is_in_the_digest() -> None:
    """Of the service nothing else is loaded by the policies and what reads their evidence."""
    program = """
import sys
import policies, service.core.engine, service.intake.parts
policies.catalogue()
print(*(name for name in sys.modules if name.startswith("service.")))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    folders = {name.split(".")[1] for name in loaded}
    assert folders == {path.name for path in engine._CODE}


class Second(CrossCheck):
    """Says what it was handed."""

    id = "MTC000"
    name = "second"
    title = "second"
    why = ""
    reads = ()
    remedy = ""
    docs = ()
    source = ""

    def check(self, migration: Migration, subject: Judged) -> Iterator[Outcome]:
        told = ", ".join(item.message for item in subject.findings)
        yield passed(WHOLE, f"{told} of {len(subject.policies)}")


def test_a_cross_check_sees_what_all_others_found_and_keeps_its_place() -> None:
    class First(Sample):
        id = "MTC001"

    findings = judge_all(migration(), (Second(), First(PASS, FAIL)))
    assert [(item.policy, item.message) for item in findings] == [
        ("MTC000", "well, bad of 2"),
        ("MTC001", "well"),
        ("MTC001", "bad"),
    ]


def test_a_text_that_nobody_could_read_is_cut_after_its_secrets_are_out() -> None:
    from service.core.engine import MOST_SHOWN, _shown

    assert _shown("x" * MOST_SHOWN) == "x" * MOST_SHOWN
    text = _shown("http://user:" + "s3cret" * 500 + "@h:1 " + "x" * 2_000_000)
    assert text == ("http://user:****@h:1 " + "x" * MOST_SHOWN)[:MOST_SHOWN] + "…"
