"""GitHub workflow commands: one annotation per finding that somebody has to look at.

The commands and their escapes are those of GitHub's documentation, "Workflow commands for GitHub
Actions"; the order of the escapes is that of the toolkit's ``core`` package.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.core.deadline import paced
from service.core.evidence import Problem
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Readiness, Report
from service.formats import words
from service.formats.format_base import Context, Format

_LEVELS = {Severity.BLOCKER: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report, context: Context) -> bytes:
    """The annotations as UTF-8 text, the most urgent first: GitHub shows only the first ten."""
    return ("\n".join(_commands(report)) + "\n").encode("utf-8", "replace")


def _commands(report: Report) -> Iterator[str]:
    for problem in report.problems:
        yield _problem(problem)
    for finding in paced(words.by_urgency(report.findings)):
        if finding.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE):
            yield _finding(finding)
    level = "notice" if report.verdict is Readiness.READY else "error"
    limits = "\n".join(words.limits(report))
    if limits:
        yield command("notice", limits, title="mtc-preflight: scope")
    head = f"{words.headline(report)}: {words.summary(report)}"
    if report.assumed:
        head += f" ({words.what_if(report)})"
    yield command(level, head, title="mtc-preflight")


def _finding(finding: Finding) -> str:
    level = "notice" if finding.verdict is Verdict.WAIVED else _LEVELS[finding.severity]
    word = words.VERDICTS[finding.verdict]
    lines = [f"{finding.subject}: {finding.message}"]
    if finding.found or finding.wanted:
        lines.append(f"found {finding.found}; wanted {finding.wanted}")
    if finding.waiver:
        lines.append(f"waived by {finding.waiver.owner}: {finding.waiver.reason}")
    else:
        lines += [finding.remedy] * bool(finding.remedy) + words.commands(finding)
    place = finding.evidence[0] if finding.evidence else None
    inside = place is None or bool(place.origin.member)
    return command(
        level,
        "\n".join(lines),
        file="" if inside or place is None else place.origin.part,
        line="" if inside or place is None or place.line is None else str(place.line),
        title=f"{finding.policy} {word}: {finding.title}",
    )


def _problem(problem: Problem) -> str:
    return command(
        "error" if problem.blocks else "notice",
        problem.message + (f"\n{problem.hint}" if problem.hint else ""),
        file="" if problem.member else problem.part,
        line="" if problem.member or problem.line is None else str(problem.line),
        title=f"input: {problem.code}",
    )


def command(level: str, message: str, **properties: str) -> str:
    """One workflow command on one line, escaped so that no text can start another."""
    if not properties.get("file"):
        properties.pop("line", None)  # a line of no file
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{level} {given}::{_data(message)}"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return words.line(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMAT = Format(
    "github",
    "text/x-github-annotations",
    "annotations.txt",
    render,
    "annotations for a GitHub workflow's log",
)
