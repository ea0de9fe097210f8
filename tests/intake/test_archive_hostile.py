"""Archives made to cost much: of each only a little is read, in a few MiB of memory.

The inputs are made as streams, so that only the reader's memory counts. What an attack would cost
without a bound is hours or hundreds of gigabytes, so that a reader without one does not end.
"""

from __future__ import annotations

import gzip
import io
import lzma
import random
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, cast

import pytest

from service.intake.archives.members import Member, Rejected, decompress, read_archive
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import DEFAULT_LIMITS, MIB, Limits

BUFFERS = 8 * MIB
XZ_WINDOW = 8 * MIB


class Pieces(io.RawIOBase):
    """An endless upload: a stream over generated pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._now = io.BytesIO()
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        while not (data := self._now.read(size)):
            piece = next(self._pieces, b"")
            if not piece:
                return b""
            self._now = io.BytesIO(piece)
        self.taken += len(data)
        return data


def header(number: int, size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(f"file-{number}")
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT)


def repeated(piece: bytes, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield piece


def spent(pieces: Iterator[bytes], limits: Limits = DEFAULT_LIMITS) -> tuple[str, int, int]:
    """How reading nothing of an archive ended, the bytes it took and the peak of memory."""
    source = Pieces(pieces)
    tracemalloc.start()
    code = ""
    try:
        for item in read_archive(cast(BinaryIO, source), wanted=lambda path: False, limits=limits):
            code = item.error.code if isinstance(item, Rejected) else code
    except Unreadable as error:
        code = error.code
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return code, source.taken, peak


FEW_MEMBERS = Limits(members=20_000)


def test_many_members_stop_at_the_limit() -> None:
    pieces = repeated(header(1) * 1000, 100)

    code, taken, peak = spent(pieces, FEW_MEMBERS)

    assert (code, taken < 20 * MIB, peak < BUFFERS) == ("limit-members", True, True)


def test_endless_extension_headers_stop() -> None:
    code, taken, peak = spent(repeated(header(1, 0, tarfile.GNUTYPE_LONGNAME) * 100, 10**6))

    assert (code, taken < MIB, peak < BUFFERS) == ("tar-header", True, True)


def test_an_extension_header_of_a_gigabyte_is_not_read() -> None:
    pieces = iter([header(1, 2**30, tarfile.XHDTYPE), *repeated(bytes(MIB), 1024)])

    code, taken, peak = spent(pieces)

    assert (code, taken < MIB, peak < BUFFERS) == ("tar-header", True, True)


def test_many_small_pax_records_stop() -> None:
    records = b"6 a=b\n" * 170
    block = header(1, len(records), tarfile.XHDTYPE) + records.ljust(1024, b"\0")
    limits = replace(DEFAULT_LIMITS, members=2000)

    code, taken, _ = spent(repeated((block * 7 + header(2)) * 10, 10**5), limits)

    assert (code, taken < MIB) == ("limit-members", True)


def test_a_sparse_map_without_end_stops() -> None:
    block = bytearray(header(1, 0, tarfile.GNUTYPE_SPARSE))
    block[386:512] = bytes(126)
    block[482] = 1
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    more = bytes(504) + b"\1" + bytes(7)

    code, taken, peak = spent(iter([bytes(block), *repeated(more * 100, 1000)]))

    assert (code, taken < 2 * MIB, peak < BUFFERS) == ("tar-header", True, True)


def test_a_bomb_of_zeros_stops_by_its_ratio() -> None:
    bomb = gzip.compress(header(1, 2**33 - 512) + bytes(300 * MIB))

    code, taken, peak = spent(repeated(bomb[:MIB], 1))

    assert (code, taken < MIB, peak < BUFFERS) == ("limit-compression-ratio", True, True)


def test_a_bomb_within_a_bomb_stops_by_the_ratio_of_the_whole() -> None:
    inner = lzma.compress(header(1, 2**33 - 512) + bytes(64 * MIB))
    name = tarfile.TarInfo("n.tar.xz")
    name.size = len(inner)
    outer = gzip.compress(name.tobuf() + inner + bytes(-len(inner) % 512))

    code, _, peak = spent(iter([outer]))

    assert (code, peak < BUFFERS + XZ_WINDOW) == ("limit-compression-ratio", True)


def test_many_empty_gzip_streams_stop() -> None:
    first = gzip.compress(header(1))
    streams = repeated(gzip.compress(b"") * 1000, 200)

    code, taken, peak = spent(iter([first, *streams]), FEW_MEMBERS)

    assert (code, taken < MIB, peak < BUFFERS) == ("limit-members", True, True)


def test_walking_a_large_archive_needs_little_memory() -> None:
    noise = random.Random(1).randbytes(4 * MIB)
    packed = gzip.compress(header(1, len(noise)) + noise, compresslevel=1)

    code, _, peak = spent(repeated(packed, 30))

    assert (code, peak < BUFFERS) == ("", True)


def test_decompressing_in_pieces_needs_little_memory() -> None:
    bomb = io.BytesIO(gzip.compress(bytes(300 * MIB)))
    tracemalloc.start()
    with pytest.raises(LimitExceeded):
        for _ in decompress(bomb):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < BUFFERS


def test_a_zip_whose_members_share_one_bomb_gives_none_of_it() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb-0", bytes(20 * MIB))
        record = archive.filelist[0]
        for number in range(1, 10_000):
            copy = zipfile.ZipInfo(f"bomb-{number}")
            copy.compress_type, copy.CRC = record.compress_type, record.CRC
            copy.file_size, copy.compress_size = record.file_size, record.compress_size
            copy.header_offset = record.header_offset
            archive.filelist.append(copy)
    target.seek(0)

    found = list(read_archive(target, wanted=lambda path: True))

    assert not any(isinstance(item, Member) for item in found)
    assert {item.error.code for item in found if isinstance(item, Rejected)} == {"zip-overlap"}
    assert len(found) == 10_000
