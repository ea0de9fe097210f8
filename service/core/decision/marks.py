"""What is added to findings after the evaluation: waivers, the change since, the gate."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from service.core.outcome import Severity, Verdict
from service.kinds.ref import Subject


@dataclass(frozen=True, slots=True)
class Waiver:
    """A risk that somebody accepts, for one policy and the subjects that the globs select.

    It holds until ``expires`` (exclusive, UTC; ``until`` is the expiry as it was written), for
    fails, and for unknowns only where ``unknown`` is set. ``at_most`` and ``at_least`` bound the
    finding's observed number, ``found`` pins the found value itself.
    """

    policy: str
    reason: str
    owner: str
    expires: datetime
    until: str
    cluster: str = "*"
    kind: str = "*"
    namespace: str = "*"
    name: str = "*"
    key: str = "*"
    at_most: float | None = None
    at_least: float | None = None
    found: str | None = None
    unknown: bool = False
    ticket: str = ""
    id: str = ""

    @property
    def label(self) -> str:
        """How a reader finds the waiver again: its id, or what it is about."""
        where = (self.cluster, self.kind, self.namespace, self.name)
        return self.id or f"{self.policy} {'/'.join(where)}"


class WaiverStatus(StrEnum):
    """What became of a waiver in one evaluation."""

    USED = "used"
    UNUSED = "unused"
    EXPIRED = "expired"
    EXCEEDED = "exceeded"


@dataclass(frozen=True, slots=True)
class WaiverAudit:
    """A waiver and what became of it; ``waived`` are the fingerprints that it took effect on."""

    waiver: Waiver
    status: WaiverStatus
    detail: str
    waived: tuple[str, ...] = ()


class Change(StrEnum):
    """How a finding compares with the previous report.

    ``resolved`` is a failed finding that passes now, or does not apply any more; an unknown that
    turned out to be met is ``changed``, for nothing was wrong.
    """

    NEW = "new"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    RESOLVED = "resolved"


class Ending(StrEnum):
    """Why a finding of the previous report is closed."""

    MET = "met"
    NOT_APPLICABLE = "not-applicable"
    WAIVED = "waived"
    EVIDENCE_ARRIVED = "evidence-arrived"
    NOT_FOUND = "not-found"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a previous report has for one finding; None or "" where it only gave a fingerprint.

    ``before`` is the verdict that it had when there was evidence last (see :class:`Finding`).
    ``ending`` is why it is closed, for one that this report does not have; ``see`` are the open
    findings of this report that answer for it now. ``key`` and ``root`` are those of the finding.
    """

    fingerprint: str
    verdict: Verdict | None = None
    severity: Severity | None = None
    before: Verdict | None = None
    policy: str = ""
    title: str = ""
    message: str = ""
    found: str | None = None
    subject: Subject = field(default_factory=Subject)
    ending: Ending | None = None
    see: tuple[str, ...] = ()
    key: str = ""
    root: Subject | None = None

    @property
    def identity(self) -> tuple[Subject, str]:
        """What the finding was about, as :attr:`Finding.identity`."""
        return (self.subject, self.key) if self.root is None else (self.root, "")


@dataclass(frozen=True, slots=True)
class Delta:
    """The comparison with the previous report.

    ``resolved`` are its open findings that are gone. ``unconfirmed`` are gone too, but their policy
    was not evaluated this time, or without the evidence that shows them. ``comparable`` is False
    where the previous report comes from other policies (or does not say), so that a new finding may
    be a new policy.
    """

    resolved: tuple[Seen, ...]
    unconfirmed: tuple[Seen, ...]
    counts: tuple[tuple[Change, int], ...]
    comparable: bool


@dataclass(frozen=True, slots=True)
class GateReason:
    """Why a gate is closed; ``policy`` is "" where no finding but the input is the reason.

    ``unknown`` says that the policy could not be judged.
    """

    text: str
    policy: str = ""
    findings: tuple[str, ...] = ()
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class GateDecision:
    """What the gate says: may the pipeline go on?

    ``fail_on``, ``unknown`` and ``new_only`` repeat what was asked for; ``status`` is True where
    the caller wants a closed gate to be the HTTP status.
    """

    passed: bool
    reasons: tuple[GateReason, ...]
    fail_on: Severity
    unknown: str
    new_only: bool
    status: bool
