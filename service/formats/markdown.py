"""Markdown (GitHub's and GitLab's dialect) for a pull request comment, a ticket or a wiki page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.core.deadline import paced
from service.core.decision.marks import Seen
from service.core.next_steps import next_steps
from service.core.outcome import Command, Verdict
from service.core.report import Finding, Report
from service.formats import words
from service.formats.format_base import Context, Format

# What is markup anywhere, and what is markup at the start of a line.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")
_START = re.compile(r"^(\s*|\s*\d+)(?P<mark>[#+=-]|(?<=\d)[.)])(?=\s|$|[#=-])")
# Readers make links and pings of the rendered text, which no backslash changes, so a space of no
# width parts it: a name after "@", a number after "#", "https" and "://", "www" and ".".
_LINKED = re.compile(r"@(?=\w)|#(?=\d)|(?<=[A-Za-z])(?=://)|(?<=www)(?=\.)", re.IGNORECASE)
_TICKS = re.compile(r"`+")
_LEAST = 500


def escape(text: str) -> str:
    """Text as Markdown that shows exactly this text: no markup, no link, no table cell, no ping."""
    marked = _START.sub(r"\1\\\g<mark>", _SPECIAL.sub(r"\\\1", words.line(text)))
    return _LINKED.sub(r"\g<0>&#8203;", marked)


def code(text: str) -> str:
    """Text as a code span that is safe in a table cell, "" for nothing."""
    flat = words.line(text).strip()
    if not flat:
        return ""
    longest = max((len(run) for run in _TICKS.findall(flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat[0] == "`" or flat[-1] == "`" else ""
    # In a table a bar ends the cell even inside a code span; its escape is undone there. Elsewhere
    # it is not, so the similar-looking bar replaces it.
    return f"{fence}{pad}{flat.replace('|', '¦')}{pad}{fence}"


def block(text: str, language: str = "sh") -> str:
    """Text as a fenced block that no text can end."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{words.safe(text)}\n{fence}"


def render(report: Report, context: Context) -> bytes:
    """The report as UTF-8 Markdown of at most ``options.limit`` characters.

    Where it does not fit, whole findings are left out from the end, the least urgent first, and
    a last line says how many.
    """
    limit = max(context.options.limit, _LEAST)
    return fit(_head(report), list(_sections(report, context.again)), limit).encode(
        "utf-8", "replace"
    )


def fit(head: str, pieces: list[str], limit: int) -> str:
    """Head and as many whole pieces as the limit holds, with a line about what was left out."""
    whole = "\n\n".join([head, *pieces]) + "\n"
    if len(whole) <= limit:
        return whole
    note = "*… and {} more left out here; the JSON report has them all.*"
    room = limit - len(note) - 12
    kept = [head] if len(head) <= room else []
    used = len(head) if kept else 0
    for piece in pieces:
        if used + len(piece) + 2 > room:
            break
        kept.append(piece)
        used += len(piece) + 2
    left = len(pieces) - (len(kept) - 1 if kept else 0)
    # A heading that lost all that it headed would be left hanging.
    while kept and kept[-1].startswith("### ") and "\n" not in kept[-1]:
        kept.pop()
        left += 1
    return "\n\n".join([*kept, note.format(left)]) + "\n"


def _head(report: Report) -> str:
    title = f"## {escape(words.headline(report))}: MTC preflight"
    plan = f"Plan {code(report.plan)}" if report.plan else "No plan given"
    lines = [title, f"**{escape(words.summary(report))}.** {plan}, {words.short_time(report)}."]
    if report.assumed:
        lines.append(f"> {escape(words.what_if(report))}")
    limits = "\n".join(f"> - {escape(text)}" for text in words.limits(report))
    if limits:
        lines.append(limits)
    if report.clusters:
        rows = ["| Cluster | Role | OpenShift | MTC |", "|---|---|---|---|"]
        for item in report.clusters:
            role = item.role + (", runs MTC" if item.host and item.role != "host" else "")
            cells = (code(item.name), role, code(item.openshift) or "?", code(item.mtc) or "?")
            rows.append("| " + " | ".join(cells) + " |")
        lines.append("\n".join(rows))
    if report.gate is not None:
        lines.append(f"Gate: **{'open' if report.gate.passed else 'closed'}**")
    return "\n\n".join(lines)


def _sections(report: Report, again: str) -> Iterator[str]:
    yield from _problems(report)
    ordered = words.by_urgency(report.findings)
    heads = words.headed(ordered)
    for title, verdict in (
        ("Failures", Verdict.FAIL),
        ("Errors", Verdict.ERROR),
        ("Waived", Verdict.WAIVED),
    ):
        some = [row for row in heads if row[0].verdict is verdict]
        if some:
            yield f"### {title} ({report.counts[verdict]})"
            shown: set[str] = set()
            for item, behind in paced(some):
                yield finding_text(item, behind, again=item.policy in shown)
                shown.add(item.policy)
    yield from next_text(report, again)
    yield from _unknown(report.counts[Verdict.UNKNOWN], heads)
    yield from _waivers(report)
    yield from _gone(report)
    met = [item for item in ordered if item.verdict is Verdict.PASS]
    if met:
        yield f"### Met ({len(met)})"
        yield "\n".join(
            f"- {item.policy} {code(words.about(item.subject))} {escape(item.message)}"
            for item in met
        )


def next_text(report: Report, again: str) -> Iterator[str]:
    """What is missing, by cluster, and how to gather it."""
    clusters = next_steps(report)
    if not clusters:
        return
    yield f"### Next: gather what is missing ({sum(len(item.steps) for item in clusters)})"
    script = words.one_script(clusters, again)
    if script:
        yield escape(script)
    for cluster in clusters:
        yield f"**{escape(words.lacking(cluster))}.**"
        for step in cluster.steps if cluster.given else ():
            command = Command(words.safe(step.command), cluster.role)
            shown = f"\n\n{block(words.pasted([command]))}" if command.text else ""
            yield f"{escape(words.fact(step))}{shown}"


def _unknown(count: int, heads: words.Headed) -> Iterator[str]:
    """What cannot be judged; what only lacks facts is together, for these are listed before."""
    if not count:
        return
    yield f"### Unknown ({count})"
    rows: list[str] = []
    waiting: dict[str, list[str]] = {}
    for item, behind in heads:
        if item.verdict is not Verdict.UNKNOWN:
            continue
        about = code(words.about(item.subject))
        if words.only_missing(item) and not behind and not item.change:
            waiting.setdefault(about, []).append(item.policy)
            continue
        change = f" · {item.change}" if item.change else ""
        said = ". ".join(filter(None, ("" if words.only_missing(item) else item.message, behind)))
        rows.append(
            f"- **{item.policy}** {escape(item.title)}, {about}{change}"
            + (f": {escape(said)}" if said else "")
        )
    rows += [
        f"- {about}, evidence is missing: {', '.join(dict.fromkeys(policies))}"
        for about, policies in waiting.items()
    ]
    yield "\n".join(rows)


def finding_text(finding: Finding, behind: str = "", again: bool = False) -> str:
    """One finding as Markdown: what, where, what to do, and what waits for it (``behind``).

    ``again`` leaves out the remedy and the links, which the same policy's finding before has.
    """
    change = f" · {finding.change}" if finding.change else ""
    sign = words.SIGNS[finding.verdict]
    lines = [
        f"**{sign} {finding.policy}** {escape(finding.title)} · *{finding.severity}*{change}",
        f"{code(words.about(finding.subject))} {escape(finding.message)}",
    ]
    if finding.found or finding.wanted:
        found = code(finding.found) or "nothing"
        lines.append(f"Found {found}, wanted {code(finding.wanted) or 'something'}.")
    if finding.evidence:
        lines.append("Evidence: " + ", ".join(code(words.place(at)) for at in finding.evidence[:3]))
    if finding.waiver:
        waiver = finding.waiver
        ticket = f", {escape(waiver.ticket)}" if waiver.ticket else ""
        about = f"{escape(waiver.owner)}{ticket} until {escape(waiver.until)}"
        lines.append(f"Waived by {about}: {escape(waiver.reason)}")
        return "\n\n".join(lines)
    if behind:
        lines.append(escape(behind))
    if finding.missing:
        lines.append("\n".join(f"- missing: {escape(words.wanting(m))}" for m in finding.missing))
    if finding.remedy and not again:
        lines.append(escape(finding.remedy))
    commands = words.commands(finding)
    if commands:
        lines.append(block(words.pasted(commands)))
    links = () if again else finding.docs[:1]
    lines += [f"[{escape(link.title)}](<{link.url}>)" for link in links]
    return "\n\n".join(lines)


def _problems(report: Report) -> Iterator[str]:
    if not report.problems:
        return
    yield f"### Input that could not be used ({len(report.problems)})"
    for problem in report.problems:
        where = " › ".join(item for item in (problem.part, problem.member) if item)
        at = f":{problem.line}" if problem.line else ""
        hint = f" ({escape(problem.hint)})" if problem.hint else ""
        yield f"- {code(where + at)} {escape(problem.message)}{hint}"


def _waivers(report: Report) -> Iterator[str]:
    if not report.waivers:
        return
    yield f"### Waivers ({len(report.waivers)})"
    rows = ["| Waiver | Owner | Until | Status |", "|---|---|---|---|"]
    for audit in report.waivers:
        waiver = audit.waiver
        status = f"{audit.status}: {escape(audit.detail)}"
        cells = (code(waiver.label), escape(waiver.owner), escape(waiver.until), status)
        rows.append("| " + " | ".join(cells) + " |")
    yield "\n".join(rows)


def _gone(report: Report) -> Iterator[str]:
    if report.delta is None:
        return
    for title, items in (
        ("Resolved", report.delta.resolved),
        ("Gone, but not looked at this time", report.delta.unconfirmed),
    ):
        if items:
            yield f"### {title} ({len(items)})"
            yield "\n".join(_seen(item) for item in items)


def _seen(seen: Seen) -> str:
    subject = code(words.about(seen.subject))
    title = f"{seen.policy} {subject} {escape(seen.title)}".strip()
    return f"- {title or code(seen.fingerprint)}"


FORMAT = Format(
    "markdown", "text/markdown", "report.md", render, "Markdown for a comment or a ticket"
)
