"""Memory that the work for a request takes, counted before it is taken.

What will be made of a text is estimated from the text; who runs the work gives the account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_account: ContextVar[Callable[[int], None] | None] = ContextVar("allowance", default=None)

FINDING = 8192
"""Bytes of a finding beside its texts: as it is judged, and as it is rendered."""
OBJECT = 1024
"""Bytes of an object of a cluster beside its value: its entry and reference, or its model."""
ROW = 1536
"""Bytes of the model of an item of a list of an object."""
PROBLEM = 1280
"""Bytes of a piece of input that could not be used, and of what reports it."""


class MemoryExceeded(BaseException):
    """The memory is used up. No ``Exception``: whoever catches those must not go on.

    ``alone`` says that this work alone would need more than there is.
    """

    def __init__(self, *, alone: bool) -> None:
        super().__init__()
        self.alone = alone


@contextmanager
def allowed(account: Callable[[int], None]) -> Iterator[None]:
    """Count what the block takes; ``account`` gets bytes and raises MemoryExceeded."""
    token = _account.set(account)
    try:
        yield
    finally:
        _account.reset(token)


def spend(count: int) -> None:
    """Count so many bytes before they are taken. Raises MemoryExceeded."""
    account = _account.get()
    if account is not None:
        account(count)


_JSON, _YAML = b"{[,:", b"{[,:\n"
"""Where a value or an entry of a mapping begins; in YAML every line can be one."""


def cost_of(text: bytes, *, lines: bool = False) -> int:
    """Most bytes that the values of a JSON or YAML text take, with the text itself.

    ``lines`` says that it is YAML. A container, a value, a key and its place in a mapping take up
    to 100 bytes each beside their characters: the sizes are those of CPython, and of what its
    parsers hold meanwhile.
    """
    wide = 1 if text.isascii() else 4  # a text with one such character is held as four bytes each
    marks, rest = _YAML if lines else _JSON, 0
    for start in range(0, len(text), _WINDOW):
        rest += len(text[start : start + _WINDOW].translate(None, marks))
    return len(text) * (2 + wide) + 100 * (len(text) - rest)


_WINDOW = 1024 * 1024
