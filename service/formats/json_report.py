"""The report as JSON: everything that the evaluation says, in camelCase.

Every key is always there, so that a reader needs no tests for presence; what is not known is
"" or null, as the OpenAPI document says. ``schemaVersion`` grows when a reader must change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from service.core.deadline import paced
from service.core.evidence import Missing, Problem
from service.core.link import Link
from service.core.migration import Part
from service.core.next_steps import ClusterSteps, next_steps
from service.core.outcome import Severity, Verdict
from service.core.policy import Policy
from service.core.report import ClusterSummary, Finding, Report
from service.formats import json_marks, words
from service.formats.format_base import Context, Format
from service.kinds.ref import Pointer

SCHEMA_VERSION = "1"


def render(report: Report, context: Context) -> bytes:
    """The report as UTF-8 JSON."""
    return dumps(document(report, context))


def document(report: Report, context: Context) -> dict[str, Any]:
    """The report as a dictionary that holds JSON values and, for links, ready-made JSON."""
    by_id = context.by_id
    return {
        "schemaVersion": SCHEMA_VERSION,
        "tool": {"name": "mtc-preflight", "version": context.version},
        "verdict": report.verdict.value,
        "asOf": report.as_of.isoformat(),
        "assumed": [{"name": name, "version": version} for name, version in report.assumed],
        "policySet": report.policy_set,
        "scope": json_marks.scope(report),
        "releases": report.releases,
        "plan": report.plan,
        "counts": report.counts,
        "failures": _failures(report),
        "clusters": [_cluster(item) for item in report.clusters],
        "next": [_cluster_steps(item, context) for item in next_steps(report)],
        "findings": [_finding(item, by_id) for item in paced(report.findings)],
        "problems": [_problem(item) for item in paced(report.problems)],
        "parts": [_part(item) for item in report.parts],
        "waivers": [json_marks.audit(item) for item in report.waivers],
        "delta": json_marks.delta(report.delta),
        "gate": json_marks.gate(report.gate),
    }


def dumps(value: Any) -> bytes:
    """JSON bytes; a lone surrogate, which UTF-8 cannot hold, becomes ``?``."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_clean(value))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _failures(report: Report) -> dict[str, int]:
    counted = Counter(item.severity for item in report.findings if item.verdict is Verdict.FAIL)
    return {severity.value: counted.get(severity, 0) for severity in Severity}


def _finding(finding: Finding, by_id: Mapping[str, Policy[Any]]) -> dict[str, Any]:
    policy = by_id.get(finding.policy)
    return {
        "policy": finding.policy,
        "name": policy.name if policy else "",
        "title": finding.title,
        "verdict": finding.verdict,
        "severity": finding.severity,
        "message": finding.message,
        "subject": json_marks.subject(finding.subject),
        "key": finding.key,
        "identifiedBy": json_marks.subject(finding.root) if finding.root else None,
        "found": finding.found,
        "wanted": finding.wanted,
        "examined": finding.examined,
        "observed": finding.observed,
        "evidence": [_evidence(item) for item in finding.evidence],
        "missing": [_missing(item) for item in finding.missing],
        "remediation": {
            "text": finding.remedy,
            "commands": [item.text for item in finding.commands],
            "clusters": [item.cluster for item in finding.commands],
        },
        "docs": _links(finding.docs),
        "fingerprint": finding.fingerprint,
        "waitsFor": finding.waits_for,
        **json_marks.finding_marks(finding),
    }


def _evidence(pointer: Pointer) -> dict[str, Any]:
    origin = pointer.origin
    return {
        "part": origin.part,
        "member": origin.member,
        "document": origin.document,
        "pointer": pointer.pointer,
        "line": pointer.line,
        "value": pointer.value,
        "object": json_marks.subject(pointer.about) if pointer.about else None,
    }


@lru_cache(maxsize=1024)
def _missing(missing: Missing) -> msgspec.Raw:
    return msgspec.Raw(
        dumps(
            {
                "fact": missing.fact,
                "cluster": missing.cluster,
                "command": missing.command,
                "reason": missing.reason,
                "fetch": missing.fetch._asdict() if missing.fetch else None,
                "attempt": missing.attempt._asdict() if missing.attempt else None,
            }
        )
    )


@lru_cache(maxsize=1024)
def _links(links: tuple[Link, ...]) -> msgspec.Raw:
    return msgspec.Raw(dumps([{"title": item.title, "url": item.url} for item in links]))


def _cluster(cluster: ClusterSummary) -> dict[str, Any]:
    return {
        "role": cluster.role,
        "name": cluster.name,
        "given": cluster.given,
        "host": cluster.host,
        "openshift": cluster.openshift,
        "mtc": cluster.mtc,
        "platform": cluster.platform,
        "objects": cluster.objects,
        "namespaces": cluster.namespaces,
    }


def _cluster_steps(cluster: ClusterSteps, context: Context) -> dict[str, Any]:
    return {
        "role": cluster.role,
        "name": cluster.name,
        "given": cluster.given,
        "findings": cluster.findings,
        "gather": words.one_script((cluster,), context.again),
        "steps": [
            {
                "fact": step.fact,
                "reason": step.reason,
                "command": step.command,
                "settles": step.settles,
                "findings": step.findings,
                "blockers": step.blockers,
            }
            for step in cluster.steps
        ],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "part": problem.part,
        "member": problem.member,
        "document": problem.document,
        "line": problem.line,
        "column": problem.column,
        "pointer": problem.pointer,
        "blocks": problem.blocks,
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "role": part.role,
        "form": part.form,
        "documents": part.documents,
        "objects": part.objects,
        "collected": part.collected.isoformat() if part.collected else None,
        "notes": part.notes,
    }


FORMAT = Format("json", "application/json", "report.json", render, "the complete report as JSON")
