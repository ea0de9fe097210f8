"""Policies of the operator: packages with an entry point, and folders that the settings name.

A pack is code that runs in this process. It comes from the environment of the process alone, never
from a request or from the folder that somebody works in.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec
from inspect import isabstract
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

from service.core.link import Link
from service.core.outcome import Severity
from service.core.policy import Parameter, Policy
from service.core.undeclared import undeclared
from service.kinds.resource import Read

GROUP = "mtc_preflight.policies"
"""The group of entry points: each names a package or a module with policies."""
OWN_PREFIX = "MTC"
_ID = re.compile(r"[A-Z][A-Z0-9]*[A-Z]\d{3,4}")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TEXTS = ("title", "why", "remedy", "source")


class PackError(Exception):
    """A pack cannot be used; each fault says which, where and what is wanted."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


def load_packs(
    folders: Iterable[str], own: Iterable[Policy[Any]], *, installed: bool = True
) -> tuple[Policy[Any], ...]:
    """The policies of all packs, by id; ``own`` are ours, which no pack may clash with.

    ``installed`` packs are packages with an entry point.

    Raises PackError with every fault: a folder or package that cannot be imported, a policy without
    what a reader needs, a read that is not declared, an id or a name that is taken.
    """
    faults: list[str] = []
    found: list[Policy[Any]] = []
    for name, load in (*(_installed() if installed else ()), *_folders(folders)):
        try:
            kinds = list(_policies(load()))
        except PackError as error:
            faults += [f"pack {name}: {fault}" for fault in error.faults]
            continue
        except BaseException as error:  # whatever the code of a pack raises, SystemExit too
            if isinstance(error, KeyboardInterrupt):
                raise
            faults.append(f"pack {name}: {_reason(error)}")
            continue
        if not kinds:
            faults.append(f"pack {name}: holds no policy")
        for kind in kinds:
            kind.pack = name
            wrong = list(_wrong(kind))
            faults += [f"pack {name}: {kind.__qualname__}: {fault}" for fault in wrong]
            if not wrong:
                found.append(kind())
    faults += _clashes(found, own)
    if faults:
        raise PackError(faults)
    return tuple(sorted(found, key=lambda policy: policy.id))


def _installed() -> Iterator[tuple[str, Any]]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        yield point.name, lambda point=point: _module_of(point)


def _module_of(point: EntryPoint) -> ModuleType:
    module = point.load()
    if isinstance(module, ModuleType):
        return module
    raise PackError([f"the entry point {point.value} names no package or module"])


def _folders(folders: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for folder in folders:
        path = Path(folder).resolve()
        yield path.name, lambda path=path: _package(path)


def _package(folder: Path) -> ModuleType:
    """The folder as a package, so that its modules can import each other (`from . import …`)."""
    if not folder.is_dir():
        raise PackError([f"there is no folder {folder}"])
    name = "pack_" + re.sub(r"\W", "_", folder.name)
    known = sys.modules.get(name)
    if known is not None:
        if list(known.__path__) == [str(folder)]:
            return known
        raise PackError([f"another folder is called {folder.name} too: rename one"])
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    package = sys.modules[name] = module_from_spec(spec)
    return package


def _policies(module: ModuleType) -> Iterator[type[Policy[Any]]]:
    """The policy classes that the modules of a package define."""
    for below in walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
        if below.name.rpartition(".")[2] not in ("cases", "tests", "setup", "conftest"):
            import_module(below.name)
    names = [
        name
        for name in sys.modules
        if name == module.__name__ or name.startswith(f"{module.__name__}.")
    ]
    for name in sorted(names):
        for value in vars(sys.modules[name]).values():
            is_policy = isinstance(value, type) and issubclass(value, Policy)
            if is_policy and value.__module__ == name and not isabstract(value):
                yield value


def _reason(error: BaseException) -> str:
    """Where in the code of a pack an exception was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if "importlib" not in frame.filename]
    place = outside[-1] if outside else frames[-1]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno}: {type(error).__name__}: {error.msg}"
    return f"{Path(place.filename).name}:{place.lineno}: {type(error).__name__}: {error}"


def _wrong(kind: type[Policy[Any]]) -> Iterator[str]:
    """What a policy lacks, each in words."""
    id, name = getattr(kind, "id", ""), getattr(kind, "name", "")
    if not isinstance(id, str) or not _ID.fullmatch(id):
        yield f"id is {id!r}: wanted letters and three or four digits, such as ACME101"
    elif id.startswith(OWN_PREFIX) and id[len(OWN_PREFIX) :].isdigit():
        yield f"id is {id}: {OWN_PREFIX} is the prefix of the product's own policies"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield f"name is {name!r}: expected words with hyphens, such as cost-centre"
    for attribute in _TEXTS:
        text = getattr(kind, attribute, "")
        if not isinstance(text, str) or not text.strip():
            yield f"{attribute} is missing"
    if not (kind.__doc__ or "").strip():
        yield "the docstring, which states the rule, is missing"
    if not isinstance(kind.severity, Severity):
        yield "severity is no Severity"
    docs = getattr(kind, "docs", None)
    if not isinstance(docs, tuple) or not all(isinstance(item, Link) for item in docs):
        yield "docs is no tuple of Link"
    if not all(isinstance(item, Parameter) for item in kind.parameters):
        yield "parameters is no tuple of Parameter"
    yield from _wrong_reads(kind)


def _wrong_reads(kind: type[Policy[Any]]) -> Iterator[str]:
    reads = getattr(kind, "reads", None)
    if not isinstance(reads, tuple) or not all(isinstance(item, Read) for item in reads):
        yield "reads is no tuple of Read"
        return
    if not reads and not kind.declares:
        yield "reads and declares are both empty: it looks at nothing"
    if any(read.resource.kind == "Secret" for read in reads):
        yield "reads Secrets, which no pack may"
    for name in sorted(undeclared(kind)):
        yield f"its code uses {name}, which reads does not declare"


def _clashes(found: Iterable[Policy[Any]], own: Iterable[Policy[Any]]) -> Iterator[str]:
    taken: dict[str, str] = {}
    for policy in (*own, *found):
        whose = f"pack {policy.pack}" if policy.pack else "the product"
        for word in (policy.id, policy.name):
            if word in taken:
                yield f"{policy.id} of {whose}: {word} is taken by {taken[word]}"
            taken.setdefault(word, f"{policy.id} of {whose}")
