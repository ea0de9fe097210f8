"""Lists and numbers as a sentence writes them."""

from __future__ import annotations

from collections.abc import Iterable


def few(names: Iterable[str], most: int = 5) -> str:
    """The first names, and how many more there are: ``a, b and 3 more``."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def plural(number: int, one: str, many: str = "") -> str:
    """A number and its noun: ``1 pod``, ``2 pods``. ``many`` where the plural is irregular."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
