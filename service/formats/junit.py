"""JUnit XML, as the Jenkins, GitLab and Azure readers take it: one suite per policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from itertools import groupby
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement

from service.core.deadline import check, paced
from service.core.decision.marks import Ending, Seen
from service.core.evidence import Problem
from service.core.outcome import RANK, Severity, Verdict
from service.core.report import Finding, Report
from service.core.scope import WHOLE
from service.formats import words
from service.formats.format_base import Context, Format


def render(report: Report, context: Context) -> bytes:
    """The report as XML.

    A failure that the gate counts (by default a blocker) is a ``failure``, an unknown or an error
    an ``error``; what is below the gate, waived or not applicable is ``skipped`` with the reason.
    What is resolved since a previous report is a passed case, so that it shows as fixed.
    """
    fail_on = report.gate.fail_on if report.gate else Severity.BLOCKER
    limited = f"({words.line(str(report.scope))})" if str(report.scope) else ""
    whole = " ".join(filter(None, ("mtc-preflight", limited, words.what_if(report))))
    root = Element("testsuites", name=whole)
    names = {policy.id: policy.name for policy in context.policies}
    gone = report.delta.resolved if report.delta else ()
    cases: list[Finding | Seen] = [*report.findings, *(item for item in gone if item.policy)]
    cases.sort(key=lambda item: item.policy)
    marks = {item.fingerprint: f"{item.policy} {item.subject}" for item in paced(cases)}
    if report.problems:
        suite = _suite(root, "input", report)
        for problem in report.problems:
            _unreadable(suite, problem)
        _count(suite)
    for policy, findings in groupby(cases, key=lambda item: item.policy):
        suite = _suite(root, f"{policy} {names.get(policy, '')}".strip(), report)
        seen = Counter[str]()
        for finding in paced(findings):
            case = _case(suite, finding, seen)
            if isinstance(finding, Finding):
                _add_result(case, finding, fail_on, [marks[mark] for mark in finding.waits_for])
            elif finding.ending is not Ending.MET:
                SubElement(case, "skipped", message=_GONE, type=str(finding.ending))
        _count(suite)
    if report.scope != WHOLE:
        _limits(_suite(root, "scope", report), report)
    for key in ("tests", "failures", "errors"):  # Jenkins' schema has no sum of the skipped
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", "0")
    written = _Watched()
    ElementTree(root).write(written, encoding="utf-8", xml_declaration=True)
    return written.getvalue()


_GONE = "the previous report has this finding, this one has not"


class _Watched(BytesIO):
    """Looks at the clock whenever some more is written."""

    def write(self, data: Any, /) -> int:
        check()
        return super().write(data)


def _limits(suite: Element, report: Report) -> None:
    """One skipped case for each policy that was not evaluated; what was set, as properties."""
    properties = SubElement(suite, "properties")
    SubElement(properties, "property", name="profile", value=words.line(report.scope.profile))
    for change in report.scope.changed:
        name, value = f"{change.policy} {change.setting}", f"{change.value} ({change.by})"
        SubElement(properties, "property", name=words.line(name), value=words.line(value))
    for name in report.scope.files:
        SubElement(properties, "property", name="configuration file", value=words.line(name))
    for item in report.scope.skipped:
        about = {"name": words.line(item.name), "classname": f"mtc-preflight.{item.policy}"}
        case = SubElement(suite, "testcase", about, time="0")
        SubElement(case, "skipped", message=words.line(item.reason), type="not-evaluated")
    _count(suite)
    suite.set("tests", str(len(report.scope.skipped)))


def _suite(root: Element, name: str, report: Report) -> Element:
    moment = f"{report.as_of:%Y-%m-%dT%H:%M:%S}"
    return SubElement(root, "testsuite", name=words.line(name), timestamp=moment, time="0")


def _count(suite: Element) -> None:
    suite.set("tests", str(len(suite)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in suite)))


def _case(suite: Element, finding: Finding | Seen, seen: Counter[str]) -> Element:
    # The name is the same over all verdicts, so that a pipeline shows what broke and what is fixed.
    subject, key = finding.identity
    name = words.line(str(subject) + (f" [{key}]" if key else ""))
    seen[name] += 1
    if seen[name] > 1:
        name += f" ({seen[name]})"
    about = {"name": name, "classname": f"mtc-preflight.{finding.policy}"}
    return SubElement(suite, "testcase", about, time="0")


def _add_result(case: Element, finding: Finding, fail_on: Severity, roots: list[str]) -> None:
    tag, kind = _result(finding, fail_on)
    if not tag:
        return
    result = SubElement(case, tag, message=words.line(finding.message), type=kind)
    waits = (f"waits for {root}" for root in roots)
    result.text = words.safe("\n".join([*_body(finding), *waits]))


def _result(finding: Finding, fail_on: Severity) -> tuple[str, str]:
    if finding.verdict is Verdict.PASS:
        return "", ""
    if finding.verdict in (Verdict.WAIVED, Verdict.NOT_APPLICABLE):
        return "skipped", finding.verdict.value
    if RANK[finding.severity] < RANK[fail_on]:
        return "skipped", f"{finding.severity.value}-{finding.verdict.value}"
    if finding.verdict is Verdict.FAIL:
        return "failure", finding.severity.value
    return "error", finding.verdict.value


def _body(finding: Finding) -> Iterator[str]:
    yield f"{finding.policy} {finding.title}"
    if finding.found or finding.wanted:
        yield f"found {finding.found}; wanted {finding.wanted}"
    for pointer in finding.evidence[:3]:
        yield f"see {words.place(pointer)}"
    if finding.waiver:
        waiver = finding.waiver
        yield f"waived by {waiver.owner} until {waiver.until}: {waiver.reason}"
        return
    for missing in finding.missing:
        yield f"missing: {words.wanting(missing)}"
    if finding.remedy:
        yield finding.remedy
    yield from words.prompted(finding)
    yield f"fingerprint {finding.fingerprint}"


def _unreadable(suite: Element, problem: Problem) -> None:
    where = " › ".join(item for item in (problem.part, problem.member) if item) or "request"
    number = "" if problem.document is None else f" document {problem.document + 1}"
    case = SubElement(
        suite,
        "testcase",
        name=words.line(f"{where}{number} {problem.pointer}".strip()),
        classname="mtc-preflight.input",
        time="0",
    )
    tag = "error" if problem.blocks else "skipped"
    message = words.line(problem.message)
    SubElement(case, tag, message=message, type=problem.code).text = words.safe(problem.hint)


FORMAT = Format(
    "junit",
    "application/vnd.junit+xml",
    "junit.xml",
    render,
    "JUnit XML for a pipeline's test view",
    ("application/xml", "text/xml"),
)
