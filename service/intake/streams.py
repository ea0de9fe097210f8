"""Streams of which the head is looked at before they are read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from service.core.allowance import spend

SNIFF = 1024 * 1024


def peek(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """The head of a stream, and a stream that still has it."""
    head = stream.read(SNIFF)
    if stream.seekable():
        stream.seek(-len(head), io.SEEK_CUR)
        return head, stream
    return head, io.BufferedReader(_Rejoined(head, stream))


def rest(stream: BinaryIO, most: int) -> bytes:
    """What is left of a stream, at most so many bytes; of a body in memory without a copy."""
    if isinstance(stream, io.BytesIO) and stream.tell() == 0:
        return stream.getvalue()
    return gathered(iter(lambda: stream.read(SNIFF), b""), most)


def gathered(pieces: Iterator[bytes], most: int) -> bytes:
    """The pieces as one, at most the one that goes beyond so many bytes.

    Raises MemoryExceeded before it takes more than the request may.
    """
    held = bytearray()  # in one block, which goes back to the system; many small ones leave holes
    for piece in pieces:
        spend(9 * len(piece) // 4)  # as it grows it takes an eighth more than it holds
        held += piece
        if len(held) > most:
            break
    return bytes(held)


class _Rejoined(io.RawIOBase):
    """A stream whose head has been read, put together again."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
