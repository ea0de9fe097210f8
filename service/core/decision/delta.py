"""The change since a previous report: without a database, by fingerprints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from service.core.deadline import paced
from service.core.decision.marks import Change, Delta, Ending, Seen
from service.core.outcome import RANK, Severity, Verdict
from service.core.report import Finding, Report, fingerprint
from service.kinds.redact import redact
from service.kinds.ref import Subject

OPEN = frozenset((Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR))
"""The verdicts that somebody has to do something about."""

DARK = frozenset((Verdict.UNKNOWN, Verdict.ERROR))
"""The verdicts of what could not be judged."""

_PRESENT = OPEN | {Verdict.WAIVED}

_SUBJECT = ("cluster", "apiVersion", "kind", "namespace", "name")

_WHOLE = frozenset(("MigPlan", "Migration"))

FINGERPRINT = r"^[0-9a-f]{32}$"
_BAD = {
    Verdict.PASS: 0,
    Verdict.NOT_APPLICABLE: 0,
    Verdict.WAIVED: 0,
    Verdict.UNKNOWN: 1,
    Verdict.ERROR: 1,
    Verdict.FAIL: 2,
}

E = TypeVar("E", Verdict, Severity, Ending)


class MalformedPrevious(ValueError):
    """The previous report is not one; ``pointer`` is a JSON pointer within it."""

    def __init__(self, pointer: str, wanted: str) -> None:
        super().__init__(f"previous{pointer}: {wanted}")
        self.pointer = pointer
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class Previous:
    """What is known of the previous evaluation; ``policy_set`` "" where it does not say."""

    seen: Mapping[str, Seen]
    policy_set: str = ""


def parse(raw: object) -> Previous:
    """The previous report from plain data. Raises MalformedPrevious.

    Either a JSON report of this service (an object with ``findings``), or a list whose items are
    such findings or bare fingerprints. A bare fingerprint says that the finding was open. What the
    report itself could not confirm (``delta.unconfirmed``) is open still.
    """
    policy_set: object = ""
    base = ""
    carried: Iterable[Seen] = ()
    if isinstance(raw, Mapping):
        policy_set = raw.get("policySet", raw.get("policy_set", ""))
        compared = raw.get("delta")
        if isinstance(compared, Mapping):
            carried = parse_seen(compared.get("unconfirmed", ()), "/delta/unconfirmed")
        raw = raw.get("findings")
        base = "/findings"
    known = {item.fingerprint: item for item in (*carried, *parse_seen(raw, base))}
    return Previous(known, policy_set if isinstance(policy_set, str) else "")


def parse_seen(raw: object, base: str) -> list[Seen]:
    """Findings as a report or baseline has them. Raises MalformedPrevious."""
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        raise MalformedPrevious(base, "expected a report, or a list of fingerprints")
    return [_seen(f"{base}/{place}", item) for place, item in enumerate(paced(raw))]


def compare(report: Report, previous: Previous) -> Report:
    """The report with the change of each finding, and what became of those that are gone.

    Fails, unknowns, errors and waived findings are ``new``, ``unchanged`` or ``changed`` (verdict,
    severity or found value); others are ``resolved`` where they failed or were waived before,
    ``changed`` where they were unknown, and have no change otherwise. A previous finding that is
    gone is resolved only where this evaluation could have seen it: while its policy was not
    evaluated, or is unknown for its cluster, or input could not be read, it is ``unconfirmed``.
    """
    matched = tuple((item, _previous(item, previous)) for item in paced(report.findings))
    findings = tuple(_marked(item, was) for item, was in matched)
    here = {was.fingerprint for _, was in matched if was}
    gone = [item for mark, item in previous.seen.items() if mark not in here and _was_present(item)]
    blind = _Blind(report)
    unconfirmed = tuple(item for item in gone if blind(item))
    here_now = _Now(findings)
    resolved = tuple(_ended(item, here_now) for item in paced(gone) if not blind(item))
    counted = Counter(item.change for item in findings if item.change)
    counted[Change.RESOLVED] += len(resolved)
    delta = Delta(
        resolved=resolved,
        unconfirmed=unconfirmed,
        counts=tuple((change, counted.get(change, 0)) for change in Change),
        comparable=previous.policy_set == report.policy_set,
    )
    return replace(report, findings=findings, delta=delta)


MOST_SEE = 20
"""A closed unknown names at most so many of the findings that report its result now."""

FORMER_KEYS = ("not-gathered", "error")
"""Up to release 0.1 these keys of unknowns and errors were part of the fingerprint."""


def _previous(finding: Finding, previous: Previous) -> Seen | None:
    """What the previous report has for this finding, under its current fingerprint or that of
    0.1."""
    was = previous.seen.get(finding.fingerprint)
    if was is not None or finding.root is None:
        return was
    named = [(finding.subject, finding.key), *((finding.root, key) for key in FORMER_KEYS)]
    former = (fingerprint(finding.policy, subject, key) for subject, key in named)
    return next((previous.seen[mark] for mark in former if mark in previous.seen), None)


class _Now:
    """Of each policy and cluster: the verdicts, and the findings that are open."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._by_policy: dict[str, list[Finding]] = {}
        self._known: dict[tuple[str, str], tuple[set[Verdict], list[str]]] = {}
        for finding in findings:
            self._by_policy.setdefault(finding.policy, []).append(finding)

    def __call__(self, policy: str, cluster: str) -> tuple[set[Verdict], list[str]]:
        """Of a policy for a cluster, or for all ("")."""
        key = (policy, cluster)
        if key not in self._known:
            found = [
                item
                for item in self._by_policy.get(policy, ())
                if not cluster or _cluster(item.subject) in ("", cluster)
            ]
            still = sorted(item.fingerprint for item in found if item.verdict in OPEN)
            self._known[key] = {item.verdict for item in found}, still
        return self._known[key]


def _ended(seen: Seen, now: _Now) -> Seen:
    """Why a finding that is gone is closed; nothing is met that is not a pass of its policy."""
    verdicts, still = now(seen.policy, _cluster(seen.subject))
    if seen.verdict in DARK and still:
        return replace(seen, ending=Ending.EVIDENCE_ARRIVED, see=tuple(still[:MOST_SEE]))
    if not still and Verdict.PASS in verdicts:
        return replace(seen, ending=Ending.MET)
    if verdicts == {Verdict.NOT_APPLICABLE}:
        return replace(seen, ending=Ending.NOT_APPLICABLE)
    return replace(seen, ending=Ending.NOT_FOUND)


def _marked(finding: Finding, was: Seen | None) -> Finding:
    if was is None:
        change = Change.NEW if finding.verdict in _PRESENT else None
        return finding._replace(change=change, worse=False, before=None)
    moved = _change(finding, was)
    worse = moved is Change.CHANGED and _worse(finding, was)
    before = last(was) if _was_present(was) else None
    return finding._replace(change=moved, worse=worse, before=before)


def _change(finding: Finding, was: Seen) -> Change | None:
    if finding.verdict not in _PRESENT:
        if last(was) in DARK:
            return Change.CHANGED
        return Change.RESOLVED if _was_present(was) else None
    if not _was_present(was):
        return Change.NEW
    return Change.UNCHANGED if _same(finding, was) else Change.CHANGED


def _same(finding: Finding, was: Seen) -> bool:
    return (
        was.verdict in (None, finding.verdict)
        and was.severity in (None, finding.severity)
        and was.found in (None, finding.found)
    )


def _worse(finding: Finding, was: Seen) -> bool:
    if was.verdict is not None and _BAD[finding.verdict] > _BAD[was.verdict]:
        return True
    return was.severity is not None and RANK[finding.severity] > RANK[was.severity]


def last(seen: Seen) -> Verdict | None:
    """The verdict when there was evidence last: an unknown that failed before counts as failed."""
    return Verdict.FAIL if seen.verdict in DARK and seen.before is Verdict.FAIL else seen.verdict


def _was_present(seen: Seen) -> bool:
    return seen.verdict is None or seen.verdict in _PRESENT


class _Blind:
    """Whether this evaluation could not have seen a finding that it does not have."""

    def __init__(self, report: Report) -> None:
        dark = [item for item in report.findings if item.verdict in DARK]
        self._anything = bool(dark)
        self._unread = any(problem.blocks for problem in report.problems)
        self._places = {(item.policy, _cluster(item.subject)) for item in dark}
        self._evaluated = {item.policy for item in report.findings}

    def __call__(self, seen: Seen) -> bool:
        if self._unread:
            return True
        if not seen.policy:
            return self._anything
        if seen.policy not in self._evaluated:
            return True
        # An unknown of the migration as a whole hides what any cluster has; a finding of the
        # whole is hidden by an unknown of any.
        cluster = _cluster(seen.subject)
        if not cluster:
            return any(policy == seen.policy for policy, _ in self._places)
        return bool({(seen.policy, cluster), (seen.policy, "")} & self._places)


def _cluster(subject: Subject) -> str:
    """The cluster that a finding is about; "" where it is the migration, wherever its plan is."""
    return "" if subject.kind in _WHOLE else subject.cluster


def _seen(place: str, raw: object) -> Seen:
    if isinstance(raw, str):
        return Seen(_fingerprint(place, raw))
    if not isinstance(raw, Mapping):
        raise MalformedPrevious(place, "expected a finding or a fingerprint")
    root = raw.get("identifiedBy")
    return Seen(
        fingerprint=_fingerprint(f"{place}/fingerprint", raw.get("fingerprint")),
        verdict=_word(place, raw, "verdict", Verdict),
        severity=_word(place, raw, "severity", Severity),
        before=_word(place, raw, "before", Verdict),
        policy=_text(place, raw, "policy"),
        title=redact(_text(place, raw, "title")),
        message=redact(_text(place, raw, "message")),
        found=redact(_text(place, raw, "found")) if raw.get("found") is not None else None,
        subject=_subject(f"{place}/subject", raw.get("subject")),
        ending=_word(place, raw, "ending", Ending),
        see=_marks(place, raw.get("see", [])),
        key=redact(_text(place, raw, "key")),
        root=_subject(f"{place}/identifiedBy", root) if root is not None else None,
    )


def _marks(place: str, raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise MalformedPrevious(f"{place}/see", "expected a list of fingerprints")
    return tuple(_fingerprint(f"{place}/see/{index}", item) for index, item in enumerate(raw))


def _fingerprint(place: str, value: object) -> str:
    if isinstance(value, str) and re.match(FINGERPRINT, value) and value.isalnum():
        return value
    raise MalformedPrevious(place, "expected a fingerprint (32 hex digits)")


def _text(place: str, raw: Mapping[Any, Any], key: str) -> str:
    value = raw.get(key, "")
    if isinstance(value, str):
        return value
    raise MalformedPrevious(f"{place}/{key}", "wanted text")


def _word(place: str, raw: Mapping[Any, Any], key: str, kind: type[E]) -> E | None:
    value = raw.get(key)
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        words = ", ".join(kind)
        raise MalformedPrevious(f"{place}/{key}", f"expected one of {words}") from None


def _subject(place: str, raw: object) -> Subject:
    if raw is None:
        return Subject()
    if not isinstance(raw, Mapping):
        raise MalformedPrevious(place, "expected an object")
    return Subject(*(_text(place, raw, key) for key in _SUBJECT))


def baseline(findings: Iterable[Finding], unconfirmed: Iterable[Seen] = ()) -> list[dict[str, Any]]:
    """The shortest thing that :func:`parse` takes back: what was wrong or waived, and how.

    ``unconfirmed`` are open findings of earlier reports that this one could not look at.
    """
    present = (item for item in paced(findings) if item.verdict in _PRESENT)
    return [*map(_kept, unconfirmed), *map(_kept, present)]


def _kept(item: Finding | Seen) -> dict[str, Any]:
    return {
        "fingerprint": item.fingerprint,
        "policy": item.policy,
        "title": item.title,
        "verdict": item.verdict.value if item.verdict else None,
        "before": item.before.value if item.before else None,
        "severity": item.severity.value if item.severity else None,
        "found": item.found,
        "subject": _plain(item.subject),
        "key": item.key,
        "identifiedBy": _plain(item.root) if item.root else None,
    }


def _plain(subject: Subject) -> dict[str, str]:
    return dict(zip(_SUBJECT, subject, strict=True))
