"""A stored JSON report back into a report, to be rendered in another form.

Nothing of it is trusted: every field is checked, every text is redacted again, and verdict, counts
and gate are computed again. Reports of release 0.1, which lack some fields, are read as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import zip_longest
from typing import Any, TypeVar

from service.core.deadline import paced
from service.core.decision import delta
from service.core.decision.marks import Change, Delta, Waiver, WaiverAudit, WaiverStatus
from service.core.evidence import CHECKS, Attempt, Fetch, Missing, Problem, Role
from service.core.facts.declared import PODS, PROBE_TARGETS
from service.core.link import Link
from service.core.migration import Part
from service.core.outcome import Command, Severity, Verdict
from service.core.report import ClusterSummary, Finding, Report, readiness
from service.core.scope import FULL, WHOLE, Changed, Scope, Skipped
from service.kinds.redact import redact
from service.kinds.ref import Origin, Pointer, Subject
from service.kinds.registry import resource_named

MOST_FINDINGS = 100_000
HTTPS = r"^https://[^\s<>\x22\x27]+$"

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class MalformedReport(ValueError):
    """The document is no report of this service; ``pointer`` is a JSON pointer within it."""

    def __init__(self, pointer: str, wanted: str) -> None:
        super().__init__(f"{pointer or '/'}: expected {wanted}")
        self.pointer = pointer
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class _Object:
    """A JSON object and where it is; reads its fields, each of one type."""

    value: Mapping[str, Any]
    pointer: str

    @classmethod
    def of(cls, value: object, pointer: str) -> _Object:
        if isinstance(value, Mapping):
            return cls(value, pointer)
        raise MalformedReport(pointer, "an object")

    def text(self, key: str) -> str:
        """A text without secrets, "" where it is not there."""
        return redact(self._typed(key, str, "a text") or "")

    def number(self, key: str) -> int | None:
        value = self.value.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise MalformedReport(f"{self.pointer}/{key}", "a whole number or null")

    def measure(self, key: str) -> float | None:
        value = self.value.get(key)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        raise MalformedReport(f"{self.pointer}/{key}", "a number or null")

    def flag(self, key: str, default: bool = False) -> bool:
        value: bool | None = self._typed(key, bool, "true or false")
        return default if value is None else value

    def word(self, key: str, kind: type[E]) -> E:
        found = self.maybe(key, kind)
        if found is None:
            raise MalformedReport(f"{self.pointer}/{key}", f"one of {', '.join(kind)}")
        return found

    def maybe(self, key: str, kind: type[E]) -> E | None:
        value = self.value.get(key)
        if value is None:
            return None
        if isinstance(value, str) and value in set(kind):
            return kind(value)
        raise MalformedReport(f"{self.pointer}/{key}", f"one of {', '.join(kind)}")

    def time(self, key: str) -> datetime:
        try:
            found = datetime.fromisoformat(self.text(key))
        except ValueError:
            raise MalformedReport(f"{self.pointer}/{key}", "a time (ISO 8601)") from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def down(self, key: str) -> _Object:
        """An object that must be there."""
        return _Object.of(self.value.get(key), f"{self.pointer}/{key}")

    def optional(self, key: str) -> _Object | None:
        return None if self.value.get(key) is None else self.down(key)

    def many(self, key: str, read: Callable[[_Object], T]) -> tuple[T, ...]:
        pointer = f"{self.pointer}/{key}"
        rows = self._list(key)
        return tuple(read(_Object.of(row, f"{pointer}/{i}")) for i, row in enumerate(paced(rows)))

    def texts(self, key: str) -> tuple[str, ...]:
        rows = self._list(key)
        if all(isinstance(row, str) for row in rows):
            return tuple(map(redact, rows))
        raise MalformedReport(f"{self.pointer}/{key}", "a list of texts")

    def _list(self, key: str) -> Sequence[Any]:
        value = self.value.get(key)
        if value is None:
            return ()
        if isinstance(value, list) and len(value) <= MOST_FINDINGS:
            return value
        raise MalformedReport(f"{self.pointer}/{key}", f"a list of at most {MOST_FINDINGS}")

    def _typed(self, key: str, kind: type[T], wanted: str) -> T | None:
        value = self.value.get(key)
        if value is None or isinstance(value, kind):
            return value
        raise MalformedReport(f"{self.pointer}/{key}", wanted)


def read(raw: object) -> Report:
    """The report of a JSON document, without a gate. Raises MalformedReport."""
    document = _Object.of(raw, "")
    if "findings" not in document.value or "policySet" not in document.value:
        raise MalformedReport("", "a JSON report of this service (format=json)")
    findings = document.many("findings", _finding)
    problems = document.many("problems", _problem)
    return Report(
        verdict=readiness(findings, problems),
        findings=findings,
        problems=problems,
        clusters=document.many("clusters", _cluster),
        plan=document.text("plan"),
        parts=document.many("parts", _part),
        policy_set=document.text("policySet"),
        as_of=document.time("asOf"),
        releases=document.text("releases") if "releases" in document.value else "",
        assumed=document.many("assumed", lambda row: (row.text("name"), row.text("version"))),
        waivers=document.many("waivers", _audit),
        delta=_delta(document.optional("delta")),
        scope=_scope(document.optional("scope")),
    )


def _finding(row: _Object) -> Finding:
    remediation = row.optional("remediation")
    root = row.optional("identifiedBy")
    waiver = row.optional("waiver")
    return Finding(
        policy=row.text("policy"),
        title=row.text("title"),
        verdict=row.word("verdict", Verdict),
        severity=row.word("severity", Severity),
        message=row.text("message"),
        subject=_subject(row.down("subject")),
        fingerprint=_mark(row),
        key=row.text("key"),
        found=row.text("found"),
        wanted=row.text("wanted"),
        evidence=row.many("evidence", _evidence),
        remedy=remediation.text("text") if remediation else "",
        commands=_commands(remediation) if remediation else (),
        missing=row.many("missing", _missing),
        docs=row.many("docs", _link),
        observed=row.measure("observed"),
        examined=row.number("examined") or 0,
        waiver=_waiver(waiver) if waiver else None,
        original=row.maybe("waivedVerdict", Verdict),
        change=row.maybe("change", Change),
        before=row.maybe("before", Verdict),
        root=_subject(root) if root else None,
        waits_for=row.texts("waitsFor"),
    )


def _commands(row: _Object) -> tuple[Command, ...]:
    """The commands, each with its cluster; older reports name none."""
    texts = row.texts("commands")
    clusters = row.texts("clusters")[: len(texts)]
    return tuple(Command(*pair) for pair in zip_longest(texts, clusters, fillvalue=""))


def _mark(row: _Object) -> str:
    mark = row.text("fingerprint")
    if re.fullmatch(delta.FINGERPRINT, mark):
        return mark
    raise MalformedReport(f"{row.pointer}/fingerprint", "32 hex digits")


def _subject(row: _Object) -> Subject:
    keys = ("cluster", "apiVersion", "kind", "namespace", "name")
    return Subject(*(row.text(key) for key in keys))


def _evidence(row: _Object) -> Pointer:
    origin = Origin(row.text("part"), row.text("member"), row.number("document") or 0)
    value = None if row.value.get("value") is None else row.text("value")
    about = row.optional("object")
    return Pointer(
        origin,
        row.text("pointer"),
        value,
        row.number("line"),
        _subject(about) if about else None,
    )


def _missing(row: _Object) -> Missing:
    fetch = row.optional("fetch")
    attempt = row.optional("attempt")
    return Missing(
        row.text("fact"),
        row.text("cluster"),
        row.text("command"),
        row.text("reason"),
        _fetch(fetch) if fetch else None,
        _attempt(attempt) if attempt else None,
    )


def _attempt(row: _Object) -> Attempt:
    known = {"target": PROBE_TARGETS, "cluster": ("", *Role), "check": CHECKS, "pod": PODS}
    for key, words in known.items():
        if row.text(key) not in words:
            raise MalformedReport(f"{row.pointer}/{key}", f"one of {', '.join(words)}")
    port = row.number("port") or 0
    if not 0 < port < 65536:
        raise MalformedReport(f"{row.pointer}/port", "a number from 1 to 65535")
    return Attempt(**{key: row.text(key) for key in (*known, "host")}, port=port)


def _fetch(row: _Object) -> Fetch:
    resource = row.text("resource")
    if resource_named(resource) is None:
        raise MalformedReport(f"{row.pointer}/resource", "a resource that policies read")
    return Fetch(resource, row.texts("namespaces"))


def _link(row: _Object) -> Link:
    url = row.text("url")
    if not re.fullmatch(HTTPS, url):
        raise MalformedReport(f"{row.pointer}/url", "an https address")
    return Link(row.text("title"), url)


def _problem(row: _Object) -> Problem:
    return Problem(
        code=row.text("code"),
        message=row.text("message"),
        hint=row.text("hint"),
        part=row.text("part"),
        member=row.text("member"),
        document=row.number("document"),
        line=row.number("line"),
        column=row.number("column"),
        pointer=row.text("pointer"),
        blocks=row.flag("blocks", default=True),
    )


def _cluster(row: _Object) -> ClusterSummary:
    return ClusterSummary(
        role=row.text("role"),
        name=row.text("name"),
        given=row.flag("given"),
        host=row.flag("host"),
        openshift=row.text("openshift"),
        mtc=row.text("mtc"),
        platform=row.text("platform"),
        objects=row.number("objects") or 0,
        namespaces=row.texts("namespaces"),
    )


def _part(row: _Object) -> Part:
    return Part(
        name=row.text("name"),
        role=row.text("role"),
        form=row.text("form"),
        documents=row.number("documents") or 0,
        objects=row.number("objects") or 0,
        collected=row.time("collected") if row.value.get("collected") else None,
        notes=list(row.texts("notes")),
    )


def _audit(row: _Object) -> WaiverAudit:
    return WaiverAudit(
        waiver=_waiver(row.down("waiver")),
        status=row.word("status", WaiverStatus),
        detail=row.text("detail"),
        waived=row.texts("findings"),
    )


def _waiver(row: _Object) -> Waiver:
    subject = row.down("subject")
    return Waiver(
        policy=row.text("policy"),
        reason=row.text("reason"),
        owner=row.text("owner"),
        expires=row.time("expires"),
        until=row.text("expires"),
        cluster=subject.text("cluster"),
        kind=subject.text("kind"),
        namespace=subject.text("namespace"),
        name=subject.text("name"),
        key=subject.text("key"),
        at_most=row.measure("atMost"),
        at_least=row.measure("atLeast"),
        found=row.text("found") if row.value.get("found") is not None else None,
        unknown=row.flag("unknown"),
        ticket=row.text("ticket"),
        id=row.text("id"),
    )


def _scope(row: _Object | None) -> Scope:
    if row is None:
        return WHOLE
    return Scope(
        profile=row.text("profile") or FULL,
        only=row.texts("only"),
        skipped=row.many("skipped", lambda item: Skipped(*map(item.text, Skipped._fields))),
        left_out=row.number("leftOut") or 0,
        changed=row.many("changed", lambda item: Changed(*map(item.text, Changed._fields))),
        files=row.texts("files"),
    )


def _delta(row: _Object | None) -> Delta | None:
    if row is None:
        return None
    counts = row.down("counts")
    try:
        resolved, unconfirmed = (
            tuple(delta.parse_seen(row.value.get(key) or [], f"{row.pointer}/{key}"))
            for key in ("resolved", "unconfirmed")
        )
    except delta.MalformedPrevious as error:
        raise MalformedReport(error.pointer, error.wanted) from None
    return Delta(
        resolved=resolved,
        unconfirmed=unconfirmed,
        counts=tuple((change, counts.number(change.value) or 0) for change in Change),
        comparable=row.flag("comparable"),
    )
