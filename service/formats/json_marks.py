"""What the JSON report says of waivers, of the change since last time, and of the gate."""

from __future__ import annotations

from typing import Any

from service.core.decision.marks import Delta, GateDecision, Seen, Waiver, WaiverAudit
from service.core.report import Finding, Report
from service.formats import words
from service.kinds.redact import redact
from service.kinds.ref import Subject


def judged(report: Report) -> dict[str, Any]:
    """The verdict, as of when, and what the evaluation was limited to."""
    return {
        "verdict": report.verdict.value,
        "asOf": report.as_of.isoformat(),
        "scope": scope(report),
    }


def finding_marks(finding: Finding) -> dict[str, Any]:
    """The keys of a finding that are about its waiver and its change."""
    return {
        "waiver": waiver(finding.waiver) if finding.waiver else None,
        "waivedVerdict": finding.original.value if finding.original else None,
        "change": finding.change.value if finding.change else None,
        "before": finding.before.value if finding.before else None,
    }


def waiver(item: Waiver) -> dict[str, Any]:
    """A waiver as it was understood."""
    return {
        "id": item.id,
        "policy": item.policy,
        "subject": {
            "cluster": item.cluster,
            "kind": redact(item.kind),
            "namespace": redact(item.namespace),
            "name": redact(item.name),
            "key": redact(item.key),
        },
        "atMost": item.at_most,
        "atLeast": item.at_least,
        "found": item.found,
        "unknown": item.unknown,
        "reason": item.reason,
        "ticket": item.ticket,
        "owner": item.owner,
        "expires": item.until,
    }


def audit(item: WaiverAudit) -> dict[str, Any]:
    """A waiver and what became of it."""
    return {
        "waiver": waiver(item.waiver),
        "status": item.status.value,
        "detail": item.detail,
        "findings": list(item.waived),
    }


def scope(report: Report) -> dict[str, Any]:
    """What the evaluation was limited to; ``label`` is the verdict with it, for people."""
    found = report.scope
    return {
        "label": words.headline(report),
        "profile": found.profile,
        "only": list(found.only),
        "skipped": [item._asdict() for item in found.skipped],
        "leftOut": found.left_out,
        "changed": [item._asdict() for item in found.changed],
        "files": list(found.files),
    }


def delta(item: Delta | None) -> dict[str, Any] | None:
    """The comparison with the previous report, null where there is none."""
    if item is None:
        return None
    return {
        "comparable": item.comparable,
        "counts": {change.value: count for change, count in item.counts},
        "resolved": [_seen(seen) for seen in item.resolved],
        "unconfirmed": [_seen(seen) for seen in item.unconfirmed],
    }


def _seen(seen: Seen) -> dict[str, Any]:
    return {
        "fingerprint": seen.fingerprint,
        "policy": seen.policy,
        "title": seen.title,
        "message": seen.message,
        "verdict": seen.verdict.value if seen.verdict else None,
        "before": seen.before.value if seen.before else None,
        "ending": seen.ending.value if seen.ending else None,
        "see": list(seen.see),
        "severity": seen.severity.value if seen.severity else None,
        "found": seen.found,
        "subject": subject(seen.subject),
        "key": seen.key,
        "identifiedBy": subject(seen.root) if seen.root else None,
    }


def subject(item: Subject) -> dict[str, str]:
    """What a finding is about."""
    return {
        "cluster": item.cluster,
        "apiVersion": item.api_version,
        "kind": item.kind,
        "namespace": item.namespace,
        "name": item.name,
    }


def gate(item: GateDecision | None) -> dict[str, Any] | None:
    """The gate's decision, null if none was requested."""
    if item is None:
        return None
    return {
        "passed": item.passed,
        "failOn": item.fail_on.value,
        "unknown": item.unknown,
        "newOnly": item.new_only,
        "status": item.status,
        "reasons": [
            {
                "policy": reason.policy,
                "text": reason.text,
                "findings": list(reason.findings),
            }
            for reason in item.reasons
        ],
    }
