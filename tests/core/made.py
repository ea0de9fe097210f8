"""Findings and reports as short as a test needs them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from service.core.evidence import Problem
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Report, fingerprint, readiness
from service.kinds.ref import Origin, Pointer, Subject

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCE = Subject("source", kind="Cluster", name="source")
DESTINATION = Subject("destination", kind="Cluster", name="destination")


def volume(name: str, cluster: str = "source") -> Subject:
    return Subject(cluster, "v1", "PersistentVolume", "", name)


def claim(namespace: str, name: str) -> Subject:
    return Subject("source", "v1", "PersistentVolumeClaim", namespace, name)


def finding(policy: str, verdict: str, subject: Subject = SOURCE, **more: Any) -> Finding:
    key = more.pop("key", "")
    severity = Severity(more.pop("severity", "blocker"))
    fields = {
        "policy": policy,
        "title": f"The rule of {policy} holds",
        "verdict": Verdict(verdict),
        "severity": severity,
        "message": f"{policy}: {verdict}",
        "subject": subject,
        "fingerprint": fingerprint(policy, subject, key),
        "key": key,
        "evidence": (Pointer(Origin("source.tar", "a/b.yaml"), "/status/phase", "Failed"),),
    }
    return Finding(**{**fields, **more})


def report(*findings: Finding, problems: tuple[Problem, ...] = (), **more: Any) -> Report:
    fields = {
        "verdict": readiness(findings, problems),
        "findings": findings,
        "problems": problems,
        "clusters": (),
        "plan": "openshift-migration/shop",
        "parts": (),
        "policy_set": "0123456789abcdef",
        "as_of": NOW,
    }
    return Report(**{**fields, **more})


BROKEN = Problem("yaml-syntax", "line 3 is no YAML", part="source.yaml")
NOTED = Problem("empty-part", "nothing in it", part="notes.txt", blocks=False)
