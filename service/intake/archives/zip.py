"""Zip archives by ``zipfile``, and the bounds that it does not have.

``zipfile`` makes an object of every member before the first can be looked at, so the members are
counted in the directory's bytes before. Members whose data overlaps are refused, since that is how
a small zip claims to hold petabytes; Python 3.11 does not look for them.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO

from service.core.allowance import spend
from service.intake.archives.compression import PIECE, Budget, is_link, is_special, truncated
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import Limits

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_WINDOWS = (0, 10, 14)
_UNIX = (3, 19)
_RECORD = b"PK\x01\x02"
_TAIL = 65_557
"""Bytes at the end of a zip in which ``zipfile`` looks for the end record."""
_MEMBER = 1024
"""Bytes of memory that ``zipfile`` takes for a member."""
_HEADER = 30
"""Bytes of a member's own header before its name."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)


class _Stream:
    """What ``zipfile`` reads from: a directory with too many members is refused in passing."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, count: int = -1) -> bytes:
        """Like the stream's. Nothing but a directory is read in such a length."""
        if count > self._limits.member_bytes:
            raise LimitExceeded("member_bytes", "the directory of the zip is too large")
        data = self._stream.read(count)
        if len(data) > _TAIL and data.count(_RECORD) > self._limits.members:
            raise LimitExceeded(
                "members", f"the archive has more than {self._limits.members} members"
            )
        if len(data) > _TAIL:
            spend(_MEMBER * data.count(_RECORD))
        return data


class ZipEntry:
    """One member that is no directory; ``read`` and ``pieces`` check size and checksum.

    ``modified`` is None: a zip has the local time of the machine that packed it.
    """

    __slots__ = ("_archive", "_budget", "_info", "name", "refused", "size")

    modified = None

    def __init__(
        self,
        archive: zipfile.ZipFile,
        info: zipfile.ZipInfo,
        budget: Budget,
        refused: Unreadable | None,
    ) -> None:
        name = info.orig_filename
        self.name = name.replace("\\", "/") if info.create_system in _WINDOWS else name
        self.size = info.file_size
        self.refused = refused
        self._archive = archive
        self._info = info
        self._budget = budget

    def read(self) -> bytes:
        """All the data."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """The data piece by piece; a wrong size or checksum is raised after the last."""
        made = 0
        try:
            with self._archive.open(self._info) as file:
                while piece := file.read(PIECE):
                    made += len(piece)
                    self._budget.make(len(piece))
                    yield piece
        except _DAMAGE:
            raise _bad("archive-corrupt", "the member's data is damaged") from None
        if made != self.size:
            raise _bad("zip-size", "the member does not have the size that is declared")


def entries(stream: BinaryIO, budget: Budget) -> Iterator[ZipEntry]:
    """The members in the order of the central directory, without directories.

    Raises ``archive-truncated`` when there is no central directory (it is at the end),
    ``zip-header`` and ``limit-members``.
    """
    archive = _opened(stream, budget.limits)
    infos = archive.infolist()
    for _ in infos:
        budget.enter()
    overlapping = _overlapping(infos, archive.start_dir)
    for info in infos:
        if not info.orig_filename.endswith("/"):
            yield ZipEntry(archive, info, budget, _refused(info, overlapping, archive.start_dir))


def _opened(stream: BinaryIO, limits: Limits) -> zipfile.ZipFile:
    """The zip. Names are UTF-8 if so marked, else in practice, else code page 437 by the book."""
    source: BinaryIO = _Stream(stream, limits)  # type: ignore[assignment]
    try:
        try:
            return zipfile.ZipFile(source, metadata_encoding="utf-8")
        except UnicodeDecodeError:
            return zipfile.ZipFile(source)
    except _DAMAGE:
        if not zipfile.is_zipfile(stream):
            raise truncated("the zip has no central directory, which is at its end") from None
        raise _bad("zip-header", "the central directory is damaged") from None


def _overlapping(infos: list[zipfile.ZipInfo], end: int) -> frozenset[int]:
    """Where members start whose data reaches beyond the start of the next, or that start alike."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    starts = [info.header_offset for info in ordered] + [end]
    return frozenset(
        start
        for info, (start, following) in zip(ordered, pairwise(starts), strict=True)
        if start + _HEADER + info.compress_size > following
    )


def _refused(info: zipfile.ZipInfo, overlapping: frozenset[int], end: int) -> Unreadable | None:
    mode = info.external_attr >> 16 if info.create_system in _UNIX else 0
    if stat.S_ISLNK(mode):
        return is_link()
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return is_special()
    if info.flag_bits & _ENCRYPTED:
        return _bad("zip-encrypted", "the member is encrypted", "pack it without a password")
    if info.compress_type not in _METHODS:
        return _bad(
            "zip-method",
            f"the member is compressed with method {info.compress_type}, which is not read",
            "pack it as tar.gz, or with deflate",
        )
    if not 0 <= info.header_offset < end:
        return _bad("zip-header", "the member is not where the directory says")
    if info.header_offset in overlapping:
        return _bad("zip-overlap", "the member's data overlaps another's")
    return None


def _bad(code: str, message: str, hint: str = "") -> Unreadable:
    return Unreadable(code, message, hint=hint or "the zip is damaged; make it again")
