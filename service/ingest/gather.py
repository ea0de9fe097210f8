"""Sort objects onto the shelves of a cluster, and know for which scope a list is whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.core.evidence import Origin, Pointer, Problem, Role
from service.core.inventory import Entry, Inventory, Shelf
from service.core.migration import Cluster, Declared
from service.core.resources import (
    BY_GROUP_KIND,
    CLUSTER_VERSION,
    INFRASTRUCTURE,
    NAMESPACE,
    RESOURCES,
    Resource,
)
from service.ingest.layout import PLAIN, Hint
from service.ingest.names import no_such_resource, resource_named
from service.ingest.readers import readers

_BY_KIND = {resource.kind: resource for resource in RESOURCES}
_RESOURCE_OF: dict[tuple[Any, Any], Resource[Any] | None] = {}


def resource_of(api_version: Any, kind: Any) -> Resource[Any] | None:
    """The resource of an object, None where no policy reads its kind."""
    key = (api_version, kind)
    try:
        return _RESOURCE_OF[key]
    except (KeyError, TypeError):
        pass
    if not isinstance(kind, str) or not isinstance(api_version, str):
        return _BY_KIND.get(kind) if isinstance(kind, str) and api_version is None else None
    group = api_version.rpartition("/")[0]
    found = BY_GROUP_KIND.get((group, kind))
    if len(_RESOURCE_OF) < 10_000:  # the keys come from the input: bounded
        _RESOURCE_OF[key] = found
    return found


@dataclass(slots=True)
class _Stack:
    entries: list[Entry] = field(default_factory=list)
    whole: bool = False
    namespaces: set[str] = field(default_factory=set)
    denied: dict[str, str] = field(default_factory=dict)
    named: set[tuple[str, str]] = field(default_factory=set)


@dataclass(slots=True)
class Gathering:
    """Everything found of one cluster so far.

    ``label`` is a role, or ``mig:<name>`` for a remote cluster of an MTC must-gather.
    """

    label: str
    name: str = ""
    stacks: dict[Resource[Any], _Stack] = field(default_factory=dict)
    declared: dict[str, Declared] = field(default_factory=dict)
    identities: dict[str, dict[str, Pointer]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    objects: int = 0

    def stack(self, resource: Resource[Any]) -> _Stack:
        """The stack of a resource, made when first needed."""
        found = self.stacks.get(resource)
        if found is None:
            found = self.stacks[resource] = _Stack()
        return found

    def add(
        self,
        resource: Resource[Any],
        value: Mapping[str, Any],
        origin: Origin,
        base: str,
        *,
        flat: bool = False,
    ) -> str:
        """Take one object; its namespace is returned. ``flat``: see :class:`Ref`."""
        metadata = value.get("metadata")
        name = namespace = ""
        if type(metadata) is dict:
            name, namespace = metadata.get("name", ""), metadata.get("namespace", "")
            if type(name) is not str or type(namespace) is not str:
                name, namespace = str(name or ""), str(namespace or "")
        self.stack(resource).entries.append(Entry(namespace, name, value, origin, base, flat))
        self.objects += 1
        if resource in _IDENTIFIERS and (resource is not NAMESPACE or name == "kube-system"):
            self._identify(resource, value, origin, base)
        return namespace

    def covers(self, resource: Resource[Any], namespaces: set[str], whole: bool) -> None:
        """Note that a list was whole for these namespaces, or for the cluster."""
        stack = self.stack(resource)
        stack.whole = stack.whole or whole
        stack.namespaces |= namespaces

    def asked(self, resource: Resource[Any], namespace: str, name: str) -> None:
        """Note that one object was asked for: if it is not here it does not exist."""
        self.stack(resource).named.add((namespace, name))

    def deny(self, resource: Resource[Any], namespace: str, reason: str) -> None:
        """Note that something could not be gathered, and why."""
        self.stack(resource).denied[namespace] = reason

    def _identify(
        self, resource: Resource[Any], value: Mapping[str, Any], origin: Origin, base: str
    ) -> None:
        path = _IDENTIFIERS[resource]
        found: Any = value
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, str) and found:
            pointer = Pointer(origin, f"{base}/{'/'.join(path)}", found)
            self.identities.setdefault("/".join(path), {}).setdefault(found, pointer)

    def absorb(self, other: Gathering) -> None:
        """Take over everything of another gathering about the same cluster."""
        for resource, stack in other.stacks.items():
            mine = self.stack(resource)
            mine.entries += stack.entries
            mine.whole = mine.whole or stack.whole
            mine.namespaces |= stack.namespaces
            mine.denied |= stack.denied
            mine.named |= stack.named
        self.declared = {**other.declared, **self.declared}
        for kind, values in other.identities.items():
            self.identities[kind] = {**values, **self.identities.get(kind, {})}
        self.notes += other.notes
        self.objects += other.objects
        self.name = self.name or other.name

    def cluster(self, role: Role) -> Cluster:
        """The gathering as a cluster of the model."""
        name = self.name or role.value
        known = readers()
        shelves = {
            resource: Shelf(
                resource,
                known[resource],
                name,
                _distinct(stack.entries),
                stack.whole,
                frozenset(stack.namespaces),
                stack.denied,
                frozenset(stack.named),
            )
            for resource, stack in self.stacks.items()
        }
        return Cluster(
            role=role,
            name=name,
            inventory=Inventory(role, shelves),
            declared=self.declared,
            given=bool(self.objects or self.declared or self.stacks),
            identities={kind: tuple(values.items()) for kind, values in self.identities.items()},
        )


_IDENTIFIERS: dict[Resource[Any], tuple[str, ...]] = {
    CLUSTER_VERSION: ("spec", "clusterID"),
    INFRASTRUCTURE: ("status", "infrastructureName"),
    NAMESPACE: ("metadata", "uid"),
}
"""What tells one cluster from another; of namespaces, kube-system's uid."""


def _distinct(entries: list[Entry]) -> list[Entry]:
    """Each object once: a must-gather holds most objects twice. The newest copy is kept.

    Objects without a name (access reviews) are all kept.
    """
    places: dict[tuple[str, str], int] = {}
    kept: list[Entry] = []
    for entry in entries:
        key = (entry.namespace, entry.name)
        place = places.get(key) if entry.name else None
        if place is None:
            places[key] = len(kept)
            kept.append(entry)
        elif _revision(entry) > _revision(kept[place]):
            kept[place] = entry
    return kept


def _revision(entry: Entry) -> int:
    metadata = entry.value.get("metadata")
    revision = str(metadata.get("resourceVersion")) if isinstance(metadata, dict) else ""
    return int(revision) if re.fullmatch(r"[0-9]{1,20}", revision) else -1


def take_document(
    gathering: Gathering, value: Any, origin: Origin, hint: Hint = PLAIN, base: str = ""
) -> list[Problem]:
    """Sort one document: an object, a list of objects, or a version answer.

    Returns what was wrong with it; everything that could be used was taken.
    """
    if isinstance(value, list):
        problems: list[Problem] = []
        for index, item in enumerate(value):
            if is_mark(item):
                problems = without_empty_list(problems, origin, f"{base}/{index - 1}")
            problems += take_document(gathering, item, origin, PLAIN, f"{base}/{index}")
        return problems
    if not isinstance(value, dict):
        return [_no_object(origin, base)]
    if is_mark(value):
        return take_complete(gathering, value["complete"], origin, f"{base}/complete")
    items = value.get("items", value)
    if items is None and str(value.get("kind")).endswith("List"):
        items = []  # how Go writes an empty slice
    if isinstance(items, list):
        return _take_list(gathering, value, items, origin, hint, base)
    resource = _resource(value, hint)
    if resource is not None:
        gathering.add(resource, value, origin, base)
        return []
    if "kind" in value and "apiVersion" in value:
        return []  # an object that no policy reads
    return [_no_object(origin, base)]


def is_mark(value: Any) -> bool:
    """Whether a document only says what was asked for; our commands end with such a one."""
    return type(value) is dict and value.keys() == {"complete"}


def without_empty_list(problems: list[Problem], origin: Origin, base: str = "") -> list[Problem]:
    """Problems without the one that the list at this place is of nothing: a mark tells of what."""
    place = (origin.part, origin.member, origin.document, base)
    return [
        item
        for item in problems
        if item.code != "empty-list"
        or (item.part, item.member, item.document, item.pointer) != place
    ]


def take_complete(gathering: Gathering, complete: Any, origin: Origin, base: str) -> list[Problem]:
    """What somebody, or a command of ours, says to be whole.

    True: every list that is here; else a list of ``resource``, ``resource/namespace`` and
    ``resource/namespace/name``, of which the last is one object that was asked for.
    """
    if complete is None or complete is False:
        return []
    if complete is True:
        for resource in list(gathering.stacks):
            gathering.covers(resource, set(), whole=True)
        return []
    if not isinstance(complete, list):
        told = "complete is neither a list of resources nor true"
        return [_problem("wrong-type", told, "", origin, base)]
    problems = []
    for index, item in enumerate(complete):
        plural, _, rest = str(item).partition("/")
        namespace, _, name = rest.partition("/")
        found = resource_named(plural)
        if found is None:
            told, hint = no_such_resource(str(item))
            problems.append(_problem("unknown-resource", told, hint, origin, f"{base}/{index}"))
        elif name:
            gathering.asked(found, namespace, name)
        else:
            gathering.covers(found, {namespace} if namespace else set(), whole=not namespace)
    return problems


def _problem(code: str, message: str, hint: str, origin: Origin, pointer: str) -> Problem:
    return Problem(
        code, message, hint, origin.part, origin.member, origin.document, pointer=pointer
    )


def _resource(value: Mapping[str, Any], hint: Hint) -> Resource[Any] | None:
    kind = value.get("kind")
    if kind is None and "gitVersion" in value:
        return _BY_KIND["ServerVersion"]
    if kind is None:
        return hint.resource
    return resource_of(value.get("apiVersion"), kind)


def _take_list(
    gathering: Gathering,
    value: Mapping[str, Any],
    items: list[Any],
    origin: Origin,
    hint: Hint,
    base: str,
) -> list[Problem]:
    typed = _type_of_list(value, hint)
    found: dict[Resource[Any], set[str]] = {typed: set()} if typed else {}
    problems = _take_items(gathering, items, origin, base, found, (value, typed))
    if _truncated(value):
        gathering.notes.append(_note(origin, "the list is cut short (metadata.continue is set)"))
        return problems
    if problems:
        return problems  # with an item lost the list is not whole
    if not items and typed is None:
        return [_list_of_nothing(origin, base)]
    for resource, namespaces in found.items():
        _note_scope(gathering, value, resource, namespaces, hint)
    return problems


def _take_items(
    gathering: Gathering,
    items: list[Any],
    origin: Origin,
    base: str,
    found: dict[Resource[Any], set[str]],
    of: tuple[Mapping[str, Any], Resource[Any] | None],
) -> list[Problem]:
    """Take the items of a list; ``found`` gets the namespaces of each resource in it.

    Items of a typed list may lack kind and apiVersion: REST answers do.
    """
    problems = []
    value, typed = of
    api_version = value.get("apiVersion") if typed else None
    for index, item in enumerate(items):
        at = f"{base}/items/{index}"
        kind = item.get("kind") if type(item) is dict else None
        if type(item) is not dict or (kind is None and typed is None):
            problems.append(_no_object(origin, at))
            continue
        resource = typed if kind is None else resource_of(item.get("apiVersion", api_version), kind)
        if resource is None:
            continue  # a kind that no policy reads
        namespaces = found.get(resource)
        if namespaces is None:
            namespaces = found[resource] = set()
        namespaces.add(gathering.add(resource, item, origin, at))
    return problems


def _note_scope(
    gathering: Gathering,
    value: Mapping[str, Any],
    resource: Resource[Any],
    namespaces: set[str],
    hint: Hint,
) -> None:
    """For which scope this list is whole.

    Cluster-scoped kinds: the cluster. Namespaced kinds: the scope that the path or the selfLink
    tells; else, objects of several namespaces come in one list only from --all-namespaces, and
    those of one namespace cover that one.
    """
    if not resource.namespaced:
        gathering.covers(resource, set(), whole=True)
        return
    if hint.listing and hint.namespace:
        gathering.covers(resource, {hint.namespace}, whole=hint.namespace == "*")
        return
    scope = _scope_of_link(value)
    if scope is not None:
        gathering.covers(resource, {scope} if scope else set(), whole=not scope)
        return
    gathering.covers(resource, namespaces, whole=len(namespaces) > 1)


def _type_of_list(value: Mapping[str, Any], hint: Hint) -> Resource[Any] | None:
    """What a typed list (``PodList``) lists; None for the generic ``List``."""
    kind = value.get("kind")
    if kind is None:
        return hint.resource
    if not isinstance(kind, str) or kind == "List" or not kind.endswith("List"):
        return hint.resource if kind == "List" and hint.listing else None
    return resource_of(value.get("apiVersion"), kind[: -len("List")])


def _truncated(value: Mapping[str, Any]) -> bool:
    metadata = value.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("continue"))


def _scope_of_link(value: Mapping[str, Any]) -> str | None:
    """The namespace that a list's selfLink names, "" for all, None where there is none."""
    metadata = value.get("metadata")
    link = metadata.get("selfLink") if isinstance(metadata, dict) else None
    if not isinstance(link, str) or not link:
        return None
    steps = link.partition("?")[0].split("/")
    return steps[steps.index("namespaces") + 1] if "namespaces" in steps[:-2] else ""


def _note(origin: Origin, text: str) -> str:
    return f"{origin.member or origin.part}: {text}"


def _no_object(origin: Origin, base: str) -> Problem:
    return Problem(
        code="not-kubernetes",
        message="this holds no Kubernetes object: it has no kind",
        hint="post what `oc get -o yaml` or `oc get -o json` prints, an archive, or a descriptor",
        part=origin.part,
        member=origin.member,
        document=origin.document,
        pointer=base,
    )


def _list_of_nothing(origin: Origin, base: str) -> Problem:
    return Problem(
        code="empty-list",
        message="an empty List does not tell of which kind and namespace there is nothing",
        hint="add a document that says it: `complete: [<resource>/<namespace>]`, as the commands "
        "of `missing` do; or put the output into an archive as "
        "namespaces/<namespace>/<group>/<resource>.yaml",
        part=origin.part,
        member=origin.member,
        document=origin.document,
        pointer=base,
        blocks=False,
    )
