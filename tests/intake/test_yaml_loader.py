"""YAML: Kubernetes' values, and refusals with positions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from elsewhere import CORPUS, files
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import DEFAULT_LIMITS, Limits
from service.intake.texts.yaml.events import EMPTY, read_events
from service.intake.texts.yaml.loader import load_yaml
from service.intake.texts.yaml.scalars import key_text, resolve

# Where libyaml, like its port goyaml, departs from YAML 1.2 without refusing.
SUITE_DEVIATIONS = {"JEF9/02"}


def outcomes(data: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    return [
        (loaded.index, loaded.value)
        if loaded.error is None
        else (loaded.index, loaded.error.code, loaded.error.line, loaded.error.column)
        for loaded in load_yaml(data, limits)
    ]


def value(text: str | bytes) -> Any:
    data = text.encode() if isinstance(text, str) else text
    (loaded,) = load_yaml(data)
    assert loaded.error is None, loaded.error.message
    return loaded.value


def exactly_equal(left: Any, right: Any) -> bool:
    """Equal in values, types, order of keys and signs of zeros."""
    return repr(left) == repr(right)


def exact(text: str) -> Any:
    try:
        return list(read_events(text, DEFAULT_LIMITS))
    except Unreadable as error:
        return error.code


# Scalars

TRUE = ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]
FALSE = ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]
STRINGS = ["yES", "nO", "tRUE", "nULL", "oN", "Y1", "=", "<<", "+", ".", "_1", "inf", "nan", "1:20"]
QUOTED = [
    "no", "on", "1_000", "0e0", "1:20", "2021-01-01", "+1", "0o7", "~", "null", "<<", "=", "0x1F",
    ".inf", "1e3", "true", "-", "08", "_1",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((word, True) for word in TRUE),
        *((word, False) for word in FALSE),
        *((word, None) for word in ("", "~", "null", "Null", "NULL")),
        *((word, word) for word in STRINGS),
        ("12", 12),
        ("+1", 1),
        ("-0", 0),
        ("1_000", 1000),
        ("0777", 0o777),
        ("0o7", 7),
        ("-0x1F", -31),
        ("0b11", 3),
        ("0x", "0x"),
        ("0xg", "0xg"),
        ("08", 8.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("._5", "._5"),
        ("1e3", 1000.0),
        ("0e0", 0.0),
        ("1e400", "1e400"),
        ("1e-400", 0.0),
        ("9223372036854775808", 2**63),
        ("18446744073709551616", float(2**64)),
        ("-9223372036854775809", -float(2**63)),
        ("0xffffffffffffffffff", 2**72 - 1),
        ("-0xffffffffffffffffff", "-0xffffffffffffffffff"),
        ("2021-01-01", "2021-01-01"),
        ("2021-01-01T10:00:00Z", "2021-01-01T10:00:00Z"),
        ("10.0.0.1", "10.0.0.1"),
        ("500m", "500m"),
    ],
)
def test_plain_scalars_mean_what_goyaml_makes_of_them(text: str, expected: Any) -> None:
    assert exactly_equal(resolve(text), expected)
    if text:
        assert exactly_equal(value(f"a: {text}\n"), {"a": expected})


@pytest.mark.parametrize("text", QUOTED)
def test_what_oc_quotes_stays_a_string(text: str) -> None:
    assert value(f'a: "{text}"\nb: \'{text}\'\nc:\n- "{text}"\n') == {
        "a": text,
        "b": text,
        "c": [text],
    }


@pytest.mark.parametrize("text", [".nan", ".NaN", ".inf", "-.inf", "+.INF"])
def test_no_number_without_json_form(text: str) -> None:
    assert outcomes(f"a:\n  b: {text}\n".encode()) == [(0, "yaml-number", 2, 6)]


@pytest.mark.parametrize(
    ("key", "expected"),
    [(1, "1"), (True, "true"), (False, "false"), (1.5, "1.5"), (1e6, "1e+06"), (0.1, "0.1"),
     (1e-5, "1e-05"), (123456789.0, "1.2345679e+08"), (2.0, "2"), ("x", "x")],
)  # fmt: skip
def test_keys_become_strings_as_in_go(key: Any, expected: str) -> None:
    assert key_text(key) == expected


def test_keys_of_all_kinds() -> None:
    assert value("1: a\n1.5: b\nno: c\n'2': d\n0x10: e\n") == {
        "1": "a", "1.5": "b", "false": "c", "2": "d", "16": "e",
    }  # fmt: skip


# Refusals


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", (0, "yaml-duplicate-key", 4, 3)),
        (b'a: 1\n"a": 2\n', (0, "yaml-duplicate-key", 2, 1)),
        (b"1: a\n'1': b\n", (0, "yaml-duplicate-key", 2, 1)),
        (b"a: !foo x\n", (0, "yaml-tag", 1, 4)),
        (b"a: !!binary aGk=\n", (0, "yaml-tag", 1, 4)),
        (b"a: !!timestamp 2021-01-01\n", (0, "yaml-tag", 1, 4)),
        (b"a: !!int x\n", (0, "yaml-tag", 1, 4)),
        (b"a: !!map [x]\n", (0, "yaml-tag", 1, 4)),
        (b"a: &x 1\n<<: *x\n", (0, "yaml-merge-key", 2, 1)),
        (b"a: &x [*x]\n", (0, "yaml-alias", 1, 8)),
        (b"a: *x\n", (0, "yaml-alias", 1, 4)),
        (b"? [a]\n: b\n", (0, "yaml-key", 1, 3)),
        (b"~: b\n", (0, "yaml-key", 1, 1)),
        (b"a:\n  b: \x00\n", (0, "yaml-character", 2, 6)),
        (b"a: \x7f\n", (0, "yaml-character", 1, 4)),
        (b"a: '\xff'\n", (0, "yaml-encoding", 1, 5)),
        (b"a:\n\t- b\n", (0, "yaml-syntax", 2, 1)),
        (b"a: b: c\n", (0, "yaml-syntax", 1, 5)),
        (b"a: 1\n  b: 2\n", (0, "yaml-syntax", 2, 4)),
        (b"a:\n    b: 1\n  c: 2\n", (0, "yaml-syntax", 3, 3)),
        (b"%TAG ! tag:x,2000:\n---\na: 1\n", (0, "yaml-directive", 1, 1)),
        (b'a: "\\ud800"\n', (0, "yaml-syntax", 1, 7)),
        (b"\xff\xfea\x00:\x00", (0, "yaml-encoding", 1, 1)),
    ],
)
def test_refuses_with_a_position(text: bytes, expected: tuple[Any, ...]) -> None:
    assert outcomes(text) == [expected]


def test_messages_repeat_no_values() -> None:
    texts = ["password: hunter2: x\n", "password: !hunter2 x\n", "a: *hunter2\n", "a: [hunter2\n"]
    for text in texts:
        (loaded,) = load_yaml(text.encode())
        assert loaded.error is not None
        assert "hunter2" not in loaded.error.message + loaded.error.hint


def test_core_tags_are_honoured() -> None:
    text = 'a: !!str 1\nb: !!int "5"\nc: !!float 3\nd: !!bool on\ne: !!null ""\nf: !!seq []\n'
    assert exactly_equal(value(text), {"a": "1", "b": 5, "c": 3.0, "d": True, "e": None, "f": []})


def test_aliases_are_read_within_bounds() -> None:
    assert value("a: &x {k: [1]}\nb: *x\nc: &x 2\nd: *x\n") == {
        "a": {"k": [1]}, "b": {"k": [1]}, "c": 2, "d": 2,
    }  # fmt: skip
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    (loaded,) = load_yaml(bomb.encode())
    assert isinstance(loaded.error, LimitExceeded)
    assert loaded.error.setting == "alias_nodes"


def test_aliases_cannot_hide_depth() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 220))
    (loaded,) = load_yaml(text.encode())
    assert isinstance(loaded.error, LimitExceeded)
    assert loaded.error.setting == "depth"


# Streams


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", []),
        (b"# only a comment\n", []),
        (b"---\n", []),
        (b"a: 1", [(0, {"a": 1})]),
        (b"---\n---\na: 1\n--- # x\n...\n", [(1, {"a": 1})]),
        (b"# c\n---\na: 1\n---\nb: 2\n", [(0, {"a": 1}), (1, {"b": 2})]),
        # A second document needs its marker, as it does in goyaml.
        (b"a: 1\n...\nb: 2\n", [(0, {"a": 1}), (1, "yaml-syntax", 3, 1)]),
        (b"a: 1\n...\n---\nb: 2\n", [(0, {"a": 1}), (1, {"b": 2})]),
        (b"%YAML 1.1\n---\na: 1\n", [(0, {"a": 1})]),
        (b"a: |\n  x\n  --- y\n---\nb: 2\n", [(0, {"a": "x\n--- y\n"}), (1, {"b": 2})]),
        (b"a: 1\n---\nb: [\n---\nc: 3\n", [(0, {"a": 1}), (1, "yaml-syntax", 4, 1), (2, {"c": 3})]),
        (b"\xef\xbb\xbfa: 1\r\nb: |\r\n  x\r\n  y\r\n", [(0, {"a": 1, "b": "x\ny\n"})]),
        (b'{"a": 1,\n\t"b": [true]}\n', [(0, {"a": 1, "b": [True]})]),
        (b"--- null\n--- ''\n", [(0, None), (1, "")]),
    ],
)
def test_streams(text: bytes, expected: list[Any]) -> None:
    found = outcomes(text)
    if text.startswith(b"a: 1\n---\nb: ["):
        # The reader names the place at which it gave up: the end of the broken document.
        assert [found[0], found[1][:3], found[2]] == [expected[0], expected[1][:3], expected[2]]
        return
    assert found == expected


def test_too_many_documents() -> None:
    with pytest.raises(LimitExceeded):
        list(load_yaml(b"---\na: 1\n" * 11, Limits(documents=10)))


@pytest.mark.parametrize("ending", ["", "\n", "\n\n"])
@pytest.mark.parametrize("header", ["|", "|-", "|+"])
def test_the_end_of_a_last_block_counts(header: str, ending: str) -> None:
    text = f"a: {header}\n  x{ending}"
    assert [value(text)] == exact(text)


# Hostile texts: a crash would end the test run, so they run in a process of their own.

HOSTILE = {
    "flow": '"[" * 100_000',
    "flow closed": '"[" * 100_000 + "]" * 100_000',
    "flow maps": '"{a: " * 100_000',
    "dashes": '"- " * 100_000',
    "dashes with value": '"- " * 100_000 + "x"',
    "questions": '"? " * 100_000',
    "indentation": '"".join(" " * i + "a:\\n" for i in range(3_000))',
    "indented dashes": '"".join(" " * i + "-\\n" for i in range(3_000))',
    "just below the column limit": '"".join(" " * i + "a:\\n" for i in range(399))',
    "dash keys": '"".join("  " * i + "- a:\\n" for i in range(190))',
    "quotes": '"a: \\"" + "x" * 10_000_000',
    "brackets in a comment": '"# " + "[" * 1_000_000',
    "anchors": '"".join(f"&a{i} " for i in range(10_000))',
    "colons": '"a: " + ":" * 1_000_000',
    "long key": '"k" * 1_000_000 + ": x"',
    "blank lines": '"a: x\\n" + "\\n" * 500_000 + " y"',
    "keys": '"".join(f"k{i}: 1\\n" for i in range(100_000)) + "k0: 1\\n"',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_soon_and_cleanly(name: str) -> None:
    program = (
        "from service.intake.texts.yaml.loader import load_yaml\n"
        f"text = ({HOSTILE[name]}).encode() + b'\\n'\n"
        "print([item.error and item.error.code for item in load_yaml(text)])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize("step", ["a:\n", "- ", "-\n"])
def test_the_depth_limit_is_the_one_in_force(step: str) -> None:
    def nested(levels: int) -> bytes:
        if step == "- ":
            return b"- " * levels + b"x\n"
        return "".join(" " * i + step for i in range(levels)).encode() + b" " * levels + b"x\n"

    limits = Limits(depth=40)
    assert outcomes(nested(40), limits)[0][0] == 0
    assert len(outcomes(nested(40), limits)[0]) == 2
    assert outcomes(nested(41), limits)[0][1] == "limit-depth"


def test_one_large_string() -> None:
    assert value(b"a: |\n  " + b"x" * 10_000_000 + b"\n") == {"a": "x" * 10_000_000 + "\n"}
    assert value(b'a: "' + b"x" * 10_000_000 + b'"\n') == {"a": "x" * 10_000_000}


# What others write

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


class Quoting(yaml.SafeDumper):
    """Quotes every string, as any writer may."""


Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)
Quoting.ignore_aliases = lambda *_: True  # type: ignore[method-assign,assignment]


@given(VALUES, st.booleans(), st.sampled_from([20, 80, 10_000]))
@settings(max_examples=300, deadline=None)
def test_what_a_quoting_writer_wrote_comes_back(data: Any, unicode: bool, width: int) -> None:
    text = yaml.dump(data, Dumper=Quoting, allow_unicode=unicode, width=width, sort_keys=False)
    (loaded,) = load_yaml(text.encode())
    assert loaded.error is None
    assert loaded.value == data


# Files

READ = sorted((CORPUS / "yaml").glob("*.yaml"))
REFUSED = sorted((CORPUS / "yaml" / "refused").iterdir())


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_what_is_read(path: Path) -> None:
    loaded = list(load_yaml(path.read_bytes()))
    assert [item.error for item in loaded] == [None] * len(loaded)
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert exactly_equal([item.value for item in loaded], expected)


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_what_is_refused(path: Path) -> None:
    (loaded,) = load_yaml(path.read_bytes())
    assert loaded.error is not None
    assert loaded.error.code == path.stem.partition("_")[0]


def test_yaml_test_suite() -> None:
    suite = "yaml/yaml-test-suite/data"
    for file in files(f"{suite}/**/in.yaml"):
        wanted = file.with_name("in.json")
        loaded = list(load_yaml(file.read_bytes()))
        if any(item.error for item in loaded) or not wanted.exists():
            continue
        if str(file.parent).partition(f"{suite}/")[2] in SUITE_DEVIATIONS:
            continue
        found = [item.value for item in loaded]
        expected = list(documents(wanted.read_text().strip()))
        # Empty documents are left out, and null in the suite's form.
        assert found in (expected, [item for item in expected if item is not None]), file


def documents(text: str) -> Iterator[Any]:
    """JSON values behind one another."""
    while text:
        document, end = json.JSONDecoder().raw_decode(text)
        yield document
        text = text[end:].lstrip()


def test_real_files_are_read() -> None:
    paths = [path for path in files("**/*.yaml", "**/*.yml") if "yaml-test-suite" not in path.parts]
    refused = 0
    for path in paths:
        loaded = list(load_yaml(path.read_bytes()))
        refused += any(item.error for item in loaded)
        assert all(item.value is not EMPTY for item in loaded)
    assert refused < len(paths) // 20
