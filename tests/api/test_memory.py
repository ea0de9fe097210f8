"""What is remembered of small requests, and what tells two of them apart."""

from __future__ import annotations

import io
from typing import Any

import pytest

from service.api.answers.memory import MOST_BYTES, Answered, Memory, Tally
from service.intake.pieces import Piece

TALLY = Tally("ready", {}, {}, {})


def pieces(data: bytes = b"{}", name: str = "envelope", media_type: str = "") -> tuple[Piece, ...]:
    return (Piece(name, io.BytesIO(data), "", media_type),)


OTHERS: dict[str, tuple[tuple[Piece, ...], dict[str, Any], str]] = {
    "another body": (pieces(b"[]"), {}, "json"),
    "another part": (pieces(name="source"), {}, "json"),
    "another media type": (pieces(media_type="application/yaml"), {}, "json"),
    "another query": (pieces(), {"role": "source"}, "json"),
    "another format": (pieces(), {}, "text"),
    "one more part": ((*pieces(), *pieces()), {}, "json"),
    "bytes that moved to the name": (pieces(b"", name="envelope{}"), {}, "json"),
}


@pytest.mark.parametrize(("given", "query", "form"), OTHERS.values(), ids=OTHERS)
def test_another_request_has_another_key(
    given: tuple[Piece, ...], query: dict[str, Any], form: str
) -> None:
    memory = Memory(4)
    assert memory.key(given, query, form) != memory.key(pieces(), {}, "json")


def test_the_same_request_is_answered_from_memory_and_its_body_can_still_be_read() -> None:
    memory = Memory(4)
    given = pieces(b'{"a": 1}')
    memory.put(memory.key(given, {}, "json"), Answered(b"report", 200, TALLY))
    again = pieces(b'{"a": 1}')
    assert memory.get(memory.key(again, {}, "json")) == Answered(b"report", 200, TALLY)
    assert again[0].stream.read() == b'{"a": 1}'


def test_what_was_asked_for_longest_ago_is_forgotten() -> None:
    memory = Memory(2)
    keys = [memory.key(pieces(b"%d" % number), {}, "json") for number in range(3)]
    for key in keys[:2]:
        memory.put(key, Answered(b"", 200, TALLY))
    memory.get(keys[0])
    memory.put(keys[2], Answered(b"", 200, TALLY))
    assert [memory.get(key) is None for key in keys] == [False, True, False]


def test_large_requests_and_a_size_of_nothing_are_not_remembered() -> None:
    assert Memory(4).key(pieces(b" " * (MOST_BYTES + 1)), {}, "json") is None
    assert Memory(0).key(pieces(), {}, "json") is None
