"""Where a reader says which resource it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from service.core.inventory import Reader
from service.core.resources import Resource

T = TypeVar("T")

READERS: dict[Resource[Any], Reader[Any]] = {}


def reads(resource: Resource[T]) -> Callable[[Reader[T]], Reader[T]]:
    """Register a function as the reader of a resource."""

    def register(reader: Reader[T]) -> Reader[T]:
        READERS[resource] = reader
        return reader

    return register
