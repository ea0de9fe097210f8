"""Namespaces into plans that keep MTC's limits, as few as possible, in the order of migration.

The limits are those of mig-controller (10 namespaces, 100 pods, 100 volumes, or what the
MigrationController sets). The result depends on the input only: not on its order, the machine
or the time.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.core.deadline import check
from service.core.partition.grouping import NamespaceGroup, add, fits, groups
from service.core.partition.packing import MOST_OPEN, lower_bound, pack
from service.core.partition.partition_model import (
    DIMENSIONS,
    Load,
    Oversized,
    Partition,
    PartitionRequest,
    Portion,
    Size,
    Tie,
    TieKind,
)

__all__ = [
    "Load",
    "Oversized",
    "Partition",
    "PartitionRequest",
    "Portion",
    "Tie",
    "TieKind",
    "partition",
]


def partition(request: PartitionRequest) -> Partition:
    """Put every namespace that fits into a plan, exactly once.

    Groups that no order concerns fill up the plans of any wave. The names must be distinct.
    """
    found, ordered = groups(request)
    good = [group for group in found if fits(group.size, request.limits)]
    large = [group for group in found if not fits(group.size, request.limits)]
    sizes = [group.size for group in good]
    waves = sorted({group.wave for group in good if group.wave})
    if waves:
        bins = _in_waves(good, waves, request.limits)
        bound = lower_bound(sizes, request.limits)
        minimal = len(bins) == bound
    else:
        packed, bound, minimal = pack(sizes, request.limits)
        bins = [(1, [good[item] for item in place]) for place in packed]
    return Partition(
        plans=tuple(sorted((_portion(*row) for row in bins), key=_order)),
        oversized=tuple(_oversized(group, request.limits) for group in large),
        bound=bound,
        minimal=minimal,
        ordered=ordered,
    )


Filled = tuple[int, list[NamespaceGroup]]
"""A wave, and what one plan of it holds."""


def _in_waves(good: Sequence[NamespaceGroup], waves: Sequence[int], limits: Size) -> list[Filled]:
    """Each wave for itself; what may come in any wave fills the gaps, the largest first."""
    bins: list[Filled] = []
    by_wave: dict[int, list[NamespaceGroup]] = {}
    for group in good:
        by_wave.setdefault(group.wave, []).append(group)
    for wave in waves:
        check()
        members = by_wave[wave]
        packed, _, _ = pack([group.size for group in members], limits)
        bins += [(wave, [members[item] for item in place]) for place in packed]
    free = sorted(
        (group for group in good if not group.wave),
        key=lambda group: (-max(_shares(group.size, limits)), group.loads[0].text),
    )
    rest = []
    sizes = [_total(members) for _, members in bins]
    open_bins = list(range(len(bins)))
    for group in free:
        check()
        for place in open_bins[:MOST_OPEN]:
            if fits(add(sizes[place], group.size), limits):
                bins[place][1].append(group)
                sizes[place] = add(sizes[place], group.size)
                break
        else:
            rest.append(group)
            del open_bins[: len(open_bins) > MOST_OPEN]
    packed, _, _ = pack([group.size for group in rest], limits)
    return bins + [(1, [rest[item] for item in place]) for place in packed]


def _shares(size: Size, limits: Size) -> tuple[float, ...]:
    return tuple(size[place] / limits[place] for place in range(3))


def _total(members: Sequence[NamespaceGroup]) -> Size:
    size: Size = (0, 0, 0)
    for group in members:
        size = add(size, group.size)
    return size


def _portion(wave: int, members: Sequence[NamespaceGroup]) -> Portion:
    texts = sorted(load.text for group in members for load in group.loads)
    return Portion(wave, tuple(texts), _total(members))


def _order(portion: Portion) -> tuple[int, tuple[str, ...]]:
    return portion.wave, portion.texts


def _oversized(group: NamespaceGroup, limits: Size) -> Oversized:
    exceeds = tuple(
        name
        for name, size, limit in zip(DIMENSIONS, group.size, limits, strict=True)
        if size > limit
    )
    return Oversized(tuple(load.text for load in group.loads), group.size, exceeds)
