"""Names that were meant for another one: written in another case, or with a slip or two."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

MOST_EDITS = 2


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is meant, None where none is near."""
    near = [(edits, key) for key in known if (edits := edits_between(name, key)) is not None]
    return min(near)[1] if near else None


@lru_cache(maxsize=4096)
def edits_between(name: str, key: str) -> int | None:
    """How many edits make a name another one; None where they are not near.

    Case, blanks and hyphens count for nothing. Else at most :data:`MOST_EDITS` letters may differ,
    and fewer than half of them, or two may be exchanged.
    """
    name, key = plain(name), plain(key)
    if abs(len(name) - len(key)) > MOST_EDITS or len({*name} ^ {*key}) > 2 * MOST_EDITS:
        return None
    edits = _distance(name, key)
    is_near = 2 * edits < len(key) or sorted(name) == sorted(key)
    return edits if edits <= MOST_EDITS and is_near else None


def plain(name: str) -> str:
    """A name without case, blanks and hyphens."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _distance(name: str, key: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(key) + 1))
    for place, letter in enumerate(name, 1):
        before, row = row, [place]
        for column, other in enumerate(key):
            row.append(min(row[-1] + 1, before[column + 1] + 1, before[column] + (letter != other)))
    return row[-1]
