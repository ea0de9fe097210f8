"""Azure DevOps logging commands: an issue per finding that somebody has to look at.

The commands and their escapes are those of Microsoft's documentation, "Logging commands".
"""

from __future__ import annotations

from collections.abc import Iterator

from service.core.deadline import paced
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Report
from service.formats import words
from service.formats.format_base import Context, Format

_OPEN = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR)


def render(report: Report, context: Context) -> bytes:
    """The commands as UTF-8 text; the last one sets the result of the task to that of the gate."""
    return ("\n".join(_commands(report)) + "\n").encode("utf-8", "replace")


def _commands(report: Report) -> Iterator[str]:
    for finding, behind in paced(words.headed(words.by_urgency(report.findings))):
        if finding.verdict in _OPEN:
            yield _issue(finding, behind)
    for text in words.limits(report):
        yield command("task.logissue", text, type="warning")
    passed = report.gate is None or report.gate.passed
    result = "Succeeded" if passed else "Failed"
    told = f"{words.headline(report)}: {words.summary(report)}, as of {words.short_time(report)}"
    yield command("task.complete", told, result=result)


def _issue(finding: Finding, behind: str) -> str:
    place = finding.evidence[0] if finding.evidence else None
    shown = place is not None and not place.origin.member
    told = f"{finding.subject}: {finding.message}"
    lines = [told, behind, finding.remedy, *words.prompted(finding)]
    return command(
        "task.logissue",
        f"{finding.policy} {words.VERDICTS[finding.verdict]}: " + "\n".join(filter(None, lines)),
        type="error" if finding.severity is Severity.BLOCKER else "warning",
        sourcepath=place.origin.part if place is not None and shown else "",
        linenumber=str(place.line) if place is not None and shown and place.line else "",
        code=finding.policy,
    )


def command(name: str, message: str, **properties: str) -> str:
    """One logging command on one line, escaped so that no text can start another."""
    given = "".join(f"{key}={_property(value)};" for key, value in properties.items() if value)
    return f"##vso[{name} {given}]{_data(message)}"


def _data(text: str) -> str:
    escaped = text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")
    return words.line(escaped)


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")


FORMAT = Format(
    "azure",
    "text/x-azure-logging-commands",
    "azure.txt",
    render,
    "logging commands for an Azure DevOps pipeline",
)
