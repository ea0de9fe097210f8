"""Results of pure functions, kept for as long as what they were made of."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from service.core.evidence import Missing, NotGathered
from service.core.reliance import Relied, rely, relying

T = TypeVar("T")

_NEVER: Any = object()


class Memo:
    """What was made of one cluster or one migration so far.

    Kept are values, and what was missing where a function raised NotGathered: that is created again
    each time, because a stored exception would keep its stack frames. Other exceptions are not
    kept.
    """

    __slots__ = ("_found", "_relied")

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}
        self._relied: dict[Hashable, Relied] = {}

    def get(self, key: Hashable, compute: Callable[..., T], *of: object) -> T:
        """The result of ``compute(*of)``, kept under ``key``."""
        found = self._found.get(key, _NEVER)
        if found is _NEVER:
            with relying() as relied:
                try:
                    found = compute(*of)
                except NotGathered as gap:
                    found = _Gap(gap.missing)
            self._found[key] = found
            if relied:
                self._relied[key] = relied
        elif key in self._relied:
            rely(self._relied[key])
        if type(found) is _Gap:
            raise NotGathered(*found.missing)
        value: T = found
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._found.clear()
        self._relied.clear()


class _Gap:
    """What was missing for a result."""

    __slots__ = ("missing",)

    def __init__(self, missing: tuple[Missing, ...]) -> None:
        self.missing = missing
