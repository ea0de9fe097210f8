"""What a later call needs to find out what is new: the findings that were wrong or waived."""

from __future__ import annotations

from service.core.decision.delta import baseline
from service.core.report import Report
from service.formats import json_marks
from service.formats.format_base import Context, Format
from service.formats.json_report import dumps


def render(report: Report, context: Context) -> bytes:
    """A short report as JSON, to be sent back as the ``baseline`` of the next evaluation."""
    unconfirmed = report.delta.unconfirmed if report.delta else ()
    findings = baseline(report.findings, unconfirmed)
    scope = json_marks.scope(report)
    return dumps({"policySet": report.policy_set, "scope": scope, "findings": findings})


FORMAT = Format(
    "baseline",
    "application/vnd.mtc-preflight.baseline+json",
    "baseline.json",
    render,
    "the findings that the next evaluation is compared with",
)
