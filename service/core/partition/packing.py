"""Few plans: vector bin packing with three dimensions, by first fit decreasing.

Packing is NP-hard. First fit gives a good solution in one pass, and a lower bound says how far from
the least number it can be at most.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from service.core.deadline import check
from service.core.partition.grouping import add, fits
from service.core.partition.partition_model import Size

MOST_OPEN = 300
"""An item is tried in so many plans at most, the last ones, so that the time grows linearly."""

Bin = list[int]
"""Places of the items that one plan holds."""


def pack(sizes: Sequence[Size], limits: Size) -> tuple[list[Bin], int, bool]:
    """Items into bins: the bins, a lower bound of their number, and whether both agree.

    Every item must fit into an empty bin.
    """
    if not sizes:
        return [], 0, True
    bound = lower_bound(sizes, limits)
    best = min((_first_fit(sizes, key, limits) for key in _keys(sizes, limits)), key=len)
    return best, bound, len(best) == bound


def lower_bound(sizes: Sequence[Size], limits: Size) -> int:
    """A number of bins that no packing can undercut.

    Martello and Toth's L2 in each dimension: in addition to the total, it counts that items above
    half of a limit need a bin each, and that the rest of these bins takes only small items.
    """
    return max(_bound([size[place] for size in sizes], limits[place]) for place in range(3))


def _bound(values: list[int], limit: int) -> int:
    values = sorted(values)
    sums = [0, *accumulate(values)]
    half = bisect_right(values, limit // 2)  # from here on values are above half of the limit
    best = -(-sums[-1] // limit)
    for least in sorted({value for value in values[:half] if value > 0} | {0}):
        check()
        large = bisect_right(values, limit - least)
        small = sums[half] - sums[bisect_left(values, least)]
        left = (large - half) * limit - (sums[large] - sums[half])
        found = len(values) - half + max(0, -(-(small - left) // limit))
        best = max(best, found)
    return best


def _keys(sizes: Sequence[Size], limits: Size) -> tuple[Callable[[int], float], ...]:
    """Two orders of the items: by the largest share of a limit, and by all shares together."""
    shares = [tuple(size[place] / limits[place] for place in range(3)) for size in sizes]
    return (lambda item: max(shares[item]), lambda item: sum(shares[item]))


def _first_fit(sizes: Sequence[Size], key: Callable[[int], float], limits: Size) -> list[Bin]:
    bins: list[Bin] = []
    filled: list[Size] = []
    open_bins: list[int] = []
    for item in sorted(range(len(sizes)), key=lambda item: (-key(item), item)):
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
            del open_bins[:-MOST_OPEN]
        bins[place].append(item)
        filled[place] = add(filled[place], size)
        if filled[place][0] >= limits[0]:  # every item has a namespace, so nothing goes in
            open_bins.remove(place)
    return bins
