"""What a policy's check yields: one outcome per subject, in the terms of the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import wraps
from typing import NamedTuple, ParamSpec

from service.core.evidence import Missing, Role
from service.kinds.ref import Pointer, Subject


class Verdict(StrEnum):
    """The result for one subject."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    WAIVED = "waived"
    ERROR = "error"


class Severity(StrEnum):
    """How severe a failure is; a separate axis from the verdict."""

    BLOCKER = "blocker"
    WARNING = "warning"
    INFO = "info"


P = ParamSpec("P")
RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.BLOCKER: 2}
"""Severities by how much they matter."""


class Command(NamedTuple):
    """A command, and the role of the cluster to run it on.

    As a policy gives it, "" is the cluster of the subject, and the host is the one that runs MTC.
    """

    text: str
    cluster: str = ""


def at_host(text: str) -> Command:
    """A command for the cluster that runs MTC: it alone has plans, MigClusters and MigStorages."""
    return Command(text, Role.HOST)


def at_destination(text: str) -> Command:
    """A command for the destination, where the finding is about an object of the source."""
    return Command(text, Role.DESTINATION)


class Outcome(NamedTuple):
    """One subject's result.

    ``key`` distinguishes several outcomes of one policy about the same subject (a port, a field)
    and is part of the fingerprint, so it must not hold anything that varies without meaning.
    ``commands`` are the exact commands that fix a failure, on the subject's cluster where they
    name none; ``observed`` is the number that a waiver may bound; ``examined`` how many objects a
    pass looked at. ``severity`` None is the policy's. (A named tuple for speed, as :class:`Ref`.)
    """

    verdict: Verdict
    subject: Subject
    message: str
    found: str = ""
    wanted: str = ""
    key: str = ""
    evidence: tuple[Pointer, ...] = ()
    commands: tuple[str | Command, ...] = ()
    missing: tuple[Missing, ...] = ()
    severity: Severity | None = None
    observed: float | None = None
    examined: int = 1


def passed(
    subject: Subject, message: str, *evidence: Pointer, key: str = "", examined: int = 1
) -> Outcome:
    """The prerequisite is met; ``examined`` objects were looked at."""
    return Outcome(Verdict.PASS, subject, message, key=key, evidence=evidence, examined=examined)


def failed(
    subject: Subject,
    message: str,
    *evidence: Pointer,
    found: str,
    wanted: str,
    key: str = "",
    commands: Iterable[str | Command] = (),
    severity: Severity | None = None,
    observed: float | None = None,
) -> Outcome:
    """The prerequisite is not met: ``message`` names it, ``found`` and ``wanted`` the two sides."""
    return Outcome(
        Verdict.FAIL,
        subject,
        message,
        found,
        wanted,
        key,
        evidence,
        tuple(commands),
        severity=severity,
        observed=observed,
    )


def unknown(
    subject: Subject,
    message: str,
    *missing: Missing,
    key: str = "",
    evidence: tuple[Pointer, ...] = (),
    severity: Severity | None = None,
) -> Outcome:
    """The evidence cannot decide; ``missing`` says what would."""
    return Outcome(
        Verdict.UNKNOWN,
        subject,
        message,
        key=key,
        evidence=evidence,
        missing=missing,
        severity=severity,
    )


def not_applicable(subject: Subject, message: str, *evidence: Pointer, key: str = "") -> Outcome:
    """The prerequisite does not concern this subject; ``message`` says why."""
    return Outcome(Verdict.NOT_APPLICABLE, subject, message, key=key, evidence=evidence)


Check = Callable[P, Iterator[Outcome]]
"""What makes outcomes, such as a policy's ``check``."""


def passes_beside(*severities: Severity) -> Callable[[Check[P]], Check[P]]:
    """A decorator of checks that end with a pass (or not applicable) for the whole.

    It is reported only if nothing was found before it but outcomes with one of these severities.
    """

    def decorate(check: Check[P]) -> Check[P]:
        @wraps(check)
        def checked(*args: P.args, **kwargs: P.kwargs) -> Iterator[Outcome]:
            sound = True
            for outcome in check(*args, **kwargs):
                if outcome.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE):
                    sound = sound and outcome.severity in severities
                elif not sound:
                    continue
                yield outcome

        return checked

    return decorate


passes_alone = passes_beside()
"""A decorator of checks whose pass for the whole is reported only if nothing else was found."""
