"""What the requests of a worker may take together: memory, and space for uploads."""

from __future__ import annotations

import time
from threading import Condition

from service.core.allowance import MemoryExceeded

_STEP = 1024 * 1024
"""Bytes that a share takes at a time, so that small amounts cost no lock."""


class Pool:
    """So many bytes for all that share it.

    Those who hold some may wait for more. Where all of them wait, the one that came last gives up.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._changed = Condition()
        self._holding: dict[Share, bool] = {}  # in the order in which they came; whether it waits

    def take(self, share: Share, count: int, patience: float) -> bool:
        """Take bytes, for which others may have to give theirs back; whether they came in time."""
        until = time.monotonic() + patience
        with self._changed:
            while self._free < count:
                self._holding[share] = True
                if all(self._holding.values()):
                    self._changed.notify_all()
                left = until - time.monotonic()
                if left <= 0 or self._is_last(share):
                    self._holding[share] = False
                    return False
                self._changed.wait(left)
            self._free -= count
            self._holding[share] = False
            return True

    def _is_last(self, share: Share) -> bool:
        """Whether no request can continue before this one gives up."""
        return all(self._holding.values()) and next(reversed(self._holding)) is share

    def owe(self, count: int) -> None:
        """Take bytes that are in use already, even if there are none."""
        with self._changed:
            self._free -= count

    def give(self, count: int, share: Share | None = None) -> None:
        """Give bytes back: some, or all that a share held."""
        with self._changed:
            self._free += count
            if share is not None:
                self._holding.pop(share, None)
            self._changed.notify_all()


class Share:
    """What one request has of a pool."""

    def __init__(self, pool: Pool, patience: float) -> None:
        self._pool = pool
        self._patience = patience
        self._spent = 0
        self._held = 0

    def spend(self, count: int) -> None:
        """Take so many bytes more; fewer than none gives back. Raises MemoryExceeded."""
        self._spent += count
        if count <= 0 or self._spent <= self._held:
            return
        if self._spent > self._pool.size:
            raise MemoryExceeded(alone=True)
        more = min(self._pool.size, self._spent + _STEP) - self._held
        if not self._pool.take(self, more, self._patience):
            raise MemoryExceeded(alone=False)
        self._held += more

    def close(self) -> None:
        """Give everything back."""
        self._pool.give(self._held, self)
        self._spent = self._held = 0
