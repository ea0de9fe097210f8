"""What was gathered from one cluster.

*Gathered and empty* differs from *not gathered*: a shelf knows for which namespaces its list
is whole, and every read that goes beyond that raises :class:`NotGathered`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from service.core.allowance import OBJECT, ROW, spend
from service.core.deadline import check
from service.core.evidence import Fetch, Missing, NotGathered, Problem, Unusable
from service.core.reliance import MOST, rely
from service.kinds.fields import Misspelt, misspelt
from service.kinds.masks import Masking, without_masks
from service.kinds.ref import Malformed, Origin, Pointer, Ref
from service.kinds.resource import Resource, fetch_command

T = TypeVar("T")


class Entry(NamedTuple):
    """One object as it was found: its key, its value and its place.

    ``held`` is the value, or what parses it when it is called. ``claimed`` is the namespace of the
    claim that a volume belongs to, "" where that is not known before the volume is read.
    """

    namespace: str
    name: str
    held: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    origin: Origin
    base: str
    flat: bool = False
    masking: Masking = Masking.NONE
    claimed: str = ""

    @property
    def value(self) -> Mapping[str, Any]:
        """The object as parsed. Raises Unusable where it is held as text that cannot be."""
        return self.held() if callable(self.held) else self.held


@dataclass(slots=True)
class Shelf(Generic[T]):
    """The objects of one resource, each read into its model when a policy first asks for it.

    ``lists`` maps what the objects cover, namespaces or "" for the whole cluster, to the list that
    does. ``named`` are objects, by namespace and name, that were asked for and would be here if
    they existed, with what says so. ``denied`` maps a namespace ("" for the whole cluster) to why
    it could not be gathered.
    """

    resource: Resource[T]
    cluster: str = ""
    entries: list[Entry] = field(default_factory=list)
    lists: dict[str, Pointer] = field(default_factory=dict)
    denied: dict[str, str] = field(default_factory=dict)
    named: dict[tuple[str, str], Pointer] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _read: dict[int, T | None] = field(default_factory=dict)
    _meant: dict[int, str] = field(default_factory=dict)
    _lost: list[int] | None = None
    _by_namespace: dict[str, list[int]] | None = None
    _by_key: dict[tuple[str, str], int] | None = None

    @property
    def whole(self) -> bool:
        """Whether absence from this shelf is absence from the cluster."""
        return "" in self.lists

    def covers(self, namespace: str) -> bool:
        """Whether absence from this shelf is absence from that namespace."""
        return "" in self.lists or namespace in self.lists

    def list_of(self, namespace: str) -> Pointer:
        """The list that covers a namespace."""
        return self.lists.get(namespace) or self.lists[""]

    def in_namespaces(self, wanted: Iterable[str]) -> list[int]:
        """Places of the objects of these namespaces."""
        if self._by_namespace is None:
            index: dict[str, list[int]] = {}
            for place, entry in enumerate(self.entries):
                index.setdefault(entry.namespace, []).append(place)
            self._by_namespace = index
        return [place for name in wanted for place in self._by_namespace.get(name, ())]

    def place(self, namespace: str, name: str) -> int | None:
        """Place of one object, or None."""
        if self._by_key is None:
            self._by_key = {
                (entry.namespace, entry.name): place for place, entry in enumerate(self.entries)
            }
        return self._by_key.get((namespace, name))

    def release(self) -> None:
        """Let go of every object."""
        self.entries = []
        self._read = {}
        self._by_namespace = self._by_key = None

    def lost(self) -> list[int]:
        """Places of the objects whose name or namespace is misspelt: they may be any object."""
        if self._lost is None:
            self._lost = [
                place
                for place, entry in enumerate(self.entries)
                if not (entry.name and (entry.namespace or not self.resource.namespaced))
                and not entry.flat
                and self.read(place) is None
            ]
        return self._lost

    def why(self, place: int) -> str:
        """Why the object at a place cannot be read."""
        return self._meant.get(place, "malformed")

    def read(self, place: int) -> T | None:
        """The object at a place; None where it is malformed (the problem is then noted)."""
        if place in self._read:
            return self._read[place]
        check()
        entry = self.entries[place]
        made: T | None = None
        try:
            made = self._made(place, entry)
        except Malformed as error:
            self.problems.append(self._problem(entry, error))
        except Unusable as error:
            self.problems.append(error.problem)
        self._read[place] = made
        return made

    def _made(self, place: int, entry: Entry) -> T | None:
        """The object as its model, None where what it says is masked. Raises Malformed."""
        given = entry.value  # an item of a list is parsed each time
        spend(OBJECT + ROW * _rows(given))
        value, masked = without_masks(self.resource.base, given, entry.masking)
        if masked:
            self._meant[place] = masked
            return None
        slip = misspelt(str(self.resource), value, check)
        if slip is not None:
            self._meant[place] = f"it has {slip.key[:60]!r}: did you mean {slip.meant!r}?"
            raise slip
        return self.resource.reader(value, self._ref(entry, value))

    def _ref(self, entry: Entry, value: Mapping[str, Any]) -> Ref:
        namespace, name, _, origin, base, flat, _, _ = entry
        version = value.get("apiVersion")
        metadata = value.get("metadata")
        uid = metadata.get("uid") if type(metadata) is dict else None
        return Ref(
            self.cluster,
            version if type(version) is str else self.resource.api_version,
            self.resource.kind,
            namespace,
            name,
            origin,
            base,
            uid if type(uid) is str else "",
            flat,
        )

    def _problem(self, entry: Entry, error: Malformed) -> Problem:
        code, hint = "object-malformed", "fetch the object again, unedited: "
        text = f"is malformed: expected {error.wanted}"
        if isinstance(error, Misspelt):
            code, hint = "field-misspelt", f"did you mean {error.meant!r}? Or {hint}"
            text = f"has a field {error.key[:60]!r} that its kind does not have there"
        return Problem(
            code=code,
            message=f"{self.resource.kind} {entry.name!r} {text}",
            hint=hint + fetch_command(self.resource, entry.name, entry.namespace),
            part=entry.origin.part,
            member=entry.origin.member,
            document=entry.origin.document,
            pointer=self._ref(entry, {}).at(error.pointer).pointer,
        )


def _rows(value: Mapping[str, Any]) -> int:
    """How many items the lists and mappings of an object have, each of which may become a model."""
    count = 0
    for part in (value.get("spec"), value.get("status")):
        if type(part) is dict:
            for item in part.values():
                if type(item) is list or type(item) is dict:
                    count += len(item)
    return count


class Inventory:
    """All shelves of one cluster. Reads raise :class:`NotGathered`; they never guess.

    ``on_read`` is called for every read (resource, namespace, name); tests hold the policies'
    declared reads against it.
    """

    def __init__(self, role: str, shelves: Mapping[Resource[Any], Shelf[Any]]) -> None:
        self.role = role
        self._shelves = shelves
        self._views: dict[Resource[Any], Shelf[Any]] = {}
        self.on_read: Callable[[Resource[Any], str, str], None] | None = None

    def shelf(self, resource: Resource[T]) -> Shelf[T] | None:
        """The shelf of a resource, None where nothing of it was gathered."""
        self._note(resource)
        return self._shelf(resource)

    def _shelf(self, resource: Resource[T]) -> Shelf[T] | None:
        shelf: Shelf[T] | None = self._shelves.get(resource)
        if shelf is None and resource.of is not None:
            shelf = self._view(resource)
        return shelf

    def _view(self, resource: Resource[T]) -> Shelf[T] | None:
        """The shelf of the resource that this one is another way to read."""
        base = self._shelves.get(resource.base)
        if base is None or resource in self._views:
            return self._views.get(resource)
        made = self._views[resource] = Shelf(
            resource, base.cluster, base.entries, base.lists, base.denied, base.named
        )
        return made

    def shelves(self) -> tuple[Shelf[Any], ...]:
        """The shelves of all resources of which anything was gathered; reads no object."""
        return tuple(self._shelves.values())

    def known(
        self,
        resource: Resource[T],
        namespaces: Iterable[str] | None = None,
        where: Callable[[Entry], bool] | None = None,
    ) -> tuple[T, ...]:
        """The objects that are there, of the cluster or of these namespaces, however partial.

        ``where`` chooses some of them before they are read. Never raises. Proves no absence.
        """
        self._note(resource)
        shelf = self._shelf(resource)
        if shelf is None:
            return ()
        places: Iterable[int] = range(len(shelf.entries))
        if namespaces is not None:
            places = sorted(shelf.in_namespaces(namespaces))
        if where is not None:
            places = [place for place in places if where(shelf.entries[place])]
        found = map(shelf.read, places)
        return tuple([item for item in found if item is not None])

    def all(self, resource: Resource[T], namespaces: Sequence[str] | None = None) -> tuple[T, ...]:
        """Every object of the cluster, or of these namespaces.

        Raises NotGathered unless the list is known to be whole for that scope.
        """
        self._note(resource, namespaces[0] if namespaces and len(namespaces) == 1 else "")
        if namespaces is not None and not namespaces:
            return ()  # of no namespace there is nothing to know
        shelf = self._shelf(resource)
        if shelf is None:
            raise self.not_gathered(resource, namespaces=namespaces or ())
        if namespaces is None:
            if not shelf.whole:
                raise self.not_gathered(resource)
            rely({shelf.lists[""]: None})
            return self._typed(shelf, range(len(shelf.entries)))
        uncovered = [name for name in namespaces if not shelf.covers(name)]
        if uncovered:
            raise self.not_gathered(resource, namespaces=uncovered)
        rely(dict.fromkeys(map(shelf.list_of, namespaces[:MOST])))
        return self._typed(shelf, [*shelf.in_namespaces(namespaces), *shelf.lost()])

    def find(self, resource: Resource[T], name: str, namespace: str = "") -> T | None:
        """One object; None only where it is known to be absent. Raises NotGathered."""
        self._note(resource, namespace, name)
        if self._is_absent(resource, name, namespace):
            return None
        shelf = self._shelf(resource)
        place = None if shelf is None else shelf.place(namespace, name)
        if shelf is None or place is None:
            raise self.not_gathered(resource, name, namespace, may_be_absent=True)
        value = shelf.read(place)
        if value is None:
            raise self.not_gathered(resource, name, namespace, reason=shelf.why(place))
        return value

    def get(self, resource: Resource[T], name: str, namespace: str = "") -> T:
        """One object that must exist; absence counts as not gathered."""
        try:
            value = self.find(resource, name, namespace)
        except NotGathered as missing:
            reason = missing.missing[0].reason
            raise self.not_gathered(resource, name, namespace, reason=reason) from None
        if value is None:
            raise self.not_gathered(resource, name, namespace, reason="absent from the list")
        return value

    def _is_absent(self, resource: Resource[Any], name: str, namespace: str) -> bool:
        shelf = self._shelf(resource)
        if shelf is None or shelf.place(namespace, name) is not None:
            return False
        listed = shelf.whole or (resource.namespaced and shelf.covers(namespace))
        if not (listed or (namespace, name) in shelf.named) or shelf.lost():
            return False
        rely({shelf.list_of(namespace) if listed else shelf.named[namespace, name]: None})
        return True

    def release(self) -> None:
        """Let go of every object; to be called when the last report is made.

        Exceptions that policies caught refer to frames, and those to the evidence: without this
        a large dump would stay in memory until the collector comes to walk all of it.
        """
        for shelf in (*self._shelves.values(), *self._views.values()):
            shelf.release()

    def problems(self) -> tuple[Problem, ...]:
        """What was malformed among the objects read so far."""
        shelves = (*self._shelves.values(), *self._views.values())
        return tuple(dict.fromkeys(item for shelf in shelves for item in shelf.problems))

    def not_gathered(
        self,
        resource: Resource[Any],
        name: str = "",
        namespace: str = "",
        namespaces: Sequence[str] = (),
        reason: str = "",
        may_be_absent: bool = False,
    ) -> NotGathered:
        """The exception for a read that the evidence cannot answer."""
        shelf = self.shelf(resource)
        denied = shelf.denied if shelf else {}
        scope = namespace or (namespaces[0] if len(namespaces) == 1 else "")
        listed = None if name else Fetch(resource.argument, (scope,) if scope else (*namespaces,))
        fact = f"{resource.kind} {name}".strip() if name else f"every {resource.kind}"
        if scope:
            fact += f" of namespace {scope}"
        elif namespaces:
            fact += f" of namespaces {', '.join(namespaces[:5])}" + (" …" * (len(namespaces) > 5))
        return NotGathered(
            Missing(
                fact,
                self.role,
                fetch_command(
                    resource, name, namespace, tuple(namespaces), may_be_absent=may_be_absent
                ),
                reason or denied.get(scope, "") or denied.get("", ""),
                listed,
            )
        )

    def _typed(self, shelf: Shelf[T], places: Iterable[int]) -> tuple[T, ...]:
        values = []
        for place in places:
            value = shelf.read(place)
            if value is None:
                entry = shelf.entries[place]
                raise self.not_gathered(
                    shelf.resource, entry.name, entry.namespace, reason=shelf.why(place)
                )
            values.append(value)
        return tuple(values)

    def _note(self, resource: Resource[Any], namespace: str = "", name: str = "") -> None:
        check()
        if self.on_read is not None:
            self.on_read(resource.base, namespace, name)
