"""The gate: turn a report into a yes or no for a pipeline, with the reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from service.core.decision.marks import Change, GateDecision, GateReason
from service.core.outcome import RANK, Severity, Verdict
from service.core.report import Finding, Report
from service.core.values.wording import few

CLOSED_STATUS = 424
"""The HTTP status of a closed gate, where the caller asks for one (``gate=status``).

424 Failed Dependency (RFC 4918 section 11.4): the migration depends on prerequisites that are
not met. `curl -f` exits with 22 on it, `curl --retry` does not repeat it, and neither a proxy, an
ingress, gunicorn, Flask nor another answer of this service uses it; 412 and 417 answer request
headers (If-Match, Expect), 422 means that the input cannot be used.
"""

_NAMED = 3


class NoPrevious(ValueError):
    """``new_only`` was requested without a previous report to compare with."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What closes the gate: a failed finding of at least this severity, and unknown findings unless
    ignored."""

    fail_on: Severity = Severity.BLOCKER
    ignore_unknown: bool = False
    new_only: bool = False
    status: bool = False


def decide(report: Report, gate: Gate) -> Report:
    """The report with the gate's decision. Raises NoPrevious.

    With the default gate the decision is "passed" exactly where the verdict is ``ready``. Under
    ``new_only`` a finding that the previous report had with the same verdict and severity does
    not close the gate. Unreadable input and an evaluation of nothing close it always, except
    that ``unknown=ignore`` takes unreadable input as well.
    """
    if gate.new_only and report.delta is None:
        raise NoPrevious("new_only compares with a previous report, and there is none")
    reasons = tuple(_reasons(report, gate))
    decision = GateDecision(
        passed=not reasons,
        reasons=reasons,
        fail_on=gate.fail_on,
        unknown="ignore" if gate.ignore_unknown else "fail",
        new_only=gate.new_only,
        status=gate.status,
    )
    return replace(report, gate=decision)


def _reasons(report: Report, gate: Gate) -> Iterator[GateReason]:
    by_policy: dict[tuple[str, Verdict], list[Finding]] = {}
    for finding in report.findings:
        if _closes(finding, gate):
            by_policy.setdefault((finding.policy, finding.verdict), []).append(finding)
    for (policy, verdict), findings in by_policy.items():
        unknown = verdict is Verdict.UNKNOWN
        yield GateReason(_text(policy, verdict, findings), policy, _marks(findings), unknown)
    blocking = sum(problem.blocks for problem in report.problems)
    if blocking and not gate.ignore_unknown:
        yield GateReason(f"{blocking} part(s) of the input could not be used")
    if not _anything(report):
        yield GateReason("nothing was evaluated: the evidence covers no blocking prerequisite")


def _closes(finding: Finding, gate: Gate) -> bool:
    if RANK[finding.severity] < RANK[gate.fail_on]:
        return False
    if finding.verdict in (Verdict.UNKNOWN, Verdict.ERROR):
        counts = not gate.ignore_unknown
    else:
        counts = finding.verdict is Verdict.FAIL
    return counts and not (gate.new_only and _known(finding))


def _known(finding: Finding) -> bool:
    return finding.change in (Change.UNCHANGED, Change.CHANGED) and not finding.worse


def _anything(report: Report) -> bool:
    known = (Verdict.PASS, Verdict.WAIVED, Verdict.FAIL)
    return any(
        item.verdict in known and item.severity is Severity.BLOCKER for item in report.findings
    )


def _marks(findings: list[Finding]) -> tuple[str, ...]:
    return tuple(finding.fingerprint for finding in findings)


def _text(policy: str, verdict: Verdict, findings: list[Finding]) -> str:
    word = {Verdict.FAIL: "fails", Verdict.UNKNOWN: "is unknown"}.get(verdict, "ended in error")
    named = few((str(finding.subject) for finding in findings), _NAMED)
    return f"{policy} ({findings[0].title}) {word} for {named}"
