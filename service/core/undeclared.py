"""What the code of a policy reads and does not declare, found without running it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from service.core.policy import Policy
from service.kinds.resource import Read, Resource

_FACTS = "service.core.facts."


def undeclared(kind: type[Policy[Any]]) -> set[str]:
    """The kinds that a policy's code, or a fact that it calls, reads beyond ``reads``."""
    declared = {read.resource for read in kind.reads}
    used = set(_Walk(kind).resources())
    return {resource.kind for resource in used if resource.base not in declared}


class _Walk:
    """Everything that the code of a class refers to, within its own package and in our facts."""

    def __init__(self, kind: type[Policy[Any]]) -> None:
        self._top = kind.__module__.partition(".")[0]
        self._start = kind
        self._seen: set[int] = set()

    def resources(self) -> Iterator[Resource[Any]]:
        yield from self._in(self._start)

    def _in(self, value: Any) -> Iterator[Resource[Any]]:
        if isinstance(value, Resource):
            yield value
        if isinstance(value, str | int | float) or id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, tuple | list | set | frozenset):
            yield from self._all(value)
        elif isinstance(value, dict):
            yield from self._all((*value, *value.values()))
        elif isinstance(value, type):
            yield from self._class(value)
        elif isinstance(value, FunctionType):
            yield from self._function(value)

    def _all(self, values: Iterable[Any]) -> Iterator[Resource[Any]]:
        for value in values:
            yield from self._in(value)

    def _class(self, kind: type) -> Iterator[Resource[Any]]:
        for base in kind.__mro__:
            if base.__module__.partition(".")[0] != self._top:
                continue
            for name, value in vars(base).items():
                if name != "reads":
                    yield from self._in(getattr(value, "__func__", getattr(value, "fget", value)))

    def _function(self, function: FunctionType) -> Iterator[Resource[Any]]:
        module = function.__module__ or ""
        if module.startswith(_FACTS):
            reads: Iterable[Read[Any]] = getattr(sys.modules[module], "READS", ())
            yield from (read.resource for read in reads)
            return
        if module.partition(".")[0] != self._top:
            return
        wrapped = getattr(function, "__wrapped__", None)
        yield from self._in(wrapped)
        for cell in function.__closure__ or ():
            yield from self._in(cell.cell_contents)
        names = set(_names(function.__code__))
        for name in names:
            value = function.__globals__.get(name)
            if isinstance(value, ModuleType):
                yield from self._all(getattr(value, inner, None) for inner in names)
            else:
                yield from self._in(value)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
