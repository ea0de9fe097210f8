"""Waivers: accepted risks that stay visible, and stop holding by themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import translate

from service.core.deadline import check
from service.core.decision.marks import Waiver, WaiverAudit, WaiverStatus
from service.core.outcome import Verdict
from service.core.report import Finding, Report, readiness


def apply(report: Report, waivers: Sequence[Waiver]) -> Report:
    """The report with these waivers in effect, its verdict again, and the audit of each waiver.

    A waived finding stays in the report with the verdict ``waived``. The date that decides on
    the expiry is the report's own (``as_of``), so a what-if by date covers the waivers too.
    """
    if not waivers:
        return report
    held = [_Ledger(waiver) for waiver in waivers]
    by_policy: dict[str, list[_Ledger]] = {}
    for ledger in held:
        by_policy.setdefault(ledger.waiver.policy, []).append(ledger)
    now = report.as_of
    findings = tuple(
        _judge(item, by_policy.get(item.policy, ()), now) if _waivable(item) else item
        for item in report.findings
    )
    return replace(
        report,
        findings=findings,
        verdict=readiness(findings, report.problems),
        waivers=tuple(ledger.audit(now) for ledger in held),
    )


class _Ledger:
    """What one waiver met in this evaluation."""

    def __init__(self, waiver: Waiver) -> None:
        self.waiver = waiver
        self.waived: list[str] = []
        self.missed: list[str] = []
        self.beyond: list[str] = []
        self._tests = _tests(waiver)

    def selects(self, finding: Finding) -> bool:
        """Whether the waiver is about the finding, whatever its bounds say."""
        if finding.verdict is Verdict.UNKNOWN and not self.waiver.unknown:
            return False
        # No all(): a generator for each pair costs as much as the tests.
        for test in self._tests:  # noqa: SIM110
            if not test(finding):
                return False
        return True

    def audit(self, now: datetime) -> WaiverAudit:
        status, detail = self._status(now)
        return WaiverAudit(self.waiver, status, detail, tuple(self.waived))

    def _status(self, now: datetime) -> tuple[WaiverStatus, str]:
        if now >= self.waiver.expires:
            concerned = f"; {len(self.missed)} finding(s) are no longer waived"
            text = f"expired on {self.waiver.until}" + concerned * bool(self.missed)
            return WaiverStatus.EXPIRED, text
        if self.beyond:
            return WaiverStatus.EXCEEDED, "; ".join(self.beyond[:3])
        if self.waived:
            return WaiverStatus.USED, f"waives {len(self.waived)} finding(s)"
        return WaiverStatus.UNUSED, "no finding of this evaluation needs it"


def _waivable(finding: Finding) -> bool:
    return finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN)


def _judge(finding: Finding, ledgers: Iterable[_Ledger], now: datetime) -> Finding:
    check()
    for ledger in ledgers:
        if not ledger.selects(finding):
            continue
        if now >= ledger.waiver.expires:
            ledger.missed.append(finding.fingerprint)
            continue
        beyond = _beyond(ledger.waiver, finding)
        if beyond:
            ledger.beyond.append(f"{finding.subject}: {beyond}")
            continue
        ledger.waived.append(finding.fingerprint)
        return finding._replace(
            verdict=Verdict.WAIVED, original=finding.verdict, waiver=ledger.waiver
        )
    return finding


_READ: tuple[tuple[str, Callable[[Finding], str]], ...] = (
    ("name", lambda finding: finding.subject.name),
    ("namespace", lambda finding: finding.subject.namespace),
    ("key", lambda finding: finding.key),
    ("kind", lambda finding: finding.subject.kind),
    ("cluster", lambda finding: finding.subject.cluster),
)
"""What a waiver selects by, and what of a finding it is compared with."""


def _tests(waiver: Waiver) -> tuple[Callable[[Finding], bool], ...]:
    """The globs of a waiver, compiled once: a report may have thousands of findings."""
    globs = [(getattr(waiver, name), read) for name, read in _READ]
    return tuple(_test(glob, read) for glob, read in globs if glob != "*")


def _test(glob: str, read: Callable[[Finding], str]) -> Callable[[Finding], bool]:
    if not any(sign in glob for sign in "*?["):
        return lambda finding: read(finding) == glob
    match = re.compile(translate(glob)).match
    return lambda finding: match(read(finding)) is not None


def _beyond(waiver: Waiver, finding: Finding) -> str:
    """Why the bounds of the waiver do not hold for the finding, "" if they do."""
    if waiver.found is not None and finding.found != waiver.found:
        return f"found {finding.found!r}, the waiver is for {waiver.found!r}"
    if waiver.at_most is None and waiver.at_least is None:
        return ""
    if finding.observed is None:
        return "the finding has no number to compare with the bound of the waiver"
    if waiver.at_most is not None and finding.observed > waiver.at_most:
        return f"observed {finding.observed:g}, the waiver holds up to {waiver.at_most:g}"
    if waiver.at_least is not None and finding.observed < waiver.at_least:
        return f"observed {finding.observed:g}, the waiver holds from {waiver.at_least:g}"
    return ""
