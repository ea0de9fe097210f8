"""Compressed bytes → plain bytes, in bounded pieces, and the account of what that has cost.

Everything here is a generator over pieces of at most ``PIECE`` bytes, so that memory does not
depend on the size of the input.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, Protocol

from service.core.allowance import spend
from service.core.deadline import check
from service.intake.archives.inflate import open_gzip
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import MIB, Limits

PIECE = 64 * 1024
RATIO_GRACE = 16 * MIB
RECORDS_PER_MEMBER = 10
XZ_MEMORY = 80 * MIB


class Compression(Enum):
    """What the bytes are; the single-document forms are compressed but hold no archive."""

    TAR = "tar"
    TAR_GZ = "tar.gz"
    TAR_XZ = "tar.xz"
    TAR_BZ2 = "tar.bz2"
    ZIP = "zip"
    GZIP = "gzip"
    XZ = "xz"
    BZ2 = "bzip2"
    ZSTD = "zstd"
    PLAIN = "plain"


class Budget:
    """What one archive has cost so far, summed over the archives nested in it.

    ``size`` is the compressed size of the whole input where the caller knows it: the ratio is
    then that of the whole archive, and a zero-filled log at its start does no harm. Otherwise
    it is the ratio of what has been read so far. The first ``RATIO_GRACE`` bytes are free.
    """

    __slots__ = ("kept", "limits", "made", "members", "records", "size", "taken")

    def __init__(self, limits: Limits, size: int | None = None) -> None:
        self.limits = limits
        self.size = size or 0
        self.taken = 0
        self.made = 0
        self.members = 0
        self.records = 0
        self.kept = 0

    def take(self, count: int) -> None:
        """Count compressed bytes read."""
        self.taken += count

    def make(self, count: int) -> None:
        """Count decompressed bytes; refuse more than the limits allow."""
        check()
        self.made += count
        if self.made > self.limits.decompressed_bytes:
            raise LimitExceeded(
                "decompressed_bytes",
                f"the archive has more than {self.limits.decompressed_bytes} bytes unpacked",
                hint="send only the folders that are evaluated, or raise the limit",
            )
        allowed = RATIO_GRACE + self.limits.compression_ratio * max(self.taken, self.size)
        if self.made > allowed:
            raise LimitExceeded(
                "compression_ratio",
                f"the archive expands more than {self.limits.compression_ratio}:1",
                hint="repack it without empty or repeated files, or raise the limit",
            )

    def enter(self) -> None:
        """Count one member of any kind."""
        check()
        self.members += 1
        if self.members > self.limits.members:
            raise LimitExceeded(
                "members",
                f"the archive has more than {self.limits.members} members",
                hint="send only the folders that are evaluated, or raise the limit",
            )

    def enter_record(self) -> None:
        """Count one record about a member; a few for each are usual."""
        self.records += 1
        if self.records > RECORDS_PER_MEMBER * self.limits.members:
            raise LimitExceeded("members", "the archive has too many records about its members")

    def keep(self, count: int) -> None:
        """Count bytes that are about to be read for the caller."""
        spend(2 * count)
        self.kept += count
        if self.kept > self.limits.kept_bytes:
            raise LimitExceeded(
                "kept_bytes",
                f"the files to evaluate exceed {self.limits.kept_bytes} bytes together",
                hint="send only the folders that are evaluated, or raise the limit",
            )

    def give_back(self, count: int) -> None:
        """Take back what was counted as kept but could not be read."""
        self.kept -= count


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def _open_xz() -> _Decoder:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)


@dataclass(frozen=True, slots=True)
class Codec:
    """One way to compress: how it starts, what decodes it, and what that decoder raises."""

    name: str
    magic: bytes
    open: Callable[[], _Decoder]
    plain: Compression
    tar: Compression
    memory: int = 0
    """Most bytes that a decoder takes."""


CODECS = (
    Codec("gzip", b"\x1f\x8b\x08", open_gzip, Compression.GZIP, Compression.TAR_GZ),
    Codec("xz", b"\xfd7zXZ\x00", _open_xz, Compression.XZ, Compression.TAR_XZ, XZ_MEMORY),
    Codec("bzip2", b"BZh", bz2.BZ2Decompressor, Compression.BZ2, Compression.TAR_BZ2, 4 * MIB),
)
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_DECODER_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


def codec_of(head: bytes) -> Codec | None:
    """The codec whose magic number starts these bytes; zstd is refused here, with a hint."""
    if head.startswith(ZSTD_MAGIC):
        raise Unreadable(
            "zstd-unsupported",
            "the data is compressed with zstd, which is not supported",
            hint="recompress it: zstd -dc FILE | gzip > FILE.gz",
        )
    return next((codec for codec in CODECS if head.startswith(codec.magic)), None)


def pieces_of(stream: BinaryIO, budget: Budget) -> Iterator[bytes]:
    """The bytes of a stream as they come, counted as compressed input."""
    while piece := stream.read(PIECE):
        budget.take(len(piece))
        yield piece


def counted(pieces: Iterator[bytes], budget: Budget) -> Iterator[bytes]:
    """Pieces that need no decompression, counted as if they had been."""
    for piece in pieces:
        budget.make(len(piece))
        yield piece


def expand(codec: Codec, pieces: Iterator[bytes], budget: Budget) -> Iterator[bytes]:
    """Decompress one or more concatenated streams of the same kind.

    Zero bytes between and after them are padding. The streams count like members for the
    limit, since an empty stream costs far more time than its bytes. Raises
    ``archive-truncated``, ``archive-corrupt`` and ``archive-trailing-data`` after everything
    readable has been yielded; of a stream that is damaged, not cut, up to ``PIECE`` bytes
    before the damage can be missing.
    """
    data = next(pieces, b"")
    while True:
        rest = yield from _expand_one(codec, data, pieces, budget)
        data = _after_padding(rest, pieces, len(codec.magic))
        if not data:
            return
        if not data.startswith(codec.magic):
            raise Unreadable(
                "archive-trailing-data",
                f"data that is not {codec.name} follows the end of the {codec.name} data",
                hint="the file may be damaged or joined from two; send the parts separately",
            )
        budget.enter()


def _expand_one(
    codec: Codec, data: bytes, pieces: Iterator[bytes], budget: Budget
) -> Generator[bytes, None, bytes]:
    """One stream; its generator value is the input that follows it."""
    spend(codec.memory)
    try:
        return (yield from _decoded(codec, codec.open(), data, pieces, budget))
    finally:
        spend(-codec.memory)


def _decoded(
    codec: Codec, decoder: _Decoder, data: bytes, pieces: Iterator[bytes], budget: Budget
) -> Generator[bytes, None, bytes]:
    while not decoder.eof:
        if not data and decoder.needs_input:
            data = next(pieces, b"")
            if not data:
                raise truncated(f"the {codec.name} data ends early")
        try:
            piece = decoder.decompress(data, PIECE)
        except _DECODER_ERRORS as error:
            raise _damaged(codec, error) from None
        data = b""
        if piece:
            budget.make(len(piece))
            yield piece
    return decoder.unused_data


def _after_padding(rest: bytes, pieces: Iterator[bytes], wanted: int) -> bytes:
    """What follows the zero bytes, at least ``wanted`` bytes of it if there are so many."""
    rest = rest.lstrip(b"\0")
    while len(rest) < wanted:
        piece = next(pieces, b"")
        if not piece:
            break
        rest = (rest + piece).lstrip(b"\0")
    return rest


def _damaged(codec: Codec, error: Exception) -> Unreadable:
    if isinstance(error, lzma.LZMAError) and "limit" in str(error):
        return Unreadable(
            "xz-dictionary-too-large",
            f"the xz data needs more than {XZ_MEMORY} bytes of memory to unpack",
            hint="recompress it with xz -6",
        )
    what = "checksum is wrong" if "check" in str(error) else "data is damaged"
    return Unreadable(
        "archive-corrupt",
        f"the {codec.name} {what}",
        hint="transfer the file again and compare checksums",
    )


def truncated(message: str) -> Unreadable:
    """The error for input that ends before it is complete."""
    return Unreadable(
        "archive-truncated", message, hint="the upload or the copy stopped early; send it again"
    )


def is_link() -> Unreadable:
    """Why a link is not read."""
    return Unreadable(
        "archive-link",
        "the member is a link, and links are not followed",
        hint="pack the files that links point to: tar --dereference --hard-dereference",
    )


def is_special() -> Unreadable:
    """Why a device or a pipe is not read."""
    return Unreadable("archive-special-file", "the member is a device or a pipe, not a file")


class Feed:
    """Pieces as one forward-only stream that is read or skipped by absolute offset.

    Skipping only moves a number within the current piece; nothing is copied. What the source
    raised, or that it ended early, is raised again on every later read: a reader that gives up
    on one member cannot mistake the damage for the end.
    """

    __slots__ = ("_base", "_buffer", "_failure", "_position", "_source")

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._buffer = b""
        self._base = 0
        self._position = 0
        self._failure: Unreadable | None = None

    def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes; raises ``archive-truncated`` if there are fewer."""
        data = self.read_up_to(count)
        if len(data) < count:
            raise self._ended_early()
        return data

    def read_up_to(self, count: int) -> bytes:
        """``count`` bytes, or all that is left."""
        start = self._position
        end = start + count
        if end <= len(self._buffer):
            self._position = end
            return self._buffer[start:end]
        parts = []
        while count > 0:
            part = self.read_some(count)
            if not part:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def read_some(self, limit: int) -> bytes:
        """Between one and ``limit`` bytes, whatever is available; none at the end."""
        if self._position == len(self._buffer) and not self._advance():
            return b""
        start = self._position
        self._position = min(len(self._buffer), start + limit)
        return self._buffer[start : self._position]

    def read_at(self, offset: int, count: int) -> bytes:
        """Skip to an offset, then ``read_up_to``."""
        start = offset - self._base
        end = start + count
        if end <= len(self._buffer):
            self._position = end
            return self._buffer[start:end]
        self.skip_to(offset)
        return self.read_up_to(count)

    def tell(self) -> int:
        """The offset of the next byte that is read."""
        return self._base + self._position

    def peek(self, count: int) -> bytes:
        """Up to ``count`` of the bytes that the next read starts with."""
        head = self.read_up_to(count)
        rest = self._buffer[self._position :]
        self._base += self._position - len(head)
        self._buffer = head + rest
        self._position = 0
        return head

    def skip_to(self, offset: int) -> None:
        """Go forward to an offset from the start; raises ``archive-truncated`` beyond the end."""
        position = offset - self._base
        while position > len(self._buffer):
            if not self._advance():
                raise self._ended_early()
            position = offset - self._base
        self._position = position

    def pieces(self, count: int) -> Iterator[bytes]:
        """The next ``count`` bytes piece by piece; raises ``archive-truncated`` if fewer."""
        while count > 0:
            piece = self.read_some(min(count, PIECE))
            if not piece:
                raise self._ended_early()
            count -= len(piece)
            yield piece

    def rest(self) -> Iterator[bytes]:
        """All that is left, piece by piece."""
        while piece := self.read_some(PIECE):
            yield piece

    def _advance(self) -> bool:
        if self._failure is not None:
            raise self._failure
        try:
            piece = next(self._source, b"")
        except Unreadable as error:
            self._failure = error
            raise
        if not piece:
            return False
        self._base += len(self._buffer)
        self._buffer = piece
        self._position = 0
        return True

    def _ended_early(self) -> Unreadable:
        if self._failure is None:
            self._failure = truncated("the archive ends early")
        return self._failure
