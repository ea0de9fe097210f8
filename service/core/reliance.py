"""Which lists a judgment relies on for what they do not hold.

Nothing in the evidence can be pointed at where something is absent, except the list that would hold
it. A policy need not name it: the reads note it, and the engine gives it to an outcome that has no
evidence of its own. What is computed once for many policies is noted for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

from service.kinds.ref import Pointer

Relied = dict[Pointer, None]
MOST = 5
"""Lists that a finding points at."""
_current: ContextVar[Relied | None] = ContextVar("relied", default=None)


def rely(places: Mapping[Pointer, None]) -> None:
    """Note that the current judgment relies on these lists."""
    relied = _current.get()
    if relied is not None and len(relied) < MOST:
        relied.update(places)


class relying:
    """The lists that are relied on within this block; those around it rely on them too.

    (A class, for a generator takes thrice as long, and every judgment has two such blocks.)
    """

    __slots__ = ("_relied", "_token")

    def __enter__(self) -> Relied:
        self._relied: Relied = {}
        self._token = _current.set(self._relied)
        return self._relied

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
        if self._relied:
            rely(self._relied)
