"""What a waiver looks like in plain data, and every way in which it can be wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Any

from service.core.deadline import check
from service.core.decision.marks import Waiver
from service.kinds.redact import redact

SELECTOR = ("cluster", "kind", "namespace", "name", "key")
_TEXTS = ("id", "ticket")
_NEEDED = ("policy", "reason", "owner", "expires")
_BOUNDS = {"atMost": "at_most", "atLeast": "at_least"}
KEYS = frozenset((*_TEXTS, *_NEEDED, *_BOUNDS, "subject", "found", "unknown"))
LONGEST = 2000
"""Most characters of a text."""
MOST = 1000
"""How many waivers one evaluation takes."""


@dataclass(frozen=True, slots=True)
class WaiverFault:
    """What is wrong with a waiver: ``pointer`` is a JSON pointer within the list."""

    pointer: str
    message: str


class MalformedWaiver(ValueError):
    """Waivers that cannot be used, each with its place; nothing is waived by guesswork."""

    def __init__(self, faults: Sequence[WaiverFault]) -> None:
        super().__init__("; ".join(f"waivers{fault.pointer}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


def parse(raw: object, policies: Mapping[str, str]) -> tuple[Waiver, ...]:
    """Waivers from plain data; ``policies`` maps each policy id to its name.

    A waiver is an object with ``policy`` (id or name), ``subject`` (globs for ``cluster``,
    ``kind``, ``namespace``, ``name`` and ``key``, at least one), ``reason``, ``owner`` and
    ``expires`` (a date, which includes that day in UTC, or an RFC 3339 time), and optionally
    ``atMost``/``atLeast`` (bounds on the observed number), ``found`` (the exact found value),
    ``unknown`` (true: it holds for an unknown too), ``ticket`` and ``id``.
    Raises MalformedWaiver with every fault at once.
    """
    if raw is None:
        return ()
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        raise MalformedWaiver([WaiverFault("", "expected a list of waivers")])
    if len(raw) > MOST:
        raise MalformedWaiver([WaiverFault("", f"{len(raw)} waivers; at most {MOST} are accepted")])
    ids = {**{name: key for key, name in policies.items()}, **{key: key for key in policies}}
    faults: list[WaiverFault] = []
    waivers = [_waiver(f"/{place}", item, ids, faults) for place, item in enumerate(raw)]
    if faults:
        raise MalformedWaiver(faults)
    return tuple(waiver for waiver in waivers if waiver is not None)


def _waiver(
    place: str, raw: object, ids: Mapping[str, str], faults: list[WaiverFault]
) -> Waiver | None:
    before = len(faults)
    if not isinstance(raw, Mapping):
        faults.append(
            WaiverFault(place, "expected an object with policy, subject, reason, owner, expires")
        )
        return None
    unknown = sorted(str(key) for key in raw.keys() - KEYS)
    faults.extend(WaiverFault(f"{place}/{key}", _unknown_key(key, KEYS)) for key in unknown)
    texts = {key: _text(place, raw, key, faults) for key in (*_TEXTS, *_NEEDED[:-1])}
    selector: dict[str, Any] = _selector(place, raw, faults)
    bounds: dict[str, Any] = {_BOUNDS[key]: _number(place, raw, key, faults) for key in _BOUNDS}
    found = redact(_text(place, raw, "found", faults)) if "found" in raw else None
    if not isinstance(raw.get("unknown", False), bool):
        faults.append(WaiverFault(f"{place}/unknown", "expected true or false"))
    expires = _expiry(place, raw, faults)
    policy = _policy(place, texts["policy"], ids, faults)
    if len(faults) > before or expires is None:
        return None
    return Waiver(
        policy=policy,
        reason=redact(texts["reason"]),
        owner=redact(texts["owner"]),
        ticket=redact(texts["ticket"]),
        id=redact(texts["id"]),
        expires=expires,
        until=str(raw["expires"]),
        found=found,
        unknown=raw.get("unknown", False),
        **selector,
        **bounds,
    )


def _text(place: str, raw: Mapping[Any, Any], key: str, faults: list[WaiverFault]) -> str:
    value = raw.get(key, "")
    if not isinstance(value, str):
        faults.append(WaiverFault(f"{place}/{key}", "wanted text"))
        return ""
    if key in _NEEDED and not value.strip():
        faults.append(WaiverFault(f"{place}/{key}", "missing: every waiver has one"))
    if len(value) > LONGEST:
        faults.append(WaiverFault(f"{place}/{key}", f"longer than {LONGEST} characters"))
        return ""
    return value.strip()


def _policy(place: str, value: str, ids: Mapping[str, str], faults: list[WaiverFault]) -> str:
    if value and value not in ids:
        near = get_close_matches(value, ids, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        faults.append(WaiverFault(f"{place}/policy", f"there is no policy {value!r}{hint}"))
    return ids.get(value, "")


def _selector(place: str, raw: Mapping[Any, Any], faults: list[WaiverFault]) -> dict[str, str]:
    subject = raw.get("subject")
    if not isinstance(subject, Mapping) or not subject:
        names = ", ".join(SELECTOR)
        text = f'expected an object with at least one of {names} (globs; "*" is everything)'
        faults.append(WaiverFault(f"{place}/subject", text))
        return {}
    selector = {}
    for key, value in subject.items():
        if key not in SELECTOR:
            faults.append(WaiverFault(f"{place}/subject/{key}", _unknown_key(str(key), SELECTOR)))
        elif not isinstance(value, str) or len(value) > LONGEST:
            faults.append(WaiverFault(f"{place}/subject/{key}", "wanted text"))
        else:
            selector[key] = value
    return selector


def _number(
    place: str, raw: Mapping[Any, Any], key: str, faults: list[WaiverFault]
) -> float | None:
    value = raw.get(key)
    if value is None:
        return None
    try:
        # A whole number of JSON may have more digits than a float can hold.
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        faults.append(WaiverFault(f"{place}/{key}", "expected a number"))
        return None
    return number


def _expiry(place: str, raw: Mapping[Any, Any], faults: list[WaiverFault]) -> datetime | None:
    value = raw.get("expires")
    if value is None:
        faults.append(WaiverFault(f"{place}/expires", "missing: every waiver must expire"))
        return None
    try:
        return _moment(value)
    except (ValueError, OverflowError):
        text = "expected a date (2026-01-31) or a time (2026-01-31T12:00:00Z)"
        faults.append(WaiverFault(f"{place}/expires", text))
        return None


def _moment(value: object) -> datetime:
    """The first moment at which the waiver no longer holds."""
    if isinstance(value, str):
        short = len(value) == len("2026-01-31")
        value = date.fromisoformat(value) if short else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC) + timedelta(days=1)
    raise ValueError("neither a date nor a time")


def _unknown_key(key: str, known: Iterable[str]) -> str:
    check()  # looking for the key that was meant takes its time, and there may be any number
    known = sorted(known)
    near = get_close_matches(key, known, 1)
    return (
        f"unknown key; did you mean {near[0]}?"
        if near
        else f"unknown key; known: {', '.join(known)}"
    )
