"""Everything that was found of one cluster, by resource, until its role is settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from service.core.allowance import OBJECT, spend
from service.core.evidence import Role
from service.core.inventory import Entry, Inventory, Shelf
from service.core.migration import Cluster, Declared, Other
from service.intake.copies import keep_one_of_each
from service.intake.texts.items import ListItem, head_of
from service.kinds.cluster import NAMESPACE
from service.kinds.config import CLUSTER_VERSION, INFRASTRUCTURE
from service.kinds.masks import Masking, is_masked
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN
from service.kinds.ref import Origin, Pointer, Subject
from service.kinds.resource import Resource
from service.kinds.shape import MOST_NAME, inner
from service.kinds.storage import PERSISTENT_VOLUME

MOST_OTHERS = 5_000
"""Kinds and namespaces that are noted of objects that no policy reads."""


@dataclass(slots=True)
class Gathering:
    """Everything found of one cluster so far.

    ``own`` says that the default must-gather image wrote it, which gathers one cluster.
    ``others`` is the first object of each kind that no policy reads, in each namespace, and
    ``looked`` are such resources (``plural.group``) with the namespace that was listed, "" for all.
    """

    name: str = ""
    shelves: dict[Resource[Any], Shelf[Any]] = field(default_factory=dict)
    declared: dict[str, Declared] = field(default_factory=dict)
    identities: dict[str, dict[str, Pointer]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    objects: int = 0
    own: bool = False
    others: dict[Other, Pointer] = field(default_factory=dict)
    looked: set[tuple[str, str]] = field(default_factory=set)

    def shelf(self, resource: Resource[Any]) -> Shelf[Any]:
        """The shelf of a resource, made when first needed."""
        found = self.shelves.get(resource)
        if found is None:
            found = self.shelves[resource] = Shelf(resource)
        return found

    def entries(self, resource: Resource[Any]) -> Sequence[Entry]:
        """The objects of a resource."""
        return self.shelves[resource].entries if resource in self.shelves else ()

    def add(
        self,
        resource: Resource[Any],
        value: Mapping[str, Any] | ListItem,
        origin: Origin,
        base: str,
        *,
        flat: bool = False,
        masking: Masking = Masking.NONE,
    ) -> str:
        """Take one object; its namespace is returned.

        ``flat``: see :class:`Ref`.
        Raises Unusable where the object is needed at once and cannot be parsed.
        """
        spend(OBJECT)
        name = namespace = ""
        head = head_of(value)
        metadata = head.get("metadata")
        if type(metadata) is dict:
            name, namespace = metadata.get("name", ""), metadata.get("namespace", "")
            if type(name) is not str or type(namespace) is not str:
                name, namespace = str(name or ""), str(namespace or "")
            if len(name) > MOST_NAME or len(namespace) > MOST_NAME:
                name, namespace = name[:MOST_NAME], namespace[:MOST_NAME]
        if resource in _NEEDED and (resource is not NAMESPACE or name == "kube-system"):
            value = value() if isinstance(value, ListItem) else value
            about = Subject("", resource.api_version, resource.kind, namespace, name)
            self._identify(resource, value, Pointer(origin, base, about=about), masking)
        claimed = _claimed(head) if resource is PERSISTENT_VOLUME else ""
        entry = Entry(namespace, name, value, origin, base, flat, masking, claimed)
        self.shelf(resource).entries.append(entry)
        self.objects += 1
        return namespace

    def other(self, head: Mapping[str, Any], origin: Origin, base: str, kind: str = "") -> None:
        """Note that there is an object of a kind that no policy reads."""
        metadata = head.get("metadata")
        if type(metadata) is not dict:
            return
        namespace, name = metadata.get("namespace"), str(metadata.get("name", ""))[:MOST_NAME]
        api_version, kind = head.get("apiVersion"), head.get("kind") or kind
        if type(namespace) is not str or type(api_version) is not str or type(kind) is not str:
            return
        key = Other(namespace[:MOST_NAME], api_version[:MOST_NAME], kind[:MOST_NAME])
        if len(self.others) < MOST_OTHERS:
            about = Subject("", key.api_version, key.kind, key.namespace, name)
            place = Pointer(origin, f"{base}/apiVersion", key.api_version, about=about)
            self.others.setdefault(key, place)

    def covers(self, resource: Resource[Any], namespaces: Iterable[str], place: Pointer) -> None:
        """Note that the list there was whole for these namespaces, or with "" for the cluster."""
        lists = self.shelf(resource).lists
        for namespace in namespaces:
            lists.setdefault(namespace, place)

    def asked(self, resource: Resource[Any], namespace: str, name: str, place: Pointer) -> None:
        """Note that one object was asked for: if it is not here it does not exist."""
        self.shelf(resource).named.setdefault((namespace, name), place)

    def deny(self, resource: Resource[Any], namespace: str, reason: str) -> None:
        """Note that something could not be gathered, and why."""
        self.shelf(resource).denied[namespace] = reason

    def hide_addresses(self, prefix: str) -> None:
        """Take no address for real in what the Insights operator wrote below this path."""
        for shelf in self.shelves.values():
            shelf.entries = [
                entry._replace(masking=Masking.ADDRESSES)
                if entry.masking and (entry.origin.member or "").startswith(prefix)
                else entry
                for entry in shelf.entries
            ]

    def _identify(
        self, resource: Resource[Any], value: Mapping[str, Any], place: Pointer, masking: Masking
    ) -> None:
        path = _IDENTIFIERS.get(resource, ())
        found: Any = value
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, str) and found and not is_masked(found, masking):
            pointer = replace(place, pointer=f"{place.pointer}/{'/'.join(path)}", value=found)
            self.identities.setdefault("/".join(path), {}).setdefault(found, pointer)

    def absorb(self, other: Gathering) -> None:
        """Take over everything of another gathering about the same cluster."""
        for resource, shelf in other.shelves.items():
            mine = self.shelf(resource)
            mine.entries += shelf.entries
            mine.lists = {**shelf.lists, **mine.lists}
            mine.denied |= shelf.denied
            mine.named |= shelf.named
        self.declared = {**other.declared, **self.declared}
        for kind, values in other.identities.items():
            self.identities[kind] = {**values, **self.identities.get(kind, {})}
        self.others = {**other.others, **self.others}
        self.looked |= other.looked
        self.notes += other.notes
        self.objects += other.objects
        self.name = self.name or other.name

    def cluster(self, role: Role) -> Cluster:
        """The gathering as a cluster of the model."""
        name = self.name or role.value
        for shelf in self.shelves.values():
            shelf.cluster = name
            keep_one_of_each(shelf)
        return Cluster(
            role=role,
            name=name,
            inventory=Inventory(role, self.shelves),
            declared=self.declared,
            given=bool(self.objects or self.declared or self.shelves),
            identities={kind: tuple(values.items()) for kind, values in self.identities.items()},
            others=self.others,
            looked=frozenset(self.looked),
        )


def _claimed(volume: Mapping[str, Any]) -> str:
    """The namespace of the claim of a volume, as far as it is written in the form that it has."""
    found = inner(volume, "spec", "claimRef", "namespace")
    return found if isinstance(found, str) else ""


_IDENTIFIERS: dict[Resource[Any], tuple[str, ...]] = {
    CLUSTER_VERSION: ("spec", "clusterID"),
    INFRASTRUCTURE: ("status", "infrastructureName"),
    NAMESPACE: ("metadata", "uid"),
}
"""What distinguishes one cluster from another; of namespaces, kube-system's uid."""


_NEEDED = frozenset((*_IDENTIFIERS, MIG_PLAN, MIG_CLUSTER))
"""What settles which cluster is which: it is parsed as it comes."""
