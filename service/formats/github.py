"""GitHub workflow commands: what somebody has to look at, as annotations.

The commands and their escapes are those of GitHub's documentation, "Workflow commands for GitHub
Actions"; the order of the escapes is that of the toolkit's ``core`` package. GitHub shows the first
ten annotations of each level and step, and drops the others without a word. So one annotation holds
all findings of a policy, one all missing evidence, and the last of a level names what is left.
The whole report is for the step summary, which ``format=markdown`` writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from service.core.deadline import paced
from service.core.evidence import Problem
from service.core.next_steps import next_steps
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Readiness, Report
from service.formats import words
from service.formats.format_base import Context, Format

MOST = 10
"""The annotations of one level that GitHub shows of a step."""

_MOST_NAMED = 20
_LEVELS = {Severity.BLOCKER: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_QUIET = (Verdict.PASS, Verdict.NOT_APPLICABLE)


class Annotation(NamedTuple):
    """One annotation; ``file`` is "" where it is about no file of its own."""

    level: str
    title: str
    message: str
    file: str = ""
    line: str = ""


def render(report: Report, context: Context) -> bytes:
    """The annotations as UTF-8 text: the verdict, then what is most urgent."""
    by_level: dict[str, list[Annotation]] = {}
    for item in _annotations(report, context):
        by_level.setdefault(item.level, []).append(item)
    lines = [command(*item) for items in by_level.values() for item in _shown(items)]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _shown(items: list[Annotation]) -> list[Annotation]:
    """As many as GitHub shows; the last one names those that have no place."""
    if len(items) <= MOST:
        return items
    kept, left = items[: MOST - 1], items[MOST - 1 :]
    names = "\n".join(item.title for item in left)
    return [*kept, Annotation(items[0].level, f"mtc-preflight: {len(left)} more", names)]


def _annotations(report: Report, context: Context) -> Iterator[Annotation]:
    level = "notice" if report.verdict is Readiness.READY else "error"
    head = f"{words.headline(report)}: {words.summary(report)}, as of {words.short_time(report)}"
    if report.assumed:
        head += f" ({words.what_if(report)})"
    yield Annotation(level, "mtc-preflight", head)
    limits = "\n".join(words.limits(report))
    if limits:
        yield Annotation("notice", "mtc-preflight: scope", limits)
    for problem in report.problems:
        yield _problem(problem)
    heads = words.headed(words.by_urgency(report.findings))
    found = [row for row in heads if row[0].verdict not in _QUIET]
    missing = [item for item, behind in found if words.only_missing(item) and not behind]
    groups: dict[tuple[str, ...], words.Headed] = {}
    for item, behind in paced(found):
        if behind or not words.only_missing(item):
            key = (item.policy, _level(item), item.verdict)
            groups.setdefault(key, []).append((item, behind))
    yield from map(_policy, groups.values())
    if missing:
        yield _missing(missing, report, context)


def _level(finding: Finding) -> str:
    return "notice" if finding.verdict is Verdict.WAIVED else _LEVELS[finding.severity]


def _policy(findings: words.Headed) -> Annotation:
    """The findings of one policy with one verdict, at the place of the first."""
    first, _ = findings[0]
    lines = [text for row in findings[:_MOST_NAMED] for text in _lines(*row)]
    if len(findings) > _MOST_NAMED:
        lines.append(f"… and {len(findings) - _MOST_NAMED} more")
    title = f"{first.policy} {words.VERDICTS[first.verdict]}: {first.title}"
    if len(findings) > 1:
        title += f" ({len(findings)})"
    place = first.evidence[0] if first.evidence else None
    outside = place is not None and not place.origin.member
    return Annotation(
        _level(first),
        title,
        "\n".join(dict.fromkeys(lines)),
        place.origin.part if place and outside else "",
        str(place.line) if place and outside and place.line is not None else "",
    )


def _lines(finding: Finding, behind: str) -> Iterator[str]:
    yield f"{finding.subject}: {finding.message}"
    if behind:
        yield behind
    if finding.found or finding.wanted:
        yield f"found {finding.found}; wanted {finding.wanted}"
    if finding.waiver:
        yield f"waived by {finding.waiver.owner}: {finding.waiver.reason}"
        return
    if finding.remedy:
        yield finding.remedy
    yield from words.prompted(finding)


def _missing(findings: list[Finding], report: Report, context: Context) -> Annotation:
    """All that only lacks evidence, and how to get it; as urgent as the most urgent of it."""
    clusters = next_steps(report)
    lines = [words.one_script(clusters, context.again), *map(words.lacking, clusters)]
    policies = ", ".join(dict.fromkeys(item.policy for item in findings))
    title = f"evidence is missing ({len(findings)} unknown)"
    return Annotation(
        _LEVELS[findings[0].severity], title, "\n".join([*filter(None, lines), policies])
    )


def _problem(problem: Problem) -> Annotation:
    outside = not problem.member
    return Annotation(
        "error" if problem.blocks else "notice",
        f"input: {problem.code}",
        problem.message + (f"\n{problem.hint}" if problem.hint else ""),
        problem.part if outside else "",
        str(problem.line) if outside and problem.line is not None else "",
    )


def command(level: str, title: str, message: str, file: str = "", line: str = "") -> str:
    """One workflow command on one line, escaped so that no text can start another."""
    properties = {"file": file, "line": line if file else "", "title": title}
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
