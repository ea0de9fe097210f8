"""Long JSON lists: items that are asked for are read as exactly as a short text, others not."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from service.core.evidence import NotGathered, Problem
from service.core.facts.volumes import volumes
from service.core.migration import Cluster
from service.intake.limits import DEFAULT_LIMITS
from service.intake.parts import read_pieces
from service.intake.pieces import BadInput, Piece
from service.intake.texts.items import ListItem, load_list
from service.intake.texts.json import SCANNED
from service.intake.texts.locate import Locator
from service.kinds.ref import Origin
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM as CLAIM
from service.kinds.workloads import POD

ORIGIN = Origin("source")
PADDING = "x[{," * (SCANNED // 4)


def pod(name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": "7"}, **more,
    }  # fmt: skip


def listed(*items: Any, indent: int | None = 4, **more: Any) -> str:
    """A long list: before the items that are given stands one that is padded."""
    padded = pod("padded", "other", status={"phase": "Running", "message": PADDING})
    value = {"apiVersion": "v1", "items": [padded, *items], "kind": "List", **more}
    return json.dumps(value, indent=indent)


def cluster(text: str) -> tuple[Cluster, tuple[Problem, ...]]:
    bundle = read_pieces([Piece("source", io.BytesIO(text.encode()))], {})
    return bundle.migration.source, bundle.migration.problems


def names(found: Any) -> list[str]:
    return [item.ref.name for item in found]


@pytest.mark.parametrize("indent", [None, 4])
def test_items_are_what_a_parser_of_the_whole_reads(indent: int | None) -> None:
    text = listed(
        pod("a", spec={"large": 2**70, "small": 1.5, "text": "é\u2028<&>\\\"", "none": None}),
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "items": [1]},
        indent=indent, metadata={"resourceVersion": ""},
    )  # fmt: skip
    loaded = load_list(text.encode(), DEFAULT_LIMITS, ORIGIN)
    assert loaded is not None
    value = loaded.value
    assert {**value, "items": [item() for item in value["items"]]} == json.loads(text)
    assert [json.JSONDecoder().raw_decode(text, start)[0] for start in loaded.starts] == (
        json.loads(text)["items"]
    )


def test_a_text_that_is_short_is_parsed_whole() -> None:
    text = json.dumps({"kind": "List", "items": [pod("a")]})
    assert load_list(text.encode(), DEFAULT_LIMITS, ORIGIN) is None


@pytest.mark.parametrize(
    "text",
    [
        listed(pod("a"), 5),
        listed(pod("a"), {"kind": 5}),
        listed(pod("a"), {"kind": "Pod", "metadata": {"name": 5}}),
        listed(pod("a")).replace('"kind": "List"', '"kind": "List", "items": []'),
        listed(pod("a")).replace('"kind": "List"', '"kind": "List", "kind": "List"'),
        listed(pod("a")) + "]",
        listed(pod("a"))[:-3],
        json.dumps({"a": json.loads(listed())}),
        json.dumps({"a": {"items": [1]}, **json.loads(listed())}),
    ],
    ids=["scalar", "kind", "name", "items-twice", "kind-twice", "behind", "cut", "inner", "before"],
)  # fmt: skip
def test_what_is_no_plain_list_of_objects_is_parsed_whole(text: str) -> None:
    assert load_list(text.encode(), DEFAULT_LIMITS, ORIGIN) is None


def test_an_item_is_parsed_when_a_policy_asks_for_its_namespace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed = []
    call = ListItem.__call__

    def counted(self: ListItem) -> Any:
        parsed.append(self.head["metadata"]["name"])
        return call(self)

    monkeypatch.setattr(ListItem, "__call__", counted)
    source, problems = cluster(listed(pod("a"), pod("b", "bank"), pod("c")))
    assert (parsed, problems) == ([], ())
    assert names(source.all(POD, ["shop"])) == ["a", "c"]
    assert parsed == ["a", "c"]


def test_only_the_volumes_that_may_be_of_the_plan_are_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed = []
    call = ListItem.__call__

    def counted(self: ListItem) -> Any:
        parsed.append(self.head["metadata"]["name"])
        return call(self)

    def volume(name: str, **spec: Any) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "PersistentVolume",
                "metadata": {"name": name}, "spec": spec}  # fmt: skip

    claim = pod("data") | {"kind": "PersistentVolumeClaim", "spec": {"volumeName": "by-name"}}
    text = listed(
        volume("of-another", claimRef={"namespace": "bank", "name": "data"}),
        volume("of-the-plan", claimRef={"namespace": "shop", "name": "old"}),
        volume("by-name", claimRef={"namespace": "bank", "name": "data"}),
        volume("of-none"),
        volume("of-unknown", claimRef={"name": "data"}),
        claim,
        indent=None,
    )
    plan = Piece("plan", io.BytesIO(b'{"namespaces": ["shop"]}'))
    bundle = read_pieces([Piece("source", io.BytesIO(text.encode())), plan], {})
    monkeypatch.setattr(ListItem, "__call__", counted)
    found = volumes(bundle.migration).items
    assert sorted(parsed) == ["by-name", "data", "of-none", "of-the-plan", "of-unknown"]
    assert {one.name for one in found} == {"by-name", "of-the-plan"}


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_within_the_items_of_a_long_list(indent: int | None, end: str) -> None:
    text = listed(pod("a"), pod("b", spec={"x": [1, {"y": 2}]}), indent=indent).replace("\n", end)
    loaded = load_list(text.encode(), DEFAULT_LIMITS, ORIGIN)
    assert loaded is not None
    locator = Locator(text.encode(), "json", loaded.starts)
    whole = Locator(text.encode(), "json")
    for pointer in ("/kind", "/items/0", "/items/1/metadata/name", "/items/2/spec/x/1/y",
                    "/items/2/spec/z"):  # fmt: skip
        assert locator.line_of(0, pointer) == whole.line_of(0, pointer), pointer
    line = text[: text.index('"y"')].count("\n") + 1
    assert locator.line_of(0, "/items/2/spec/x/1/y") == line


def test_a_key_that_stands_twice_in_an_item_is_one_located_problem() -> None:
    text = listed(pod("a"), pod("b", spec={"hostNetwork": True}))
    text = text.replace('"hostNetwork": true', '"hostNetwork": true, "hostNetwork": false')
    source, _ = cluster(text)
    assert names(source.known(POD)) == ["padded", "a"]
    with pytest.raises(NotGathered, match="Pod b of namespace shop"):
        source.all(POD, ["shop"])
    (problem,) = source.inventory.problems()
    line = text[: text.index('"hostNetwork": false')].count("\n") + 1
    column = text.splitlines()[line - 1].rindex('"hostNetwork"') + 1
    assert problem == Problem(
        "json-duplicate-key", "duplicate key 'hostNetwork'",
        "keep one of the two: it is not known which is meant", part="source", document=0,
        line=line, column=column, pointer="/items/2",
    )  # fmt: skip


def test_a_key_that_stands_twice_on_the_only_line_has_its_column_in_that_line() -> None:
    text = listed(pod("b", spec={"x": 1}), indent=None).replace('"x": 1', '"x": 1, "x": 2')
    source, _ = cluster(text)
    source.known(POD)
    (problem,) = source.inventory.problems()
    assert (problem.line, problem.column) == (1, text.rindex('"x"') + 1)


def test_an_item_that_nobody_asks_for_is_not_checked() -> None:
    text = listed(pod("a"), pod("b", "bank", spec={"x": 1})).replace('"x": 1', '"x": 1, "x": 2')
    source, problems = cluster(text)
    assert names(source.all(POD, ["shop"])) == ["a"]
    assert (problems, source.inventory.problems()) == ((), ())


def test_an_item_that_is_nested_too_deeply_is_one_located_problem() -> None:
    deep = json.loads("[" * 300 + "]" * 300)
    source, _ = cluster(listed(pod("a"), pod("b", spec={"deep": deep})))
    assert names(source.known(POD)) == ["padded", "a"]
    (problem,) = source.inventory.problems()
    assert (problem.code, problem.pointer, problem.part) == ("limit-depth", "/items/2", "source")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "01"])
def test_a_number_that_json_does_not_have_spoils_the_text(number: str) -> None:
    text = listed(pod("a", spec={"x": 1})).replace('"x": 1', f'"x": {number}')
    with pytest.raises(BadInput) as caught:
        cluster(text)
    (problem,) = caught.value.problems
    assert problem.line == text[: text.index(f'"x": {number}')].count("\n") + 1


def test_items_of_a_typed_list_need_no_kind_and_are_known_to_be_whole() -> None:
    items = [{"metadata": {"name": name, "namespace": "shop"}} for name in "ab"]
    items[0]["status"] = {"padding": PADDING}  # type: ignore[assignment]
    text = json.dumps({"kind": "PersistentVolumeClaimList", "apiVersion": "v1", "items": items})
    source, problems = cluster(text)
    assert problems == ()
    assert names(source.all(CLAIM, ["shop"])) == ["a", "b"]
