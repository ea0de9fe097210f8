"""Archives of evidence, read in one pass and never unpacked to disk.

What is read is decided by path before a byte of a member is kept; archives within archives are
entered in place. The modules ``tar`` and ``zip`` beside this one know the formats, ``compression``
the compression and the cost; here is the policy: which paths are safe, which members are read,
and what is reported instead.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from service.core.allowance import spend
from service.intake.archives import tar
from service.intake.archives import zip as zip_format
from service.intake.archives.compression import (
    ZSTD_MAGIC,
    Budget,
    Codec,
    Compression,
    Feed,
    codec_of,
    counted,
    expand,
    pieces_of,
)
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import DEFAULT_LIMITS, Limits

SEPARATOR = "!/"
"""Between the path of a nested archive and the path within it: ``a/b.tar.gz!/c/d.yaml``."""

SNIFF_BYTES = 1024 * 1024
"""A head this long decides every format; 512 bytes decide all but bzip2 (see ``sniff``)."""

_SUFFIXES = (
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.xz",
    ".txz",
    ".tar.bz2",
    ".tbz2",
    ".tar.zst",
    ".zip",
)
_LONGEST_NAME = 4096
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive.

    ``path`` is relative, with forward slashes, without ``.`` and ``..``; ``SEPARATOR`` marks where
    a nested archive is entered. ``modified`` is in seconds since 1970, None in a zip.
    """

    path: str
    data: bytes
    modified: float | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A wanted member, or a nested archive, that was not read (to its end), and why."""

    path: str
    error: Unreadable


class _Entry(Protocol):
    """What both formats say of a member that is no directory."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def modified(self) -> float | None: ...
    @property
    def refused(self) -> Unreadable | None: ...
    def read(self) -> bytes: ...
    def pieces(self) -> Iterator[bytes]: ...


def sniff(head: bytes) -> Compression:
    """What the data is by the first bytes of it; give at least 512, or all there is.

    Compressed heads are decompressed to see whether a tar archive is inside. bzip2 gives
    nothing before a whole block (up to 900 kB) is there: if the head is too short for that, the
    answer is ``TAR_BZ2``, and ``read_archive`` raises ``not-an-archive`` if it is not.
    """
    if head.startswith(_ZIP_MAGICS):
        return Compression.ZIP
    if head.startswith(ZSTD_MAGIC):
        return Compression.ZSTD
    codec = codec_of(head)
    if codec is None:
        return Compression.TAR if tar.is_header(head) else Compression.PLAIN
    inner = _head_within(codec, head)
    if tar.is_header(inner):
        return codec.tar
    undecided = codec.tar is Compression.TAR_BZ2 and not inner and len(head) < SNIFF_BYTES
    return codec.tar if undecided else codec.plain


def _head_within(codec: Codec, head: bytes) -> bytes:
    found = b""
    try:
        for piece in expand(codec, iter([head]), Budget(DEFAULT_LIMITS)):
            found += piece
            if len(found) >= tar.BLOCK:
                break
    except Unreadable:
        # The head ends where the caller cut it; what came out before that is enough.
        return found
    return found


def enters(path: str) -> bool:
    """Whether a member is taken for a nested archive, by its name.

    The Prometheus dump of an MTC must-gather (gigabytes, no manifests) is not.
    """
    return path.endswith(_SUFFIXES) and not path.endswith("prom_data.tar.gz")


def read_archive(
    stream: BinaryIO,
    *,
    wanted: Callable[[str], bool],
    limits: Limits = DEFAULT_LIMITS,
    enter: Callable[[str], bool] = enters,
    passing: Callable[[str], bool] = lambda path: False,
) -> Iterator[Member | Rejected]:
    """The wanted members of a tar (also gz, xz, bz2) or zip archive, in its order.

    ``wanted(path)`` is asked for every file before its data is looked at; ``enter(path)`` first,
    for members that may be archives themselves: those are walked, not yielded. ``passing(path)``
    says of a expected one that the caller keeps it only until the next such one. A path may come
    twice, as archives allow; the last one is what unpacking would leave.

    Links, devices and unsafe paths are skipped, or ``Rejected`` if wanted. A nested archive
    that is damaged, or that is none, is ``Rejected`` after its good members.

    Raises ``Unreadable`` for the whole archive (``archive-empty``, ``not-an-archive``,
    ``zstd-unsupported``, ``archive-truncated``, ``archive-corrupt``, ``tar-header``,
    ``archive-trailing-data``, ``zip-…``) after the members before the damage, and ``LimitExceeded``
    as soon as a limit is passed. Tar needs one pass and at most a few MiB in addition to the
    current member. Zip is read by seeking; a zip that cannot seek is held in memory, up to
    ``limits.member_bytes``.
    """
    return _Job(Budget(limits, _size_of(stream)), wanted, enter, passing).outermost(stream)


def decompress(stream: BinaryIO, limits: Limits = DEFAULT_LIMITS) -> Iterator[bytes]:
    """The pieces of a document compressed with gzip, xz or bzip2, whatever its name.

    Raises ``not-compressed``, ``zstd-unsupported``, ``archive-truncated``, ``archive-corrupt``,
    ``archive-trailing-data`` and ``LimitExceeded``.
    """
    budget = Budget(limits, _size_of(stream))
    feed = Feed(pieces_of(stream, budget))
    codec = codec_of(feed.peek(tar.BLOCK))
    if codec is None:
        raise Unreadable("not-compressed", "the data is not compressed with gzip, xz or bzip2")
    yield from expand(codec, feed.rest(), budget)


def _size_of(stream: BinaryIO) -> int | None:
    """The bytes from here to the end, if the stream can seek."""
    if not _seekable(stream):
        return None
    here = stream.tell()
    end = stream.seek(0, io.SEEK_END)
    stream.seek(here)
    return end - here


def _seekable(stream: BinaryIO) -> bool:
    return bool(getattr(stream, "seekable", lambda: False)())


class _Job:
    """One call of ``read_archive``: what it wants and what it has spent."""

    __slots__ = ("_budget", "_enter", "_passing", "_wanted")

    def __init__(
        self,
        budget: Budget,
        wanted: Callable[[str], bool],
        enter: Callable[[str], bool],
        passing: Callable[[str], bool],
    ) -> None:
        self._budget = budget
        self._wanted = wanted
        self._enter = enter
        self._passing = passing

    def outermost(self, stream: BinaryIO) -> Iterator[Member | Rejected]:
        if _seekable(stream) and _starts_zip(stream):
            entries = zip_format.entries(stream, self._budget)
            yield from self._members(entries, "", 0)
            return
        yield from self._archive(Feed(pieces_of(stream, self._budget)), "", 0)

    def _archive(self, feed: Feed, prefix: str, depth: int) -> Iterator[Member | Rejected]:
        """The members of the archive that a feed holds, whatever its format."""
        head = feed.peek(tar.BLOCK)
        if head.startswith(_ZIP_MAGICS):
            entries = zip_format.entries(io.BytesIO(self._hold(feed)), self._budget)
            yield from self._members(entries, prefix, depth)
            return
        codec = codec_of(head)
        source = counted(feed.rest(), self._budget)
        if codec is not None:
            source = expand(codec, feed.rest(), self._budget)
        inner = Feed(source)
        head = inner.peek(tar.BLOCK)
        if not tar.is_header(head):
            raise _no_archive(head)
        yield from self._members(tar.Reader(inner, self._budget), prefix, depth)

    def _hold(self, feed: Feed) -> bytes:
        """A zip that cannot seek, in memory."""
        most = self._budget.limits.member_bytes
        spend(2 * most)
        data = feed.read_up_to(most + 1)
        spend(2 * (len(data) - most))
        if len(data) > most:
            raise LimitExceeded(
                "member_bytes",
                f"a zip of more than {most} bytes cannot be read from a stream",
                hint="send it as a file of a multipart form, or as tar",
            )
        return data

    def _members(
        self, entries: Iterable[_Entry], prefix: str, depth: int
    ) -> Iterator[Member | Rejected]:
        wanted, enter = self._wanted, self._enter
        for entry in entries:
            path, safe = clean(entry.name)
            path = prefix + path
            if enter(path) and safe and entry.refused is None:
                yield from self._nested(entry, path, depth + 1)
            elif wanted(path):
                yield self._one(entry, path if safe else prefix + _shown(entry.name), safe)

    def _one(self, entry: _Entry, path: str, safe: bool) -> Member | Rejected:
        """Read a wanted member, or say why not."""
        limits = self._budget.limits
        if not safe:
            return Rejected(path, _unsafe())
        if entry.refused is not None:
            return Rejected(path, entry.refused)
        if entry.size > limits.member_bytes:
            return Rejected(path, _too_large(entry.size, limits.member_bytes))
        kept = 0 if self._passing(path) else entry.size
        self._budget.keep(kept)
        try:
            return Member(path, entry.read(), entry.modified)
        except LimitExceeded:
            raise
        except Unreadable as error:
            self._budget.give_back(kept)
            return Rejected(path, error)

    def _nested(self, entry: _Entry, path: str, depth: int) -> Iterator[Member | Rejected]:
        """The members of an archive within the archive; damage in it stays within it."""
        most = self._budget.limits.nested_archives
        if depth > most:
            yield Rejected(path, _too_deep(most))
            return
        try:
            yield from self._archive(Feed(entry.pieces()), path + SEPARATOR, depth)
        except Unreadable as error:
            if isinstance(error, LimitExceeded) and error.setting != "member_bytes":
                raise
            yield Rejected(path, error)


def _starts_zip(stream: BinaryIO) -> bool:
    here = stream.tell()
    head = stream.read(4)
    stream.seek(here)
    return head in _ZIP_MAGICS


def clean(name: str) -> tuple[str, bool]:
    """A member's name as a relative path, and whether it was safe.

    A name that is absolute, climbs with ``..``, holds NUL or is longer than Linux allows is
    not; its path is then where it would lie within the archive, to ask whether it is wanted.
    """
    if name.startswith("./"):
        name = name[2:]
    if len(name) > _LONGEST_NAME:
        return _shown(name[:_LONGEST_NAME]), False
    if name and name[0] not in "/." and name[-1] != "/" and _plain(name):
        return name, True
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    safe = not name.startswith("/") and ".." not in name.split("/") and "\0" not in name
    return _shown("/".join(parts)), safe and bool(parts)


def _plain(name: str) -> bool:
    return "//" not in name and "/." not in name and "\0" not in name


def _shown(name: str) -> str:
    return name.replace("\0", "\ufffd")


def _no_archive(head: bytes) -> Unreadable:
    if not head:
        return Unreadable("archive-empty", "there is nothing in the archive")
    return Unreadable(
        "not-an-archive",
        "the data is not a tar or zip archive",
        hint="send tar, tar.gz, tar.xz, tar.bz2 or zip",
    )


def _unsafe() -> Unreadable:
    return Unreadable(
        "archive-unsafe-path",
        "the member's name is absolute, climbs out of its folder, holds NUL or is too long",
        hint="pack the files by relative paths",
    )


def _too_large(size: int, most: int) -> LimitExceeded:
    return LimitExceeded(
        "member_bytes", f"the member has {size} bytes, {most} are allowed", hint="raise the limit"
    )


def _too_deep(most: int) -> LimitExceeded:
    return LimitExceeded(
        "nested_archives",
        f"archives are nested more than {most} deep",
        hint="send the inner archive on its own",
    )


__all__ = [
    "SEPARATOR",
    "SNIFF_BYTES",
    "Compression",
    "Member",
    "Rejected",
    "clean",
    "decompress",
    "enters",
    "read_archive",
    "sniff",
]
