"""The fields that an object may have where a reader looks for some, and those that are misspelt.

A field that is not there is a fact: a Proxy without ``httpProxy`` is no proxy. So a key that is
nearly such a field, or is one at another level, must never be read as its absence. Any other
unknown key is left alone: a new release of OpenShift has fields that are not known yet. The names
are in fields.json, which ``tools/fields.py`` makes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from service.kinds.near import nearest, plain
from service.kinds.ref import Malformed, pointer_step


class Misspelt(Malformed):
    """A field that a reader looks for is not there, and another key is nearly its name."""

    def __init__(self, pointer: str, key: str, meant: str) -> None:
        super().__init__(pointer, f"{meant!r} in the place of {key!r}")
        self.key = key
        self.meant = meant


@dataclass(slots=True)
class _Level:
    """The fields of a mapping: all that it may have, those that are read, and those with levels."""

    known: frozenset[str] = frozenset()
    read: Mapping[str, str] = field(default_factory=dict)  # by its plain form
    inner: dict[str, _Level] = field(default_factory=dict)


def misspelt(
    resource: str, value: Mapping[str, Any], pace: Callable[[], None] = lambda: None
) -> Misspelt | None:
    """The first key of an object that was meant for another one, None where there is none.

    ``pace`` is called for each unknown key: to compare one takes up to a millisecond.
    """
    level = _levels().get(resource)
    if level is None or _is_plain(level, value):
        return None
    for at, holder, here in _nodes(level, value, ""):
        for key in holder.keys() - here.known:
            pace()
            meant = nearest(key, here.known)
            if meant is None:
                meant = _elsewhere(level, value, plain(key))
            elif meant not in here.read.values() or holder.get(meant) is not None:
                meant = None
            if meant is not None:
                return Misspelt(f"{at}/{pointer_step(key)}", key, meant)
    return None


def _is_plain(level: _Level, value: Mapping[str, Any]) -> bool:
    """Whether every key is known: so it is for nearly all objects, hence no more is done here."""
    if not level.known.issuperset(value):
        return False
    for key, below in level.inner.items():
        child = value.get(key)
        if not child:
            continue
        for item in (child,) if type(child) is dict else child if type(child) is list else ():
            if type(item) is not dict or (not below.inner and below.known.issuperset(item)):
                continue
            if not _is_plain(below, item):
                return False
    return True


def _nodes(
    level: _Level, value: Mapping[str, Any], at: str
) -> Iterator[tuple[str, Mapping[str, Any], _Level]]:
    """Every mapping of an object of which the fields are known, with its place."""
    yield at, value, level
    for key, below in level.inner.items():
        child, there = value.get(key), f"{at}/{key}"
        if isinstance(child, dict):
            yield from _nodes(below, child, there)
        elif isinstance(child, list):
            for index, item in enumerate(child):
                if isinstance(item, dict):
                    yield from _nodes(below, item, f"{there}/{index}")


def _elsewhere(level: _Level, value: Mapping[str, Any], key: str, path: str = "") -> str | None:
    """Where else in the object this plain key belongs and is not, as ``spec.httpProxy``."""
    name = level.read.get(key)
    if name is not None and value.get(name) is None:
        return f"{path}{name}"
    for step, below in level.inner.items():
        child = value.get(step)
        if child is None or isinstance(child, dict):
            found = _elsewhere(below, child or {}, key, f"{path}{step}.")
            if found is not None:
                return found
    return None


@cache
def _levels() -> Mapping[str, _Level]:
    text = files("service.kinds").joinpath("fields.json").read_text(encoding="utf-8")
    found = {}
    for resource, levels in json.loads(text).items():
        root = found[resource] = _Level()
        for at, fields in levels.items():
            here = root
            for step in at.split("/")[1:]:
                here = here.inner.setdefault(step, _Level())
            here.known = frozenset().union(*fields.values())
            here.read = {plain(name): name for name in fields["read"]}
    return found
