"""gzip by zlib, or by isal where it is installed, with the interface of the other two decoders."""

from __future__ import annotations

import zlib
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from service.intake.limits import MIB

_ISAL: Any = import_module("isal.isal_zlib") if find_spec("isal") else None
"""Intel's library: it takes half the time."""
_GZIP = 16 + zlib.MAX_WBITS
_REPEATED = MIB
"""As much input is kept, so that it can be decompressed once more."""


def open_gzip() -> Inflate:
    """The fastest decoder that is here."""
    return Inflate() if _ISAL is None else FastInflate()


class Inflate:
    """By zlib.

    zlib drops the output of the call in which it finds an error. Small archives fit into one
    call, so a wrong checksum would lose them whole: the call is then repeated from a copy of
    the state in small steps, and the error raised by the call after that. Keeping the copy costs
    five per cent.
    """

    _STEP = 512

    def __init__(self) -> None:
        self._inner: Any = zlib.decompressobj(_GZIP)
        self._error: zlib.error | None = None
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """Whether the stream is complete."""
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        """What follows the stream."""
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Up to so many bytes. Raises zlib.error after all that could be read."""
        if self._error is not None:
            raise self._error
        data = self._inner.unconsumed_tail + data
        before = self._inner.copy()
        try:
            piece: bytes = self._inner.decompress(data, max_length)
        except zlib.error as error:
            self._error = error
            self.needs_input = False
            return self._salvage(before, data)
        self.needs_input = len(piece) < max_length and not self._inner.unconsumed_tail
        return piece

    def _salvage(self, inner: Any, data: bytes) -> bytes:
        good = bytearray()
        try:
            while not inner.eof:
                good += inner.decompress(data, self._STEP)
                data = inner.unconsumed_tail
        except zlib.error:
            return bytes(good)
        return bytes(good)


class FastInflate(Inflate):
    """By isal, whose state cannot be copied: what is damaged near its start zlib reads once more.

    Of larger streams up to one piece before the damage is lost.
    """

    def __init__(self) -> None:
        super().__init__()
        self._inner = _ISAL.decompressobj(_GZIP)
        self._slow: Inflate | None = None
        self._fed: list[bytes] | None = []
        self._rest = b""
        self._size = self._made = 0

    @property
    def eof(self) -> bool:
        return super().eof if self._slow is None else self._slow.eof

    @property
    def unused_data(self) -> bytes:
        return super().unused_data if self._slow is None else self._slow.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._slow is None:
            self._keep(data)
            try:
                piece: bytes = self._inner.decompress(
                    self._inner.unconsumed_tail + data, max_length
                )
            except _ISAL.error as error:
                self._slow = self._repeated(error)
                data = self._rest
            else:
                self._made += len(piece)
                self.needs_input = len(piece) < max_length and not self._inner.unconsumed_tail
                return piece
        found = self._slow.decompress(data, max_length)
        self.needs_input = self._slow.needs_input
        return found

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > _REPEATED:
            self._fed = None
        elif self._fed is not None:
            self._fed.append(data)

    def _repeated(self, error: Exception) -> Inflate:
        """zlib where isal was before the error. Raises zlib.error."""
        if self._fed is None:
            raise zlib.error(str(error)) from None
        slow, self._rest, left = Inflate(), b"".join(self._fed), self._made
        while left and (piece := slow.decompress(self._rest, left)):
            left -= len(piece)
            self._rest = b""
        return slow
