"""Typed access to parsed objects. Absent and null are empty; a wrong type is Malformed.

``at`` is the JSON pointer of the mapping that is read from, for the error only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from service.kinds.ref import Malformed, pointer_step

Object = Mapping[str, Any]
_NOTHING: Object = {}


def text(of: Object, key: str, at: str) -> str:
    """A string; "" where absent or null."""
    value = of.get(key)
    if type(value) is str:
        return value
    if value is None:
        return ""
    raise Malformed(f"{at}/{key}", "a string")


MOST_NAME = 600
"""Characters of a name, or of two with a colon between: no API server takes longer ones, and each
is repeated in a hundred findings."""


def name(of: Object, key: str, at: str) -> str:
    """A string that names an object; "" where absent or null."""
    return short(text(of, key, at), f"{at}/{key}")


def short(value: str, at: str) -> str:
    """A name, if it is no longer than one can be."""
    if len(value) > MOST_NAME:
        raise Malformed(at, f"a name of at most {MOST_NAME} characters")
    return value


def scalar(of: Object, key: str, at: str) -> str:
    """A string or number as text, for quantities and settings that people write unquoted."""
    value = of.get(key)
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        return str(value)
    raise Malformed(f"{at}/{key}", "a string or a number")


def flag(of: Object, key: str, at: str) -> bool:
    """A boolean; False where absent or null."""
    value = of.get(key)
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    raise Malformed(f"{at}/{key}", "true or false")


def number(of: Object, key: str, at: str) -> int:
    """An integer; 0 where absent or null."""
    value = of.get(key)
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Malformed(f"{at}/{key}", "an integer")


def table(of: Object, key: str, at: str) -> Object:
    """A mapping; empty where absent or null."""
    value = of.get(key)
    if type(value) is dict:
        return value
    if value is None:
        return _NOTHING
    raise Malformed(f"{at}/{key}", "a mapping")


def rows(of: Object, key: str, at: str) -> Sequence[Object]:
    """A list of mappings; empty where absent or null."""
    value = of.get(key)
    if value is None:
        return ()
    if type(value) is not list:
        raise Malformed(f"{at}/{key}", "a list")
    for item in value:
        if type(item) is not dict:
            raise Malformed(f"{at}/{key}/{value.index(item)}", "a mapping")
    return value


def texts(of: Object, key: str, at: str) -> tuple[str, ...]:
    """A list of strings; empty where absent or null."""
    value = of.get(key)
    if value is None:
        return ()
    if type(value) is not list:
        raise Malformed(f"{at}/{key}", "a list")
    if len(value) == 1 and type(value[0]) is str:
        return (value[0],)
    for index, item in enumerate(value):
        if type(item) is not str:
            raise Malformed(f"{at}/{key}/{index}", "a string")
    return tuple(value)


def strings(of: Object, key: str, at: str) -> Mapping[str, str]:
    """A mapping of strings to strings (labels, annotations, data)."""
    value = table(of, key, at)
    for name, item in value.items():
        if type(item) is not str:
            raise Malformed(f"{at}/{key}/{pointer_step(name)}", "a string")
    return value


def quantities(of: Object, key: str, at: str) -> Mapping[str, str]:
    """A mapping of resources to quantities, as text."""
    amounts = table(of, key, at)
    return {name: scalar(amounts, name, f"{at}/{key}") for name in amounts}


def metadata(value: Object) -> Object:
    """The object's metadata."""
    return table(value, "metadata", "")


@dataclass(frozen=True, slots=True)
class Condition:
    """A status condition."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    category: str = ""


def conditions(of: Object, at: str) -> Mapping[str, Condition]:
    """Status conditions by type."""
    found = {}
    for index, row in enumerate(rows(of, "conditions", at)):
        where = f"{at}/conditions/{index}"
        kind = text(row, "type", where)
        found[kind] = Condition(
            kind,
            text(row, "status", where),
            text(row, "reason", where),
            text(row, "message", where),
            text(row, "category", where),
        )
    return found


def drop(of: Any, *keys: str) -> None:
    """Take these keys out of a mapping; of anything else there is nothing to take."""
    if isinstance(of, dict):
        for key in keys:
            of.pop(key, None)


def inner(value: Any, *path: str) -> Any:
    """What is below these keys, None where there is nothing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def each(value: Any) -> list[dict[str, Any]]:
    """The mappings of a list, whatever else may be in it."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
