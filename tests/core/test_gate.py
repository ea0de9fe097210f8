"""The gate: what closes it, what it says, and what nobody can talk it out of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import BROKEN, DESTINATION, NOTED, finding, report, volume

from service.core.decision import delta
from service.core.decision.gate import CLOSED_STATUS, Gate, NoPrevious, decide
from service.core.decision.marks import GateDecision, GateReason
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Readiness, Report

PASS = finding("MTC101", "pass")
DEFAULT = Gate()


def decided(given: Report, gate: Gate = DEFAULT) -> GateDecision:
    decision = decide(given, gate).gate
    assert decision is not None
    return decision


def texts(given: Report, gate: Gate = DEFAULT) -> list[str]:
    return [reason.text for reason in decided(given, gate).reasons]


def test_all_met_opens_the_gate_and_says_what_was_asked():
    assert decided(report(PASS)) == GateDecision(
        passed=True,
        reasons=(),
        fail_on=Severity.BLOCKER,
        unknown="fail",
        new_only=False,
        status=False,
    )


def test_two_offenders_of_one_policy_are_one_reason_that_names_both():
    bad = [finding("MTC601", "fail", volume(name)) for name in ("pv-a", "pv-b")]
    assert decided(report(PASS, *bad)).reasons == (
        GateReason(
            "MTC601 (The rule of MTC601 holds) fails for source: PersistentVolume pv-a, "
            "source: PersistentVolume pv-b",
            "MTC601",
            (bad[0].fingerprint, bad[1].fingerprint),
        ),
    )


def test_ten_thousand_offenders_are_three_and_a_count():
    bad = [finding("MTC601", "fail", volume(f"pv-{place}")) for place in range(10_000)]
    (reason,) = decided(report(PASS, *bad)).reasons
    assert reason.text.endswith("source: PersistentVolume pv-2 and 9997 more")
    assert len(reason.findings) == 10_000


@pytest.mark.parametrize(
    "verdict, severity, fail_on, closes",
    [
        ("fail", "blocker", "blocker", True),
        ("fail", "warning", "blocker", False),
        ("fail", "warning", "warning", True),
        ("fail", "info", "warning", False),
        ("fail", "info", "info", True),
        ("unknown", "blocker", "blocker", True),
        ("unknown", "warning", "blocker", False),
        ("unknown", "warning", "warning", True),
        ("error", "blocker", "blocker", True),
        ("waived", "blocker", "info", False),
        ("not_applicable", "blocker", "info", False),
        ("pass", "blocker", "info", False),
    ],
)
def test_severity_and_verdict(verdict, severity, fail_on, closes):
    given = report(PASS, finding("MTC402", verdict, severity=severity))
    assert decided(given, Gate(Severity(fail_on))).passed is not closes


@pytest.mark.parametrize("verdict", ["unknown", "error"])
def test_unknowns_can_be_ignored(verdict):
    given = report(PASS, finding("MTC402", verdict), problems=(BROKEN,))
    assert decided(given, Gate(ignore_unknown=True)).passed
    assert len(decided(given).reasons) == 2


def test_unreadable_input_closes_the_gate_and_a_note_does_not():
    assert texts(report(PASS, problems=(NOTED,))) == []
    assert texts(report(PASS, problems=(NOTED, BROKEN))) == [
        "1 part(s) of the input could not be used"
    ]


@pytest.mark.parametrize(
    "findings", [(), (finding("MTC101", "unknown"),), (finding("MTC101", "not_applicable"),)]
)
def test_no_evidence_is_never_a_pass_even_with_unknowns_ignored(findings):
    assert texts(report(*findings), Gate(ignore_unknown=True)) == [
        "nothing was evaluated: the evidence covers no blocking prerequisite"
    ]


def test_new_only_without_a_previous_report_is_refused():
    with pytest.raises(NoPrevious, match="there is none"):
        decide(report(PASS), Gate(new_only=True))


def since(before: list[Finding], after: list[Finding]) -> Report:
    old = [
        {
            "fingerprint": item.fingerprint,
            "policy": item.policy,
            "verdict": item.verdict.value,
            "severity": item.severity.value,
            "found": item.found,
        }
        for item in before
    ]
    return delta.compare(report(*after), delta.parse({"findings": old}))


@pytest.mark.parametrize(
    "before, after, closes",
    [
        ("fail", "fail", False),
        ("pass", "fail", True),
        ("not_applicable", "fail", True),
        ("unknown", "fail", True),
        ("waived", "fail", True),
        ("fail", "unknown", False),
        ("error", "unknown", False),
        ("pass", "unknown", True),
    ],
)
def test_new_only_lets_known_findings_pass_unless_they_got_worse(before, after, closes):
    given = since([finding("MTC402", before)], [PASS, finding("MTC402", after)])
    assert decided(given, Gate(new_only=True)).passed is not closes


def test_new_only_a_warning_that_became_a_blocker_closes_the_gate():
    given = since(
        [finding("MTC402", "fail", severity="warning")], [PASS, finding("MTC402", "fail")]
    )
    assert not decided(given, Gate(new_only=True)).passed


def test_new_only_another_value_of_a_known_finding_does_not():
    given = since(
        [finding("MTC402", "fail", found="1.8.3")],
        [PASS, finding("MTC402", "fail", found="1.8.4")],
    )
    assert decided(given, Gate(new_only=True)).passed


FINDINGS = st.lists(
    st.builds(
        lambda policy, verdict, severity: finding(policy, verdict, DESTINATION, severity=severity),
        st.sampled_from(["MTC101", "MTC201"]),
        st.sampled_from(list(Verdict)),
        st.sampled_from(list(Severity)),
    ),
    max_size=6,
)
PROBLEMS = st.sampled_from([(), (BROKEN,), (NOTED,)])


@given(FINDINGS, PROBLEMS)
def test_the_default_gate_is_the_verdict(findings, problems):
    given = report(*findings, problems=problems)
    assert decided(given).passed is (given.verdict is Readiness.READY)


@given(FINDINGS, PROBLEMS, st.booleans())
def test_a_stricter_gate_never_passes_what_a_laxer_one_stops(findings, problems, ignore):
    given = report(*findings, problems=problems)
    passed = [decided(given, Gate(level, ignore)).passed for level in reversed(Severity)]
    assert passed == sorted(passed)  # info, warning, blocker


def test_the_status_of_a_closed_gate_is_nobody_elses():
    taken = {400, 401, 403, 404, 405, 406, 408, 411, 412, 413, 414, 415, 417, 422, 428, 429, 431}
    assert 400 <= CLOSED_STATUS < 500
    assert CLOSED_STATUS not in taken
