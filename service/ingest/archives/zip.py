"""A reader of zip archives by their central directory.

``zipfile`` builds an object for every member before the first can be looked at, and believes
the sizes it is told. This one reads the directory as a stream, twice: first to count the
members and to learn where their data ends, then to yield them. Members whose data overlaps are
refused, since that is how a small zip claims to hold petabytes.
"""

from __future__ import annotations

import bz2
import calendar
import io
import stat
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Any, BinaryIO

from service.ingest.archives.compression import (
    PIECE,
    Budget,
    Feed,
    Inflate,
    is_link,
    is_special,
    truncated,
)
from service.ingest.errors import LimitExceeded, Unreadable

_END = Struct("<4s4H2LH")
_END_64 = Struct("<4sQ2H2L4Q")
_LOCATOR_64 = Struct("<4sLQL")
_CENTRAL = Struct("<4s6H3L5H2L")
_LOCAL = Struct("<4s5H3L2H")
_EXTRA = Struct("<2H")
_STORED, _DEFLATED, _BZIP2 = 0, 8, 12
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_UTF8 = 0x0800
_WINDOWS = (0, 10, 14)
_UNIX = (3, 19)
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where the central directory lies; ``shift`` is what precedes the zip in its file."""

    start: int
    size: int
    count: int
    shift: int


@dataclass(frozen=True, slots=True)
class _Record:
    """What the central directory says of one member."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    modified: float | None
    refused: Unreadable | None


class Entry:
    """One member that is no directory; ``read`` and ``pieces`` check size and checksum."""

    __slots__ = (
        "_budget",
        "_crc",
        "_limit",
        "_method",
        "_offset",
        "_packed",
        "_stream",
        "modified",
        "name",
        "refused",
        "size",
    )

    def __init__(self, stream: BinaryIO, budget: Budget, record: _Record, limit: int) -> None:
        self._stream = stream
        self._budget = budget
        self._crc = record.crc
        self._method = record.method
        self._offset = record.offset
        self._packed = record.packed
        self._limit = limit
        self.name = record.name
        self.size = record.size
        self.modified = record.modified
        self.refused = record.refused

    def read(self) -> bytes:
        """All the data."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """The data piece by piece; a wrong size or checksum is raised after the last."""
        self._stream.seek(self._offset)
        start = self._data_start()
        if start + self._packed > self._limit:
            raise _bad("zip-overlap", "the member's data overlaps another's")
        crc, made = 0, 0
        for piece in self._unpacked(start):
            made += len(piece)
            if made > self.size:
                break
            self._budget.make(len(piece))
            crc = zlib.crc32(piece, crc)
            yield piece
        if made != self.size:
            raise _bad("zip-size", "the member does not have the size that is declared")
        if crc != self._crc:
            raise _bad("archive-corrupt", "the member's checksum is wrong")

    def _data_start(self) -> int:
        header = self._stream.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
            raise _bad("zip-header", "the member is not where the directory says")
        *_, name_length, extra_length = _LOCAL.unpack(header)
        return self._offset + _LOCAL.size + int(name_length) + int(extra_length)

    def _unpacked(self, start: int) -> Iterator[bytes]:
        packed = self._packed_pieces(start)
        if self._method == _STORED:
            yield from packed
            return
        decoder = bz2.BZ2Decompressor() if self._method == _BZIP2 else Inflate(-zlib.MAX_WBITS)
        data = b""
        while not decoder.eof:
            if decoder.needs_input:
                data = next(packed, b"")
                if not data:
                    raise _bad("archive-corrupt", "the member's data ends early")
            try:
                yield decoder.decompress(data, PIECE)
            except (zlib.error, OSError, EOFError, ValueError):
                raise _bad("archive-corrupt", "the member's data is damaged") from None
            data = b""

    def _packed_pieces(self, start: int) -> Iterator[bytes]:
        left = self._packed
        while left > 0:
            # Reading other members, or nested archives, moves the stream in between.
            self._stream.seek(start + self._packed - left)
            piece = self._stream.read(min(left, PIECE))
            if not piece:
                raise truncated("the member's data ends early")
            self._budget.take(len(piece))
            left -= len(piece)
            yield piece


def entries(stream: BinaryIO, budget: Budget) -> Iterator[Entry]:
    """The members in the order of the central directory, without directories.

    Raises ``archive-truncated`` when there is no central directory (it is at the end),
    ``zip-header``, ``zip-multi-disk`` and ``limit-members``.
    """
    directory = _find_directory(stream)
    most = budget.limits.members
    if directory.count > most:
        raise LimitExceeded("members", f"the archive has more than {most} members")
    starts = _starts(stream, directory, budget)
    for fields, raw, extra in _raw_records(stream, directory):
        if raw.endswith(b"/"):
            continue
        record = _record(fields, raw, extra, directory)
        at = bisect_left(starts, record.offset)
        limit = starts[at + 1] if at + 1 < len(starts) else directory.start
        yield Entry(stream, budget, record, limit)


def _starts(stream: BinaryIO, directory: _Directory, budget: Budget) -> array[int]:
    """Where the members start, in order of place."""
    starts = array("Q")
    for fields, _, extra in _raw_records(stream, directory):
        budget.enter()
        starts.append(min(_sizes_and_offset(fields, extra)[2] + directory.shift, directory.start))
    return array("Q", sorted(starts))


def _raw_records(
    stream: BinaryIO, directory: _Directory
) -> Iterator[tuple[tuple[Any, ...], bytes, bytes]]:
    """The records of the central directory: fields, name, extra fields."""
    feed = Feed(_range(stream, directory.start, directory.size))
    offset = 0
    while offset < directory.size:
        fields = _CENTRAL.unpack(feed.read(_CENTRAL.size))
        if fields[0] != b"PK\x01\x02":
            raise _bad("zip-header", "the central directory is damaged")
        name_length, extra_length, comment_length = fields[10:13]
        raw = feed.read(name_length)
        extra = feed.read(extra_length)
        offset += _CENTRAL.size + name_length + extra_length + comment_length
        feed.skip_to(offset)
        yield fields, raw, extra


def _range(stream: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    end = start + size
    while start < end:
        stream.seek(start)
        piece = stream.read(min(PIECE, end - start))
        if not piece:
            return
        start += len(piece)
        yield piece


def _record(fields: tuple[Any, ...], raw: bytes, extra: bytes, directory: _Directory) -> _Record:
    _, made_by, _, flags, method, time, date, crc, *_ = fields
    attributes = fields[15]
    size, packed, offset = _sizes_and_offset(fields, extra)
    offset += directory.shift
    system = made_by >> 8
    name = _name(raw, flags)
    refused = _refused(flags, method, attributes >> 16 if system in _UNIX else 0)
    if offset >= directory.start:
        refused = _bad("zip-header", "the member is not where the directory says")
    return _Record(
        name=name.replace("\\", "/") if system in _WINDOWS else name,
        method=method,
        crc=crc,
        packed=packed,
        size=size,
        offset=min(offset, directory.start),
        modified=_modified(_extras(extra).get(0x5455, b""), date, time),
        refused=refused,
    )


def _sizes_and_offset(fields: tuple[Any, ...], extra: bytes) -> tuple[int, int, int]:
    """Size, packed size and place; zip64 has those that do not fit, in this order."""
    values = (fields[9], fields[8], fields[16])
    if _FULL_32 not in values:
        return values
    large = io.BytesIO(_extras(extra).get(0x0001, b""))
    size, packed, offset = (
        int.from_bytes(large.read(8), "little") if value == _FULL_32 else value for value in values
    )
    return size, packed, offset


def _extras(extra: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        key, length = _EXTRA.unpack_from(extra, at)
        found.setdefault(key, extra[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _name(raw: bytes, flags: int) -> str:
    """Names are UTF-8 if so marked, else code page 437 by the book, and UTF-8 in practice."""
    if flags & _UTF8:
        return raw.decode("utf-8", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _modified(extended: bytes, date: int, time: int) -> float | None:
    if len(extended) >= 5 and extended[0] & 1:
        return float(int.from_bytes(extended[1:5], "little", signed=True))
    day = (1980 + (date >> 9), date >> 5 & 15, date & 31)
    try:
        return float(calendar.timegm((*day, time >> 11, time >> 5 & 63, (time & 31) * 2)))
    except ValueError:
        return None


def _refused(flags: int, method: int, mode: int) -> Unreadable | None:
    if stat.S_ISLNK(mode):
        return is_link()
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return is_special()
    if flags & _ENCRYPTED:
        return _bad("zip-encrypted", "the member is encrypted", "pack it without a password")
    if method not in (_STORED, _DEFLATED, _BZIP2):
        return _bad(
            "zip-method",
            f"the member is compressed with method {method}, which is not read",
            "pack it as tar.gz, or with deflate",
        )
    return None


def _find_directory(stream: BinaryIO) -> _Directory:
    """The central directory, by the record at the end of the file."""
    total = stream.seek(0, io.SEEK_END)
    length = min(total, _END.size + _FULL_16)
    stream.seek(total - length)
    tail = stream.read(length)
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        end = tail[at : at + _END.size]
        if len(end) == _END.size and at + _END.size + _END.unpack(end)[7] <= length:
            return _directory(stream, _END.unpack(end), total - length + at)
        at = tail.rfind(b"PK\x05\x06", 0, at)
    raise truncated("the zip has no central directory, which is at its end")


def _directory(stream: BinaryIO, end: tuple[Any, ...], end_at: int) -> _Directory:
    _, disk, first_disk, _, count, size, start, _ = end
    shift = end_at - size - start
    stream.seek(max(0, end_at - _LOCATOR_64.size))
    locator = stream.read(_LOCATOR_64.size)
    if locator.startswith(b"PK\x06\x07") and len(locator) == _LOCATOR_64.size:
        disk, first_disk, count, size, start, end_at = _end_64(stream, locator, end_at)
        shift = end_at - size - start
    if disk or first_disk:
        raise _bad("zip-multi-disk", "the zip is split over several files", "join it: zip -s 0")
    if shift < 0:
        raise _bad("zip-header", "the central directory is not where the zip says")
    return _Directory(start + shift, size, count, shift)


def _end_64(stream: BinaryIO, locator: bytes, end_at: int) -> tuple[int, int, int, int, int, int]:
    """The end record of zip64; it lies before its locator, whatever the locator says."""
    declared = _LOCATOR_64.unpack(locator)[2]
    for at in (declared, end_at - _LOCATOR_64.size - _END_64.size):
        if not 0 <= at < end_at:
            continue
        stream.seek(at)
        record = stream.read(_END_64.size)
        if len(record) == _END_64.size and record.startswith(b"PK\x06\x06"):
            _, _, _, _, disk, first_disk, _, count, size, start = _END_64.unpack(record)
            return disk, first_disk, count, size, start, at
    raise _bad("zip-header", "the zip64 end record is not where the zip says")


def _bad(code: str, message: str, hint: str = "") -> Unreadable:
    return Unreadable(code, message, hint=hint or "the zip is damaged; make it again")
