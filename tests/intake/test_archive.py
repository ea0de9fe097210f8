"""Archives as evidence arrives in them: compressed, nested, damaged, unsafe."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import BinaryIO

import pytest
from elsewhere import files

from service.intake.archives.members import (
    Compression,
    Member,
    Rejected,
    clean,
    decompress,
    enters,
    read_archive,
    sniff,
)
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import DEFAULT_LIMITS, Limits

gzipped = partial(gzip.compress, mtime=0)  # the same bytes at any time
COMPRESSIONS: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.TAR: bytes,
    Compression.TAR_GZ: gzipped,
    Compression.TAR_XZ: lzma.compress,
    Compression.TAR_BZ2: bz2.compress,
}
NOISE = random.Random(1).randbytes(300_000)


def pack(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


class Pipe(io.RawIOBase):
    """A stream that cannot seek, and gives a little at a time."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 1000) if size >= 0 else size)


def everything(path: str) -> bool:
    return True


def outcome(
    data: bytes | BinaryIO,
    limits: Limits = DEFAULT_LIMITS,
    wanted: Callable[[str], bool] = everything,
) -> tuple[dict[str, bytes], dict[str, str], str]:
    """What was read, what was rejected, and how the whole ended ('' is well)."""
    read: dict[str, bytes] = {}
    rejected: dict[str, str] = {}
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    items: Iterator[Member | Rejected] = read_archive(stream, wanted=wanted, limits=limits)
    try:
        for item in items:
            if isinstance(item, Member):
                read[item.path] = item.data
            else:
                rejected[item.path] = item.error.code
    except Unreadable as error:
        return read, rejected, error.code
    return read, rejected, ""


FILES = {"a/b.yaml": b"kind: Pod\n", "a/c.log": NOISE, "a/d.yaml": b"kind: Node\n"}


@pytest.mark.parametrize("form", COMPRESSIONS)
def test_tar_is_read_whatever_its_compression(form: Compression) -> None:
    data = COMPRESSIONS[form](pack(FILES))

    assert sniff(data[: 1024 * 1024]) is form
    assert outcome(data) == (FILES, {}, "")
    assert outcome(Pipe(data)) == (FILES, {}, "")  # type: ignore[arg-type]


def test_a_packed_must_gather_is_read_in_every_form() -> None:
    for path in files("*/omc/cmd/use/testdata/must-gather.*"):
        read = outcome(path.read_bytes())
        assert read == ({"must-gather.sample/event-filter.html": b""}, {}, ""), path.name


def test_only_wanted_members_are_read() -> None:
    asked: list[str] = []

    def wanted(path: str) -> bool:
        asked.append(path)
        return path.endswith(".yaml")

    read, rejected, end = outcome(pack(FILES), wanted=wanted)

    assert (list(read), rejected, end) == (["a/b.yaml", "a/d.yaml"], {}, "")
    assert asked == list(FILES)


@pytest.mark.parametrize(
    "head, form",
    [
        (b"", Compression.PLAIN),
        (b"kind: Pod", Compression.PLAIN),
        (b'{"kind": "List"}' * 100, Compression.PLAIN),
        (gzipped(b"kind: Pod"), Compression.GZIP),
        (lzma.compress(b"kind: Pod"), Compression.XZ),
        (bz2.compress(b"kind: Pod"), Compression.BZ2),
        (b"\x28\xb5\x2f\xfd" + bytes(600), Compression.ZSTD),
        (b"PK\x03\x04" + bytes(600), Compression.ZIP),
        (bz2.compress(NOISE)[:512], Compression.TAR_BZ2),
        (gzipped(pack(FILES))[:512], Compression.TAR_GZ),
        (lzma.compress(pack(FILES))[:512], Compression.TAR_XZ),
        (gzipped(b"") + gzipped(pack(FILES)), Compression.TAR_GZ),
    ],
)
def test_the_format_is_known_by_the_first_bytes(head: bytes, form: Compression) -> None:
    assert sniff(head) is form


@pytest.mark.parametrize(
    "data, code",
    [
        (b"", "archive-empty"),
        (b"kind: Pod\n", "not-an-archive"),
        (gzipped(b"kind: Pod\n"), "not-an-archive"),
        (gzipped(b""), "archive-empty"),
        (gzipped(gzipped(pack(FILES))), "not-an-archive"),
        (b"\x28\xb5\x2f\xfd" + bytes(600), "zstd-unsupported"),
        (b"PK\x03\x04" + bytes(600), "archive-truncated"),
    ],
)
def test_what_is_no_archive_is_refused(data: bytes, code: str) -> None:
    assert outcome(data) == ({}, {}, code)


def test_a_nested_archive_is_entered_in_place() -> None:
    inner = gzipped(pack({"./must-gather/x.yaml": b"x"}))
    data = pack({"q/a.yaml": b"a", "q/must-gather.tar.gz": inner, "q/z.yaml": b"z"})

    assert outcome(data) == (
        {"q/a.yaml": b"a", "q/must-gather.tar.gz!/must-gather/x.yaml": b"x", "q/z.yaml": b"z"},
        {},
        "",
    )


def test_archives_are_entered_only_so_deep() -> None:
    data = pack({"x.yaml": b"x"})
    for _ in range(3):
        data = pack({"n.tar": data})

    read, rejected, end = outcome(data)

    assert (read, end) == ({}, "")
    assert rejected == {"n.tar!/n.tar!/n.tar": "limit-nested-archives"}


def test_a_damaged_nested_archive_does_not_lose_the_rest() -> None:
    inner = gzipped(pack({"one.yaml": b"1", "two.log": NOISE, "three.yaml": b"3"}))
    data = pack({"cut.tar.gz": inner[:100_000], "empty.tar": b"", "text.zip": b"?", "z": b"z"})

    assert outcome(data) == (
        {"cut.tar.gz!/one.yaml": b"1", "z": b"z"},
        {
            "cut.tar.gz!/two.log": "archive-truncated",
            "cut.tar.gz": "archive-truncated",
            "empty.tar": "archive-empty",
            "text.zip": "not-an-archive",
        },
        "",
    )


def test_an_outer_archive_cut_within_a_nested_one_is_reported_for_both() -> None:
    data = pack({"a": b"a", "n.tar": pack({"x": b"x", "y": NOISE})})[:100_000]

    assert outcome(data) == (
        {"a": b"a", "n.tar!/x": b"x"},
        {"n.tar!/y": "archive-truncated", "n.tar": "archive-truncated"},
        "archive-truncated",
    )


def test_the_prometheus_dump_is_not_entered() -> None:
    assert enters("must-gather/quay-io/must-gather.tar.gz")
    assert not enters("must-gather/metrics/prom_data.tar.gz")
    assert not enters("audit_logs/kube-apiserver.log.gz")


@pytest.mark.parametrize("form", [Compression.TAR_GZ, Compression.TAR_XZ, Compression.TAR_BZ2])
def test_a_cut_compressed_archive_gives_its_whole_members(form: Compression) -> None:
    data = COMPRESSIONS[form](pack({"a.yaml": b"a" * 3_000_000, "b.log": NOISE * 7}))

    read, rejected, end = outcome(data[:-1000], wanted=lambda path: path == "a.yaml")

    assert (list(read), rejected, end) == (["a.yaml"], {}, "archive-truncated")


def test_a_wrong_gzip_checksum_is_reported_after_all_members() -> None:
    data = bytearray(gzipped(pack(FILES)))
    data[-8] ^= 1

    assert outcome(bytes(data)) == (FILES, {}, "archive-corrupt")


def test_a_wrong_checksum_of_a_small_archive_still_gives_its_members() -> None:
    data = bytearray(gzipped(pack({"a": b"a"})))
    data[-8] ^= 1

    assert outcome(bytes(data)) == ({"a": b"a"}, {}, "archive-corrupt")


@pytest.mark.parametrize("form", [Compression.TAR_GZ, Compression.TAR_XZ, Compression.TAR_BZ2])
def test_streams_may_be_joined_and_padded(form: Compression) -> None:
    tar, compress = pack(FILES), COMPRESSIONS[form]
    joined = compress(tar[:700]) + compress(tar[700:]) + bytes(4096)

    assert outcome(joined) == (FILES, {}, "")


@pytest.mark.parametrize("form", [Compression.TAR_GZ, Compression.TAR_XZ, Compression.TAR_BZ2])
def test_garbage_after_the_compressed_data_is_reported(form: Compression) -> None:
    data = COMPRESSIONS[form](pack(FILES)) + bytes(16) + b"garbage"

    assert outcome(data) == (FILES, {}, "archive-trailing-data")


@pytest.mark.parametrize(
    "name, path, safe",
    [
        ("./a/b.yaml", "a/b.yaml", True),
        ("a//b/./c/", "a/b/c", True),
        (".hidden/x", ".hidden/x", True),
        ("a/..b/c", "a/..b/c", True),
        ("/etc/passwd", "etc/passwd", False),
        ("../../etc/passwd", "etc/passwd", False),
        ("a/../b.yaml", "b.yaml", False),
        ("a\0b", "a\ufffdb", False),
        ("", "", False),
        (".", "", False),
        ("a" * 5000, "a" * 4096, False),
    ],
)
def test_names_become_relative_paths(name: str, path: str, safe: bool) -> None:
    assert clean(name) == (path, safe)


def test_unsafe_names_are_rejected_if_wanted_and_else_passed_over() -> None:
    data = pack({"../../etc/x.yaml": b"1", "/etc/y.yaml": b"2", "../z.log": b"3", "ok.yaml": b"4"})

    assert outcome(data, wanted=lambda path: path.endswith(".yaml")) == (
        {"ok.yaml": b"4"},
        {"../../etc/x.yaml": "archive-unsafe-path", "/etc/y.yaml": "archive-unsafe-path"},
        "",
    )


def test_a_member_that_is_too_large_is_rejected_and_the_rest_read() -> None:
    limits = replace(DEFAULT_LIMITS, member_bytes=1000)

    read, rejected, end = outcome(pack(FILES), limits)

    assert (list(read), rejected, end) == (
        ["a/b.yaml", "a/d.yaml"],
        {"a/c.log": "limit-member-bytes"},
        "",
    )


@pytest.mark.parametrize(
    "limits, code",
    [
        (replace(DEFAULT_LIMITS, members=2), "limit-members"),
        (replace(DEFAULT_LIMITS, kept_bytes=100_000), "limit-kept-bytes"),
        (replace(DEFAULT_LIMITS, decompressed_bytes=100_000), "limit-decompressed-bytes"),
    ],
)
def test_a_limit_ends_the_whole_archive(limits: Limits, code: str) -> None:
    _, _, end = outcome(gzipped(pack(FILES)), limits)

    assert end == code


def test_limits_count_over_nested_archives() -> None:
    inner = gzipped(pack({f"f{number}": b"" for number in range(5)}))
    data = pack({"a.tar.gz": inner, "b.tar.gz": inner})

    assert outcome(data, replace(DEFAULT_LIMITS, members=12))[2] == ""
    assert outcome(data, replace(DEFAULT_LIMITS, members=11))[2] == "limit-members"


def test_zeros_in_a_real_archive_are_no_bomb_if_its_size_is_known() -> None:
    data = gzipped(pack({"zeros.log": bytes(40 << 20), "noise.log": NOISE}))
    wanted = {"noise.log"}.__contains__

    assert outcome(data, wanted=wanted) == ({"noise.log": NOISE}, {}, "")
    assert outcome(Pipe(data), wanted=wanted)[2] == "limit-compression-ratio"  # type: ignore[arg-type]


@pytest.mark.parametrize("compress", [gzipped, lzma.compress, bz2.compress])
def test_single_documents_are_decompressed(compress: Callable[[bytes], bytes]) -> None:
    data = compress(NOISE) + compress(b"second")

    assert b"".join(decompress(io.BytesIO(data))) == NOISE + b"second"


@pytest.mark.parametrize(
    "data, code",
    [
        (b"kind: Pod", "not-compressed"),
        (b"", "not-compressed"),
        (gzipped(NOISE)[:-3], "archive-truncated"),
        (gzipped(NOISE) + b"tail", "archive-trailing-data"),
        (lzma.compress(NOISE)[:-8] + b"\xff" * 8, "archive-corrupt"),
        (b"\x28\xb5\x2f\xfd" + bytes(600), "zstd-unsupported"),
        (gzipped(bytes(200 << 20)), "limit-compression-ratio"),
    ],
)
def test_a_document_that_cannot_be_decompressed_says_why(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        for _ in decompress(io.BytesIO(data)):
            pass

    assert caught.value.code == code
    assert isinstance(caught.value, LimitExceeded) == code.startswith("limit-")


def test_xz_that_wants_too_much_memory_is_refused() -> None:
    data = bytearray(lzma.compress(b"x"))
    # The block header: its size, flags, filter id, properties size, dictionary size, CRC-32.
    data[16] = 36  # 1 GiB
    data[20:24] = zlib.crc32(data[12:20]).to_bytes(4, "little")

    with pytest.raises(Unreadable) as caught:
        list(decompress(io.BytesIO(data)))

    assert caught.value.code == "xz-dictionary-too-large"
