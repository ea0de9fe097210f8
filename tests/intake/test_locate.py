"""Lines of values, against the marks of a real parser."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from elsewhere import files
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.texts.locate import Locator, Media
from service.intake.texts.yaml.loader import load_yaml

LIST = {
    "apiVersion": "v1",
    "items": [
        {"kind": "Pod", "metadata": {"labels": {"a/b": "1", "t~x": ["p", "q"]}}, "n": i}
        for i in range(3)
    ],
    "kind": "List",
}


def marks(node: Any, line: int, pointer: str = "") -> list[tuple[str, int]]:
    """Pointers and lines of a node graph; a value under a key stands on the key's line."""
    found = [(pointer, line)]
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            token = key.value.replace("~", "~0").replace("/", "~1")
            found += marks(child, key.start_mark.line + 1, f"{pointer}/{token}")
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            found += marks(child, child.start_mark.line + 1, f"{pointer}/{index}")
    return found


def expected_lines(text: bytes) -> list[tuple[int, str, int]]:
    return [
        (number, pointer, line)
        for number, node in enumerate(yaml.compose_all(text, Loader=yaml.CSafeLoader))
        if node is not None
        for pointer, line in marks(node, node.start_mark.line + 1)
    ]


@pytest.mark.parametrize("indent", [1, 2, 4, "\t"])
def test_every_line_of_printed_json(indent: int | str) -> None:
    text = json.dumps(LIST, indent=indent)
    lines = text.split("\n")
    locator = Locator(text.encode(), "json")
    for pointer, part in [
        ("", "{"),
        ("/apiVersion", '"apiVersion"'),
        ("/items/0", "{"),
        ("/items/2/n", '"n": 2'),
        ("/items/1/metadata/labels/a~1b", '"a/b"'),
        ("/items/1/metadata/labels/t~0x/1", '"q"'),
        ("/kind", '"kind": "List"'),
    ]:
        line = locator.line_of(0, pointer)
        assert line is not None
        assert part in lines[line - 1]
    for pointer in ("/none", "/items/3", "/items/x", "/items/01", "/items/0/kind/x", "items"):
        assert locator.line_of(0, pointer) is None


def test_json_on_one_line() -> None:
    text = b'\n{"a": {"b": [1, 2]}}\n{"c": 1}\n'
    assert Locator(text, "ndjson").line_of(0, "/a/b/1") == 2
    assert Locator(text, "ndjson").line_of(1, "/c") == 3
    assert Locator(b'{\n  "a": [1, 2],\n  "b": 3\n}', "json").line_of(0, "/a/1") == 2
    assert Locator(text, "ndjson").line_of(2, "/c") is None


def test_lines_of_yaml_documents() -> None:
    text = b"# c\n---\n---\na:\n- x\n-\n  y: 1\n---\nk: |\n  a:\n  b: 1\nz: {q: 1}\n"
    assert Locator(text, "yaml").line_of(1, "/a/0") == 5
    assert Locator(text, "yaml").line_of(1, "/a/1/y") == 7
    assert Locator(text, "yaml").line_of(2, "/k") == 9
    assert Locator(text, "yaml").line_of(2, "/z/q") == 12
    assert Locator(text, "yaml").line_of(2, "/b") is None
    assert Locator(text, "yaml").line_of(0, "/a") is None
    assert Locator(text, "yaml").line_of(-1, "") is None
    assert Locator(b"a: 1\r\nb: 2\r\n", "yaml").line_of(0, "/b") == 2


def test_real_files() -> None:
    for path in files("**/*.yaml")[::4]:
        if "yaml-test-suite" in path.parts or path.stat().st_size >= 60_000:
            continue
        text = path.read_bytes()
        if any(item.error for item in load_yaml(text)):
            continue
        locator = Locator(text, "yaml")
        for document, pointer, line in expected_lines(text)[::3]:
            assert locator.line_of(document, pointer) in (line, None), (path, pointer)


@given(
    st.text(max_size=80), st.integers(-2, 3), st.text("/~01ab", max_size=8),
    st.sampled_from(["json", "yaml", "ndjson"]),
)  # fmt: skip
@settings(deadline=None)
def test_never_raises(text: str, document: int, pointer: str, media: Media) -> None:
    data = text.encode("utf-8", "surrogatepass")
    assert Locator(data, media).line_of(document, pointer) is not False


def test_never_raises_on_long_or_odd_pointers() -> None:
    data = b'{"a": 1}'
    for pointer in ("/" * 100_000, "/a" * 5_000, "/\ud800", "/" + "a" * 100_000, "/²"):
        Locator(data, "json").line_of(0, pointer)
        Locator(b"a:\n- 1\n", "yaml").line_of(0, pointer)


@pytest.mark.parametrize("media", ["json", "yaml"])
def test_many_lines_of_a_large_list(media: Media) -> None:
    item = {"kind": "Pod", "spec": {"x": ["y" * 60] * 30}, "status": {"phase": "Running"}}
    items = [item] * 8000
    if media == "json":
        text = json.dumps({"items": items, "kind": "List"}, indent=4).encode()
    else:
        one = yaml.dump([item], Dumper=yaml.CSafeDumper).encode()
        text = b"items:\n" + one * 8000 + b"kind: List\n"
    locator = Locator(text, media)
    locator.line_of(0, "/items/0")
    found = [locator.line_of(0, f"/items/{i}/status/phase") for i in range(0, 8000, 8)]
    lines = text.split(b"\n")
    assert all(line and b"Running" in lines[line - 1] for line in found)
