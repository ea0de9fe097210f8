"""JSON: what is read, what is refused and where, and that nothing else ever comes out."""

from __future__ import annotations

import contextlib
import gc
import json
from pathlib import Path
from typing import Any

import pytest
from elsewhere import CORPUS, files
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import DEFAULT_LIMITS, Limits
from service.intake.texts.json import load_json, load_ndjson
from service.intake.texts.loaded import gc_paused

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=30,
)


def refusal(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        load_json(data, limits)
    return caught.value


def outcome(path: Path) -> str:
    """Whether a file is read: y or n, as the names of the files begin."""
    try:
        load_json(path.read_bytes())
    except Unreadable:
        return "n"
    return "y"


@pytest.mark.parametrize("path", sorted((CORPUS / "json").iterdir()), ids=lambda path: path.stem)
def test_what_is_read_and_what_is_refused(path: Path) -> None:
    assert outcome(path) == path.name[0]


def test_json_test_suite() -> None:
    for path in files("nst/JSONTestSuite/test_parsing/*.json"):
        # A duplicate key is valid JSON, yet no two readers agree which value counts.
        expected = "n" if "duplicated_key" in path.name else path.name[0]
        assert expected in ("i", outcome(path)), path.name


@given(VALUES)
def test_reads_what_a_writer_wrote(value: Any) -> None:
    assert load_json(json.dumps(value).encode()) == value
    assert load_json(json.dumps(value, ensure_ascii=False, indent=2).encode()) == value


@given(st.binary(max_size=60))
def test_nothing_but_unreadable_leaves(data: bytes) -> None:
    with contextlib.suppress(Unreadable):
        json.dumps(load_json(data), allow_nan=False, ensure_ascii=False).encode()
    for loaded in load_ndjson(data):
        assert (loaded.error is None) or (loaded.value is None)


@pytest.mark.parametrize(
    ("data", "code", "line", "column"),
    [
        (b'{"a": 1, "a": 2}', "json-duplicate-key", 1, 10),
        (b'{\n "b": {"c": 1,\n "c": 2}}', "json-duplicate-key", 3, 2),
        (b'{"a\\u0062": 1, "ab": 2}', "json-duplicate-key", 1, 16),
        (b'{"a": 1} x', "json-trailing", 1, 10),
        (b"1, 2", "json-trailing", 1, 2),
        (b"1], [2", "json-trailing", 1, 2),
        (b'{"a":\n\n', "json-incomplete", 3, 1),
        (b"", "json-incomplete", 1, 1),
        (b'{"a": NaN}', "json-syntax", 1, 7),
        (b'["a\x01"]', "json-control-character", 1, 4),
        (b'["\xff"]', "json-encoding", 1, 3),
        (b"\xff\xfe{\x00}\x00", "json-encoding", 1, 1),
        (b"{\x00}\x00", "json-encoding", 1, 1),
        (b"[01]", "json-number", 1, 3),
        (b'["1e999",\n 1, 1e400]', "json-number", 2, 5),
        (b"[" + b"1" * 5000 + b"]", "json-number", 1, 4303),
    ],
)
def test_refuses_with_a_position(
    data: bytes, code: str, line: int | None, column: int | None
) -> None:
    error = refusal(data)
    assert (error.code, error.line, error.column) == (code, line, column)


@pytest.mark.parametrize(
    "text", [b'"\\ud800"', b'"\\udc00\\ud800"', b'{"\\ud83d": 1}', b'"\xed\xa0\x80"']
)
def test_lone_surrogates_never_come_out(text: bytes) -> None:
    refusal(text)


def test_messages_repeat_no_values() -> None:
    assert "hunter2" not in str(refusal(b'{"password": "hunter2" "x"}'))
    assert "k" * 61 not in str(refusal(b'{"%s": 1, "%s": 2}' % (b"k" * 61, b"k" * 61)))
    assert "'token'" in str(refusal(b'{"token": 1, "token": 2}'))


def test_integers_keep_every_digit() -> None:
    assert load_json(b"[9007199254740993, 18446744073709551616]") == [2**53 + 1, 2**64]
    assert load_json(b"9" * 4300) == int("9" * 4300)


@pytest.mark.parametrize("text", [b"1e999", b"[-1E+400]", b"[" + b" " * 100_000 + b"1e309]"])
def test_infinity_never_comes_out_of_what_people_write(text: bytes) -> None:
    assert refusal(text).code == "json-number"


def test_a_byte_order_mark_is_dropped() -> None:
    assert load_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("depth", [1, 2, 100, 150, 200])
def test_the_depth_limit_is_the_one_in_force(depth: int) -> None:
    limits = Limits(depth=depth)
    assert load_json(b"[" * depth + b"]" * depth, limits) is not None
    error = refusal(b"[" * (depth + 1) + b"]" * (depth + 1), limits)
    assert isinstance(error, LimitExceeded)
    assert error.setting == "depth"


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000]
)
def test_deep_nesting_is_refused(text: bytes) -> None:
    assert refusal(text).code == "limit-depth"


def documents(data: bytes) -> list[Any]:
    return [
        loaded.value if loaded.error is None else (loaded.error.code, loaded.error.line)
        for loaded in load_ndjson(data)
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b" \n\n", []),
        (b'{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b'{\n  "a": 1\n}\r\n{\n  "a": 2\n}', [{"a": 1}, {"a": 2}]),
        (b'{"a": "}\\n{"}{} [1] 2 "x"', [{"a": "}\n{"}, {}, [1], 2, "x"]),
        (b"1\n2\n\n3", [1, 2, 3]),
        (b'\xef\xbb\xbf{}\n{"a":1}', [{}, {"a": 1}]),
        (b'{"a":1}\n{"a":\n{"b":2}\n', [{"a": 1}, ("json-incomplete", 2), {"b": 2}]),
        (b'broken\n{"a":1}\n', [("json-syntax", 1), {"a": 1}]),
        (b'{}\n{"a":1,\n"a":2}\n{}', [{}, ("json-duplicate-key", 3), {}]),
        (b'{"a":"\xff"}{}\n{}', [("json-encoding", 1), {}]),
    ],
)
def test_documents_behind_one_another(data: bytes, expected: list[Any]) -> None:
    assert documents(data) == expected


@given(st.lists(st.dictionaries(TEXT, VALUES, max_size=3), max_size=5), st.sampled_from([None, 4]))
@settings(max_examples=50)
def test_streams_of_objects_come_back(values: list[Any], indent: int | None) -> None:
    text = "\n".join(json.dumps(value, indent=indent) for value in values)
    assert documents(text.encode()) == values


@pytest.mark.parametrize(
    "data", [b"{}" * 50_000, b"1 " * 50_000, b'x\n{"a":\n' * 50_000, b"[\n" * 200_000]
)
def test_many_documents_come_to_an_end(data: bytes) -> None:
    """In quadratic time this would take hours."""
    for _ in load_ndjson(data):
        pass


def test_too_many_documents() -> None:
    with pytest.raises(LimitExceeded):
        list(load_ndjson(b"{}\n" * 11, Limits(documents=10)))


def fail_while_paused() -> None:
    with gc_paused():
        with gc_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
        raise RuntimeError


def test_gc_comes_back_when_the_last_pause_ends() -> None:
    assert gc.isenabled()
    with pytest.raises(RuntimeError):
        fail_while_paused()
    assert gc.isenabled()
