"""Partitioning: within the limits, nothing lost, and hardly a plan more than there must be."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from itertools import combinations, pairwise

import pytest

from service.core.partition import (
    Load,
    Oversized,
    Partition,
    PartitionRequest,
    Portion,
    Tie,
    TieKind,
    partition,
)
from service.core.partition.packing import lower_bound, pack
from service.core.partition.partition_model import Size

SMALL: Size = (3, 10, 10)


def least(sizes: list[Size], limits: Size) -> int:
    """The fewest bins, by trying every set partition."""
    best = len(sizes)

    def place(item: int, bins: list[Size]) -> None:
        nonlocal best
        if len(bins) >= best and item < len(sizes):
            return
        if item == len(sizes):
            best = min(best, len(bins))
            return
        for index, used in enumerate(bins):
            new = tuple(a + b for a, b in zip(used, sizes[item], strict=True))
            if all(a <= b for a, b in zip(new, limits, strict=True)):
                place(item + 1, [*bins[:index], new, *bins[index + 1 :]])  # type: ignore[list-item]
        place(item + 1, [*bins, sizes[item]])

    place(0, [])
    return best


def loads(*sizes: tuple[int, int]) -> tuple[Load, ...]:
    return tuple(Load(f"n{i:04}", pods, volumes) for i, (pods, volumes) in enumerate(sizes))


@pytest.mark.parametrize("seed", range(150))
def test_small_instances_have_the_fewest_plans_or_one_more(seed: int) -> None:
    chance = random.Random(seed)
    count = chance.randint(1, 9)
    most = chance.choice([4, 6, 10])
    sizes = [(1, chance.randint(0, most), chance.randint(0, most)) for _ in range(count)]
    result = partition(PartitionRequest(loads(*[(p, v) for _, p, v in sizes]), limits=SMALL))
    fewest = least([tuple(size) for size in sizes], SMALL)  # type: ignore[misc]
    assert result.bound <= fewest <= len(result.plans) <= fewest + 1
    assert result.minimal is (len(result.plans) == result.bound)


@pytest.mark.parametrize("seed", range(40))
def test_the_bound_never_exceeds_the_least(seed: int) -> None:
    chance = random.Random(1000 + seed)
    sizes: list[Size] = [
        (chance.randint(1, 3), chance.randint(0, 10), chance.randint(0, 10)) for _ in range(8)
    ]
    assert lower_bound(sizes, SMALL) <= least(sizes, SMALL)


def test_groups_are_packed_as_a_whole() -> None:
    for seed in range(60):
        chance = random.Random(2000 + seed)
        sizes: list[Size] = [
            (chance.randint(1, 3), chance.randint(0, 10), chance.randint(0, 10)) for _ in range(8)
        ]
        bins, bound, minimal = pack(sizes, SMALL)
        assert bound <= least(sizes, SMALL) <= len(bins) <= least(sizes, SMALL) + 1
        assert minimal is (len(bins) == bound)
        assert sorted(item for place in bins for item in place) == list(range(8))


def check(request: PartitionRequest, result: Partition) -> None:
    """Whatever comes out: every namespace once, no limit exceeded, ties kept or told."""
    texts = [text for plan in result.plans for text in plan.texts]
    texts += [text for large in result.oversized for text in large.texts]
    assert sorted(texts) == sorted(load.text for load in request.loads)
    by_text = {load.text: load for load in request.loads}
    for plan in result.plans:
        members = [by_text[text] for text in plan.texts]
        size = (len(members), sum(m.pods for m in members), sum(m.volumes for m in members))
        assert size == plan.size
        assert all(a <= b for a, b in zip(size, request.limits, strict=True))
    place = {
        text.partition(":")[0]: (plan.wave, index)
        for index, plan in enumerate(result.plans)
        for text in plan.texts
    }
    for tie in request.ties:
        if tie.one not in place or tie.other not in place:
            continue
        if tie in result.ordered:
            assert place[tie.other][0] < place[tie.one][0]
        else:
            assert place[tie.one] == place[tie.other]
    waves = [plan.wave for plan in result.plans]
    assert waves == sorted(waves)


@pytest.mark.parametrize("seed", range(80))
def test_ties_are_kept_or_become_an_order(seed: int) -> None:
    chance = random.Random(3000 + seed)
    given = loads(*[(chance.randint(0, 9), chance.randint(0, 4)) for _ in range(30)])
    names = [load.name for load in given]
    ties = tuple(
        Tie(*chance.sample(names, 2), chance.choice(list(TieKind)))
        for _ in range(chance.randint(0, 25))
    )
    request = PartitionRequest(given, ties, (5, 30, 12))
    check(request, partition(request))


def test_the_order_of_the_input_does_not_matter() -> None:
    chance = random.Random(7)
    given = list(loads(*[(chance.randint(0, 60), chance.randint(0, 40)) for _ in range(200)]))
    names = [load.name for load in given]
    ties = [Tie(*chance.sample(names, 2), TieKind.REFERENCE) for _ in range(150)]
    first = partition(PartitionRequest(tuple(given), tuple(ties)))
    for _ in range(3):
        chance.shuffle(given)
        chance.shuffle(ties)
        assert partition(PartitionRequest(tuple(given), tuple(ties))) == first


def test_a_chain_that_fits_stays_together() -> None:
    given = loads((1, 0), (1, 0), (1, 0), (1, 0))
    ties = tuple(Tie(one.name, other.name, TieKind.REFERENCE) for one, other in pairwise(given))
    assert partition(PartitionRequest(given, ties)) == Partition(
        (Portion(1, ("n0000", "n0001", "n0002", "n0003"), (4, 4, 0)),), (), 1, True
    )


def test_a_chain_that_does_not_fit_is_migrated_from_its_end() -> None:
    given = loads((60, 0), (60, 0), (60, 0))
    ties = (
        Tie("n0000", "n0001", TieKind.REFERENCE, "an image"),
        Tie("n0001", "n0002", TieKind.REFERENCE, "an image"),
    )
    assert partition(PartitionRequest(given, ties)) == Partition(
        (
            Portion(1, ("n0002",), (1, 60, 0)),
            Portion(2, ("n0001",), (1, 60, 0)),
            Portion(3, ("n0000",), (1, 60, 0)),
        ),
        (),
        3,
        True,
        ties,
    )


def test_what_no_order_concerns_fills_the_gaps_of_the_waves() -> None:
    given = loads((60, 0), (60, 0), (40, 0), (40, 0))
    ties = (Tie("n0000", "n0001", TieKind.REFERENCE),)
    assert [(plan.wave, plan.texts) for plan in partition(PartitionRequest(given, ties)).plans] == [
        (1, ("n0001", "n0002")),
        (2, ("n0000", "n0003")),
    ]


def test_a_circle_stays_together_though_all_that_hangs_on_it_does_not_fit() -> None:
    given = loads((30, 0), (30, 0), (60, 0))
    ties = (
        Tie("n0000", "n0001", TieKind.REFERENCE),
        Tie("n0001", "n0000", TieKind.REFERENCE),
        Tie("n0002", "n0000", TieKind.REFERENCE),
    )
    result = partition(PartitionRequest(given, ties))
    assert [(plan.wave, plan.texts) for plan in result.plans] == [
        (1, ("n0000", "n0001")),
        (2, ("n0002",)),
    ]
    assert result.ordered == ties[2:]


def test_what_fits_into_no_plan_is_reported_with_the_limits_that_it_exceeds() -> None:
    given = (Load("a", 101, 3), Load("b:c", 60, 60), Load("d", 60, 60), Load("e", 1, 1))
    ties = (Tie("b", "d", TieKind.VOLUME, "volume pv"),)
    assert partition(PartitionRequest(given, ties)) == Partition(
        plans=(Portion(1, ("e",), (1, 1, 1)),),
        oversized=(
            Oversized(("a",), (1, 101, 3), ("pods",)),
            Oversized(("b:c", "d"), (2, 120, 120), ("pods", "volumes")),
        ),
        bound=1,
        minimal=True,
    )


def test_ties_to_namespaces_that_are_not_migrated_say_nothing() -> None:
    result = partition(PartitionRequest(loads((1, 1)), (Tie("n0000", "other", TieKind.GROUP),)))
    assert result.plans == (Portion(1, ("n0000",), (1, 1, 1)),)


def test_nothing_to_partition() -> None:
    assert partition(PartitionRequest(())) == Partition((), (), 0, True)


def test_a_long_circle_needs_no_deep_stack() -> None:
    given = loads(*[(1, 0)] * 3000)
    ties = tuple(
        Tie(one.name, other.name, TieKind.REFERENCE) for one, other in pairwise([*given, given[0]])
    )
    result = partition(PartitionRequest(given, ties))
    assert [len(large.texts) for large in result.oversized] == [3000]


def calls_of(request: PartitionRequest) -> int:
    """How many functions are called for a request: its work, on any machine."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        partition(request)
    finally:
        sys.setprofile(None)
    return count


def dense(count: int) -> PartitionRequest:
    """Each namespace needs all before it."""
    given = loads(*[(1, 1)] * count)
    ties = (Tie(two.name, one.name, TieKind.REFERENCE) for one, two in combinations(given, 2))
    return PartitionRequest(given, tuple(ties))


def diverse(count: int) -> PartitionRequest:
    """Hardly two namespaces of one size."""
    return PartitionRequest(loads(*[(place % 97 + 1, place % 89) for place in range(count)]))


@pytest.mark.parametrize("make, size, growth", [(dense, 40, 4), (diverse, 2500, 2)])
def test_the_work_grows_with_what_is_given(
    make: Callable[[int], PartitionRequest], size: int, growth: int
) -> None:
    """Twice the namespaces are twice the work, or four times with four times the ties."""
    assert calls_of(make(2 * size)) <= 1.3 * growth * calls_of(make(size))


def test_five_thousand_namespaces_take_few_plans_too_many() -> None:
    chance = random.Random(5000)
    sizes = [(int(chance.expovariate(0.12)), int(chance.expovariate(0.2))) for _ in range(5000)]
    given = loads(*[(min(p, 100), min(v, 100)) for p, v in sizes])
    names = [load.name for load in given]
    ties = tuple(Tie(*chance.sample(names, 2), TieKind.REFERENCE) for _ in range(800))
    request = PartitionRequest(given, ties)
    result = partition(request)
    check(request, result)
    assert len(result.plans) <= result.bound * 1.05 + 1
