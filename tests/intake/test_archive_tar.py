"""The tar reader against ``tarfile``: on real archives and on generated ones."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path, PurePosixPath

import pytest
from elsewhere import CORPUS, files
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.archives.members import Member, Rejected, read_archive
from service.intake.intake_errors import Unreadable

OWN = sorted((CORPUS / "archives").glob("*.tar"))
SAMPLES = ("*/tar-rs/tests/archives/*.tar", "*/omc/cmd/use/testdata/must-gather.tar*")
MUST_GATHER = "openshift/must-gather-clean/test/files/must-gather-azure.tar.xz"


def read(data: bytes) -> list[Member | Rejected]:
    stream = io.BytesIO(data)
    return list(read_archive(stream, wanted=lambda path: True, enter=lambda path: False))


def members(data: bytes) -> list[tuple[str, bytes]]:
    return [(m.path, m.data) for m in read(data) if isinstance(m, Member)]


def by_tarfile(data: bytes) -> list[tuple[str, bytes]]:
    """What the standard library reads of the same archive, without sparse files."""
    found: list[tuple[str, bytes]] = []
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if member.isreg() and not member.issparse() and member.size <= 64 * 1024 * 1024:
                content = archive.extractfile(member)
                assert content is not None
                path = str(PurePosixPath(member.name))
                found.append((path, content.read()))
    return found


def pack(*files: tuple[str, bytes], **options: object) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", **options) as archive:  # type: ignore[call-overload]
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_reads_what_tarfile_reads(path: Path) -> None:
    data = path.read_bytes()

    assert members(data) == by_tarfile(data)


@pytest.mark.parametrize("patterns", [SAMPLES, (MUST_GATHER,)])
def test_reads_what_tarfile_reads_of_sample_archives(patterns: tuple[str, ...]) -> None:
    for path in files(*patterns):
        data = path.read_bytes()

        assert members(data) == by_tarfile(data), path.name


def rejected_of(paths: list[Path]) -> set[tuple[str, str, str]]:
    return {
        (path.name, item.path, item.error.code)
        for path in paths
        for item in read(path.read_bytes())
        if isinstance(item, Rejected)
    }


def test_what_is_not_read_is_named() -> None:
    assert rejected_of(OWN) == {
        ("device.tar", "null", "archive-special-file"),
        ("hard_link.tar", "link", "archive-link"),
        ("sparse_gnu.tar", "big", "tar-sparse"),
        ("sparse_pax.tar", "big", "tar-sparse"),
        ("symbolic_link.tar", "link", "archive-link"),
    }


def test_the_hostile_samples_say_what_was_not_read() -> None:
    assert rejected_of(files(*SAMPLES)) == {
        ("link.tar", "lnk", "archive-link"),
        ("pax2.tar", "bbbbbbbbbbbbbbb", "archive-link"),
        ("pax2.tar", "ccccccccccccccc", "archive-link"),
        ("sparse-1.tar", "a.big", "tar-sparse"),
        ("sparse-large.tar", "huge", "tar-sparse"),
        ("sparse.tar", "sparse.txt", "tar-sparse"),
        ("sparse.tar", "sparse_begin.txt", "tar-sparse"),
        ("sparse.tar", "sparse_end.txt", "tar-sparse"),
        ("sparse.tar", "sparse_ext.txt", "tar-sparse"),
    }


PART = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\\0"),
    min_size=1,
    max_size=60,
).filter(lambda part: part not in (".", "..") and not part.isspace())
NAMES = st.lists(PART, min_size=1, max_size=6).map("/".join)
FILES = st.lists(
    st.tuples(
        NAMES,
        st.binary(max_size=1500),
        st.integers(0, 2**37) | st.floats(0, 2**33),
        st.sampled_from([tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE]),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(files=FILES, layout=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_reads_what_tarfile_reads_of_generated_archives(
    files: list[tuple[str, bytes, float, bytes]], layout: int
) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=layout) as archive:
        for name, content, mtime, kind in files:
            info = tarfile.TarInfo(name)
            # tarfile takes an old-style file for a directory if the cut form of its long name
            # happens to end in a slash; here the whole name counts.
            old_and_long = kind == tarfile.AREGTYPE and len(name.encode()) > 99
            info.mtime, info.type = mtime, tarfile.REGTYPE if old_and_long else kind
            info.linkname = "elsewhere/" * (len(name) % 20)
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content))
    data = target.getvalue()

    assert members(data) == by_tarfile(data)


@settings(max_examples=100, deadline=None)
@given(names=st.lists(st.from_regex(r"[a-z]{1,80}(/[a-z]{1,50}){1,2}", fullmatch=True), max_size=8))
def test_reads_what_tarfile_reads_of_ustar_prefixes(names: list[str]) -> None:
    data = pack(*((name, name.encode()) for name in names), format=tarfile.USTAR_FORMAT)

    assert members(data) == by_tarfile(data)


@settings(max_examples=300, deadline=None)
@given(
    place=st.integers(0, 4 * 512 - 1), value=st.integers(0, 255), layout=st.sampled_from([0, 1, 2])
)
def test_a_changed_byte_gives_an_answer_or_a_clear_error(
    place: int, value: int, layout: int
) -> None:
    name = "n" * 99 if layout == tarfile.USTAR_FORMAT else "n" * 120
    data = bytearray(pack((name, b"one"), ("b.yaml", b"two"), format=layout))
    data[place] = value

    try:
        found = read(bytes(data))
    except Unreadable as error:
        found = [Rejected("", error)]

    assert all(item.path or isinstance(item, Rejected) for item in found)


def header(name: bytes = b"a", *, size: bytes = b"00000000003\0", kind: bytes = b"0") -> bytes:
    """A V7 header made by hand, for what ``tarfile`` does not write."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124:136] = size
    block[136:148] = b"00000000001\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def test_an_archive_without_trailer_is_whole() -> None:
    assert members(header() + padded(b"abc")) == [("a", b"abc")]


def test_an_empty_archive_has_no_members() -> None:
    assert read(bytes(10240)) == []


def test_a_size_in_base_256_is_read() -> None:
    data = header(size=b"\x80" + (3).to_bytes(11, "big")) + padded(b"abc")

    assert members(data) == [("a", b"abc")]


def test_a_negative_size_is_damage() -> None:
    data = header() + padded(b"abc") + header(b"b", size=b"\xff" * 12)

    with pytest.raises(Unreadable) as caught:
        read(data)

    assert caught.value.code == "tar-header"


def test_a_checksum_of_signed_bytes_is_accepted() -> None:
    block = bytearray(header("é".encode()))
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % (sum(block) - 256 * sum(byte > 127 for byte in block))

    assert members(bytes(block) + padded(b"abc")) == [("é", b"abc")]


def test_a_name_that_is_not_utf_8_is_shown_with_replacement() -> None:
    assert members(header(b"caf\xe9") + padded(b"abc")) == [("caf\ufffd", b"abc")]


def test_old_directories_end_in_a_slash() -> None:
    assert read(header(b"a/", size=b"00000000000\0", kind=b"\0")) == []


@pytest.mark.parametrize(
    "kind, code",
    [
        (b"1", "archive-link"),
        (b"2", "archive-link"),
        (b"3", "archive-special-file"),
        (b"4", "archive-special-file"),
        (b"6", "archive-special-file"),
        (b"V", "archive-unknown-type"),
    ],
)
def test_what_is_no_file_is_rejected_only_if_wanted(kind: bytes, code: str) -> None:
    data = header(size=b"00000000000\0", kind=kind) + header(b"b") + padded(b"abc")

    found = [(m.path, getattr(m, "error", None)) for m in read(data)]

    assert [(path, error and error.code) for path, error in found] == [("a", code), ("b", None)]
    assert list(read_archive(io.BytesIO(data), wanted=lambda path: False)) == []


@pytest.mark.parametrize(
    "length, found, code",
    [
        (511, [], "not-an-archive"),
        (512, [("a", Rejected)], "archive-truncated"),
        (514, [("a", Rejected)], "archive-truncated"),
        (515, [("a", Member)], "archive-truncated"),
        (1024, [("a", Member)], ""),
        (1025, [("a", Member)], "archive-truncated"),
        (1536, [("a", Member), ("b", Rejected)], "archive-truncated"),
        (2048, [("a", Member), ("b", Member)], ""),
    ],
)
def test_a_cut_archive_gives_its_whole_members_first(
    length: int, found: list[tuple[str, type]], code: str
) -> None:
    whole = header() + padded(b"abc") + header(b"b") + padded(b"def")
    items = read_archive(io.BytesIO(whole[:length]), wanted=lambda path: True)

    for path, kind in found:
        item = next(items)
        assert (item.path, type(item)) == (path, kind)
    if not code:
        assert next(items, None) is None
        return
    with pytest.raises(Unreadable) as caught:
        next(items)
    assert caught.value.code == code


def test_a_truncation_names_the_last_complete_member() -> None:
    data = header() + padded(b"abc") + header(b"b") + b"d"

    with pytest.raises(Unreadable) as caught:
        list(read_archive(io.BytesIO(data), wanted=lambda path: False))

    assert caught.value.message == (
        "the archive ends early; members complete before that: 1, the last one 'a'"
    )


def test_data_after_the_end_is_reported() -> None:
    data = header() + padded(b"abc") + bytes(1024) + header(b"b") + padded(b"abc")

    with pytest.raises(Unreadable) as caught:
        read(data)

    assert caught.value.code == "archive-trailing-data"


def sparse_pax(records: dict[str, str], stored: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("GNUSparseFile.0/a")
        info.size, info.pax_headers = len(stored), records
        archive.addfile(info, io.BytesIO(stored))
    return target.getvalue()


def sparse_gnu(maps: int) -> bytes:
    """A member of the old GNU form whose map goes on in so many blocks, and one behind it."""
    block = bytearray(header(b"GNU-a", kind=tarfile.GNUTYPE_SPARSE))
    block[386:512] = bytes(126)
    block[482] = maps > 0
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    more = b"".join(bytes(504) + bytes([left > 0]) + bytes(7) for left in reversed(range(maps)))
    return bytes(block) + more + padded(b"abc") + header(b"b") + padded(b"abc") + bytes(1024)


SPARSE = {
    "pax-0.0": sparse_pax(
        {"GNU.sparse.name": "a", "GNU.sparse.size": "9", "GNU.sparse.offset": "2"}, b"d"
    ),
    "pax-0.1": sparse_pax(
        {"GNU.sparse.name": "a", "GNU.sparse.size": "10", "GNU.sparse.map": "2,3,8,1"}, b"abcd"
    ),
    "pax-1.0": sparse_pax(
        {"GNU.sparse.name": "a", "GNU.sparse.major": "1", "GNU.sparse.realsize": "10"}, b"abcd"
    ),
}


@pytest.mark.parametrize("data", SPARSE.values(), ids=SPARSE)
def test_a_sparse_member_is_refused_under_its_own_name(data: bytes) -> None:
    (item,) = read(data)

    assert isinstance(item, Rejected)
    assert (item.path, item.error.code) == ("a", "tar-sparse")


@pytest.mark.parametrize("maps", [0, 1, 3])
def test_members_behind_a_sparse_one_are_read(maps: int) -> None:
    refused, read_on = read(sparse_gnu(maps))

    assert isinstance(refused, Rejected)
    assert (refused.path, refused.error.code) == ("GNU-a", "tar-sparse")
    assert isinstance(read_on, Member)
    assert (read_on.path, read_on.data) == ("b", b"abc")


def test_damage_before_the_first_member_counts_none_before_it() -> None:
    data = header(b"x", kind=tarfile.GNUTYPE_LONGNAME) + b"abc"

    with pytest.raises(Unreadable) as caught:
        read(data)

    assert caught.value.message == "the archive ends early; members complete before that: 0"


@pytest.mark.parametrize(
    "field, modified",
    [(b"14567430212\0", 1709060234.0), (b"\x80" + b"\xff" * 11, None), (b"-1\0", None)],
    ids=["octal", "base-256", "negative"],
)
def test_the_time_is_that_of_the_plain_header(field: bytes, modified: float | None) -> None:
    block = bytearray(header())
    block[136:148] = field.ljust(12, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)

    assert read(bytes(block) + padded(b"abc")) == [Member("a", b"abc", modified)]
