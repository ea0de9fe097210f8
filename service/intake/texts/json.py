"""JSON text to values, refusing whatever two readers could understand differently."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import isinf
from typing import Any

import jiter

from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import DEFAULT_LIMITS, Limits
from service.intake.texts.loaded import Loaded

BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

# The parser reads this many nested containers and no more, whatever it is asked.
PARSER_DEPTH = 201

SCANNED = 1024 * 1024
"""Texts up to this many bytes, which people may have written, are checked from end to end.

Larger ones are dumps of clusters. In these a number beyond a double is left to the reader of its
field, who refuses it (the search for such numbers would cost a fifth of the parsing), and of a
list only the items that somebody asks for are parsed."""

_WHERE = re.compile(r" at line (\d+) column (\d+)$")
_DUPLICATE = re.compile(r'Detected duplicate key "(.*)"$', re.DOTALL)
# The parser turns a number beyond a double into infinity. Such a number has an exponent of three
# digits or very many digits: both are rare enough to look at the values only then. To find them
# fast, every byte becomes its class: 0 a digit, e, +, d what can follow a number, x the rest.
_CLASSES = bytes.maketrans(b"0123456789eE+,]} \t\r\n", b"0000000000ee+ddddddd")
_NUMBER_CLASSES = bytes(
    _CLASSES[code] if chr(code) in "0123456789eE+,]} \t\r\n" else ord("x") for code in range(256)
)
_HUGE_NUMBER = re.compile(rb"0e\+?0{3,}+(?:d|\Z)")
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|(-?[0-9][-+0-9.eE]*+)', re.DOTALL)
_MANY_DIGITS = b"0" * 250
_WINDOW = 1 << 20
_LONGEST_NUMBER = 1024
# No valid JSON value has one container right behind the end of another, and a raw newline cannot
# occur in a string: here one document ends and the next one begins.
_BETWEEN_DOCUMENTS = re.compile(rb"(?<=[}\]])[ \t\r]*\n[ \t\r\n]*(?=[{\[])")
# Where reading goes on behind a broken document.
_FRESH_START = re.compile(rb"(?<![,\[\s])[ \t\r]*\n[\r\n]*(?=[{\[])")

_SPACE = b" \t\r\n"
_GAP = re.compile(r"[ \t\r\n]*+")
_DECODER = json.JSONDecoder()

# Start offset, value, error.
_Outcome = tuple[int, Any, Unreadable | None]

_CODES = (
    ("Detected duplicate key", "json-duplicate-key"),
    ("trailing characters", "json-trailing"),
    ("number", "json-number"),
    ("hex escape", "json-escape"),
    ("escape", "json-escape"),
    ("unicode code point", "json-encoding"),
    ("control character", "json-control-character"),
    ("EOF while parsing", "json-incomplete"),
)


def load_json(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The value of exactly one JSON text.

    Integers stay ``int`` at any size up to 4300 digits, other numbers are ``float``. Raises
    ``Unreadable``, or ``LimitExceeded`` when nested deeper than ``limits.depth`` (at most
    ``PARSER_DEPTH``). Large texts load faster inside ``gc_paused()``.
    """
    text = strip_bom(data, "json")
    value = parse(text, limits)
    if len(text) <= SCANNED and _may_hold_infinity(text) and _holds_infinity(value):
        raise _overflow(text)
    return value


def parse(text: bytes, limits: Limits) -> Any:
    """As :func:`load_json` of a text without byte order mark, whose numbers are not looked at."""
    # Arrays put around the text bring the parser's own bound on nesting down to ours; by default
    # the two are one, and the text is not copied.
    wraps = max(0, PARSER_DEPTH - limits.depth)
    try:
        value = _parse(b"".join((b"[" * wraps, text, b"]" * wraps)) if wraps else text)
    except ValueError as error:
        raise _diagnosis(str(error), text, limits) from None
    for _ in range(wraps):
        # A text such as `1, 2` or `1], [2` is valid only inside the arrays put around it.
        if len(value) != 1:
            raise _diagnosis("", text, limits)
        value = value[0]
    return value


def load_ndjson(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Iterator[Loaded]:
    """The values of JSON texts behind one another: one per line, or printed over many lines.

    A broken text becomes a ``Loaded`` with its error, and reading goes on at the next line on
    which a document can begin. Raises ``LimitExceeded`` for too many documents.
    """
    try:
        text = strip_bom(data, "json")
    except Unreadable as error:
        yield Loaded(0, None, error)
        return
    place = _Place(text)
    for index, (start, value, problem) in enumerate(_documents(text, limits)):
        if index >= limits.documents:
            raise LimitExceeded("documents", f"more than {limits.documents} documents")
        yield Loaded(index, value, problem and place.moved(problem, start))


def document_starts(text: bytes, limits: Limits) -> list[int]:
    """Offsets of the documents that ``load_ndjson`` finds in a text without byte order mark."""
    return [start for start, _, _ in _documents(text, limits)]


def strip_bom(data: bytes, kind: str) -> bytes:
    """The text without a UTF-8 byte order mark; UTF-16 and UTF-32 are refused by name."""
    if data.startswith(BOM):
        return data[len(BOM) :]
    # ASCII in UTF-16 has a NUL in one of the first two bytes; NUL is no text in UTF-8 either.
    if data.startswith(_WIDE_BOMS) or (b"\x00" in data[:2] and len(data) > 1):
        raise Unreadable(
            f"{kind}-encoding",
            "the text is not UTF-8 but looks like UTF-16 or UTF-32",
            line=1,
            column=1,
            hint="convert it to UTF-8, for example: iconv -f UTF-16 -t UTF-8",
        )
    return data


def nameable(key: str) -> str:
    """`` 'key'`` when it is short and printable, else nothing: messages repeat no content."""
    return f" '{key}'" if len(key) <= 60 and key.isprintable() else ""


def _parse(text: bytes) -> Any:
    return jiter.from_json(text, allow_inf_nan=False, cache_mode="all", catch_duplicate_keys=True)


def _diagnosis(message: str, text: bytes, limits: Limits) -> Unreadable:
    """Why ``text`` is refused; parsed once more on its own, so that the position is its own."""
    if "recursion limit" not in message:
        try:
            _parse(text)
        except ValueError as error:
            message = str(error)
    if "recursion limit" in message:
        depth = min(limits.depth, PARSER_DEPTH)
        deep = LimitExceeded("depth", f"the JSON text is nested deeper than {depth} levels")
        where = _WHERE.search(message)
        if where is not None:
            deep.line = int(where[1])
        return deep
    code = next((code for part, code in _CODES if part in message), "json-syntax")
    where = _WHERE.search(message)
    if where is None:
        return Unreadable(code, "the text is not one JSON value")
    # A text that ends too early is reported at column 0 of an empty line.
    line, column = int(where[1]), max(1, int(where[2]))
    message = message[: where.start()]
    duplicate = _DUPLICATE.match(message)
    if duplicate is not None:
        message = f"duplicate key{nameable(duplicate[1])}"
        column = _key_column(text, line, column, duplicate[1])
    return Unreadable(code, message, line=line, column=column)


def _key_column(text: bytes, line: int, column: int, key: str) -> int:
    """Where the key starts whose end the parser reported, if it is written without escapes."""
    start = 0
    for _ in range(line - 1):
        start = text.find(b"\n", start) + 1
    quoted = b'"' + key.encode() + b'"'
    found = text.rfind(quoted, start, start + column)
    return column if found < 0 else found - start + 1


def _may_hold_infinity(text: bytes) -> bool:
    for start in range(0, len(text), _WINDOW):
        window = text[start : start + _WINDOW + _LONGEST_NUMBER].translate(_NUMBER_CLASSES)
        if _HUGE_NUMBER.search(window) or _MANY_DIGITS in window:
            return True
    return False


def _overflow(text: bytes) -> Unreadable:
    """The refusal of the first number that is no finite float; the text is valid JSON."""
    offset = next(
        (match.start() for match in _TOKEN.finditer(text) if match[1] and isinf(float(match[1]))), 0
    )
    return Unreadable(
        "json-number",
        "a number is too large for a 64-bit float",
        line=text.count(b"\n", 0, offset) + 1,
        column=offset - text.rfind(b"\n", 0, offset),
    )


def _holds_infinity(value: Any) -> bool:
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, float) and isinf(current):
            return True
        if isinstance(current, dict):
            pending.extend(current.values())
        elif isinstance(current, list):
            pending.extend(current)
    return False


def _documents(text: bytes, limits: Limits) -> Iterator[_Outcome]:
    start = 0
    for boundary in _BETWEEN_DOCUMENTS.finditer(text):
        yield from _piece(text[start : boundary.start()], start, limits)
        start = boundary.end()
    yield from _piece(text[start:], start, limits)


def _attempt(document: bytes, start: int, limits: Limits) -> _Outcome:
    try:
        return start, load_json(document, limits), None
    except Unreadable as error:
        return start, None, error


def _piece(piece: bytes, start: int, limits: Limits) -> Iterator[_Outcome]:
    """What is between two sure boundaries: as a rule one document."""
    if not piece.strip(_SPACE):
        return
    outcome = _attempt(piece, start, limits)
    if outcome[2] is None or isinstance(outcome[2], LimitExceeded):
        yield outcome
        return
    # Cut at every line on which a document may begin: a broken one spoils only itself.
    position = 0
    for boundary in _FRESH_START.finditer(piece):
        yield from _touching(piece[position : boundary.start()], start + position, limits)
        position = boundary.end()
    yield from _touching(piece[position:], start + position, limits)


def _touching(piece: bytes, start: int, limits: Limits) -> Iterator[_Outcome]:
    """Documents that touch, such as ``{}{}``, or scalars on lines of their own."""
    if not piece.strip(_SPACE):
        return
    outcome = _attempt(piece, start, limits)
    if outcome[2] is None or outcome[2].code != "json-trailing":
        yield outcome
        return
    for position, document in _cut(piece.decode("utf-8", "surrogateescape")):
        yield _attempt(document, start + position, limits)


def _cut(text: str) -> Iterator[tuple[int, bytes]]:
    """Each document with its offset in bytes; all that is left once one has no end."""
    position = offset = 0
    while position < len(text):
        try:
            stop = _DECODER.raw_decode(text, position)[1]
        except (ValueError, RecursionError):
            stop = len(text)
        document = text[position:stop].encode("utf-8", "surrogateescape")
        gap = _GAP.match(text, stop)
        position = stop if gap is None else gap.end()
        yield offset, document
        # A gap is ASCII: as many bytes as characters.
        offset += len(document) + position - stop


class _Place:
    """Turns positions within a document into positions within the text, in order of starts."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._start = 0
        self._line = 0

    def moved(self, error: Unreadable, start: int) -> Unreadable:
        self._line += self._text.count(b"\n", self._start, start)
        self._start = start
        if error.line is None:
            return error
        if error.line == 1 and error.column is not None:
            error.column += start - self._text.rfind(b"\n", 0, start) - 1
        error.line += self._line
        return error
