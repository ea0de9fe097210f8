"""Progress on stderr, where stderr is a terminal."""

from __future__ import annotations

import io
import sys
import time
from typing import Any, BinaryIO

MIB = 1024 * 1024
_EVERY = 0.2


class Progress:
    """One line that says what is being done; nothing at all without a terminal."""

    def __init__(self, stream: Any = None) -> None:
        self._stream = stream or sys.stderr
        self._watched = self._stream.isatty()
        self._next = 0.0
        self._shown = False

    def say(self, text: str, *, now: bool = False) -> None:
        """Show a text in place of the last one, at most a few times a second unless ``now``."""
        if not self._watched:
            return
        moment = time.monotonic()
        if not now and moment < self._next:
            return
        self._next = moment + _EVERY
        self._shown = True
        self._stream.write(f"\r\x1b[K{text[:100]}")
        self._stream.flush()

    def end(self) -> None:
        """Leave a clean line."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Watched(io.RawIOBase):
    """A stream that reports how much of it was read."""

    def __init__(self, stream: BinaryIO | io.RawIOBase, name: str, progress: Progress) -> None:
        self._inner = stream
        self._name = name
        self._progress = progress
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._inner.read(len(buffer)) or b""
        buffer[: len(data)] = data
        self._read += len(data)
        self._progress.say(f"reading {self._name}: {self._read / MIB:,.0f} MiB")
        return len(data)


class WatchedFile(io.FileIO):
    """A file that reports how much of it was read; it can be sought in, as some archives need."""

    def __init__(self, path: str, progress: Progress) -> None:
        super().__init__(path, "rb")
        self._shown = path
        self._progress = progress
        self._read = 0

    def readinto(self, buffer: Any) -> int:
        read = super().readinto(buffer) or 0
        self._read += read
        self._progress.say(f"reading {self._shown}: {self._read / MIB:,.0f} MiB")
        return read
