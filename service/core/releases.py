"""What was published of OpenShift, MTC and OADP: newest releases, support, pairing, known bugs.

One file holds it (policies/data/releases.json, or the operator's own); this module reads it as
plain data and answers questions. Each part names its source and date. A file grows old: a cluster
behind it is behind, a cluster level with it may be, unless the stream has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from service.core.values.versions import Version, parse_or_none
from service.kinds.ref import Malformed, pointer_step
from service.kinds.shape import rows, table, text, texts

Stream = tuple[int, int]
"""A minor release, as (major, minor)."""
SEVERITIES = ("blocker", "warning", "info")
DIRECTIONS = ("3-to-4", "4-to-4", "any")


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest release of a stream; ``ended`` says why no later one comes, "" where one may.

    ``elsewhere`` marks a release of another channel than was asked about.
    """

    version: Version
    published: date
    source: str
    ended: str = ""
    ends: date | None = None
    elsewhere: bool = False

    def __str__(self) -> str:
        return f"{self.source}, {self.published.isoformat()}"


@dataclass(frozen=True, slots=True)
class Streams:
    """A range of minor releases, both ends included; ``last`` None is open."""

    first: Stream
    last: Stream | None

    def __contains__(self, stream: Stream) -> bool:
        return self.first <= stream and (self.last is None or stream <= self.last)

    def __str__(self) -> str:
        first = ".".join(map(str, self.first))
        if self.last is None:
            return f"{first} and later"
        return first if self.last == self.first else f"{first} to {'.'.join(map(str, self.last))}"


@dataclass(frozen=True, slots=True)
class Versions:
    """A range of releases, both ends included; ``last`` None is open."""

    first: Version
    last: Version | None

    def __contains__(self, version: Version) -> bool:
        """Whether a release is in the range; a minor release alone only where all of it is."""
        if not version.exact:
            ends_later = self.last is None or self.last >= Version.parse(f"{version.y}.99")
            return self.first.stream == version.stream and not self.first.patch and ends_later
        return self.first <= version and (self.last is None or version <= self.last)


@dataclass(frozen=True, slots=True)
class Book:
    """The OpenShift releases that one book or release note says MTC releases work on."""

    title: str
    direction: str
    mtc: Versions
    openshift: Streams


@dataclass(frozen=True, slots=True)
class ReleaseLimit:
    """MTC releases that do not work on some OpenShift releases, whatever the books say."""

    mtc: Versions
    openshift: Streams
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class OadpPair:
    """The OADP streams that MTC releases work with on OpenShift releases.

    ``disputed`` says which documentation denies it, "" if none does.
    """

    mtc: Versions
    openshift: Streams
    oadp: Streams
    disputed: str = ""


@dataclass(frozen=True, slots=True)
class KnownBug:
    """A fault of some releases; ``when`` names what must hold for it to matter.

    ``openshift`` None means any. ``fixed`` is the first release without it, "" if there is none.
    """

    id: str
    product: str
    versions: Versions
    openshift: Streams | None
    when: tuple[str, ...]
    title: str
    fixed: str
    severity: str
    source: str


@dataclass(frozen=True, slots=True)
class Releases:
    """The whole file. ``name`` is "built in" or the operator's file."""

    name: str = "none"
    taken: date = date.min
    channels: Mapping[str, Mapping[str, Version]] = field(default_factory=dict)
    channels_source: str = ""
    channels_date: date = date.min
    ended: Mapping[str, Newest] = field(default_factory=dict)
    mtc: Mapping[str, Newest] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    books: tuple[Book, ...] = ()
    limits: tuple[ReleaseLimit, ...] = ()
    oadp_pairs: tuple[OadpPair, ...] = ()
    oadp_source: str = ""
    oadp_ends: Mapping[str, date] = field(default_factory=dict)
    bugs: tuple[KnownBug, ...] = ()

    def __str__(self) -> str:
        return f"{self.taken.isoformat()} ({self.name})"

    def openshift(self, current: Version, channel: str, as_of: date) -> Newest | None:
        """The newest OpenShift release of this minor release that the channel offers.

        stable of the minor release where the channel is not known. A release that is beyond its
        channel comes from a longer one (eus), which then counts. None for a day before the data.
        """
        ended = self.ended.get(current.y)
        if ended is not None and as_of >= ended.published:
            return ended
        if as_of < self.channels_date:
            return None
        own = self.channels.get(channel, {}).get(current.y)
        name, elsewhere = channel, False
        if own is None:
            name = f"stable-{current.y}"
            own = self.channels.get(name, {}).get(current.y)
        if own is None or current > own:
            name, own = max(
                ((key, found[current.y]) for key, found in self._released(current.y)),
                key=lambda item: item[1],
                default=(name, own),
            )
            elsewhere = True
        if own is None:
            return None
        source = f"{self.channels_source}, {name}"
        return Newest(own, self.channels_date, source, elsewhere=elsewhere)

    def _released(self, minor: str) -> Iterator[tuple[str, Mapping[str, Version]]]:
        """The channels of tested releases that know a minor release."""
        for name, found in self.channels.items():
            if minor in found and not name.startswith(("candidate", "fast")):
                yield name, found

    def newest_mtc(self, installed: Version, as_of: date) -> Newest | None:
        """The newest MTC release of this minor release; None for a day before it came out."""
        found = self.mtc.get(installed.y)
        return found if found is not None and as_of >= found.published else None


def parse(value: Any, name: str) -> Releases:
    """Read the file's contents. Raises Malformed with the place and what is wanted there."""
    if not isinstance(value, dict):
        raise Malformed("", "a mapping with date, openshift, mtc, oadp and bugs")
    openshift, mtc, oadp = (table(value, key, "") for key in ("openshift", "mtc", "oadp"))
    channels = table(openshift, "channels", "/openshift")
    if not channels or not table(mtc, "streams", "/mtc"):
        raise Malformed("", "openshift.channels and mtc.streams")
    return Releases(
        name=name,
        taken=_date(value, "date", ""),
        channels={
            channel: {
                minor: _version(found, minor, f"/openshift/channels/{pointer_step(channel)}")
                for minor in found
            }
            for channel in channels
            for found in (table(channels, channel, "/openshift/channels"),)
        },
        channels_source=text(openshift, "source", "/openshift"),
        channels_date=_date(openshift, "date", "/openshift"),
        ended=dict(_newest(openshift, "ended", "/openshift", "version", "ended")),
        mtc=dict(_newest(mtc, "streams", "/mtc", "newest", "")),
        dropped=frozenset(texts(mtc, "dropped", "/mtc")),
        books=tuple(
            Book(
                text(row, "title", at),
                _choice(row, "direction", at, DIRECTIONS),
                _versions(row, "mtc", at),
                _streams(row, "openshift", at),
            )
            for row, at in _rows(mtc, "books", "/mtc")
        ),
        limits=tuple(
            ReleaseLimit(
                _versions(row, "mtc", at),
                _streams(row, "openshift", at),
                text(row, "why", at),
                text(row, "source", at),
            )
            for row, at in _rows(mtc, "limits", "/mtc")
        ),
        oadp_pairs=tuple(
            OadpPair(
                _versions(row, "mtc", at),
                _streams(row, "openshift", at),
                _streams(row, "oadp", at),
                text(row, "disputed", at),
            )
            for row, at in _rows(oadp, "pairs", "/oadp")
        ),
        oadp_source=text(oadp, "source", "/oadp"),
        oadp_ends={
            stream: _date(found, stream, "/oadp/ends")
            for found in (table(oadp, "ends", "/oadp"),)
            for stream in found
        },
        bugs=tuple(_bug(row, at) for row, at in _rows(value, "bugs", "")),
    )


def _bug(row: Mapping[str, Any], at: str) -> KnownBug:
    return KnownBug(
        text(row, "id", at),
        _choice(row, "product", at, ("mtc", "oadp")),
        _versions(row, "versions", at),
        _streams(row, "openshift", at) if "openshift" in row else None,
        texts(row, "when", at),
        text(row, "title", at),
        text(row, "fixed", at),
        _choice(row, "severity", at, SEVERITIES),
        text(row, "source", at),
    )


def _rows(of: Any, key: str, at: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    for index, row in enumerate(rows(of, key, at)):
        yield row, f"{at}/{key}/{index}"


def _newest(of: Any, key: str, at: str, field_: str, ended: str) -> Iterator[tuple[str, Newest]]:
    found = table(of, key, at)
    for stream in found:
        row, place = table(found, stream, f"{at}/{key}"), f"{at}/{key}/{stream}"
        version = _version(row, field_, place)
        if version.y != stream:
            raise Malformed(f"{place}/{field_}", f"a release of {stream}")
        yield (
            stream,
            Newest(
                version,
                _date(row, "date", place),
                text(row, "source", place),
                text(row, "ended", place) or ended,
                _date(row, "ends", place) if "ends" in row else None,
            ),
        )


def _date(of: Any, key: str, at: str) -> date:
    try:
        return date.fromisoformat(str(of.get(key)))
    except ValueError:
        raise Malformed(f"{at}/{key}", "a date such as 2026-08-21, in quotes") from None


def _version(of: Any, key: str, at: str) -> Version:
    found = parse_or_none(text(of, key, at))
    if found is None or not found.exact:
        raise Malformed(f"{at}/{pointer_step(key)}", "a release such as 1.8.16")
    return found


def _choice(of: Any, key: str, at: str, allowed: tuple[str, ...]) -> str:
    value = text(of, key, at)
    if value not in allowed:
        raise Malformed(f"{at}/{key}", f"one of {', '.join(allowed)}")
    return value


def _pair(of: Any, key: str, at: str) -> tuple[Version, Version | None]:
    value = of.get(key)
    ends = value if isinstance(value, list) and len(value) == 2 else [None, None]
    first, last = (parse_or_none(item) if isinstance(item, str) else None for item in ends)
    if first is None or (last is None and ends[1] is not None):
        raise Malformed(f"{at}/{key}", "two releases, the second null where the range is open")
    return first, last


def _versions(of: Any, key: str, at: str) -> Versions:
    return Versions(*_pair(of, key, at))


def _streams(of: Any, key: str, at: str) -> Streams:
    first, last = _pair(of, key, at)
    return Streams(first.stream, last.stream if last else None)
