"""Which namespaces stay together, and which must come before others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from service.core.deadline import check
from service.core.partition.partition_model import Load, PartitionRequest, Size, Tie, TieKind


@dataclass(frozen=True, slots=True)
class NamespaceGroup:
    """Namespaces that one plan must hold. ``wave`` is 0 where any wave will do."""

    loads: tuple[Load, ...]
    size: Size
    wave: int = 0


def add(one: Size, other: Size) -> Size:
    """The size of both together."""
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2])


def fits(size: Size, limits: Size) -> bool:
    """Whether one plan holds that much."""
    return size[0] <= limits[0] and size[1] <= limits[1] and size[2] <= limits[2]


def groups(request: PartitionRequest) -> tuple[tuple[NamespaceGroup, ...], tuple[Tie, ...]]:
    """The groups in order of their first namespace, and the references that became an order.

    Namespaces of one group or volume stay together. So do those that refer to each other, as
    far as all that hang together fit into one plan. Where they do not, what is referred to is
    migrated in an earlier wave; only namespaces that refer to each other in a circle still stay
    together.
    """
    loads = {load.name: load for load in request.loads}
    ties = [tie for tie in request.ties if tie.one in loads and tie.other in loads]
    hard = Union(loads)
    for tie in ties:
        if tie.kind is not TieKind.REFERENCE:
            hard.join(tie.one, tie.other)
    soft = [tie for tie in ties if tie.kind is TieKind.REFERENCE]
    merged, ordered = _merge(loads, hard, soft, request.limits)
    waves = _waves(merged, ordered)
    found = [
        NamespaceGroup(members, size_of(members), waves.get(root, 0))
        for root, members in _members(loads, merged).items()
    ]
    return tuple(found), tuple(ordered)


def size_of(loads: Iterable[Load]) -> Size:
    """What these namespaces amount to."""
    size: Size = (0, 0, 0)
    for load in loads:
        size = add(size, (1, load.pods, load.volumes))
    return size


class Union:
    """Disjoint sets of names; the root of a set is its first name in order."""

    def __init__(self, names: Iterable[str]) -> None:
        self._parent = {name: name for name in sorted(names)}

    def root(self, name: str) -> str:
        """The name that represents the set of a name."""
        parent = self._parent
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    def join(self, one: str, other: str) -> None:
        """Make one set of two."""
        low, high = sorted((self.root(one), self.root(other)))
        self._parent[high] = low

    def copy(self) -> Union:
        """A set of sets that can be joined further without changing this one."""
        other = Union(())
        other._parent = dict(self._parent)
        return other


def _members(loads: Mapping[str, Load], sets: Union) -> dict[str, tuple[Load, ...]]:
    found: dict[str, list[Load]] = {}
    for name in sorted(loads):
        check()
        found.setdefault(sets.root(name), []).append(loads[name])
    return {root: tuple(members) for root, members in found.items()}


def _merge(
    loads: Mapping[str, Load], hard: Union, soft: list[Tie], limits: Size
) -> tuple[Union, list[Tie]]:
    """Join what refers to each other where all of it fits; else join circles only."""
    whole = hard.copy()
    for tie in soft:
        check()
        whole.join(tie.one, tie.other)
    sizes = {root: size_of(members) for root, members in _members(loads, whole).items()}
    merged = hard.copy()
    large = []
    for tie in soft:
        check()
        if fits(sizes[whole.root(tie.one)], limits):
            merged.join(tie.one, tie.other)
        else:
            large.append(tie)
    edges: dict[str, set[str]] = {}
    for tie in large:
        check()
        edges.setdefault(hard.root(tie.one), set()).add(hard.root(tie.other))
    for circle in circles(edges):
        for name in circle[1:]:
            merged.join(circle[0], name)
    ordered = [tie for tie in large if merged.root(tie.one) != merged.root(tie.other)]
    return merged, sorted(ordered, key=lambda tie: (tie.one, tie.other))


def circles(edges: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """The strongly connected components of a graph (Tarjan, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    held: set[str] = set()
    for start in sorted(edges):
        if start in number:
            continue
        work = [(start, iter(sorted(edges.get(start, ()))))]
        number[start] = low[start] = len(number)
        stack.append(start)
        held.add(start)
        while work:
            check()
            node, rest = work[-1]
            after = next((name for name in rest if name not in number or name in held), None)
            if after is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    yield _pop(stack, held, node)
            elif after in number:
                low[node] = min(low[node], number[after])
            else:
                number[after] = low[after] = len(number)
                stack.append(after)
                held.add(after)
                work.append((after, iter(sorted(edges.get(after, ())))))


def _pop(stack: list[str], held: set[str], until: str) -> list[str]:
    found = []
    while True:
        name = stack.pop()
        held.discard(name)
        found.append(name)
        if name == until:
            return sorted(found)


def _waves(sets: Union, ordered: Iterable[Tie]) -> dict[str, int]:
    """The wave of every group that an order concerns: one after the last that it needs."""
    needs: dict[str, set[str]] = {}
    for tie in ordered:
        check()
        one, other = sets.root(tie.one), sets.root(tie.other)
        needs.setdefault(one, set()).add(other)
        needs.setdefault(other, set())
    waves: dict[str, int] = {}
    waiting = {name: len(others) for name, others in needs.items()}
    users: dict[str, list[str]] = {}
    for name, others in needs.items():
        for other in others:
            users.setdefault(other, []).append(name)
    ready = sorted(name for name, count in waiting.items() if not count)
    while ready:
        check()
        name = ready.pop()
        waves[name] = 1 + max((waves[other] for other in needs[name]), default=0)
        for user in users.get(name, ()):
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return waves
