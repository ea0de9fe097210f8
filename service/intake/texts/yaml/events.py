"""YAML by the events of libyaml, and values built from them by Kubernetes' rules.

goyaml, which Kubernetes uses, is a port of libyaml. libyaml is asked for events only: its event
machine does not recurse, so nesting cannot exhaust the C stack, and building stops at
``limits.depth`` before nesting costs anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)

from service.core.deadline import check
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import Limits
from service.intake.texts.json import nameable
from service.intake.texts.yaml.scalars import key_text, resolve, tagged

_CORE = "tag:yaml.org,2002:"
_SCALAR_KINDS = frozenset(("str", "int", "bool", "float", "null"))
# What no YAML stream may hold; the reader of libyaml reports it without a line.
_NOT_TEXT = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class Empty:
    """A document without any content, such as two ``---`` behind one another."""


EMPTY = Empty()
_NO_KEY = object()


def read_events(text: str, limits: Limits) -> Iterator[Any]:
    """The value of every document of ``text``, ``EMPTY`` for one without content.

    Raises ``Unreadable`` with a position in ``text``; nothing behind it can be read.
    """
    odd = _NOT_TEXT.search(text)
    if odd is not None:
        line = text.count("\n", 0, odd.start()) + 1
        column = odd.start() - text.rfind("\n", 0, odd.start())
        raise Unreadable(
            "yaml-character",
            f"character U+{ord(odd[0]):04X} is not allowed in YAML",
            line=line,
            column=column,
        )
    try:
        yield from _values(text, limits)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error) from None
    except yaml.YAMLError:
        raise Unreadable("yaml-syntax", "the text is not YAML") from None


def _syntax_error(error: yaml.MarkedYAMLError) -> Unreadable:
    # These texts are libyaml's own and repeat nothing of the input.
    message = ", ".join(part for part in (error.context, error.problem) if part)
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Unreadable("yaml-syntax", message)
    return Unreadable("yaml-syntax", message, line=mark.line + 1, column=mark.column + 1)


def _values(text: str, limits: Limits) -> Iterator[Any]:
    builder = _Builder(limits)
    for number, event in enumerate(yaml.parse(text, Loader=yaml.CLoader)):
        if not number & 0xFF:
            check()
        try:
            builder.take(event)
        except Unreadable as error:
            _place(error, event)
            raise
        if isinstance(event, DocumentEndEvent):
            yield builder.root
            builder = _Builder(limits)


def _place(error: Unreadable, event: Event) -> None:
    mark = event.start_mark
    if error.line is None and mark is not None:
        error.line = mark.line + 1
        error.column = mark.column + 1


@dataclass(slots=True)
class _Open:
    """A container that is being filled."""

    value: Any
    anchor: str | None
    is_map: bool
    key: Any = _NO_KEY


@dataclass(slots=True)
class _Builder:
    """Builds one document. An alias shares the value it names; its size counts every time."""

    limits: Limits
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, tuple[int, int]] = field(default_factory=dict)
    expanded: int = 0
    root: Any = EMPTY

    def take(self, event: Event) -> None:
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, CollectionStartEvent):
            self._start(event)
        elif isinstance(event, CollectionEndEvent):
            self._end()
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, DocumentStartEvent) and event.tags:
            raise Unreadable("yaml-directive", "tag directives are not supported")

    def _scalar(self, event: ScalarEvent) -> None:
        plain, text = not event.style, event.value
        wants_key = self._wants_key()
        if wants_key and plain and text == "<<" and event.tag is None:
            raise Unreadable("yaml-merge-key", "merge keys (<<) are not supported")
        if not self.stack and plain and not (text or event.tag or event.anchor):
            # A document that is nothing but markers and comments stays EMPTY.
            return
        if event.tag is not None:
            value = tagged(_scalar_kind(event.tag), text)
        else:
            value = resolve(text) if plain else text
        if event.anchor is not None:
            self._name(event.anchor, value)
        if wants_key:
            self._add_key(value)
        else:
            self._add(value)

    def _add_key(self, value: Any) -> None:
        if isinstance(value, dict | list):
            raise Unreadable("yaml-key", "a mapping key is a mapping or a sequence")
        key = value if type(value) is str else key_text(value)
        top = self.stack[-1]
        if key in top.value:
            raise Unreadable("yaml-duplicate-key", f"duplicate key{nameable(key)}")
        top.key = key

    def _wants_key(self) -> bool:
        if not self.stack:
            return False
        top = self.stack[-1]
        return top.is_map and top.key is _NO_KEY

    def _add(self, value: Any) -> None:
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        if top.is_map:
            top.value[top.key] = value
            top.key = _NO_KEY
        else:
            top.value.append(value)

    def _start(self, event: CollectionStartEvent) -> None:
        if self._wants_key():
            raise Unreadable("yaml-key", "a mapping key is a mapping or a sequence")
        if len(self.stack) >= self.limits.depth:
            raise self._too_deep()
        is_map = isinstance(event, MappingStartEvent)
        if event.tag is not None and event.tag != _CORE + ("map" if is_map else "seq"):
            raise _unknown_tag()
        if event.anchor is not None:
            self.anchors.pop(event.anchor, None)
            self.measures.pop(event.anchor, None)
        self.stack.append(_Open({} if is_map else [], event.anchor, is_map))

    def _too_deep(self) -> LimitExceeded:
        return LimitExceeded("depth", f"the YAML is nested deeper than {self.limits.depth} levels")

    def _end(self) -> None:
        done = self.stack.pop()
        if done.anchor is not None:
            self._name(done.anchor, done.value)
        self._add(done.value)

    def _name(self, anchor: str, value: Any) -> None:
        self.anchors[anchor] = value
        self.measures.pop(anchor, None)

    def _alias(self, event: AliasEvent) -> None:
        anchor = event.anchor
        if any(container.anchor == anchor for container in self.stack) or (
            anchor not in self.anchors
        ):
            raise Unreadable("yaml-alias", "an alias names no anchor before it, or one around it")
        if anchor not in self.measures:
            self.measures[anchor] = _measure(self.anchors[anchor], self.limits)
        size, height = self.measures[anchor]
        self.expanded += size
        if self.expanded > self.limits.alias_nodes:
            raise LimitExceeded(
                "alias_nodes", f"aliases expand to more than {self.limits.alias_nodes} nodes"
            )
        if len(self.stack) + height > self.limits.depth:
            raise self._too_deep()
        if self._wants_key():
            self._add_key(self.anchors[anchor])
        else:
            self._add(self.anchors[anchor])


def _scalar_kind(tag: str) -> str:
    kind = tag.removeprefix(_CORE)
    if kind == tag or kind not in _SCALAR_KINDS:
        raise _unknown_tag()
    return kind


def _unknown_tag() -> Unreadable:
    return Unreadable(
        "yaml-tag",
        "a tag has no meaning in Kubernetes YAML",
        hint="remove the tag; quote the value if it is meant to be a string",
    )


def _measure(value: Any, limits: Limits) -> tuple[int, int]:
    """Nodes and levels of a value, given up once there are more nodes than allowed."""
    size = height = 0
    level = [value]
    while level and size <= limits.alias_nodes:
        size += len(level)
        inner: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                inner.extend(node.values())
            elif isinstance(node, list):
                inner.extend(node)
        if any(isinstance(node, dict | list) for node in level):
            height += 1
        level = inner
    return size, height
