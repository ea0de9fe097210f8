"""What grows with the evidence: work is counted in steps (lines that run), never in time.

Twice the objects may cost at most a little more than twice the steps (n log n). The sizes
are small, because a square shows at once: it doubles the steps for each object.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from typing import Any

import pytest
from made import NOW, finding, report, volume

from policies import catalogue
from service.core.decision.waiver_form import parse
from service.core.decision.waivers import apply
from service.core.engine import evaluate
from service.core.partition import Load, PartitionRequest, Tie, TieKind, partition
from service.intake.limits import DEFAULT_LIMITS
from service.intake.parts import read_body
from service.intake.pieces import Piece

GROWTH = 2.5
"""Most that twice the input may cost: 2, and room for the logarithm."""
SIZES = (100, 200, 400)
API = "migration.openshift.io/v1alpha1"
RBAC = "rbac.authorization.k8s.io/v1"
MTC = "openshift-migration"


def steps(work: Callable[[], object]) -> int:
    """How many lines run; one that a loop comes back to counts each time."""
    count = 0

    def note(_frame: Any, event: str, _arg: object) -> Any:
        nonlocal count
        count += 1
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def assert_near_linear(work: Callable[[int], Callable[[], object]]) -> None:
    work(5)()  # what is imported or compiled at the first use is counted nowhere
    counts = [steps(work(size)) for size in SIZES]
    growth = [after / before for before, after in pairwise(counts)]
    assert max(growth) <= GROWTH, (counts, growth)


def named(kind: str, name: str, namespace: str = "", api: str = "v1", **more: Any) -> Any:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **place}, **more}


def plan(name: str, namespaces: list[str]) -> Any:
    refs = {
        key: {"name": value, "namespace": MTC}
        for key, value in (("srcMigClusterRef", "old"), ("destMigClusterRef", "new"))
    }
    return named("MigPlan", name, MTC, API, spec={"namespaces": namespaces, **refs})


def space(name: str) -> Any:
    found = named("Namespace", name, status={"phase": "Active"})
    found["metadata"]["annotations"] = {"openshift.io/sa.scc.uid-range": "1000/10"}
    return found


def whole(kind: str, items: list[Any], api: str = "v1") -> Any:
    """As the API answers a list, which holds all objects of the kind."""
    return {"apiVersion": api, "kind": f"{kind}List", "metadata": {}, "items": items}


def names(size: int) -> list[str]:
    return [f"app-{number:05}" for number in range(size)]


def of_namespaces(size: int) -> Any:
    """None of the new namespaces exists, and all others there have the same user ids."""
    there = [whole("Namespace", [space(f"other-{number}") for number in range(size)])]
    here = [whole("Namespace", [space(name) for name in names(size)])]
    return here, there, plan("shop", names(size)), {}


def of_missing_namespaces(size: int) -> Any:
    there = [whole("Namespace", [space(f"other-{number}") for number in range(size)])]
    return there, there, plan("shop", names(size)), {}


def of_plans(size: int) -> Any:
    others = [plan(f"plan-{number}", [f"b-{number}"]) for number in range(size)]
    return [], others, plan("shop", names(size)), {}


def of_roles(size: int) -> Any:
    user = [{"kind": "User", "name": "ann"}]
    rows = []
    for name in names(size):
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        rows.append(named("ClusterRoleBinding", name, "", RBAC, roleRef=role, subjects=user))
        rows.append(named("ClusterRole", name, "", RBAC, rules=[]))
    lists = [
        {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": rows},
    ]
    return lists, [], plan("shop", ["app"]), {"user": "ann", "groups": []}


@cache
def envelope(build: Callable[[int], Any], size: int) -> bytes:
    here, there, wanted, facts = build(size)
    clusters = [
        {"role": "source", "objects": here, "facts": facts},
        {"role": "destination", "objects": there},
    ]
    return json.dumps({"clusters": clusters, "plan": wanted}).encode()


@pytest.mark.parametrize("build", [of_namespaces, of_missing_namespaces, of_plans, of_roles])
def test_judging_grows_with_the_evidence(build: Callable[[int], Any]) -> None:
    """Policy by policy: the cost of all would hide the square of one."""
    policies = catalogue()
    reads = tuple(dict.fromkeys(read for policy in policies for read in policy.reads))
    counts: dict[str, list[int]] = {policy.id: [] for policy in policies}
    for size in (5, *SIZES):
        piece = Piece("envelope", io.BytesIO(envelope(build, size)), "", "application/json")
        migration = read_body(piece, {}, DEFAULT_LIMITS, reads).migration
        assert not [item for item in migration.problems if item.blocks], migration.problems[:3]
        for policy in policies:
            counts[policy.id].append(steps(partial(evaluate, migration, [policy])))
    steep = {
        policy: found
        for policy, (_, *found) in counts.items()
        if any(after > GROWTH * before for before, after in pairwise(found))
    }
    assert not steep


@pytest.mark.parametrize("build", [of_namespaces, of_missing_namespaces, of_plans, of_roles])
def test_reading_grows_with_the_evidence(build: Callable[[int], Any]) -> None:
    policies = catalogue()
    reads = tuple(dict.fromkeys(read for policy in policies for read in policy.reads))

    def work(size: int) -> Callable[[], object]:
        piece = Piece("envelope", io.BytesIO(envelope(build, size)), "", "application/json")
        return lambda: read_body(piece, {}, DEFAULT_LIMITS, reads)

    assert_near_linear(work)


def waiver(number: int) -> Any:
    subject = {"namespace": "n*", "name": f"x-{number}-*"}
    more = {"reason": "r", "owner": "o", "expires": "2027-01-01"}
    return {"policy": "MTC601", "subject": subject, **more}


def test_a_waiver_costs_a_finding_few_calls() -> None:
    """The product of both is bounded by 1,000 waivers; the price of one test is what counts."""
    waivers = parse([waiver(number) for number in range(100)], {"MTC601": "volumes-valid"})

    def cost(count: int) -> int:
        found = [finding("MTC601", "fail", volume(f"pv-{number}")) for number in range(count)]
        made = report(*found, as_of=NOW)
        return steps(lambda: apply(made, waivers))

    cost(1)
    assert cost(200) - cost(100) <= 16 * 100 * len(waivers)


def chain(size: int) -> PartitionRequest:
    loads = tuple(Load(name, 1, 1) for name in names(size))
    ties = tuple(
        Tie(later.name, first.name, TieKind.REFERENCE, "needs") for first, later in pairwise(loads)
    )
    return PartitionRequest(loads, ties, (10, 100, 100))


def test_a_partition_of_a_chain_grows_with_it() -> None:
    def work(size: int) -> Callable[[], object]:
        request = chain(size)
        return lambda: partition(request)

    assert_near_linear(work)
