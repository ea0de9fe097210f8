"""One module per prerequisite area, one class per prerequisite.

A new policy is a class in one of these modules, or in a new module; nothing else needs an edit.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from inspect import isabstract
from pkgutil import walk_packages
from typing import Any

from service.core.policy import Policy


@cache
def catalogue() -> tuple[Policy[Any], ...]:
    """Every policy, by id. Raises ValueError where two classes share an id."""
    for module in walk_packages(__path__, f"{__name__}."):
        import_module(module.name)
    found: dict[str, Policy[Any]] = {}
    for kind in _concrete(Policy):  # type: ignore[type-abstract]
        if not kind.__module__.startswith(f"{__name__}."):
            continue  # a policy that a test defines
        if kind.id in found:
            raise ValueError(f"two policies are called {kind.id}")
        found[kind.id] = kind()
    return tuple(found[key] for key in sorted(found))


def _concrete(base: type[Policy[Any]]) -> list[type[Policy[Any]]]:
    found = []
    for kind in base.__subclasses__():
        found += [*_concrete(kind), *([] if isabstract(kind) else [kind])]
    return found
