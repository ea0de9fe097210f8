"""GitLab Code Quality: what somebody has to look at, for the widget of a merge request.

The fields are those of GitLab's documentation, "Code Quality report format".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Report
from service.formats import words
from service.formats.format_base import Context, Format
from service.formats.json_report import dumps

_OPEN = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR)
_SEVERITIES = {Severity.BLOCKER: "blocker", Severity.WARNING: "major", Severity.INFO: "info"}


def render(report: Report, context: Context) -> bytes:
    """The open findings as a JSON array, the most urgent first."""
    return dumps(list(_issues(report)))


def _issues(report: Report) -> Iterator[dict[str, Any]]:
    part = report.parts[0].name if report.parts else "request"
    for finding in words.by_urgency(report.findings):
        if finding.verdict in _OPEN:
            yield _issue(finding, part)
    limits = " ".join(words.limits(report))
    if limits:
        yield {
            "description": words.line(limits),
            "check_name": "not-evaluated",
            "fingerprint": hashlib.sha256(limits.encode("utf-8", "replace")).hexdigest()[:32],
            "severity": "info",
            "location": {"path": words.line(part), "lines": {"begin": 1}},
        }


def _issue(finding: Finding, part: str) -> dict[str, Any]:
    place = finding.evidence[0] if finding.evidence else None
    names = (place.origin.part, place.origin.member) if place else (part,)
    line = place.line if place and place.line else 1
    verdict = words.VERDICTS[finding.verdict]
    return {
        "description": words.line(
            f"{finding.policy} {verdict}: {finding.subject}: {finding.message}"
        ),
        "check_name": finding.policy,
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": words.line("/".join(name for name in names if name)),
            "lines": {"begin": line},
        },
    }


FORMAT = Format(
    "codequality",
    "application/vnd.mtc-preflight.codequality+json",
    "codequality.json",
    render,
    "GitLab Code Quality",
)
