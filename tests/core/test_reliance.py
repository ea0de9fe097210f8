"""A pass or fail by absence points at the list in which something would be."""

from __future__ import annotations

import io
import json
from typing import Any

import must_gather as mg
import pytest

from policies import catalogue
from service.core.engine import judge
from service.core.outcome import Verdict
from service.intake.parts import read_pieces
from service.intake.pieces import Piece

POLICIES = {policy.id: policy for policy in catalogue()}


def places(policy: str, *parts: tuple[str, bytes]) -> list[tuple[str, str, int, str]]:
    """Where the one finding of a policy that is a pass or fail points, after it was judged twice:
    what is computed once counts for every policy that uses it."""
    migration = read_pieces([Piece(name, io.BytesIO(data)) for name, data in parts], {}).migration
    list(judge(migration, POLICIES[policy]))
    (found,) = (
        item
        for item in judge(migration, POLICIES[policy])
        if item.verdict in (Verdict.PASS, Verdict.FAIL)
    )
    return [
        (at.origin.part, at.origin.member, at.origin.document, at.pointer) for at in found.evidence
    ]


PODS = {"apiVersion": "v1", "kind": "PodList", "items": []}
PLAN = mg.plan()
LISTS: dict[str, tuple[bytes, tuple[str, str, int, str]]] = {
    "an empty list of a kind, and what the command says of it": (
        b"apiVersion: v1\nkind: List\nitems: []\n--- {complete: [pods/shop]}\n",
        ("source", "", 1, "/complete/0"),
    ),
    "a list with a link": (
        json.dumps({**PODS, "metadata": {"selfLink": "/api/v1/namespaces/shop/pods"}}).encode(),
        ("source", "", 0, "/items"),
    ),
    "the list of a namespace in an archive": (
        mg.archive({"namespaces/shop/core/pods.yaml": mg.text(PODS)}),
        ("source", "namespaces/shop/core/pods.yaml", 0, "/items"),
    ),
    "what a collector says": (
        json.dumps(
            {"objects": [], "gathered": [{"resource": "pods", "namespace": "shop",
                                          "complete": True}]}
        ).encode(),
        ("source", "", 0, "/gathered/0"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "place"), LISTS.values(), ids=LISTS)
def test_no_pod_is_unhealthy_by_a_list_of_no_pods(data: bytes, place: Any) -> None:
    assert places("MTC750", ("source", data), ("plan", PLAN)) == [place]


def test_that_no_node_is_unwell_is_known_by_the_folder_that_holds_all_of_them() -> None:
    source = mg.archive(mg.outer(mg.image()))
    folder = f"{mg.IMAGE}/cluster-scoped-resources/core/nodes"
    assert places("MTC846", ("source", source)) == [("source", folder, 0, "")]
