"""Work that stops when its time is over.

A thread cannot be stopped from outside, so the loops that do the work look at the clock: reading
documents and archive members, judging policy by policy and read by read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

_until: ContextVar[float | None] = ContextVar("deadline", default=None)


class DeadlineExceeded(BaseException):
    """The time is over. No ``Exception``: whoever catches those must not go on."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Allow the block so many seconds, or what an outer block still has, if that is less."""
    until = monotonic() + seconds
    outer = _until.get()
    token = _until.set(until if outer is None else min(until, outer))
    try:
        yield
    finally:
        _until.reset(token)


def check() -> None:
    """Raise DeadlineExceeded if the time is over. Costs a fraction of a microsecond."""
    until = _until.get()
    if until is not None and monotonic() > until:
        raise DeadlineExceeded


def paced(items: Iterable[T]) -> Iterator[T]:
    """The items, with a look at the clock before each. Raises DeadlineExceeded."""
    for item in items:
        check()
        yield item
