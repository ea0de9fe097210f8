"""A kind that policies may read, and the commands that fetch it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from shlex import quote
from typing import Any, Generic, TypeVar

from service.kinds.ref import Ref

MOST_NAMED = 10
"""Namespaces that a command names one by one; of more, all namespaces are fetched."""
MOST_REMEMBERED = 500
"""Characters of names, which come from the input, for which a command is kept for the next one."""
T = TypeVar("T")
Reader = Callable[[Mapping[str, Any], Ref], T]
"""Makes its dataclass of a Kubernetes object as parsed.

What the API server may leave out is empty. What it could not have written raises
:class:`Malformed` with a pointer: a wrong type never makes a wrong fact.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Resource(Generic[T]):
    """A kind of the Kubernetes or OpenShift API.

    ``groups`` are all API groups that serve or served the same objects; the first is today's.
    OpenShift 3 serves its own kinds in the core group ("") too. ``releases`` are the major
    OpenShift releases that know the kind. ``reader`` makes the dataclass of a parsed object.
    ``trim`` takes out of an object, in place, what need not or must not leave its cluster.
    ``of`` is set where this is another way to read the objects of a resource.
    ``command`` fetches what `oc get` does not list, and ``templates`` are go-templates for one
    object and for a list, of a kind that must not be printed whole.
    """

    kind: str
    plural: str
    reader: Reader[T]
    groups: tuple[str, ...] = ("",)
    version: str = "v1"
    namespaced: bool = False
    releases: tuple[int, ...] = (3, 4)
    title: str = ""
    trim: Callable[[dict[str, Any]], None] | None = None
    command: str = ""
    templates: tuple[str, str] = ("", "")
    of: Resource[Any] | None = None

    @property
    def base(self) -> Resource[Any]:
        """The resource by which its objects are sorted and fetched."""
        return self.of or self

    @property
    def group(self) -> str:
        """Today's API group, "" for the core group."""
        return self.groups[0]

    @property
    def api_version(self) -> str:
        """Today's apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def argument(self) -> str:
        """The kind as an argument of `oc get`, with its group where the plural is ambiguous."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def __str__(self) -> str:
        return self.argument


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What a policy reads: every object of a resource, those of a namespace, or one by name."""

    resource: Resource[T]
    namespace: str = ""
    name: str = ""
    plan_namespaces: bool = False
    """Whether it is read for the namespaces of the plan."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "resource", self.resource.base)

    def command(self, namespaces: tuple[str, ...] = ()) -> str:
        """The `oc` command that fetches it as YAML; ``namespaces`` are those of the plan."""
        return fetch_command(self.resource, self.name, self.namespace, namespaces)


def fetch_command(
    resource: Resource[Any],
    name: str = "",
    namespace: str = "",
    namespaces: tuple[str, ...] = (),
    *,
    may_be_absent: bool = False,
) -> str:
    """The `oc get` command for one object, a namespace, some namespaces, or all of them.

    What `oc` prints of an empty list names neither kind nor namespace, and of an object that
    does not exist it prints nothing; so the command of a list, and of an object that
    ``may_be_absent``, prints a second document that says what was asked for, unless it fails.
    """
    if len(namespaces) > MOST_NAMED:
        namespaces = ()
    # The same few hundred commands are asked for again and again: a third of a small evaluation.
    short = len(name) + len(namespace) + len("".join(namespaces)) <= MOST_REMEMBERED
    compose = _remembered if short else _compose
    return compose(resource, name, namespace, namespaces, may_be_absent)


def _compose(
    resource: Resource[Any],
    name: str,
    namespace: str,
    namespaces: tuple[str, ...],
    may_be_absent: bool,
) -> str:
    if resource.command:
        return resource.command
    if not resource.namespaced:
        namespace = ""
    elif not namespace and len(namespaces) == 1:
        namespace = namespaces[0]
    elif not namespace and not name and len(namespaces) > 1:
        each = _get(resource, "", '-n "$n"') + f' && echo "{_mark(resource, "$n")}"'
        return f"for n in {' '.join(map(_word, namespaces))}; do {each}; echo ---; done"
    if name and resource.namespaced:
        namespace = namespace or "<namespace>"
    scope = f"-n {_word(namespace)}" if namespace else "--all-namespaces" * resource.namespaced
    if name and not may_be_absent:
        return _get(resource, _word(name), scope)
    wanted = f"{_word(name)} --ignore-not-found" if name else ""
    return f"{_get(resource, wanted, scope)} && echo {quote(_mark(resource, namespace, name))}"


_remembered = lru_cache(maxsize=2048)(_compose)


def _get(resource: Resource[Any], name: str, scope: str) -> str:
    template = resource.templates[0 if name else 1]
    output = f"-o go-template='{template}'" if template else "-o json"
    words = ("oc get", resource.argument, name, scope, output)
    return " ".join(word for word in words if word)


def _mark(resource: Resource[Any], namespace: str, name: str = "") -> str:
    """A document that says that all of this was asked for: resource/namespace/name."""
    steps = "/".join((resource.argument, namespace, name)).rstrip("/")
    odd = any(map(_ODD.search, (namespace, name)))
    return f"--- {{complete: [{json.dumps(steps) if odd else steps}]}}"


_ODD = re.compile(r"[^\w.:$<> -]")
_PLACEHOLDER = re.compile(r"<[a-z -]+>")


def _word(name: str) -> str:
    """A name of the evidence as one word of a command, whatever it holds.

    A placeholder stays one, and a name that starts like an option, which none can, becomes one.
    """
    if name.startswith("-"):
        return "<name>"
    return name if _PLACEHOLDER.fullmatch(name) else quote(name)
