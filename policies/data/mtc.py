"""MTC releases: the newest of each minor release, and the OpenShift releases each supports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from policies.data import ReleaseTable

NEWEST = ReleaseTable(
    source="MTC 1.7 and 1.8 release notes of the OpenShift 4.20 documentation",
    taken=date(2026, 7, 31),
    newest={"1.7": "1.7.17", "1.8": "1.8.14"},
)
"""The release notes need not list the last build, so being level with them proves nothing."""

Stream = tuple[int, int]
"""A minor release of OpenShift, as (major, minor)."""


@dataclass(frozen=True, slots=True)
class Support:
    """The OpenShift releases, first and last, that a book says an MTC release works on.

    ``last`` None is open-ended.
    """

    first: Stream
    last: Stream | None

    def holds(self, stream: Stream) -> bool:
        """Whether an OpenShift minor release is in the range."""
        return self.first <= stream and (self.last is None or stream <= self.last)

    def __str__(self) -> str:
        first = ".".join(map(str, self.first))
        return (
            f"{first} and later"
            if self.last is None
            else f"{first} to {self.last[0]}.{self.last[1]}"
        )


@dataclass(frozen=True, slots=True)
class Book:
    """What one book of the documentation says; the two current books contradict each other."""

    title: str
    taken: date
    supports: dict[str, Support]

    def holds(self, mtc: str, stream: Stream) -> bool:
        """Whether an MTC minor release (``"1.8"``) supports an OpenShift minor release."""
        support = self.supports.get(mtc)
        return support is not None and support.holds(stream)


BOOKS = (
    Book(
        title="Migrating from version 3 to 4",
        taken=date(2026, 7, 31),
        supports={
            "1.7": Support((3, 11), (4, 17)),
            "1.8": Support((4, 14), None),
        },
    ),
    Book(
        title="Migration Toolkit for Containers",
        taken=date(2026, 7, 31),
        supports={
            "1.7": Support((3, 11), (4, 9)),
            "1.8": Support((4, 10), None),
        },
    ),
)
"""The current books: openshift-docs modules/migration-compatibility-guidelines-3-to-4.adoc at
189c38c, and "Installing MTC" of the 4.20 edition."""

EARLIER = Book(
    title="Compatibility guidelines of MTC 1.5 and 1.6",
    taken=date(2021, 12, 31),
    supports={"1.5": Support((3, 7), None), "1.6": Support((4, 6), None)},
)
"""openshift-docs modules/migration-compatibility-guidelines.adoc at 04e2737 and bfbc989; the
current books do not name these releases any more."""

DROPPED = frozenset({"1.0", "1.1", "1.2", "1.3", "1.4"})
"""MTC releases that support nothing any more (MTC 1.5 and 1.6 release notes)."""

LAST: dict[str, Stream] = {"1.8": (4, 20)}
"""The newest OpenShift release that an MTC release lets its cluster be (MTC 1.8.13 release notes:
it blocks updates beyond 4.20). Both books leave their range open; neither exists for 4.21."""

LEGACY_UNTIL: Stream = (4, 5)
"""The newest OpenShift release that only the legacy operator runs on (MTC 1.7 compatibility)."""

REMOTE_ONLY_SINCE: Stream = (1, 6)
"""The first MTC release whose controller cannot run on a legacy cluster."""

DISPUTED_HOST: Stream = (3, 11)
"""The 3 to 4 book lets it run the controller; the MTC 1.7 compatibility table does not."""
