"""Forms: the same parts come out, wherever the network or the reader cuts the bytes."""

from __future__ import annotations

import json
import lzma
from contextlib import ExitStack
from itertools import pairwise

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_bodies import BOUNDARY, END, FORM, part
from test_endpoints import DESTINATION, SOURCE, URL

from service.api.requests.multipart import CHUNK, Spool, read_form
from service.settings import Settings

# What stands near a boundary: its pieces, line breaks of any kind, dashes, blanks.
FRAGMENTS = st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"--xxBOUND", b"x", b" ", b"\t"])
CONTENT = st.lists(FRAGMENTS, max_size=8).map(b"".join)


def parts(chunks: list[bytes]) -> list[tuple[str, bytes]]:
    with ExitStack() as files:
        pieces = read_form(iter(chunks), BOUNDARY, Settings(), Spool(1 << 20, files))
        return [(item.name, item.stream.read()) for item in pieces]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted({place % len(data) for place in places} - {0}), len(data)]
    return [data[one:other] for one, other in pairwise(bounds)]


@given(st.lists(CONTENT, min_size=1, max_size=3), st.lists(st.integers(0, 10_000), max_size=8))
@settings(max_examples=500, deadline=None)
def test_a_cut_anywhere_changes_no_part(contents: list[bytes], places: list[int]) -> None:
    form = b"".join(part("source", content) for content in contents) + END
    assert parts(cut(form, places)) == [("source", content) for content in contents]


@given(st.lists(CONTENT, min_size=1, max_size=3))
@example([b"x"])
@settings(max_examples=50, deadline=None)
def test_a_form_may_come_byte_by_byte(contents: list[bytes]) -> None:
    form = b"".join(part("source", content) for content in contents) + END
    chunks = [form[at : at + 1] for at in range(len(form))]
    assert parts(chunks) == [("source", content) for content in contents]


@pytest.mark.parametrize("end", [END, END.rstrip(), END.replace(b"--\r\n", b"-- \t\r\n")])
def test_a_cut_in_the_closing_boundary_leaves_the_last_file_whole(end: bytes) -> None:
    form = part("source", b"PK\x05\x06") + end
    for place in range(len(form) - len(end) - 2, len(form)):
        assert parts([form[:place], form[place:]]) == [("source", b"PK\x05\x06")], place


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_an_archive_at_the_end_of_what_is_read_at_a_time_is_read_whole(
    client: FlaskClient, after: int
) -> None:
    """A byte too many after it, and it would be no archive any more."""
    whole = part("source", lzma.compress(json.dumps(SOURCE).encode())) + END
    blank = CHUNK + after - len(part("destination", json.dumps(DESTINATION).encode()) + whole)
    form = part("destination", json.dumps(DESTINATION).encode() + b" " * blank) + whole
    assert len(form) == CHUNK + after

    report = client.post(URL, data=form, headers=FORM).get_json()
    assert report["problems"] == []
    assert [item["openshift"] for item in report["clusters"]] == ["3.11.1159", "4.14.9"]
