"""What a loader hands on: one document, or the reason why it is missing."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from service.intake.intake_errors import Unreadable


@dataclass(frozen=True, slots=True)
class Loaded:
    """One document of a stream: its place among the documents, and a value or an error.

    ``text`` is what it was read from where that is YAML, which ``lines_before`` come before.
    ``starts`` are the offsets of the items of a long list in its text.
    """

    index: int
    value: Any
    error: Unreadable | None
    text: bytes = field(default=b"", compare=False, repr=False)
    lines_before: int = field(default=0, compare=False, repr=False)
    starts: Sequence[int] = field(default=(), compare=False, repr=False)


_gc_lock = threading.Lock()
_gc_pauses = 0
_gc_was_enabled = False


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause the cyclic garbage collector while documents are built.

    Loaded documents hold no cycles, yet every few hundred new containers make the collector
    walk them: half of the time on a large dump. Use it around a whole load, not per document.
    The pause counts: with several threads the collector returns when the last one leaves, and
    only if it was on when the first one came.
    """
    global _gc_pauses, _gc_was_enabled
    with _gc_lock:
        if _gc_pauses == 0:
            _gc_was_enabled = gc.isenabled()
            gc.disable()
        _gc_pauses += 1
    try:
        yield
    finally:
        with _gc_lock:
            _gc_pauses -= 1
            if _gc_pauses == 0 and _gc_was_enabled:
                gc.enable()
