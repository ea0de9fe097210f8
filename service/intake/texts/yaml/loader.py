"""YAML streams to values, as a Kubernetes API server would read them.

A stream is cut into documents at their markers, so that a broken one does not hide the others;
what is JSON is read as JSON, everything else by libyaml's events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import DEFAULT_LIMITS, Limits
from service.intake.texts.json import load_json, strip_bom
from service.intake.texts.loaded import Loaded
from service.intake.texts.yaml.events import EMPTY, read_events


def load_yaml(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Iterator[Loaded]:
    """The documents of a YAML stream in order; empty ones are left out but counted.

    A broken document becomes a ``Loaded`` with its error, and reading goes on behind the next
    ``---``; one that is too deep or expands too many aliases has a ``LimitExceeded``. Raises
    ``LimitExceeded`` only for too many documents. Large streams load faster in ``gc_paused()``.
    """
    try:
        text = strip_bom(data, "yaml")
    except Unreadable as error:
        yield Loaded(0, None, error)
        return
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    index = 0
    for segment in segments(text):
        for value, problem in _outcomes(segment, limits):
            if index >= limits.documents:
                raise LimitExceeded("documents", f"more than {limits.documents} documents")
            if value is not EMPTY:
                yield Loaded(index, value, problem, segment.text, segment.lines_before)
            index += 1


@dataclass(frozen=True, slots=True)
class Segment:
    """Text from one ``---`` up to the next, and the lines before it."""

    text: bytes
    lines_before: int


def segments(text: bytes) -> Iterator[Segment]:
    """Cut at document markers: at the start of a line they always end a document.

    Directives and ``...`` make documents depend on one another, a bare carriage return or one of
    the Unicode line breaks starts lines of its own: such streams stay in one piece.
    """
    if is_indivisible(text):
        yield Segment(text, 0)
        return
    start = lines = 0
    while True:
        marker = text.find(b"\n---", start)
        while marker >= 0 and text[marker + 4 : marker + 5] not in (b"", b" ", b"\t", b"\n"):
            marker = text.find(b"\n---", marker + 4)
        end = len(text) if marker < 0 else marker + 1
        while start < end:
            stop = _end_of_output(text, start, end)
            yield Segment(text[start:stop], lines)
            lines += text.count(b"\n", start, stop)
            start = stop
        if marker < 0:
            return


# What a command of ours ends with, and what `oc` begins with.
_MARK = re.compile(rb'--- \{"?(?:complete|probes|facts)"?: [^\n]*\}\n(?=\s*[^\s#])')
_OPENING = re.compile(rb"(?:---[^\n]*\n)?(?:(apiVersion:)|\{)")
_AFTER_YAML = re.compile(rb"\n(?=apiVersion:|\{)")
_AFTER_JSON = re.compile(rb"\n(?=apiVersion:)|\n\}(?=apiVersion:|---)|\}\n(?=\{)")


def _end_of_output(text: bytes, start: int, end: int) -> int:
    """Where the output of one command ends that another one follows without a marker."""
    mark = _MARK.match(text, start, end)
    if mark is not None:
        return mark.end()
    opening = _OPENING.match(text, start, end)
    if opening is None:
        return end
    behind = _AFTER_YAML if opening[1] else _AFTER_JSON
    found = behind.search(text, opening.end(), end)
    return end if found is None else found.end()


def is_indivisible(text: bytes) -> bool:
    """Whether the text is one segment although it may hold several documents."""
    if text.startswith((b"%", b"...")) or b"\n%" in text or b"\n..." in text or b"\r" in text:
        return True
    return not text.isascii() and any(
        mark in text for mark in (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xef\xbb\xbf")
    )


def _outcomes(segment: Segment, limits: Limits) -> Iterator[tuple[Any, Unreadable | None]]:
    try:
        for value in _values(segment.text, limits):
            yield value, None
    except Unreadable as error:
        if error.line is not None:
            error.line += segment.lines_before
        yield None, error


def _values(text: bytes, limits: Limits) -> Iterator[Any]:
    if text.lstrip()[:1] in (b"{", b"["):
        # What is JSON is read as JSON, as kubectl does; other flow style goes on below.
        try:
            yield load_json(text, limits)
        except LimitExceeded:
            raise
        except Unreadable:
            pass
        else:
            return
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        before = text[: error.start]
        raise Unreadable(
            "yaml-encoding",
            "the text is not valid UTF-8",
            line=before.count(b"\n") + 1,
            column=error.start - before.rfind(b"\n"),
        ) from None
    yield from read_events(decoded, limits)
