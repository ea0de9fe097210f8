"""The report for a terminal: the most urgent first, colour only when asked."""

from __future__ import annotations

from collections.abc import Iterator

from service.core.deadline import paced
from service.core.next_steps import ClusterSteps, next_steps
from service.core.outcome import Severity, Verdict
from service.core.report import ClusterSummary, Finding, Readiness, Report
from service.core.values.wording import plural
from service.formats import words
from service.formats.format_base import Context, Format
from service.formats.words import line

RED, GREEN, YELLOW, BLUE, DIM, BOLD = "31", "32", "33", "34", "2", "1"
_COLORS = {
    Verdict.FAIL: RED,
    Verdict.ERROR: RED,
    Verdict.UNKNOWN: YELLOW,
    Verdict.WAIVED: BLUE,
    Verdict.PASS: GREEN,
    Verdict.NOT_APPLICABLE: DIM,
}
_HEAD = {Readiness.READY: GREEN, Readiness.NOT_READY: RED, Readiness.UNKNOWN: YELLOW}
_INDENT = "    "


class Paint:
    """Terminal colours, or none."""

    def __init__(self, color: bool) -> None:
        self._color = color

    def __call__(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._color else text


def render(report: Report, context: Context) -> bytes:
    """The report as UTF-8 text. Nothing of the evidence can reach the terminal as a control."""
    text = "\n".join(_lines(report, Paint(context.options.color), context.again))
    return (text + "\n").encode("utf-8", "replace")


def _lines(report: Report, paint: Paint, again: str) -> Iterator[str]:
    verdict = words.HEADLINES[report.verdict]
    head = words.headline(report).replace(verdict, verdict.upper(), 1)
    yield paint(f"{BOLD};{_HEAD[report.verdict]}", head) + f": {words.summary(report)}"
    plan = f"plan {line(report.plan)}, " if report.plan else "no plan given, "
    yield paint(DIM, f"{plan}as of {words.short_time(report)}")
    if report.assumed:
        yield paint(f"{BOLD};{YELLOW}", words.what_if(report))
    yield ""
    yield from _clusters(report.clusters)
    yield from _problems(report, paint)
    ordered = words.by_urgency(report.findings)
    heads = words.headed(ordered)
    shown: set[tuple[str, str]] = set()
    for finding, behind in paced(heads):
        if finding.verdict not in (Verdict.FAIL, Verdict.ERROR, Verdict.WAIVED):
            continue
        yield ""
        mark = (finding.policy, finding.remedy)
        yield from _finding(finding, behind, paint, again=mark in shown)
        shown.add(mark)
    yield from _next(next_steps(report), paint, again)
    yield from _unknown(report.counts[Verdict.UNKNOWN], heads, paint)
    yield from _rest(ordered, paint)
    yield from _waivers(report)
    yield from _delta(report)
    yield from _limits(report, paint)
    yield from _gate(report, paint)


def _clusters(clusters: tuple[ClusterSummary, ...]) -> Iterator[str]:
    width = max((len(line(item.name)) for item in clusters), default=0)
    for item in clusters:
        facts = [f"OpenShift {line(item.openshift) or '?'}", f"MTC {line(item.mtc) or '?'}"]
        if item.platform:
            facts.append(line(item.platform))
        facts.append(plural(item.objects, "object") if item.given else "nothing given")
        role = item.role + (", runs MTC" if item.host and item.role != "host" else "")
        yield f"  {line(item.name):<{width}}  {role}: {', '.join(facts)}"


def _problems(report: Report, paint: Paint) -> Iterator[str]:
    if not report.problems:
        return
    yield ""
    yield paint(BOLD, "Input that could not be used")
    for problem in paced(report.problems):
        where = " › ".join(item for item in (problem.part, problem.member) if item)
        at = f":{problem.line}" if problem.line else ""
        mark = paint(YELLOW, "!") if problem.blocks else " "
        yield f"  {mark} {line(where)}{at} {line(problem.message)} [{problem.code}]"
        if problem.hint:
            yield f"{_INDENT}{line(problem.hint)}"


def _finding(finding: Finding, behind: str, paint: Paint, again: bool) -> Iterator[str]:
    word = words.VERDICTS[finding.verdict].upper()
    change = f" ({finding.change})" if finding.change else ""
    color = _COLORS[finding.verdict]
    if finding.verdict is Verdict.FAIL and finding.severity is not Severity.BLOCKER:
        color = YELLOW
    mark = paint(f"{BOLD};{color}", f"{words.SIGNS[finding.verdict]} {word}")
    yield f"{mark} {finding.severity} {paint(BOLD, finding.policy)} {line(finding.title)}{change}"
    yield f"{_INDENT}{words.about(finding.subject)}"
    yield f"{_INDENT}{line(finding.message)}"
    if finding.found or finding.wanted:
        yield f"{_INDENT}found {line(finding.found)}; wanted {line(finding.wanted)}"
    for pointer in finding.evidence[:3]:
        yield _INDENT + paint(DIM, f"see {words.place(pointer)}")
    if finding.waiver:
        yield f"{_INDENT}waived by {line(finding.waiver.owner)}: {line(finding.waiver.reason)}"
        return
    if finding.remedy and not again:
        yield f"{_INDENT}{line(finding.remedy)}"
    if behind:
        yield f"{_INDENT}{behind}"
    for command, place in words.commands(finding):
        yield from _command(f"{_INDENT}  ", f"{place} $".lstrip(), command)


def _next(clusters: tuple[ClusterSteps, ...], paint: Paint, again: str) -> Iterator[str]:
    """What is missing, by cluster; of a cluster that was not sent, only that."""
    if not clusters:
        return
    yield ""
    yield paint(BOLD, "Next: gather what is missing")
    script = words.one_script(clusters, again)
    if script:
        yield f"  {script}"
    for cluster in clusters:
        yield f"  {words.lacking(cluster)}"
        for step in cluster.steps if cluster.given else ():
            yield f"{_INDENT}- {words.fact(step)}"
            if step.command:
                prompt = f"{cluster.role} $".lstrip()
                yield from _command(f"{_INDENT}  ", prompt, words.safe(step.command))


def _limits(report: Report, paint: Paint) -> Iterator[str]:
    limits = list(words.limits(report))
    if limits:
        yield ""
        yield paint(BOLD, "Scope of this evaluation")
        yield from (f"  {text}" for text in limits)


def _command(indent: str, prompt: str, command: str) -> Iterator[str]:
    first, *rest = command.splitlines() or [""]
    yield f"{indent}{prompt} {first}"
    yield from (f"{indent}{' ' * len(prompt)} {row}" for row in rest)


def _unknown(count: int, heads: words.Headed, paint: Paint) -> Iterator[str]:
    """What cannot be judged: in full where it says more than that evidence is missing."""
    if not count:
        return
    yield ""
    yield paint(BOLD, f"Unknown ({count})")
    sign = paint(YELLOW, words.SIGNS[Verdict.UNKNOWN])
    waiting: dict[str, list[str]] = {}
    for item, behind in heads:
        if item.verdict is not Verdict.UNKNOWN:
            continue
        if behind or not words.only_missing(item):
            change = f" ({item.change})" if item.change else ""
            about = words.about(item.subject)
            yield f"  {sign} {item.severity} {item.policy} {about}: {line(item.message)}{change}"
            if behind:
                yield f"{_INDENT}{behind}"
            continue
        waiting.setdefault(words.about(item.subject), []).append(item.policy)
    for about, policies in waiting.items():
        yield f"  {sign} {about}, evidence is missing: {', '.join(dict.fromkeys(policies))}"


def _rest(findings: list[Finding], paint: Paint) -> Iterator[str]:
    for verdict, title in (
        (Verdict.PASS, "Met"),
        (Verdict.NOT_APPLICABLE, "Not applicable"),
    ):
        some = [item for item in findings if item.verdict is verdict]
        if not some:
            continue
        yield ""
        yield paint(BOLD, title)
        sign = paint(_COLORS[verdict], words.SIGNS[verdict])
        for item in some:
            yield f"  {sign} {item.policy} {words.about(item.subject)}: {line(item.message)}"


def _waivers(report: Report) -> Iterator[str]:
    if not report.waivers:
        return
    yield ""
    yield "Waivers"
    for audit in report.waivers:
        waiver = audit.waiver
        ticket = f", {line(waiver.ticket)}" if waiver.ticket else ""
        about = f"{line(waiver.label)} ({line(waiver.owner)}{ticket}, until {line(waiver.until)})"
        yield f"  {audit.status:<8} {about}: {line(audit.detail)}"


def _delta(report: Report) -> Iterator[str]:
    if report.delta is None:
        return
    yield ""
    counts = ", ".join(f"{count} {change}" for change, count in report.delta.counts)
    yield f"Since the previous report: {counts}"
    for title, items in (
        ("resolved", report.delta.resolved),
        ("gone, but not looked at this time", report.delta.unconfirmed),
    ):
        for item in items:
            about = f"{item.policy} {item.subject}: {item.title}".strip(" :")
            yield f"  {title}: {line(about or item.fingerprint)}"


def _gate(report: Report, paint: Paint) -> Iterator[str]:
    gate = report.gate
    if gate is None:
        return
    yield ""
    asked = f"fail_on={gate.fail_on}, unknown={gate.unknown}" + ", new_only" * gate.new_only
    word = paint(f"{BOLD};{GREEN}", "open") if gate.passed else paint(f"{BOLD};{RED}", "closed")
    yield f"Gate {word} ({asked})"
    for text in words.gate_reasons(gate):
        yield f"  {text}"


FORMAT = Format("text", "text/plain", "report.txt", render, "plain text for a terminal")
