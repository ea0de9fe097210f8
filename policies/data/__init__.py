"""What was published outside of any cluster: release tables, each with its source and date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from service.core.values.versions import Version


@dataclass(frozen=True, slots=True)
class ReleaseTable:
    """The newest release of each minor release (``"4.14"``) that one source knew on one day.

    A table grows old: a cluster behind it is behind for certain, a cluster level with it may be.
    """

    source: str
    taken: date
    newest: Mapping[str, str]

    def of(self, version: Version, as_of: date) -> Version | None:
        """The newest release of this version's minor release; None where it is not known.

        Also None for a day before the table was taken: what it lists may not have been there.
        """
        text = self.newest.get(version.y)
        return Version.parse(text) if text and as_of >= self.taken else None

    def __str__(self) -> str:
        return f"{self.source}, {self.taken.isoformat()}"
