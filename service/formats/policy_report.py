"""A Kubernetes PolicyReport (wgpolicyk8s.io/v1alpha2), ready for `oc apply -f -`.

The fields are those of the custom resource definition in kubernetes-sigs/wg-policy-prototypes,
policy-report/crd/v1alpha2.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any

from service.core.deadline import paced
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Report
from service.formats import words
from service.formats.format_base import Context, Format
from service.formats.json_report import dumps
from service.kinds.mtc import MTC_NAMESPACE

MOST_BYTES = 1_000_000
"""An object of this size still fits into etcd, whose default limit is 1.5 MiB per request."""

_SEVERITIES = {Severity.BLOCKER: "high", Severity.WARNING: "medium", Severity.INFO: "low"}
_RESULTS = {
    Verdict.PASS: "pass",
    Verdict.UNKNOWN: "error",  # "policies that could not be evaluated"
    Verdict.ERROR: "error",
    Verdict.WAIVED: "skip",
    Verdict.NOT_APPLICABLE: "skip",
}
_LONGEST_NAME = 63
_LONGEST_NOTE = 100_000  # all annotations of an object together may have 256 KiB


def render(report: Report, context: Context) -> bytes:
    """The report as JSON. Where it is too large for etcd, the least urgent results are left out.

    The summary counts all results; an annotation says how many were left out.
    """
    names = {policy.id: policy.name for policy in context.policies}
    summary = dict.fromkeys(("pass", "fail", "warn", "error", "skip"), 0)
    summary.update(Counter(_outcome(item) for item in report.findings))
    results: list[dict[str, Any]] = []
    room = MOST_BYTES
    for finding in paced(words.by_urgency(report.findings)):
        result = _result(finding, names.get(finding.policy, ""), report)
        room -= len(dumps(result)) + 1
        if room < 0:
            break
        results.append(result)
    omitted = len(report.findings) - len(results)
    return dumps(
        {
            "apiVersion": "wgpolicyk8s.io/v1alpha2",
            "kind": "PolicyReport",
            "metadata": _metadata(report, context, omitted),
            "summary": summary,
            "results": results,
        }
    )


def _metadata(report: Report, context: Context, omitted: int) -> dict[str, Any]:
    annotations = {
        "mtc-preflight/verdict": report.verdict.value,
        "mtc-preflight/plan": words.line(report.plan),
        "mtc-preflight/policy-set": report.policy_set,
        "mtc-preflight/version": context.version,
    }
    if report.assumed:
        annotations["mtc-preflight/what-if"] = words.what_if(report)
    limits = "\n".join(words.limits(report))
    if str(report.scope):
        annotations["mtc-preflight/scope"] = words.line(str(report.scope))
    if limits:
        annotations["mtc-preflight/limits"] = limits[:_LONGEST_NOTE]
    if omitted:
        annotations["mtc-preflight/omitted-results"] = str(omitted)
    if report.gate is not None:
        annotations["mtc-preflight/gate"] = "open" if report.gate.passed else "closed"
    return {
        "name": object_name(report.plan),
        "namespace": MTC_NAMESPACE,
        "labels": {"app.kubernetes.io/managed-by": "mtc-preflight"},
        "annotations": annotations,
    }


def object_name(plan: str) -> str:
    """A name that Kubernetes takes, one per plan: the plan's own where it is short enough."""
    if not plan:
        return "mtc-preflight"
    name = "mtc-preflight-" + plan.rpartition("/")[2]
    if len(name) <= _LONGEST_NAME and re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        return name
    mark = hashlib.sha256(plan.encode("utf-8", "replace")).hexdigest()[:10]
    return f"mtc-preflight-{mark}"


def _outcome(finding: Finding) -> str:
    if finding.verdict is Verdict.FAIL:
        return "fail" if finding.severity is Severity.BLOCKER else "warn"
    return _RESULTS[finding.verdict]


def _result(finding: Finding, name: str, report: Report) -> dict[str, Any]:
    subject = finding.subject
    properties = {
        "fingerprint": finding.fingerprint,
        "verdict": finding.verdict.value,
        "cluster": subject.cluster,
        "found": finding.found,
        "wanted": finding.wanted,
        "key": finding.key,
        "change": finding.change.value if finding.change else "",
        "commands": "\n".join(words.prompted(finding)),
    }
    if finding.waiver is not None:
        properties["waiver"] = f"{finding.waiver.owner}: {finding.waiver.reason}"
        properties["waivedUntil"] = finding.waiver.until
    result: dict[str, Any] = {
        "source": "mtc-preflight",
        "category": "MTC prerequisites",
        "policy": finding.policy,
        "rule": name,
        "result": _outcome(finding),
        "severity": _SEVERITIES[finding.severity],
        "scored": finding.severity is Severity.BLOCKER,
        "message": words.safe(finding.message),
        "timestamp": {"seconds": int(report.as_of.timestamp()), "nanos": 0},
        "properties": {key: words.safe(value) for key, value in properties.items() if value},
    }
    if subject.api_version and subject.kind:
        reference = {
            "apiVersion": subject.api_version,
            "kind": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
        }
        result["resources"] = [{key: value for key, value in reference.items() if value}]
    return result


FORMAT = Format(
    "policyreport",
    "application/vnd.wgpolicyk8s.policyreport+json",
    "policyreport.json",
    render,
    "a Kubernetes PolicyReport for oc apply",
)
