"""OpenShift and MTC version numbers.

OpenShift ships names that neither PEP 440 nor strict SemVer readers take: ``4.14.0-ec.4``,
``4.13.0-0.nightly-2023-01-01-123456``, ``4.8.0-0.okd-2021-11-14-052418``, ``4.14.9+amd64``,
``v3.11.1159``, ``v1.8.8``. Order is SemVer 2 precedence over these names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_FORM = re.compile(
    r"v?(?P<major>\d{1,9})\.(?P<minor>\d{1,9})(?:\.(?P<patch>\d{1,9}))?"
    r"(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)


_EXACT = re.compile(r"v?\d+\.\d+\.\d")
_Key = tuple[int, int, int, tuple[tuple[int, int, str], ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A parsed version; ``text`` keeps the original spelling."""

    major: int
    minor: int
    patch: int
    pre: str
    text: str
    _key: _Key = field(init=False, repr=False)
    """What decides on the order: a small evaluation compares versions two thousand times."""

    def __post_init__(self) -> None:
        key = (self.major, self.minor, self.patch, _precedence(self.pre))
        object.__setattr__(self, "_key", key)

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read a version name. Raises ValueError if it has no major and minor number."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError("not a version")
        return cls(
            int(match["major"]),
            int(match["minor"]),
            int(match["patch"] or 0),
            match["pre"] or "",
            text.strip(),
        )

    @property
    def stream(self) -> tuple[int, int]:
        """The minor release that the z-stream belongs to, as ``(major, minor)``."""
        return self.major, self.minor

    @property
    def y(self) -> str:
        """The minor release as people write it: ``4.14``."""
        return f"{self.major}.{self.minor}"

    @property
    def exact(self) -> bool:
        """Whether it names one release, not a minor release as a whole (``4.14``)."""
        return _EXACT.match(self.text) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key == other._key

    def __lt__(self, other: Version) -> bool:
        return self._key < other._key

    def __le__(self, other: Version) -> bool:
        return self._key <= other._key

    def __gt__(self, other: Version) -> bool:
        return self._key > other._key

    def __ge__(self, other: Version) -> bool:
        return self._key >= other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __str__(self) -> str:
        return self.text


def _precedence(pre: str) -> tuple[tuple[int, int, str], ...]:
    """SemVer 2 §11: no pre-release sorts last; numbers before words; numbers as numbers."""
    if not pre:
        return ((2, 0, ""),)
    return tuple(
        (0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part)
        for part in pre.split(".")
    )


def parse_or_none(text: str) -> Version | None:
    """The version, or None where the text is not one (``latest``, empty, a digest)."""
    try:
        return Version.parse(text)
    except ValueError:
        return None
