"""How a finding looks on the page: its class, its sign, its word and its anchor."""

from __future__ import annotations

from service.core.outcome import Severity, Verdict
from service.core.report import Finding
from service.formats import words

BAD = (Verdict.FAIL, Verdict.ERROR, Verdict.UNKNOWN)


def look(finding: Finding) -> str:
    """The class by which the style sheet knows the finding's verdict and weight."""
    if finding.verdict in BAD and finding.severity is not Severity.BLOCKER:
        return f"{finding.verdict.value}-minor"
    return finding.verdict.value.replace("_", "-")


def sign(finding: Finding) -> str:
    minor = finding.verdict is Verdict.FAIL and finding.severity is not Severity.BLOCKER
    return "▲" if minor else words.SIGNS[finding.verdict]


def word_of(finding: Finding) -> str:
    text = words.VERDICTS[finding.verdict]
    bad = finding.verdict in BAD and finding.severity is not Severity.BLOCKER
    return f"{text}, {finding.severity.value} only" if bad else text


def anchor(finding: Finding) -> str:
    return f"{finding.policy}-{look(finding)}" + "-waits" * bool(finding.waits_for)
