"""As few plans as possible: vector bin packing with three dimensions.

Packing is NP-hard. Good orders of first fit and best fit give a solution, bounds tell how far
from the least it can be, and a search decides where both differ and the instance is small. The
search counts its steps, not the time, so that the same input gives the same answer everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from service.core.deadline import check
from service.core.partition.grouping import add, fits
from service.core.partition.model import Size

STEPS = 100_000
"""Steps of the search: about one second."""
MOST_SEARCHED = 80
"""Items of an instance that is searched at all."""

Bin = list[int]
"""Places of the items that one plan holds."""


def pack(sizes: Sequence[Size], limits: Size) -> tuple[list[Bin], int, bool]:
    """Items into bins: the bins, a lower bound of their number, and whether it is the least.

    Every item must fit into an empty bin.
    """
    if not sizes:
        return [], 0, True
    bound = lower_bound(sizes, limits)
    best = min(_solutions(sizes, limits), key=len)
    if len(best) == bound:
        return best, bound, True
    if len(sizes) > MOST_SEARCHED:
        return best, bound, False
    better, proven = search(sizes, limits, bound, len(best))
    best = better or best
    return best, len(best) if proven else bound, proven


def lower_bound(sizes: Sequence[Size], limits: Size) -> int:
    """A number of bins that no packing can undercut.

    Martello and Toth's L2 in each dimension: besides the total it counts that items above half
    of a limit need a bin each, and that what is left beside them takes only small items.
    """
    return max(_bound([size[place] for size in sizes], limits[place]) for place in range(3))


def _bound(values: list[int], limit: int) -> int:
    values = sorted(values)
    best = -(-sum(values) // limit)
    for least in sorted({value for value in values if 0 < value <= limit // 2} | {0}):
        large = [value for value in values if value > limit - least]
        middle = [value for value in values if limit - least >= value and 2 * value > limit]
        small = sum(value for value in values if 2 * value <= limit and value >= least)
        left = len(middle) * limit - sum(middle)
        found = len(large) + len(middle) + max(0, -(-(small - left) // limit))
        best = max(best, found)
    return best


def _solutions(sizes: Sequence[Size], limits: Size) -> list[list[Bin]]:
    total = sizes[0]
    for size in sizes[1:]:
        total = add(total, size)
    shares = [[size[place] / limits[place] for place in range(3)] for size in sizes]
    weights = [total[place] / limits[place] for place in range(3)]
    keys: tuple[Callable[[int], float], ...] = (
        lambda item: sum(s * w for s, w in zip(shares[item], weights, strict=True)),
        lambda item: max(shares[item]),
        lambda item: sum(shares[item]),
        lambda item: shares[item][0],
        lambda item: shares[item][1],
        lambda item: shares[item][2],
    )
    found = []
    for key in keys:
        order = sorted(range(len(sizes)), key=lambda item: (-key(item), item))
        found.append(_first_fit(sizes, order, limits))
        if len(sizes) <= 1000:
            found.append(_best_fit(sizes, order, limits))
    return found


def _first_fit(sizes: Sequence[Size], order: Sequence[int], limits: Size) -> list[Bin]:
    bins: list[Bin] = []
    filled: list[Size] = []
    open_bins: list[int] = []
    for item in order:
        check()
        size = sizes[item]
        for place in open_bins:
            if fits(add(filled[place], size), limits):
                break
        else:
            place = len(bins)
            bins.append([])
            filled.append((0, 0, 0))
            open_bins.append(place)
        bins[place].append(item)
        filled[place] = add(filled[place], size)
        if filled[place][0] >= limits[0]:  # every item has a namespace, so nothing goes in
            open_bins.remove(place)
    return bins


def _best_fit(sizes: Sequence[Size], order: Sequence[int], limits: Size) -> list[Bin]:
    """Into the bin whose free space is most alike the item."""
    bins: list[Bin] = []
    filled: list[Size] = []
    for item in order:
        check()
        size = sizes[item]
        chosen, most = -1, -1.0
        for place, used in enumerate(filled):
            if fits(add(used, size), limits):
                likeness = sum(
                    size[d] * used[d] / (limits[d] * limits[d]) + size[d] / limits[d]
                    for d in range(3)
                )
                if likeness > most:
                    chosen, most = place, likeness
        if chosen < 0:
            chosen = len(bins)
            bins.append([])
            filled.append((0, 0, 0))
        bins[chosen].append(item)
        filled[chosen] = add(filled[chosen], size)
    return bins


def search(
    sizes: Sequence[Size], limits: Size, bound: int, known: int, steps: int = STEPS
) -> tuple[list[Bin] | None, bool]:
    """Look for a packing of fewer than ``known`` bins, beginning at ``bound``.

    Returns it (None where there is none, or none was found) and whether that is certain.
    """
    order = sorted(
        range(len(sizes)),
        key=lambda item: (-max(sizes[item][d] / limits[d] for d in range(3)), item),
    )
    left = steps
    for count in range(bound, known):
        attempt = _Attempt([sizes[item] for item in order], limits, count, left)
        placed = attempt.run()
        left = attempt.steps
        if placed is not None:
            bins: list[Bin] = [[] for _ in range(max(placed) + 1)]
            for place, item in zip(placed, order, strict=True):
                bins[place].append(item)
            return bins, True
        if left <= 0:
            return None, False
    return None, True


class _Attempt:
    """Whether items fit into so many bins: depth first, with what failed remembered."""

    def __init__(self, sizes: list[Size], limits: Size, count: int, steps: int) -> None:
        self.steps = steps
        self._sizes = sizes
        self._limits = limits
        self._count = count
        self._failed: set[tuple[int, tuple[Size, ...]]] = set()
        self._rest: list[Size] = [(0, 0, 0)] * (len(sizes) + 1)
        for place in range(len(sizes) - 1, -1, -1):
            self._rest[place] = add(self._rest[place + 1], sizes[place])

    def run(self) -> list[int] | None:
        """The bin of each item; None where there is none, or the steps are used up."""
        filled: list[Size] = []
        placed: list[int] = []
        tried: list[list[int]] = []
        while len(placed) < len(self._sizes):
            if len(tried) == len(placed):
                tried.append(self._choices(len(placed), filled))
            if not tried[-1]:
                tried.pop()
                self._failed.add((len(placed), tuple(sorted(filled))))
                if not placed:
                    return None
                place = placed.pop()
                filled[place] = _less(filled[place], self._sizes[len(placed)])
                if filled[place] == (0, 0, 0):
                    filled.pop()
                continue
            self.steps -= 1
            check()
            if self.steps <= 0:
                return None
            place = tried[-1].pop()
            if place == len(filled):
                filled.append((0, 0, 0))
            filled[place] = add(filled[place], self._sizes[len(placed)])
            placed.append(place)
        return placed

    def _choices(self, item: int, filled: list[Size]) -> list[int]:
        """The bins that an item may go into, the best last; none where it is hopeless."""
        if (item, tuple(sorted(filled))) in self._failed or not self._room(item, filled):
            return []
        size = self._sizes[item]
        seen: set[Size] = set()
        found = []
        for place, used in enumerate(filled):
            if used not in seen and fits(add(used, size), self._limits):
                seen.add(used)
                found.append(place)
        if len(filled) < self._count:
            found.append(len(filled))
        return found[::-1]

    def _room(self, item: int, filled: list[Size]) -> bool:
        """Whether the free space is enough for all that is left, each dimension for itself."""
        for d in range(3):
            free = self._limits[d] * self._count - sum(used[d] for used in filled)
            if free < self._rest[item][d]:
                return False
        return True


def _less(one: Size, other: Size) -> Size:
    return (one[0] - other[0], one[1] - other[1], one[2] - other[2])
