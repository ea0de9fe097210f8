"""The Test Anything Protocol, version 14: a test point for each finding."""

from __future__ import annotations

import json
from collections.abc import Iterator

from service.core.deadline import paced
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Report
from service.formats import words
from service.formats.format_base import Context, Format

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.BLOCKER: 2}
_SKIPPED = (Verdict.WAIVED, Verdict.NOT_APPLICABLE)


def render(report: Report, context: Context) -> bytes:
    """The report as UTF-8 text. What the gate does not count is a TODO, which fails no run."""
    return ("\n".join(_lines(report)) + "\n").encode("utf-8", "replace")


def _lines(report: Report) -> Iterator[str]:
    points = sorted(paced(report.findings), key=lambda item: item.policy)
    yield "TAP version 14"
    yield f"1..{len(points) + len(report.problems)}"
    yield f"# {words.headline(report)}, as of {words.short_time(report)}"
    for text in words.limits(report):
        yield f"# {text}"
    for number, finding in enumerate(paced(points), 1):
        yield from _point(number, finding, report)
    for number, problem in enumerate(paced(report.problems), len(points) + 1):
        told = words.line(f"input {problem.part} {problem.code}: {problem.message}")
        yield f"{'not ok' if problem.blocks else 'ok'} {number} - {_escaped(told)}"


def _point(number: int, finding: Finding, report: Report) -> Iterator[str]:
    subject, key = finding.identity
    name = f"{finding.policy} {subject}" + (f" [{key}]" if key else "")
    good = finding.verdict in (Verdict.PASS, *_SKIPPED)
    directive = ""
    if finding.verdict in _SKIPPED:
        directive = f" # SKIP {finding.verdict.value}"
    elif not good and not _counts(finding, report):
        directive = f" # TODO {finding.severity.value} {finding.verdict.value}"
    yield f"{'ok' if good else 'not ok'} {number} - {_escaped(words.line(name))}{directive}"
    if good:
        return
    yield "  ---"
    # JSON is YAML, and escapes whatever could end the block.
    for word, text in (
        ("title", finding.title),
        ("message", finding.message),
        ("severity", finding.severity.value),
        ("verdict", finding.verdict.value),
        ("fingerprint", finding.fingerprint),
    ):
        yield f"  {word}: {json.dumps(words.safe(text))}"
    commands = words.prompted(finding)
    if commands:
        yield f"  commands: {json.dumps(commands)}"
    yield "  ..."


def _counts(finding: Finding, report: Report) -> bool:
    """Whether the gate counts it."""
    fail_on = report.gate.fail_on if report.gate else Severity.BLOCKER
    if finding.verdict is not Verdict.FAIL and report.gate and report.gate.unknown == "ignore":
        return False
    return _RANK[finding.severity] >= _RANK[fail_on]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("#", "\\#")


FORMAT = Format("tap", "text/x-tap", "report.tap", render, "Test Anything Protocol 14")
