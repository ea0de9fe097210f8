"""A forward-only reader of tar: V7, ustar, pax and GNU headers, sparse files.

``tarfile`` in stream mode spends more time on the members of the sample must-gather than the
decompression takes. This reader looks at the few header fields that are needed and skips data
without touching it; ``benchmarks/archive.py`` prints what that costs, and the tests hold it
against ``tarfile``, which it follows where the formats leave room: one block of zeros ends the
archive, links and devices have no data, the first of several extension headers wins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from struct import Struct
from zlib import adler32

from service.ingest.compression import Budget, Feed, is_link, is_special, truncated
from service.ingest.errors import Unreadable
from service.ingest.limits import MIB

BLOCK = 512
_ZEROS = bytes(BLOCK)
# name, size, mtime, type, magic, prefix
_HEADER = Struct("100s24x12s12s8xc100x6s82x155s12x")
_SIGNED = Struct("512b")
_EXTENSION_BYTES = MIB
_EXTENSIONS_IN_A_ROW = 16
_EXTENTS = 40_000

_REGULAR = b"0\x007"
_DIRECTORY = b"5"
_GNU_SPARSE = b"S"
_LINKS = b"12"
_DEVICES = b"346"
_EXTENDING = b"xgLKX"

Extent = tuple[int, int]


class Entry:
    """One member that is no directory; its data can be read until the next is asked for.

    ``name`` is the name as the archive has it, not yet checked; ``size`` is the number of bytes
    that ``read`` gives, ``stored`` that of the archive; ``refused`` says why there is no data
    (links, devices, unknown types).
    """

    __slots__ = ("_feed", "_modified", "name", "refused", "size", "stored")

    def __init__(
        self,
        feed: Feed,
        name: str,
        stored: int,
        modified: bytes | str,
        refused: Unreadable | None = None,
    ) -> None:
        self._feed = feed
        self._modified = modified
        self.name = name
        self.size = stored
        self.stored = stored
        self.refused = refused

    @property
    def modified(self) -> float | None:
        """Seconds since 1970, if the header says so."""
        field = self._modified
        try:
            value = float(field) if isinstance(field, str) else float(_number(field))
        except (Unreadable, ValueError, OverflowError):
            return None
        return value if math.isfinite(value) else None

    def read(self) -> bytes:
        """All the data."""
        return self._feed.read(self.stored)

    def pieces(self) -> Iterator[bytes]:
        """The data piece by piece."""
        return self._feed.pieces(self.stored)


class SparseEntry(Entry):
    """A file stored without its holes.

    ``extents`` are (offset, length) within the file; without them the data starts with them.
    """

    __slots__ = ("extents",)

    def __init__(
        self, feed: Feed, name: str, stored: int, modified: bytes | str, size: int
    ) -> None:
        super().__init__(feed, name, stored, modified)
        self.size = size
        self.extents: list[Extent] | None = None

    def read(self) -> bytes:
        """The file with its holes filled with zeros."""
        if self.stored > self.size + MIB:
            raise _bad("a sparse file stores more than it holds")
        data = self._feed.read(self.stored)
        extents, start = _leading_map(data) if self.extents is None else (self.extents, 0)
        whole = bytearray(self.size)
        for offset, length in extents:
            if offset + length > self.size or start + length > len(data):
                raise _bad("a sparse map points outside its file")
            whole[offset : offset + length] = data[start : start + length]
            start += length
        return bytes(whole)

    def pieces(self) -> Iterator[bytes]:
        """The whole file in one piece, as its map may be anywhere."""
        yield self.read()


def is_header(block: bytes) -> bool:
    """Whether bytes start like a tar archive: with a header, or the zeros that end one."""
    return len(block) >= BLOCK and (_sums_up(block[:BLOCK]) or block[:BLOCK] == _ZEROS)


class Reader:
    """The members of one archive in order; iterate once.

    Raises ``tar-header`` and ``archive-truncated`` (both say how many members were complete and
    which was the last), ``archive-trailing-data`` and ``limit-members``, all of them after
    every member before the damage.
    """

    __slots__ = ("_budget", "_extended", "_feed", "_global", "_offset", "_row", "complete", "last")

    def __init__(self, feed: Feed, budget: Budget) -> None:
        self._feed = feed
        self._budget = budget
        self._extended: dict[str, str] = {}
        self._global: dict[str, str] = {}
        self._row = 0
        self._offset = 0
        self.complete = 0
        self.last = ""

    def __iter__(self) -> Iterator[Entry]:
        try:
            yield from self._walk()
        except Unreadable as error:
            raise self._located(error) from None

    def _located(self, error: Unreadable) -> Unreadable:
        if error.code not in ("archive-truncated", "archive-corrupt", "tar-header"):
            return error
        message = f"{error.message}; {self.complete} members before that are complete"
        if self.last:
            message += f", the last one is {self.last!r}"
        return Unreadable(error.code, message, hint=error.hint)

    def _walk(self) -> Iterator[Entry]:
        # This loop runs for every member, wanted or not: it is the whole cost of the walk.
        feed, enter, unpack = self._feed, self._budget.enter, _HEADER.unpack
        complete, name = 0, ""
        while True:
            feed.skip_to(self._offset)
            self.complete, self.last = complete, name
            block = feed.read_up_to(BLOCK)
            if len(block) < BLOCK or not _sums_up(block):
                return self._finish(block)
            self._offset += BLOCK
            raw, size_field, modified, kind, magic, prefix = unpack(block)
            size = _number(size_field)
            if kind in _EXTENDING:
                self._extend(kind, size)
                continue
            enter()
            complete += 1
            name = _text(raw)
            if prefix[0] and magic == b"ustar\0":
                name = _text(prefix) + "/" + name
            if kind in _REGULAR and not self._extended and not self._global:
                if kind == b"\0" and name.endswith("/"):
                    continue
                self._offset += _blocks(size)
                yield Entry(feed, name, size, modified)
                continue
            entry = self._special(block, kind, name, size, modified)
            if entry is not None:
                name = entry.name
                yield entry

    def _finish(self, block: bytes) -> None:
        """Accept the end of the archive, whether or not its trailer is there."""
        if block.strip(b"\0"):
            raise _bad("a tar header is damaged") if len(block) == BLOCK else _cut_header()
        # Read on, so that a checksum after the archive's end counts and nothing goes unseen.
        while piece := self._feed.read_some(MIB):
            if piece.strip(b"\0"):
                raise Unreadable(
                    "archive-trailing-data",
                    f"data follows the end of the archive, after {self.complete} members",
                    hint="archives joined with cat are not read on; send each on its own",
                )

    def _extend(self, kind: bytes, size: int) -> None:
        """Take in a header that says something about the next member, or about all."""
        self._row += 1
        if self._row > _EXTENSIONS_IN_A_ROW or size > _EXTENSION_BYTES:
            raise _bad("a tar extension header is too large")
        data = self._feed.read(size)
        self._offset += _blocks(size)
        if kind == b"g":
            self._global |= _pax_records(data)
        elif kind in b"xX":
            self._extended = _pax_records(data) | self._extended
        elif kind == b"L":
            self._extended.setdefault("path", _text(data))

    def _special(
        self, block: bytes, kind: bytes, name: str, size: int, modified: bytes | str
    ) -> Entry | None:
        """A member that is not plain: extended, sparse, not a file. None for directories."""
        records = self._global | self._extended
        self._extended = {}
        self._row = 0
        name = records.get("path", name)
        modified = records.get("mtime", modified)
        if "size" in records:
            size = _decimal(records["size"])
        if kind == _DIRECTORY or (kind == b"\0" and name.endswith("/")):
            return None
        if kind in _LINKS + _DEVICES:
            return Entry(self._feed, name, 0, modified, _not_a_file(kind))
        if kind == _GNU_SPARSE:
            sparse = self._gnu_sparse(block, name, size, modified)
            self._offset += _blocks(size)
            return sparse
        self._offset += _blocks(size)
        if kind not in _REGULAR:
            return Entry(self._feed, name, size, modified, _not_a_file(kind))
        return _pax_sparse(records, self._feed, name, size, modified) or Entry(
            self._feed, name, size, modified
        )

    def _gnu_sparse(self, block: bytes, name: str, size: int, modified: bytes | str) -> Entry:
        """The map starts in the header and goes on in blocks that follow it."""
        entry = SparseEntry(self._feed, name, size, modified, _number(block[483:495]))
        fields = block[386:482]
        more = block[482]
        while more:
            block = self._feed.read(BLOCK)
            self._offset += BLOCK
            fields += block[:504]
            more = block[504]
            if len(fields) > _EXTENTS * 24:
                raise _bad("a sparse map is too long")
        numbers = [_number(fields[at : at + 12]) for at in range(0, len(fields), 12)]
        entry.extents = _pairs(numbers)
        return entry


def _pax_sparse(
    records: dict[str, str], feed: Feed, name: str, stored: int, modified: bytes | str
) -> Entry | None:
    """The three ways in which pax headers describe a sparse file (0.0, 0.1 and 1.0)."""
    size = records.get("GNU.sparse.realsize") or records.get("GNU.sparse.size")
    if size is None:
        return None
    name = records.get("GNU.sparse.name", name)
    entry = SparseEntry(feed, name, stored, modified, _decimal(size))
    if records.get("GNU.sparse.major") == "1":
        return entry
    numbers = records.get("GNU.sparse.map", "").split(",")
    entry.extents = _pairs([_decimal(number) for number in numbers if number])
    return entry


def _leading_map(data: bytes) -> tuple[list[Extent], int]:
    """The map in front of the data, in decimal lines: count, then offset and length of each."""
    line, _, _ = data[:32].partition(b"\n")
    count = _decimal(line.decode("ascii", "replace"))
    if count > _EXTENTS:
        raise _bad("a sparse map is too long")
    *lines, _ = data[: (count + 1) * 48].split(b"\n", 2 * count + 1)
    if len(lines) != 2 * count + 1:
        raise _bad("a sparse map is cut")
    numbers = [_decimal(line.decode("ascii", "replace")) for line in lines[1:]]
    return _pairs(numbers), _blocks(sum(len(line) + 1 for line in lines))


def _pax_records(data: bytes) -> dict[str, str]:
    """``<length> <key>=<value>\\n`` records; the repeated keys of sparse format 0.0 as one map."""
    records: dict[str, str] = {}
    extents: list[str] = []
    at = 0
    while at < len(data) and data[at]:
        head, space, _ = data[at : at + 20].partition(b" ")
        length = _decimal(head.decode("ascii", "replace"))
        record = data[at + len(head) + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if not space or not equals or not value.endswith(b"\n"):
            raise _bad("a pax record is malformed")
        name, text = key.decode("utf-8", "replace"), value[:-1].decode("utf-8", "replace")
        if name in ("GNU.sparse.offset", "GNU.sparse.numbytes"):
            extents.append(text)
        else:
            records[name] = text
        at += length
    if extents:
        records["GNU.sparse.map"] = ",".join(extents)
    return records


def _pairs(numbers: list[int]) -> list[Extent]:
    if len(numbers) % 2 or len(numbers) > 2 * _EXTENTS:
        raise _bad("a sparse map is malformed")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _blocks(size: int) -> int:
    """A size rounded up to whole blocks."""
    return (size + 511) & ~511


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _number(field: bytes) -> int:
    """A numeric header field: octal text, or base 256 if its first bit is set."""
    try:
        value = int(field.rstrip(b" \0"), 8)
    except ValueError:
        value = _odd_number(field)
    if value < 0:
        raise _bad("a tar header holds a negative number")
    return value


def _odd_number(field: bytes) -> int:
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        return value if field[0] & 0x40 == 0 else -1
    try:
        return int(field.partition(b"\0")[0].strip() or b"0", 8)
    except ValueError:
        raise _bad("a tar header holds a number that is none") from None


def _decimal(text: str) -> int:
    """A number of a pax record; no signs, no underscores, nothing beyond any file's size."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise _bad("a pax record holds a number that is none")
    return int(text)


def _sums_up(block: bytes) -> bool:
    """Whether a header's checksum is right.

    The low half of Adler-32 is one plus the sum of the bytes, modulo 65521: summing 512 bytes
    this way is ten times faster than ``sum``. Some old writers summed signed bytes.
    """
    field = block[148:156]
    try:
        stored = int(field.rstrip(b" \0"), 8)
    except ValueError:
        try:
            stored = _odd_number(field)
        except Unreadable:
            return False
    rest = stored + sum(field) - 255
    if rest % 65521 == adler32(block) & 0xFFFF:
        return True
    signed: tuple[int, ...] = _SIGNED.unpack(block)
    return stored == sum(signed) - sum(signed[148:156]) + 256


def _not_a_file(kind: bytes) -> Unreadable:
    if kind in _LINKS:
        return is_link()
    if kind in _DEVICES:
        return is_special()
    return Unreadable("archive-unknown-type", "the member is of an unknown type")


def _bad(message: str) -> Unreadable:
    return Unreadable("tar-header", message, hint="the archive is damaged; make it again")


def _cut_header() -> Unreadable:
    return truncated("the archive ends within a header")
