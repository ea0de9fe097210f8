"""Zip archives: all legal layouts as ``zipfile`` reads them, and the ones made to harm."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from struct import pack_into, unpack_from

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.archives.members import Member, read_archive
from service.intake.intake_errors import Unreadable
from service.intake.limits import DEFAULT_LIMITS, Limits

FILES = {"a/b.yaml": b"kind: Pod\n" * 500, "a/c.log": b"log", "empty": b""}


class Pipe(io.BytesIO):
    """Bytes that can only be written or read forward."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def pack(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytearray:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 2, 29, 12, 30, 10)), content, method)
    return bytearray(target.getvalue())


def outcome(
    data: bytes, limits: Limits = DEFAULT_LIMITS, stream: Callable[[bytes], io.BytesIO] = io.BytesIO
) -> tuple[dict[str, bytes], dict[str, str], str]:
    """What was read, what was rejected, and how the whole ended ('' is well)."""
    read: dict[str, bytes] = {}
    rejected: dict[str, str] = {}
    try:
        for item in read_archive(stream(data), wanted=lambda path: True, limits=limits):
            if isinstance(item, Member):
                read[item.path] = item.data
            else:
                rejected[item.path] = item.error.code
    except Unreadable as error:
        return read, rejected, error.code
    return read, rejected, ""


def central(data: bytearray, number: int = 0) -> int:
    """Where the record of a member lies in the central directory."""
    at = -1
    for _ in range(number + 1):
        at = data.index(b"PK\x01\x02", at + 1)
    return at


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("stream", [io.BytesIO, Pipe])
def test_the_usual_methods_are_read(method: int, stream: Callable[[bytes], io.BytesIO]) -> None:
    assert outcome(bytes(pack(FILES, method)), stream=stream) == (FILES, {}, "")


def test_the_local_time_of_the_packing_machine_is_no_time() -> None:
    (member,) = read_archive(io.BytesIO(pack({"a": b""})), wanted=lambda path: True)

    assert member == Member("a", b"", None)


def test_sizes_that_follow_the_data_are_read() -> None:
    class Out(io.RawIOBase):
        data = b""

        def writable(self) -> bool:
            return True

        def write(self, piece: object) -> int:
            self.data += bytes(piece)  # type: ignore[call-overload]
            return len(piece)  # type: ignore[arg-type]

    target = Out()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)

    assert outcome(target.data) == (FILES, {}, "")


def test_zip64_is_read() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive, archive.open("a", "w", force_zip64=True) as file:
        file.write(b"large")

    assert outcome(target.getvalue()) == ({"a": b"large"}, {}, "")


def test_a_directory_of_zip64_is_read() -> None:
    files = {f"f{number}": b"" for number in range(70_000)}

    assert outcome(bytes(pack(files, zipfile.ZIP_STORED))) == (files, {}, "")


def test_a_zip_may_have_a_comment_and_data_before_it() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a", b"x")
        archive.comment = b"comment" * 9
    data = target.getvalue()

    assert outcome(data) == ({"a": b"x"}, {}, "")
    assert outcome(b"PK\x03\x04 stub" + data) == ({"a": b"x"}, {}, "")


def test_backslashes_of_windows_separate_folders_those_of_unix_do_not() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, system in {"a\\b": 0, "c\\x2d": 3}.items():
            info = zipfile.ZipInfo(name)
            info.create_system = system
            archive.writestr(info, b"x")

    assert outcome(target.getvalue()) == ({"a/b": b"x", "c\\x2d": b"x"}, {}, "")


def test_names_that_are_no_utf_8_are_read_by_the_old_code_page() -> None:
    data = bytes(pack({"cafe": b"x"})).replace(b"cafe", b"caf\x82")

    assert outcome(data) == ({"café": b"x"}, {}, "")


def test_links_and_devices_are_rejected() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, kind in {
            "link": stat.S_IFLNK,
            "pipe": stat.S_IFIFO,
            "file": stat.S_IFREG,
        }.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (kind | 0o644) << 16
            archive.writestr(info, b"/etc/passwd")
        archive.mkdir("folder")

    assert outcome(target.getvalue()) == (
        {"file": b"/etc/passwd"},
        {"link": "archive-link", "pipe": "archive-special-file"},
        "",
    )


def test_unsafe_names_are_rejected() -> None:
    names = ("../../x", "/x", "a/../../b", "ok")

    assert outcome(bytes(pack(dict.fromkeys(names, b"x")))) == (
        {"ok": b"x"},
        dict.fromkeys(names[:3], "archive-unsafe-path"),
        "",
    )


def test_an_encrypted_member_is_rejected_with_a_hint() -> None:
    data = pack(FILES)
    at = central(data)
    pack_into("<H", data, at + 8, unpack_from("<H", data, at + 8)[0] | 1)

    read, rejected, end = outcome(bytes(data))

    assert (list(read), rejected, end) == (["a/c.log", "empty"], {"a/b.yaml": "zip-encrypted"}, "")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_unpacks_without_bounds_is_rejected(method: int) -> None:
    assert outcome(bytes(pack({"a": b"x"}, method))) == ({}, {"a": "zip-method"}, "")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    "field, value, code",
    [
        (16, 1, "archive-corrupt"),  # CRC
        (20, 2, "zip-size archive-corrupt"),  # compressed size
        (20, 2**31, "zip-overlap"),
        (24, 3, "archive-corrupt"),  # size
        (24, 60_000_000, "zip-size"),
        (24, 2**31, "limit-member-bytes"),
        (42, 7, "zip-overlap"),  # offset
        (42, 2**31, "zip-header"),
    ],
)
def test_a_lying_directory_is_found_out(method: int, field: int, value: int, code: str) -> None:
    data = pack({"a": b"text " * 100, "b": b"x"}, method)
    pack_into("<L", data, central(data) + field, value)

    read, rejected, end = outcome(bytes(data))

    assert (read, end) == ({"b": b"x"}, "")
    assert rejected["a"] in code.split()


def test_members_that_share_data_are_rejected() -> None:
    data = pack({"a": b"a" * 1000, "b": b"b" * 1000, "c": b"c"})
    pack_into("<L", data, central(data, 1) + 42, 0)

    assert outcome(bytes(data)) == ({"c": b"c"}, {"a": "zip-overlap", "b": "zip-overlap"}, "")


@pytest.mark.parametrize("length", [0, 4, 30, 50, -1, -22, -40])
def test_a_cut_zip_is_reported(length: int) -> None:
    data = bytes(pack(FILES))[:length]

    assert outcome(data) == ({}, {}, "archive-truncated" if data else "archive-empty")


def test_too_many_members_are_refused_before_any_is_read() -> None:
    data = bytes(pack({f"f{number}": b"" for number in range(100)}))

    assert outcome(data, replace(DEFAULT_LIMITS, members=99)) == ({}, {}, "limit-members")


def test_a_wrong_count_does_not_hide_too_many_members() -> None:
    data = pack({f"f{number}": b"" for number in range(100)})
    pack_into("<2H", data, len(data) - 14, 1, 1)

    assert outcome(bytes(data), replace(DEFAULT_LIMITS, members=99)) == ({}, {}, "limit-members")


def test_a_zip_too_large_for_memory_must_be_seekable() -> None:
    data, limits = bytes(pack(FILES)), replace(DEFAULT_LIMITS, member_bytes=300)

    assert outcome(data, limits, Pipe) == ({}, {}, "limit-member-bytes")
    assert outcome(data, limits) == (
        {"a/c.log": b"log", "empty": b""},
        {"a/b.yaml": "limit-member-bytes"},
        "",
    )


def test_zip_and_tar_nest_both_ways() -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        inner = bytes(pack({"x": b"x"}))
        info = tarfile.TarInfo("in.zip")
        info.size = len(inner)
        archive.addfile(info, io.BytesIO(inner))

    assert outcome(
        bytes(pack({"a": b"a", "must-gather.tar.gz": target.getvalue(), "z": b"z"}))
    ) == (
        {"a": b"a", "must-gather.tar.gz!/in.zip!/x": b"x", "z": b"z"},
        {},
        "",
    )


@settings(max_examples=150, deadline=None)
@given(
    files=st.dictionaries(
        st.from_regex(r"[a-zé€]{1,20}(/[a-z.-]{0,10}[a-z]){0,3}", fullmatch=True),
        st.binary(max_size=500),
        max_size=6,
    ),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_reads_what_zipfile_reads(files: dict[str, bytes], method: int) -> None:
    data = bytes(pack(files, method))

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        expected = {name: archive.read(name) for name in archive.namelist()}

    items = read_archive(io.BytesIO(data), wanted=lambda path: True, enter=lambda path: False)
    assert [(m.path, m.data) for m in items if isinstance(m, Member)] == list(expected.items())


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_changed_byte_gives_right_data_or_a_clear_error(place: int, value: int) -> None:
    files = {"a": b"kind: Pod\n" * 5, "b": b"log"}
    data = pack(files)
    data[place % len(data)] = value

    read, _, _ = outcome(bytes(data))

    # A name may be changed without trace; data never is.
    assert set(read.values()) <= set(files.values())
