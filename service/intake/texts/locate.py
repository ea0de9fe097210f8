"""The line of a value, found without parsing the text again.

Lines are wanted for a handful of findings in texts of many megabytes, so nothing is parsed. What
``oc``, ``kubectl`` and nearly every other printer writes is indented: a child of a container is a
line with exactly the container's inner indentation, and deeper lines are never mistaken for it.
Where a text is written in another way, the answer is ``None`` or, for containers written on one
line, that line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from service.intake.limits import DEFAULT_LIMITS
from service.intake.texts.json import BOM, document_starts
from service.intake.texts.yaml.loader import is_indivisible, segments
from service.kinds.ref import pointer_key

Media = Literal["json", "yaml", "ndjson"]

_LARGE = 64 * 1024
_LINES = 4 * 1024
"""Bytes whose line breaks are counted together."""
_MOST_NODES = 100_000
_MOST_KEY = 1024


@dataclass(frozen=True, slots=True)
class _Node:
    """A value: where its own text starts, where its surroundings end, and its indentation."""

    entry: int
    start: int
    end: int
    column: int
    style: Literal["json", "yaml", "line"]


class Locator:
    """Finds many lines in one text; what was found on the way is kept.

    ``starts`` are the offsets of the items where it is a long JSON list.
    """

    def __init__(self, data: bytes, media: Media, starts: Sequence[int] = ()) -> None:
        # Both replacements keep the number of every line.
        text = data.removeprefix(BOM)
        returns = b"\r" in text
        self._starts = () if returns else starts
        self._text = text.replace(b"\r\n", b"\n") if returns else text
        self._media = media
        self._roots: list[_Node] | None = None
        self._nodes: dict[tuple[int, tuple[str, ...]], _Node | None] = {}
        self._entries: dict[int, list[int]] = {}
        self._ends: dict[int, int] = {}
        self._line_counts = [0]

    def line_of(self, document: int, pointer: str) -> int | None:
        """The line, from 1, of the value at an RFC 6901 pointer; None if not found cheaply.

        A value under a key has the line of the key. Never raises.
        """
        try:
            tokens = _tokens(pointer)
            node = None if tokens is None else self._find(document, tokens)
            return None if node is None else self._line(node.entry)
        except (ValueError, LookupError, RecursionError, re.error):
            return None

    def _find(self, document: int, tokens: tuple[str, ...]) -> _Node | None:
        known = (document, tokens)
        if known in self._nodes:
            return self._nodes[known]
        if not tokens:
            return self._root(document)
        if self._starts and len(tokens) == 2 and tokens[0] == "items":
            return self._item(_index(tokens[1]))
        parent = self._find(document, tokens[:-1])
        node = None if parent is None else self._child(parent, tokens[-1])
        if len(self._nodes) < _MOST_NODES:
            self._nodes[known] = node
        return node

    def _item(self, index: int) -> _Node:
        """An item of a long list; to look for it takes longer than all else."""
        start = self._starts[index]
        if index + 1 == len(self._starts):
            return _Node(start, start, len(self._text), 0, "json")
        end = self._starts[index + 1]
        self._ends[start] = self._text.rfind(b"}", start, end)
        return _Node(start, start, end, 0, "json")

    def _line(self, offset: int) -> int:
        block = offset // _LINES
        # Only as far as needed: to count all lines takes a tenth of the time to parse the text.
        for start in range((len(self._line_counts) - 1) * _LINES, block * _LINES, _LINES):
            count = self._text.count(b"\n", start, start + _LINES)
            self._line_counts.append(self._line_counts[-1] + count)
        return self._line_counts[block] + self._text.count(b"\n", block * _LINES, offset) + 1

    # Documents

    def _root(self, document: int) -> _Node | None:
        if self._roots is None:
            self._roots = list(self._documents())
        return self._roots[document] if 0 <= document < len(self._roots) else None

    def _documents(self) -> Iterator[_Node]:
        if self._media == "yaml":
            yield from self._yaml_documents()
            return
        starts = [0]
        if self._media == "ndjson":
            starts = document_starts(self._text, DEFAULT_LIMITS)
        for start, end in zip(starts, [*starts[1:], len(self._text)], strict=True):
            begin = _BLANK.match(self._text, start)
            offset = start if begin is None else begin.end()
            yield _Node(offset, offset, end, 0, "json")

    def _yaml_documents(self) -> Iterator[_Node]:
        if is_indivisible(self._text):
            return
        pieces = segments(self._text)
        start = 0
        for number, piece in enumerate(pieces):
            end = start + len(piece.text)
            node = self._value(start, start, end, 0)
            # Comments before the first marker are no document.
            if number > 0 or node.start < end or piece.text.startswith(b"---"):
                yield node
            start = end

    # Children

    def _child(self, node: _Node, token: str) -> _Node | None:
        if node.style == "line":
            return node
        if node.style == "json":
            return self._json_child(node, token)
        if self._text.startswith((b"- ", b"-\n"), node.start):
            return self._yaml_item(node, token)
        return self._yaml_entry(node, token)

    def _json_child(self, node: _Node, token: str) -> _Node | None:
        text = self._text
        inner = _OPENED.match(text, node.start, node.end)
        if inner is None:
            return self._on_one_line(node)
        indent = b"\n" + inner[1]
        end = self._json_end(node)
        if end < 0:
            return None
        if text[node.start] == _LIST:
            offset = _chosen(self._json_items(node, indent, end), token)
            return None if offset is None else self._json_node(offset, offset, end)
        for key in _json_keys(token):
            found = text.find(indent + key + b":", node.start, end)
            if found >= 0:
                entry = found + len(indent)
                return self._json_node(entry, entry + len(key) + 1, end)
        return None

    def _json_end(self, node: _Node) -> int:
        """Where the closing bracket is, on a line indented as the opening one."""
        if node.start not in self._ends:
            indent = _indent_of(self._text, node.start)
            closing = b"\n" + indent + _CLOSING[self._text[node.start]]
            # Nothing else in a document ends without indentation, and its end is near.
            search = self._text.find if indent else self._text.rfind
            self._ends[node.start] = search(closing, node.start, node.end)
        return self._ends[node.start]

    def _json_items(self, node: _Node, indent: bytes, end: int) -> list[int]:
        if node.start not in self._entries:
            first = self._text.find(indent, node.start) + len(indent)
            opening = self._text[first : first + 1]
            # A long list holds objects only; to search for their brackets is the fastest way.
            alike = opening == b"{" and end - node.start > _LARGE
            pattern = re.escape(indent) + (rb"(?=\{)" if alike else rb"(?=[^\s\]}])")
            found = re.compile(pattern).finditer(self._text, node.start, end)
            self._entries[node.start] = [match.end() for match in found]
        return self._entries[node.start]

    def _json_node(self, entry: int, start: int, end: int) -> _Node:
        begin = _BLANK.match(self._text, start)
        return _Node(entry, start if begin is None else begin.end(), end, 0, "json")

    def _on_one_line(self, node: _Node) -> _Node | None:
        """A container that is not broken over lines: whatever it holds is on its own line."""
        stop = self._text.find(b"\n", node.start, node.end)
        line = self._text[max(node.start, stop - 8) : stop] if stop >= 0 else b""
        closing = _CLOSING.get(self._text[node.start]) if node.start < node.end else None
        if closing is None or (stop >= 0 and not line.rstrip(b" \t,").endswith(closing)):
            return None
        return _Node(node.entry, node.start, node.end, 0, "line")

    def _yaml_item(self, node: _Node, token: str) -> _Node | None:
        column = node.column
        indent = b" " * column
        if node.start not in self._entries:
            behind = rb"\n(?: {0,%d}[^ \n#]|%s(?!- |-\n)[^ \n#])" % (column - 1, indent)
            if column == 0:
                behind = rb"\n[^ \n#-]"
            end = self._end(behind, node)
            items = re.compile(rb"\n" + indent + rb"-(?=[ \n])").finditer(
                self._text, node.start, end
            )
            self._entries[node.start] = [node.start, *(item.end() - 1 for item in items), end]
        bounds = self._entries[node.start]
        index = _index(token)
        if index >= len(bounds) - 1:
            return None
        entry = bounds[index]
        return self._value(entry, entry + 1, bounds[index + 1], column + 1, column)

    def _yaml_entry(self, node: _Node, token: str) -> _Node | None:
        text = self._text
        column = node.column
        end = node.end
        if column:
            end = self._end(rb"\n {0,%d}[^ \n#]" % (column - 1), node)
        indent = b"\n" + b" " * column
        for key in _yaml_keys(token):
            wanted = re.compile(re.escape(key) + rb" *:(?=[ \n]|\Z)")
            match = wanted.match(text, node.start, end)
            offset = node.start
            while match is None:
                offset = text.find(indent + key, offset, end)
                if offset < 0:
                    break
                offset += len(indent)
                match = wanted.match(text, offset, end)
            if match is not None:
                return self._value(offset, match.end(), end, column + 1, column)
        return None

    def _end(self, behind: bytes, node: _Node) -> int:
        match = re.compile(behind).search(self._text, node.start, node.end)
        return node.end if match is None else match.start() + 1

    def _value(self, entry: int, start: int, end: int, least: int, list_column: int = 0) -> _Node:
        """The node behind ``- `` or a colon, or at the start of a document."""
        match = _CONTENT.match(self._text, start, end)
        if match is None or match.end() >= end:
            return _Node(entry, end, end, 0, "yaml")
        offset = match.end()
        line_start = self._text.rfind(b"\n", 0, offset) + 1
        column = offset - line_start
        on_next_line = line_start > start
        is_item = self._text.startswith((b"- ", b"-\n"), offset)
        if on_next_line and column < (list_column if is_item else least):
            return _Node(entry, end, end, 0, "yaml")
        style: Literal["json", "yaml"] = "json" if self._text[offset] in b"{[" else "yaml"
        return _Node(offset if least == 0 else entry, offset, end, column, style)


_BLANK = re.compile(rb"[ \t\r\n]*+")
_INDENT = re.compile(rb"[ \t]*+")
_OPENED = re.compile(rb"[{\[][ \t]*\n([ \t]*)(?=[^\s\]}])")
_LIST = ord("[")
_CLOSING = {ord("{"): b"}", _LIST: b"]"}
# A document marker line, white space and comments before the first thing that counts.
_CONTENT = re.compile(rb"(?:---(?=[ \t\n]))?+(?:[ \t]*+(?:#[^\n]*+)?+\n)*+[ ]*+")


def _tokens(pointer: str) -> tuple[str, ...] | None:
    if not pointer:
        return ()
    if not pointer.startswith("/") or len(pointer) > 64 * _MOST_KEY:
        return None
    parts = pointer[1:].split("/")
    if len(parts) > 2 * DEFAULT_LIMITS.depth:
        return None
    return tuple(map(pointer_key, parts))


def _index(token: str) -> int:
    if not (token.isascii() and token.isdigit()) or (token[0] == "0" and token != "0"):
        raise LookupError(token)
    return int(token)


def _chosen(entries: list[int], token: str) -> int | None:
    index = _index(token)
    return entries[index] if index < len(entries) else None


def _indent_of(text: bytes, offset: int) -> bytes:
    line_start = text.rfind(b"\n", 0, offset) + 1
    match = _INDENT.match(text, line_start)
    return b"" if match is None else match[0]


def _json_keys(token: str) -> Iterator[bytes]:
    """The key as printers write it: plain, in ASCII, and with Go's care for HTML."""
    plain = json.dumps(token, ensure_ascii=False)
    yield plain.encode()
    yield json.dumps(token).encode()
    for char in "<>&":
        plain = plain.replace(char, f"\\u{ord(char):04x}")
    yield plain.encode()


def _yaml_keys(token: str) -> Iterator[bytes]:
    yield token.encode()
    yield json.dumps(token, ensure_ascii=False).encode()
    yield ("'" + token.replace("'", "''") + "'").encode()
