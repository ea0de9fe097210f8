"""The result of an evaluation."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from service.core.decision.marks import Change, Delta, GateDecision, Waiver, WaiverAudit
from service.core.evidence import Missing, Problem
from service.core.link import Link
from service.core.migration import Part
from service.core.outcome import Command, Severity, Verdict
from service.core.scope import WHOLE, Scope
from service.kinds.ref import Pointer, Subject


class Readiness(StrEnum):
    """The verdict over all: may the migration start?"""

    READY = "ready"
    NOT_READY = "not_ready"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """One policy's result for one subject, ready to be shown.

    ``waiver`` is what made a finding ``waived``, and ``original`` its verdict before. ``change``
    compares with the previous report, if one was given; ``worse`` says that the verdict or the
    severity got worse since, ``before`` is the verdict then, if it was not good; it stays ``fail``
    for an unknown that failed when there was evidence last.
    ``waits_for`` are the fingerprints of the blockers that keep it open: see
    :func:`service.core.roots.with_roots`. ``root`` is what the finding is
    identified by where that is not ``subject`` and ``key``: the item that the policy checked (see
    :attr:`Policy.single`). (A named tuple for speed, as :class:`Ref`.)
    """

    policy: str
    title: str
    verdict: Verdict
    severity: Severity
    message: str
    subject: Subject
    fingerprint: str
    key: str = ""
    found: str = ""
    wanted: str = ""
    evidence: tuple[Pointer, ...] = ()
    remedy: str = ""
    commands: tuple[Command, ...] = ()
    missing: tuple[Missing, ...] = ()
    docs: tuple[Link, ...] = ()
    observed: float | None = None
    examined: int = 1
    waiver: Waiver | None = None
    original: Verdict | None = None
    change: Change | None = None
    worse: bool = False
    before: Verdict | None = None
    root: Subject | None = None
    waits_for: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[Subject, str]:
        """What the finding is about, whatever its verdict: a subject, and a thing of it or ""."""
        return (self.subject, self.key) if self.root is None else (self.root, "")


@dataclass(frozen=True, slots=True)
class ClusterSummary:
    """What the report says of a cluster: enough to see that the right one was judged.

    ``namespaces`` are those of the plan, as they are called there.
    """

    role: str
    name: str
    given: bool
    host: bool
    openshift: str
    mtc: str
    platform: str
    objects: int
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one evaluation says.

    Every policy appears in ``findings``, or with a reason among those that ``scope`` skipped.

    ``assumed`` names what the caller asked to assume in place of what the evidence says
    (("OpenShift", "4.16.3"), ...): such a report is a what-if. ``releases`` is date and name of the
    release data that were used.
    """

    verdict: Readiness
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    clusters: tuple[ClusterSummary, ...]
    plan: str
    parts: tuple[Part, ...]
    policy_set: str
    as_of: datetime
    releases: str = ""
    assumed: tuple[tuple[str, str], ...] = ()
    waivers: tuple[WaiverAudit, ...] = ()
    delta: Delta | None = None
    gate: GateDecision | None = None
    scope: Scope = WHOLE

    @property
    def counts(self) -> Mapping[str, int]:
        """How many findings have each verdict; every verdict is a key."""
        counted = Counter(finding.verdict for finding in self.findings)
        return {verdict.value: counted.get(verdict, 0) for verdict in Verdict}


def fingerprint(policy: str, subject: Subject, key: str) -> str:
    """A name for a finding that is stable over verdict, order, file names, wording and time.

    The API version is left out of the subject (an object keeps its identity over it); the group
    stays. Every field is length-prefixed, so no two lists of fields meet in one text.
    """
    cluster, group = subject.cluster, subject.api_version.rpartition("/")[0]
    kind, space, name = subject.kind, subject.namespace, subject.name
    text = (
        f"{len(policy)}:{policy}{len(cluster)}:{cluster}{len(group)}:{group}{len(kind)}:{kind}"
        f"{len(space)}:{space}{len(name)}:{name}{len(key)}:{key}"
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def readiness(findings: Iterable[Finding], problems: Iterable[Problem]) -> Readiness:
    """The verdict over all findings.

    ``not_ready`` if any blocker fails; else ``unknown`` if any blocker is unknown or in error,
    or a part of the input could not be read; else ``ready``, but never over nothing.
    """
    blockers = [item.verdict for item in findings if item.severity is Severity.BLOCKER]
    if Verdict.FAIL in blockers:
        return Readiness.NOT_READY
    if Verdict.UNKNOWN in blockers or Verdict.ERROR in blockers:
        return Readiness.UNKNOWN
    if any(problem.blocks for problem in problems):
        return Readiness.UNKNOWN
    if not any(verdict in (Verdict.PASS, Verdict.WAIVED) for verdict in blockers):
        return Readiness.UNKNOWN
    return Readiness.READY
