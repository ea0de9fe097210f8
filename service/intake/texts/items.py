"""Long JSON lists, whose items are parsed one by one and only when somebody asks for them.

What an evaluation needs of the lists of a whole cluster may be a tenth of them, and a value that
is read as soon as it is parsed costs half of what it does in a text that is parsed first. So only
the span of each item and its head (kind, namespace, name) are looked for at first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import msgspec

from service.core.allowance import cost_of, spend
from service.core.evidence import Unusable
from service.intake.intake_errors import Unreadable, problem_of
from service.intake.limits import Limits
from service.intake.texts.json import BOM, SCANNED, load_json, parse
from service.intake.texts.loaded import Loaded
from service.kinds.ref import Origin

_ITEMS = re.compile(rb'"items"[ \t\r\n]*:[ \t\r\n]*(?=\[)')
_SPAN, _HEAD = 64, 512
"""Bytes of the span of an item, and of its head."""
_BEGINNING = 4096
"""Within so many bytes `oc` and the API server begin with the items."""


class _Metadata(TypedDict, total=False):
    name: str
    namespace: str
    resourceVersion: str


class _Claim(TypedDict, total=False):
    namespace: str


class _Spec(TypedDict, total=False):
    claimRef: _Claim


class _Head(TypedDict, total=False):
    kind: str
    apiVersion: str
    metadata: _Metadata
    spec: _Spec


class _List(msgspec.Struct):
    items: list[msgspec.Raw]


_SPANS = msgspec.json.Decoder(_List)
_HEADS = msgspec.json.Decoder(list[_Head])


class _Text(msgspec.Struct, frozen=True):
    """The text of a list and where it came from."""

    data: bytes
    origin: Origin
    limits: Limits


class ListItem(msgspec.Struct, frozen=True, gc=False):
    """An item of a list: the head of its value, and the value itself when called."""

    text: _Text
    number: int
    head: Mapping[str, Any]
    span: msgspec.Raw

    def __call__(self) -> Mapping[str, Any]:
        """The value. Raises Unusable with the place in the text of the list."""
        span = bytes(self.span)
        spend(cost_of(span))
        try:
            value: Mapping[str, Any] = parse(span, self.text.limits)
        except Unreadable as error:
            error.pointer = f"/items/{self.number}"
            if error.line is not None and error.column is not None:
                start = self.text.data.find(span)
                if error.line == 1:
                    error.column += start - self.text.data.rfind(b"\n", 0, start) - 1
                error.line += self.text.data.count(b"\n", 0, start)
            raise Unusable(problem_of(error, self.text.origin)) from None
        return value


def head_of(value: Any) -> Any:
    """A value, or as much of an item as is known before it is parsed."""
    return value.head if type(value) is ListItem else value


def load_list(data: bytes, limits: Limits, origin: Origin) -> Loaded | None:
    """A list with an :class:`ListItem` in the place of each item.

    None for a text that is short, or no list, or of which anything but the items could be read in
    two ways: it is to be loaded whole. An item that is not requested is not checked: neither its
    depth, nor whether it has a key twice.
    """
    if len(data) <= SCANNED:
        return None
    text = data.removeprefix(BOM)
    found = _ITEMS.search(text, 0, _BEGINNING)
    if found is None:
        return None
    spend(len(text) + _SPAN * text.count(b"{"))
    try:
        spans = _SPANS.decode(text).items
        spend(_HEAD * len(spans))
        last = bytes(spans[-1])
        start, stop = found.end(), text.find(b"]", text.rfind(last) + len(last)) + 1
        heads = _HEADS.decode(memoryview(text)[start:stop])
        value: dict[str, Any] = load_json(text[:start] + b"null" + text[stop:], limits)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IndexError, Unreadable):
        return None
    if value["items"] is not None or len(heads) != len(spans):
        return None  # what was found are the items of something within the list
    whole = _Text(text, origin, limits)
    value["items"] = [
        ListItem(whole, number, head, span)
        for number, (head, span) in enumerate(zip(heads, spans, strict=True))
    ]
    return Loaded(0, value, None, starts=_starts(text, start, spans))


_GAP = re.compile(rb"[\[,]?+[ \t\r\n]*+,?+[ \t\r\n]*+")
"""What is before an item: the bracket or a comma."""


def _starts(text: bytes, end: int, spans: Sequence[msgspec.Raw]) -> list[int]:
    """Where each item begins; the bracket before them is at ``end``."""
    starts = []
    for span in spans:
        gap = _GAP.match(text, end)
        starts.append(end if gap is None else gap.end())
        end = starts[-1] + len(memoryview(span))
    return starts
