"""Reading a long Kubernetes ``List`` item by item.

One odd line, such as a folded scalar or a comment, would send a dump of many megabytes the slow
way. The items of a ``List`` stand at column 0 below ``items:``; each is a sequence entry that can
be read on its own, so only the odd items are read slowly.

Why cutting is safe: a text that stands complete on its own reads the same in its place. A quoted
scalar or a flow collection that is open at a cut makes the piece before it unreadable, and then
the whole document is read in one piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from service.intake.limits import Limits
from service.intake.texts.yaml.shape import (
    NOT_PROVEN,
    fast_value,
    is_safe,
    parse_proven,
    proven_end,
)

_ITEMS = re.compile(rb"^items:\n(?=- )", re.MULTILINE)
_NEXT_KEY = re.compile(rb"\n(?=[^\n #-])")
_SMALL = 16 * 1024

ExactReader = Callable[[bytes, Limits], Any]


def list_value(text: bytes, limits: Limits, exact: ExactReader) -> Any:
    """The value of a ``List`` read in pieces, or ``NOT_PROVEN``; ``exact`` reads the odd ones.

    ``exact`` gives ``NOT_PROVEN`` for what it cannot read: then the reason, with its line, is for
    a reader of the whole document to find.
    """
    if len(text) < _SMALL or not is_safe(text):
        return NOT_PROVEN
    head = _ITEMS.search(text)
    if head is None or proven_end(text[: head.start()], 0) != head.start():
        return NOT_PROVEN
    tail = _NEXT_KEY.search(text, head.end())
    end = len(text) if tail is None else tail.end()
    items = _items(text[head.end() : end], limits, exact)
    if items is None:
        return NOT_PROVEN
    frame = _frame(text[: head.start()] + b"items: []\n" + text[end:], limits, exact)
    if not isinstance(frame, dict) or frame.get("items") != []:
        return NOT_PROVEN
    frame["items"] = items
    return frame


def _frame(text: bytes, limits: Limits, exact: ExactReader) -> Any:
    value = fast_value(text, limits)
    return exact(text, limits) if value is NOT_PROVEN else value


def _items(text: bytes, limits: Limits, exact: ExactReader) -> list[Any] | None:
    # Items stand one level down; an alias may name an anchor of another piece, so none may occur.
    inner = replace(limits, depth=limits.depth - 1, alias_nodes=0)
    items: list[Any] = []
    start = 0
    while start < len(text):
        reached = proven_end(text, start)
        odd = len(text) if reached == len(text) else max(start, _item_start(text, reached))
        if odd > start:
            value = parse_proven(text[start:odd], inner)
            if value is NOT_PROVEN:
                value = exact(text[start:odd], inner)
        else:
            odd = _item_end(text, reached)
            value = exact(text[start:odd], inner)
        if not isinstance(value, list):
            return None
        items += value
        start = odd
    return items


def _item_start(text: bytes, position: int) -> int:
    """Where the item around a line start begins; that line itself may begin one."""
    return text.rfind(b"\n- ", 0, position + 2) + 1


def _item_end(text: bytes, position: int) -> int:
    following = text.find(b"\n- ", position)
    return len(text) if following < 0 else following + 1
