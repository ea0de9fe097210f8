"""Words and order that all formats for people share, and how hostile text is made harmless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from service.core.deadline import paced
from service.core.decision.marks import GateDecision
from service.core.engine import NOT_GATHERED
from service.core.evidence import Missing, Role
from service.core.next_steps import ClusterSteps, Step
from service.core.outcome import Command, Severity, Verdict
from service.core.report import Finding, Readiness, Report
from service.core.values.wording import few, plural
from service.kinds.ref import Pointer, Subject

HEADLINES = {
    Readiness.READY: "Ready",
    Readiness.NOT_READY: "Not ready",
    Readiness.UNKNOWN: "Unknown",
}
VERDICTS = {
    Verdict.FAIL: "fail",
    Verdict.ERROR: "error",
    Verdict.UNKNOWN: "unknown",
    Verdict.WAIVED: "waived",
    Verdict.PASS: "pass",
    Verdict.NOT_APPLICABLE: "not applicable",
}
"""How a verdict is called, the most urgent first."""

SIGNS = {
    Verdict.FAIL: "✗",
    Verdict.ERROR: "!",
    Verdict.UNKNOWN: "?",
    Verdict.WAIVED: "~",
    Verdict.PASS: "✓",
    Verdict.NOT_APPLICABLE: "–",
}
_URGENCY = {verdict: place for place, verdict in enumerate(VERDICTS)}
_WEIGHT = {Severity.BLOCKER: 0, Severity.WARNING: 1, Severity.INFO: 2}

# Control characters, line and paragraph separators, marks that reorder text (bidi), surrogates
# and noncharacters. They forge log lines, hide what a text says, or are illegal in XML.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_BREAKS = re.compile("[\t\n]")


def safe(text: str) -> str:
    """The text with every character that plays tricks written as an escape; keeps tab, newline."""
    return _HOSTILE.sub(_escape, text)


def line(text: str) -> str:
    """The text as one line."""
    return _BREAKS.sub(_escape, _HOSTILE.sub(_escape, text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    known = {9: r"\t", 10: r"\n", 13: r"\r"}.get(code)
    return known or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def urgency(finding: Finding) -> tuple[int, int]:
    """The order in which people want findings: what must be done first comes first."""
    if finding.verdict in (Verdict.WAIVED, Verdict.PASS, Verdict.NOT_APPLICABLE):
        return 3 + _URGENCY[finding.verdict], 0
    return _WEIGHT[finding.severity], _URGENCY[finding.verdict]


def by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, what must be done first first; otherwise in their own order."""
    return sorted(paced(findings), key=urgency)


def about(subject: Subject) -> str:
    """A subject in one line; a cluster as a whole by its name alone."""
    if subject.kind == "Cluster" and subject.name == subject.cluster:
        return line(f"cluster {subject.name}")
    return line(str(subject))


def place(pointer: Pointer) -> str:
    """Where a piece of evidence is, in one line."""
    origin = pointer.origin
    words = origin.part + (f" › {origin.member}" if origin.member else "")
    if pointer.line is not None:
        words += f":{pointer.line}"
    elif origin.document:
        words += f" (document {origin.document + 1})"
    thing = pointer.about.local_name if pointer.about else ""
    return line(" ".join(filter(None, (words, thing, pointer.pointer))))


def wanting(missing: Missing) -> str:
    """What is missing, and why if known, in one line."""
    where = f" of the {missing.cluster} cluster" if missing.cluster else ""
    reason = f" ({missing.reason})" if missing.reason else ""
    return line(f"{missing.fact}{where}{reason}")


def lacking(cluster: ClusterSteps) -> str:
    """What is missing of a cluster, in one line."""
    checks = f"{cluster.findings} {'check' if cluster.findings == 1 else 'checks'}"
    if not cluster.role:
        return f"evidence that belongs to no cluster, for {checks}"
    where = f"the {cluster.role} cluster"
    if cluster.name != cluster.role:
        where += f" {line(cluster.name)}"
    if not cluster.given:
        return f"nothing of {where} was sent; {checks} need its evidence"
    facts = len(cluster.steps)
    return f"{where}: {facts} {'fact is' if facts == 1 else 'facts are'} missing, for {checks}"


def one_script(clusters: Iterable[ClusterSteps], again: str) -> str:
    """The one command for all that is missing of any cluster; "" where nothing is."""
    roles = [item.role for item in clusters if item.role]
    if not roles:
        return ""
    calls = ", ".join(f"sh gather.sh {role}" for role in sorted(roles, key=_by_role))
    return f"all in one script: {again} > gather.sh; then, logged in to each cluster: {calls}"


def _by_role(role: str) -> int:
    return ("host", "destination", "source").index(role) if role in tuple(Role) else 3


def fact(step: Step) -> str:
    """A missing fact and the policies that need it, in one line."""
    reason = f" ({step.reason})" if step.reason else ""
    return line(f"{step.fact}{reason}: {few(step.settles, MOST_SETTLED)}")


MOST_SETTLED = 6


Headed = list[tuple[Finding, str]]
"""Findings, each with what waits for it in words; "" where nothing does."""


def headed(findings: Iterable[Finding]) -> Headed:
    """The findings without those that wait for another one of them."""
    listed = list(paced(findings))
    here = {item.fingerprint for item in listed}
    behind: dict[str, dict[str, None]] = {}
    heads = []
    for item in listed:
        roots = [mark for mark in item.waits_for if mark in here]
        for mark in roots:
            behind.setdefault(mark, {})[item.policy] = None
        if not roots:
            heads.append(item)
    return [(item, _behind(behind.get(item.fingerprint, {}))) for item in heads]


def _behind(policies: Mapping[str, None]) -> str:
    if not policies:
        return ""
    count = plural(len(policies), "more policy waits", "more policies wait")
    return f"and {count} for this: {few(policies, MOST_BEHIND)}"


MOST_BEHIND = 12


def only_missing(finding: Finding) -> bool:
    """Whether a finding says nothing more than that evidence is missing."""
    return finding.verdict is Verdict.UNKNOWN and finding.key == NOT_GATHERED


def commands(finding: Finding) -> list[Command]:
    """The commands of a finding, once for each cluster: those that fix it, or fetch what it lacks.

    A fix may lack something too; where it is the same command, it is one.
    """
    wanted = (Command(item.command, item.cluster) for item in finding.missing)
    found = (*finding.commands, *wanted)
    shown = (Command(safe(item.text), line(item.cluster)) for item in found if item.text)
    return list(dict.fromkeys(shown))


def prompted(finding: Finding) -> list[str]:
    """The commands of a finding, each after the cluster to run it on: ``source $ oc get pv``."""
    return [f"{item.cluster} $ {item.text}".lstrip() for item in commands(finding)]


def pasted(commands: Iterable[Command]) -> str:
    """Commands as lines to paste, with a comment wherever the cluster changes."""
    lines: list[str] = []
    place = ""
    for item in commands:
        if item.cluster != place:
            lines.append(f"# {cluster_words(item.cluster)}")
            place = item.cluster
        lines.append(item.text)
    return "\n".join(lines)


def cluster_words(role: str) -> str:
    """Where a command is run."""
    return f"on the {role} cluster" if role else "on any machine"


def gate_reasons(gate: GateDecision) -> Iterator[str]:
    """Why a gate is closed, a line each; of what is unknown the number, for it is listed before."""
    unknown = [item.policy for item in gate.reasons if item.unknown]
    for reason in gate.reasons:
        if not reason.unknown:
            yield line(reason.text)
    if unknown:
        yield _some(len(unknown), "policy is unknown", "policies are unknown")


@dataclass(frozen=True, slots=True)
class FindingCounts:
    """What a reader wants to know first."""

    blockers: int
    unknown: int
    warnings: int
    waived: int
    passed: int
    unreadable: int


def tally(report: Report) -> FindingCounts:
    """Count a report's findings as a reader would."""
    fails = [item.severity for item in report.findings if item.verdict is Verdict.FAIL]
    counts = report.counts
    return FindingCounts(
        blockers=fails.count(Severity.BLOCKER),
        unknown=counts["unknown"] + counts["error"],
        warnings=len(fails) - fails.count(Severity.BLOCKER),
        waived=counts["waived"],
        passed=counts["pass"],
        unreadable=sum(problem.blocks for problem in report.problems),
    )


def summary(report: Report) -> str:
    """The report in one sentence."""
    count = tally(report)
    words = [
        _some(count.blockers, "blocker fails", "blockers fail"),
        _some(count.unknown, "check is unknown", "checks are unknown"),
        _some(count.unreadable, "input part was unreadable", "input parts were unreadable"),
        _some(count.warnings, "warning", "warnings"),
        _some(count.waived, "finding is waived", "findings are waived"),
        _some(count.passed, "check passes", "checks pass"),
    ]
    return ", ".join(word for word in words if word) or "nothing was evaluated"


def _some(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}" if count else ""


def headline(report: Report) -> str:
    """The verdict, with what the evaluation was limited to: ``Ready (profile chapter)``."""
    scope = str(report.scope)
    return HEADLINES[report.verdict] + (f" ({line(scope)})" if scope else "")


def limits(report: Report) -> Iterator[str]:
    """What was not evaluated and why, what was set, and by which files, a line each."""
    reasons: dict[str, list[str]] = {}
    for item in report.scope.skipped:
        reasons.setdefault(item.reason, []).append(item.policy)
    for reason, ids in reasons.items():
        yield line(f"not evaluated: {reason}: {', '.join(ids)}")
    for change in report.scope.changed:
        yield line(f"set: {change.setting} of {change.policy} is {change.value} ({change.by})")
    for name in report.scope.files:
        yield line(f"configuration file: {name}")


def what_if(report: Report) -> str:
    """What was assumed in place of the evidence, "" where nothing was."""
    given = ", ".join(line(f"{name} {version}") for name, version in report.assumed)
    return f"what-if: assumes {given}" if given else ""


def short_time(report: Report) -> str:
    """The report's time as people write it, in UTC, and that of the release data."""
    data = f", release data of {line(report.releases)}" if report.releases else ""
    return f"{report.as_of:%Y-%m-%d %H:%M} UTC{data}"
