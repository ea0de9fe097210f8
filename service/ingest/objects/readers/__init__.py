"""One reader per kind: a Kubernetes object as parsed in, a frozen dataclass out.

Readers take what the API server may leave out as empty and refuse what it could not have
written: a wrong type raises Malformed with a pointer, never a wrong fact.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from service.core.inventory import Reader
from service.core.resources import Resource
from service.ingest.objects.readers.registry import READERS


@cache
def readers() -> dict[Resource[Any], Reader[Any]]:
    """Every reader by the resource that it reads."""
    for module in iter_modules(__path__, f"{__name__}."):
        import_module(module.name)
    return READERS
