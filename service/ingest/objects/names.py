"""Resources by the names that people and `oc` give them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from service.core.resources import RESOURCES, Resource

_BY_NAME: dict[str, Resource[Any]] = {}
for _known in RESOURCES:
    for _name in (_known.plural, _known.argument, _known.kind):
        _BY_NAME.setdefault(_name.lower(), _known)
    for _group in _known.groups:
        _BY_NAME.setdefault(f"{_known.plural}.{_group}".rstrip("."), _known)


def resource_named(name: str) -> Resource[Any] | None:
    """A resource by its plural, its kind, or its plural and group; None if no policy reads it."""
    return _BY_NAME.get(name.lower())


def no_such_resource(name: str) -> tuple[str, str]:
    """What is wrong with a name that is none, and a hint."""
    near = get_close_matches(name.lower(), list(_BY_NAME), 1, 0.6)
    hint = f"did you mean {near[0]!r}?" if near else "use the plural, such as persistentvolumes"
    return f"no policy reads {name[:60]!r}", hint
