"""SARIF 2.1.0 (OASIS, errata 01), for code scanning and IDE viewers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from service.core.deadline import paced
from service.core.decision.delta import OPEN
from service.core.decision.marks import Change, Seen
from service.core.evidence import Problem
from service.core.outcome import Severity, Verdict
from service.core.policy import Policy
from service.core.report import Finding, Report
from service.core.scope import WHOLE
from service.formats import json_marks, words
from service.formats.format_base import Context, Format
from service.formats.json_report import dumps
from service.formats.markdown import escape
from service.kinds.ref import Origin, Pointer, Subject

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
FINGERPRINT = "mtcPreflight/v1"
_LEVELS = {Severity.BLOCKER: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_KINDS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.WAIVED: "fail",  # a suppression says that it is accepted
    Verdict.UNKNOWN: "open",
    Verdict.ERROR: "open",
    Verdict.NOT_APPLICABLE: "notApplicable",
}
_SECURITY_SEVERITIES = {Severity.BLOCKER: "8.0", Severity.WARNING: "5.0", Severity.INFO: "2.0"}
"""High, medium and low, as GitHub's code scanning reads it."""

_ABOUT = (
    "https://docs.redhat.com/en/documentation/openshift_container_platform/4.20/html/"
    "migration_toolkit_for_containers/migrating-applications-with-mtc"
    "#migration-prerequisites_migrating-applications-with-mtc"
)
"""What is checked, where no service has its own page about it."""

_STATES = {
    Change.NEW: "new",
    Change.UNCHANGED: "unchanged",
    Change.CHANGED: "updated",
    Change.RESOLVED: "updated",
    None: "unchanged",
}


def render(report: Report, context: Context) -> bytes:
    """The report as a SARIF log with one run.

    Readers such as GitHub's code scanning know no ``kind``, and take each result for an alert; for
    them ``alerts`` leaves only what somebody has to act on, an unknown finding as a warning.
    """
    alerts = context.options.alerts
    files = Artifacts(_homes(report))
    indexes = {policy.id: place for place, policy in enumerate(context.policies)}
    shown = [item for item in report.findings if not alerts or item.verdict in OPEN]
    results = [_result(item, indexes, files, report, alerts) for item in paced(shown)]
    if report.delta is not None and not alerts:
        results += [_absent(item, indexes, files) for item in report.delta.resolved]
    run = {
        "tool": {"driver": _driver(context, report)},
        "automationDetails": {"id": f"mtc-preflight/{words.line(report.plan) or 'no-plan'}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, files)],
        "results": results,
        "artifacts": files.written,
        "properties": {
            "verdict": report.verdict.value,
            "policySet": report.policy_set,
            **({"assumed": dict(report.assumed)} if report.assumed else {}),
            **({"scope": json_marks.scope(report)} if report.scope != WHOLE else {}),
            **_gate(report),
        },
    }
    return dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _homes(report: Report) -> dict[str, str]:
    """The part of the input that is about each cluster, "" being about no cluster."""
    parts = {item.role: item.name for item in reversed(report.parts)}
    first = report.parts[0].name if report.parts else ""
    known = {item.name: parts.get(item.role, first) for item in report.clusters}
    return {"": first, **known}


class Artifacts:
    """The files of the evidence, each once; a member of an archive is nested in its archive."""

    def __init__(self, homes: Mapping[str, str]) -> None:
        self.written: list[dict[str, Any]] = []
        self._places: dict[tuple[str, str], int] = {}
        self._homes = homes

    def home(self, subject: Subject) -> dict[str, Any]:
        """The artifactLocation for what no evidence shows: the part about its cluster.

        Readers such as GitHub's code scanning refuse a whole log for one result without a place.
        """
        return self.locate(Origin(self._homes.get(subject.cluster, self._homes[""])))

    def locate(self, origin: Origin) -> dict[str, Any]:
        """The artifactLocation of a document."""
        place = self._place(origin.part, "")
        if origin.member:
            place = self._place(origin.part, origin.member)
        return {"uri": self.written[place]["location"]["uri"], "index": place}

    def _place(self, part: str, member: str) -> int:
        key = (part, member)
        if key not in self._places:
            uri = f"{_uri(part or 'request')}/{_uri(member)}" if member else _uri(part or "request")
            artifact: dict[str, Any] = {"location": {"uri": uri}}
            if member:
                artifact["parentIndex"] = self._places[(part, "")]
            self._places[key] = len(self.written)
            self.written.append(artifact)
        return self._places[key]


def _uri(path: str) -> str:
    """A path as a relative URI reference that stays below where it starts."""
    steps = [step for step in path.replace("\\", "/").split("/") if step not in ("", ".", "..")]
    return "/".join(quote(step.encode("utf-8", "replace"), safe="") for step in steps) or "_"


def _driver(context: Context, report: Report) -> dict[str, Any]:
    return {
        "name": "mtc-preflight",
        "version": context.version,
        "informationUri": context.url or _ABOUT,
        "properties": {"policySet": report.policy_set},
        "rules": [_rule(policy) for policy in context.policies],
    }


def _rule(policy: Policy[Any]) -> dict[str, Any]:
    pascal = "".join(word.capitalize() for word in policy.name.split("-"))
    pages = "".join(f"\n- [{escape(page.title)}]({page.url})" for page in policy.docs)
    remedy, source = escape(policy.remedy), escape(policy.source)
    rule: dict[str, Any] = {
        "id": policy.id,
        "name": pascal,
        "shortDescription": {"text": policy.title},
        "fullDescription": {"text": policy.why},
        "help": {
            "text": f"{policy.remedy}\n\nSource: {policy.source}",
            "markdown": f"{remedy}\n\nSource: {source}\n{pages}".rstrip(),
        },
        "defaultConfiguration": {"level": _LEVELS[policy.severity]},
        "properties": {
            "name": policy.name,
            "tags": ["mtc", "migration", "security"],  # without it, the severity is not read
            "security-severity": _SECURITY_SEVERITIES[policy.severity],
        },
    }
    if policy.docs:
        rule["helpUri"] = policy.docs[0].url
    return rule


def _result(
    finding: Finding, indexes: dict[str, int], files: Artifacts, report: Report, alerts: bool
) -> dict[str, Any]:
    kind, level, text = _KINDS[finding.verdict], _LEVELS[finding.severity], _message(finding)
    if kind == "open" and alerts:
        kind, text = "fail", f"{words.VERDICTS[finding.verdict]}: {text}"
        level = "warning" if finding.severity is Severity.BLOCKER else "note"
    result: dict[str, Any] = {
        "ruleId": finding.policy,
        "kind": kind,
        "level": level if kind == "fail" else "none",
        "message": {"text": text},
        "locations": _locations(finding, files),
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": _properties(finding),
    }
    if finding.policy in indexes:
        result["ruleIndex"] = indexes[finding.policy]
    if report.delta is not None:
        result["baselineState"] = _STATES[finding.change]
    if finding.waiver is not None:
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": words.safe(finding.waiver.reason),
                "properties": {
                    "owner": finding.waiver.owner,
                    "ticket": finding.waiver.ticket,
                    "until": finding.waiver.until,
                },
            }
        ]
    return result


def _absent(seen: Seen, indexes: dict[str, int], files: Artifacts) -> dict[str, Any]:
    result: dict[str, Any] = {
        "kind": "fail",
        "level": _LEVELS[seen.severity] if seen.severity else "warning",
        "message": {"text": _plain(seen.message or seen.title or "resolved")},
        "locations": _located(seen.subject, _file(files.home(seen.subject))),
        "partialFingerprints": {FINGERPRINT: seen.fingerprint},
        "baselineState": "absent",
    }
    if seen.policy:
        result["ruleId"] = seen.policy
    if seen.policy in indexes:
        result["ruleIndex"] = indexes[seen.policy]
    return result


def _message(finding: Finding) -> str:
    text = f"{finding.subject}: {finding.message}"
    if finding.found or finding.wanted:
        text += f" (found {finding.found}; wanted {finding.wanted})"
    return _plain(text)


def _plain(text: str) -> str:
    # "[a](b)" in a message is a link (section 3.11.6); no evidence may make one.
    return words.safe(text).replace("](", "] (")


def _locations(finding: Finding, files: Artifacts) -> list[dict[str, Any]]:
    """One location: the first piece of evidence, and the object as a logical location.

    SARIF asks for one location unless all must be changed; the others are in the properties.
    """
    if not finding.evidence:
        return _located(finding.subject, _file(files.home(finding.subject)))
    return _located(finding.subject, _physical(finding.evidence[0], files))


def _located(subject: Subject, physical: dict[str, Any]) -> list[dict[str, Any]]:
    (location,) = _logical(subject) or [{}]
    return [{**location, "physicalLocation": physical}]


def _physical(pointer: Pointer, files: Artifacts) -> dict[str, Any]:
    return _file(files.locate(pointer.origin), pointer.line)


def _file(location: dict[str, Any], line: int | None = None) -> dict[str, Any]:
    """A place in a file, at its start where no line is known: GitHub demands a region."""
    return {"artifactLocation": location, "region": {"startLine": line or 1}}


def _logical(subject: Subject) -> list[dict[str, Any]]:
    steps = (subject.cluster, subject.kind, subject.namespace, subject.name)
    name = "/".join(step for step in steps if step)
    if not name:
        return []
    logical = {"fullyQualifiedName": name, "kind": "resource"}
    if subject.name:
        logical["name"] = subject.name
    return [{"logicalLocations": [logical]}]


def _properties(finding: Finding) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "verdict": finding.verdict.value,
        "severity": finding.severity.value,
        "cluster": finding.subject.cluster,
        "evidence": [words.place(item) for item in finding.evidence],
    }
    if finding.missing:
        properties["missing"] = [words.wanting(item) for item in finding.missing]
    commands = words.prompted(finding)
    if commands:
        properties["commands"] = commands
    return properties


def _invocation(report: Report, files: Artifacts) -> dict[str, Any]:
    errors = [item for item in report.findings if item.verdict is Verdict.ERROR]
    return {
        "executionSuccessful": not errors,
        "endTimeUtc": f"{report.as_of:%Y-%m-%dT%H:%M:%S}Z",
        **_overrides(report),
        "toolConfigurationNotifications": [
            _notification(problem, files) for problem in report.problems
        ],
        "toolExecutionNotifications": [
            {
                "level": "error",
                "message": {"text": _plain(item.message)},
                "associatedRule": {"id": item.policy},
            }
            for item in errors
        ],
    }


def _overrides(report: Report) -> dict[str, Any]:
    """The rules that were switched off, as SARIF calls it."""
    off = [
        {
            "descriptor": {"id": item.policy},
            "configuration": {"enabled": False},
            "properties": {"reason": words.line(item.reason)},
        }
        for item in report.scope.skipped
    ]
    return {"ruleConfigurationOverrides": off} if off else {}


def _notification(problem: Problem, files: Artifacts) -> dict[str, Any]:
    text = ". ".join(item for item in (problem.message, problem.hint) if item)
    notification: dict[str, Any] = {
        "descriptor": {"id": problem.code},
        "level": "error" if problem.blocks else "note",
        "message": {"text": _plain(text)},
    }
    locations = list(_problem_places(problem, files))
    if locations:
        notification["locations"] = locations
    return notification


def _problem_places(problem: Problem, files: Artifacts) -> Iterator[dict[str, Any]]:
    if not problem.part:
        return
    physical = _file(files.locate(Origin(problem.part, problem.member)), problem.line)
    if problem.line and problem.column:
        physical["region"]["startColumn"] = problem.column
    yield {"physicalLocation": physical}


def _gate(report: Report) -> dict[str, Any]:
    if report.gate is None:
        return {}
    reasons = [words.safe(reason.text) for reason in report.gate.reasons]
    return {"gate": {"passed": report.gate.passed, "reasons": reasons}}


FORMAT = Format(
    "sarif", "application/sarif+json", "report.sarif", render, "SARIF 2.1.0 for code scanning"
)
