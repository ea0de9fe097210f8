"""What people paste that is no plain YAML: `oc describe`, tables, quotes, diffs, omissions.

It is refused with what it is, where, and the command that prints the right form. What is left out,
or is in another column than before, would be read as absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.texts.loaded import Loaded
from service.intake.texts.shell import DESCRIBED
from service.kinds.registry import resource_named
from service.kinds.resource import fetch_command

_HEAD = 64 * 1024
"""Bytes of a document in which its form shows."""

_MANIFEST = rb"(?:apiVersion|kind|metadata|spec|items):"
_DESCRIBED_KEY = re.compile(
    rb"^(?:Name|Namespace|Labels|Annotations|API Version|Kind|Metadata|Spec|Status|Events"
    rb"|Conditions|Created):(?: [^\n]*)?$",
    re.MULTILINE,
)
_FORMS: tuple[tuple[str, re.Pattern[bytes], str], ...] = tuple(
    (code, re.compile(pattern, re.MULTILINE), what)
    for code, pattern, what in (
        (
            "diff",
            rb"^(?:diff --git |@@ -\d|\+ *" + _MANIFEST + rb"|-" + _MANIFEST + rb")",
            "a diff",
        ),
        ("quoted", rb"^(?:> ?)+ *(?:- )?" + _MANIFEST, "quoted text, with > before each line"),
        (
            "fenced",
            rb"^ {0,3}(?:```|~~~|\{(?:code|noformat)[:}]|<pre>|\[source|----[ \t\r]*$)",
            "text with the marks of a code block",
        ),
        ("numbered", rb"^ *\d+[:.]?[ \t]*[|]?[ \t]+" + _MANIFEST, "text with line numbers"),
        ("conflict", rb"^(?:<{7}|={7}|>{7})(?: [^\n]*)?\r?$", "a file with an open merge conflict"),
        (
            "table",
            rb"\A\s*(?:---[^\n]*\n)?\s*(?:NAMESPACE {2,})?NAME(?: {2,}[A-Z][A-Z0-9() -]*)* *\r?$",
            "a table as `oc get` prints it",
        ),
        (
            "oc-error",
            rb"^(?:Error from server|error: |No resources found|Unable to connect to the server"
            rb"|The connection to the server)",
            "an error of `oc` in the place of an object",
        ),
    )
)
_DESCRIBE = "the output of `oc describe`, which is no YAML"
_LEFT_OUT = re.compile(
    rb"[ \t]*(?:- |# ?)?"
    rb"(?:\[\.{3}(?:[^\]\n]*\.{3})?\]|<\.{3}>|\(\.{3}\)|\[?\xe2\x80\xa6\]?)[ \t\r]*"
    rb"|(?:[ \t]+|[ \t]*- |[ \t]*# ?)\.{3}[ \t\r]*|[ \t]*# ?\.{3}[^\n]*\.{3}[ \t\r]*"
    rb"|[ \t]*--More--[^\n]*"
)
_CUT = re.compile(
    rb"^\.\.\.(?=[ \t\r]*\n(?:[ \t\r]*(?:#[^\n]*)?\n)*+(?!---|\.\.\.|%|\s*\Z))", re.MULTILINE
)
_CALLOUT = re.compile(rb"[^#\n]*\S[ \t]+<(?:\d{1,2}|\.)>[ \t\r]*")
_BLOCK_HEADER = re.compile(rb"(?:[^\n]*[ \t])?[|>][-+0-9]*(?:[ \t]+#[^\n]*)?[ \t\r]*")
_TAB = re.compile(rb"^ *\t", re.MULTILINE)

_BLANKS = "\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff"
# YAML takes these for letters, though they look like a space or like nothing.
_BLANK = re.compile(f"[{_BLANKS}]")
_BLANK_KEY = re.compile(
    rf"^(?:[^\n:#{_BLANKS}]*([{_BLANKS}])[^\n:]*:(?:\s|$)| *(?:- )?[\w./-]+:([{_BLANKS}]))",
    re.MULTILINE,
)


def with_cuts(data: bytes) -> bytes:
    """A text in which "..." with more below it ends no document: something is left out there.

    For YAML it is the end of a document, but it is never written before another one without "---".
    """
    return _CUT.sub(b"[...]", data) if b"\n..." in data else data


def inspected(loaded: Loaded) -> Loaded:
    """A document as it was read, or with the reason why it is not what it seems to be."""
    error = loaded.error
    if isinstance(error, LimitExceeded):
        return loaded
    faults = _explanations(loaded) if error is not None else _misreadings(loaded)
    fault = next(faults, None)
    if fault is None:
        return loaded
    fault.line = (fault.line or 1) + loaded.lines_before
    return replace(loaded, value=None, error=fault)


def _explanations(loaded: Loaded) -> Iterator[Unreadable]:
    """Why a text is no YAML, in the words of what was pasted."""
    text = loaded.text
    yield from _foreign_form(loaded)
    yield from _left_out(text)
    yield from _callouts(text)
    yield from _blank_keys(text)
    for match in _TAB.finditer(text):
        line = text.count(b"\n", 0, match.start()) + 1
        if loaded.error is not None and loaded.error.line == line + loaded.lines_before:
            yield Unreadable(
                "pasted-tab",
                "the line is indented with a tab",
                line=line,
                hint="YAML is indented with spaces: replace the tab",
            )


def _misreadings(loaded: Loaded) -> Iterator[Unreadable]:
    """What YAML reads without an error, and otherwise than it was meant."""
    text, value = loaded.text, loaded.value
    if not isinstance(value, dict) or not {"kind", "items", "clusters"} & value.keys():
        yield from _foreign_form(loaded)
    yield from _left_out(text)
    yield from _callouts(text)
    if not text.isascii() and _BLANK.search(text.decode("utf-8", "replace")):
        yield from _blank_keys(text) if _has_blank_key(value) else ()


def _foreign_form(loaded: Loaded) -> Iterator[Unreadable]:
    head = loaded.text[:_HEAD]
    described = list(_DESCRIBED_KEY.finditer(head))
    # YAML may have one such key; a text that is none has it from `oc describe`.
    if len({match[0] for match in described}) > (0 if loaded.error else 1):
        yield _fault("describe", _DESCRIBE, head, described[0].end())
    for code, pattern, what in _FORMS:
        match = pattern.search(head)
        if match is not None:
            yield _fault(code, what, head, match.end())
    if head.startswith(DESCRIBED):
        yield _fault("describe", _DESCRIBE, head, 0)


def _left_out(text: bytes) -> Iterator[Unreadable]:
    for mark in (b"...", "…".encode(), b"--More--"):
        for start, line in _lines_with(text, mark):
            if _LEFT_OUT.fullmatch(line) and not _in_block(text, start):
                yield Unreadable(
                    "pasted-left-out",
                    f"{line.strip().decode()[:60]!r} says that something is left out here",
                    line=text.count(b"\n", 0, start) + 1,
                    hint=f"give it whole: {_command(text)}",
                )


def _callouts(text: bytes) -> Iterator[Unreadable]:
    for start, line in _lines_with(text, b" <"):
        if _CALLOUT.fullmatch(line) and not _in_block(text, start):
            mark = line.split()[-1].decode()
            yield Unreadable(
                "pasted-callout",
                f"{mark} at the end of the line is a mark of documentation, no part of the value",
                line=text.count(b"\n", 0, start) + 1,
                hint="this is an example out of documentation; give what the cluster has: "
                + _command(text),
            )


def _lines_with(text: bytes, mark: bytes) -> Iterator[tuple[int, bytes]]:
    at = text.find(mark)
    while at >= 0:
        start, stop = text.rfind(b"\n", 0, at) + 1, text.find(b"\n", at)
        stop = len(text) if stop < 0 else stop
        yield start, text[start:stop]
        at = text.find(mark, stop)


def _in_block(text: bytes, start: int) -> bool:
    """Whether the line that starts here is text of a block scalar (``key: |``) above it."""
    indent = _indent(text, start)
    while start > 0 and indent > 0:
        stop, start = start - 1, text.rfind(b"\n", 0, start - 1) + 1
        if text[start:stop].strip() and _indent(text, start) < indent:
            if _BLOCK_HEADER.fullmatch(text, start, stop):
                return True
            indent = _indent(text, start)
    return False


def _indent(text: bytes, start: int) -> int:
    stop = start
    while text[stop : stop + 1] == b" ":
        stop += 1
    return stop - start


def _has_blank_key(value: Any) -> bool:
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            if any(_BLANK.search(key) for key in current):
                return True
            pending.extend(current.values())
        elif isinstance(current, list):
            pending.extend(current)
    return False


def _blank_keys(text: bytes) -> Iterator[Unreadable]:
    if text.isascii():
        return
    decoded = text.decode("utf-8", "replace")
    match = _BLANK_KEY.search(decoded)
    if match is not None:
        group = match.lastindex or 1
        yield Unreadable(
            "pasted-blank",
            "the indentation, a key or what follows its colon holds a blank that is no plain space "
            f"(U+{ord(match[group]):04X})",
            line=decoded.count("\n", 0, match.start(group)) + 1,
            hint="replace it with a plain space, or fetch the object again instead of copying it "
            "from a page",
        )


def _fault(code: str, what: str, text: bytes, end: int) -> Unreadable:
    return Unreadable(
        f"pasted-{code}",
        f"this is {what}",
        line=text.count(b"\n", 0, end) + 1,
        hint=f"give what this prints: {_command(text)}",
    )


_WORDS = (
    re.compile(rb"\b[kK]ind:[ \t]*([A-Za-z]{1,60})\b"),
    re.compile(rb"\b[nN]ame:[ \t]*([a-z0-9][a-z0-9.-]{0,250})\b"),
    re.compile(rb"\b[nN]amespace:[ \t]*([a-z0-9][a-z0-9-]{0,62})\b"),
)
_ASKED = re.compile(
    rb"(?P<kind>[A-Za-z.]{1,60})[/ \t]+(?P<name>[a-z0-9][a-z0-9.-]{0,250})(?![^ \t\r\n])"
    rb"(?:[^\n]*?(?:-n|--namespace)[ =](?P<space>[a-z0-9-]{1,63}))?"
)


def _command(text: bytes) -> str:
    """The command that prints what a text is about, as far as the text shows."""
    kind, name, space = (
        match[1].decode() if match else ""
        for match in (pattern.search(text, 0, _HEAD) for pattern in _WORDS)
    )
    asked = _ASKED.match(text, len(DESCRIBED)) if text.startswith(DESCRIBED) else None
    if asked is not None:
        kind, name = asked["kind"].decode(), asked["name"].decode()
        space = (asked["space"] or b"").decode() or space
    resource = resource_named(kind)
    if resource is not None:
        return fetch_command(resource, name, space)
    words = ("oc get", kind.lower() or "<resource>", name, f"-n {space}" * bool(space), "-o json")
    return " ".join(word for word in words if word)
