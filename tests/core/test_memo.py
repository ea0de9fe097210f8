"""What is looked up once: values, and what is missing, without the frames of the first time."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from service.core.evidence import Missing, NotGathered
from service.core.memo import Memo
from service.kinds.resource import MOST_REMEMBERED, fetch_command
from service.kinds.workloads import POD

GAP = Missing("the proxy", "source", "oc get proxy cluster -o json")


class Evidence:
    """Stands for what a function was given."""


def test_a_value_is_computed_once_per_key() -> None:
    memo, calls = Memo(), list[str]()

    def compute(word: str) -> None:
        calls.append(word)

    for word in ("a", "b", "a", "b"):
        assert memo.get(word, compute, word) is None
    assert calls == ["a", "b"]
    memo.clear()
    memo.get("a", compute, "a")
    assert calls == ["a", "b", "a"]


def test_what_is_missing_is_told_each_time_and_holds_no_evidence() -> None:
    memo = Memo()

    def compute(evidence: Evidence) -> None:
        raise NotGathered(GAP)

    def ask(given: Evidence) -> tuple[Missing, ...]:
        with pytest.raises(NotGathered) as caught:
            memo.get("proxy", compute, given)
        return caught.value.missing

    evidence = Evidence()
    seen = weakref.ref(evidence)
    assert ask(evidence) == (GAP,)
    assert ask(evidence) == (GAP,)
    del evidence
    gc.collect()
    assert seen() is None


def test_any_other_error_is_not_kept() -> None:
    memo = Memo()
    results: Iterator[ValueError | int] = iter([ValueError("once"), 7])

    def compute() -> int:
        result = next(results)
        if isinstance(result, ValueError):
            raise result
        return result

    with pytest.raises(ValueError, match="once"):
        memo.get("key", compute)
    assert memo.get("key", compute) == 7


def test_commands_of_endless_names_are_right_too() -> None:
    name = "n" * MOST_REMEMBERED
    assert fetch_command(POD, name, "shop") == f"oc get pods {name} -n shop -o json"
    many = tuple(f"shop-{index}" for index in range(11))
    assert fetch_command(POD, namespaces=many) == (
        "oc get pods --all-namespaces -o json && echo '--- {complete: [pods]}'"
    )
