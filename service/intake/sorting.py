"""Sort documents onto the shelves of a cluster, and know for which scope a list is whole."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from service.core.deadline import paced
from service.core.evidence import Problem, Unusable
from service.intake.declared_lists import (
    is_mark,
    list_of_nothing,
    take_complete,
    without_empty_list,
)
from service.intake.gathering import Gathering
from service.intake.input_place import Place
from service.intake.layout import PLAIN, Hint, Holds
from service.intake.texts.items import head_of
from service.kinds.masks import Masking
from service.kinds.near import edits_between, nearest
from service.kinds.ref import Origin, Pointer
from service.kinds.registry import BY_GROUP_KIND, BY_KIND
from service.kinds.resource import Resource
from service.kinds.shape import MOST_NAME

_RESOURCE_OF: dict[tuple[Any, Any], Resource[Any]] = {}


def resource_of(api_version: Any, kind: Any) -> Resource[Any] | None:
    """The resource of an object, None where no policy reads its kind."""
    key = (api_version, kind)
    try:
        return _RESOURCE_OF[key]
    except (KeyError, TypeError):
        pass
    if not isinstance(kind, str) or not isinstance(api_version, str):
        return BY_KIND.get(kind) if isinstance(kind, str) and api_version is None else None
    group = api_version.rpartition("/")[0]
    found = BY_GROUP_KIND.get((group, kind))
    # The keys come from the input: bounded. What is not known now a policy pack may bring.
    if found is not None and len(_RESOURCE_OF) < 10_000:
        _RESOURCE_OF[key] = found
    return found


def take_document(
    gathering: Gathering, value: Any, origin: Origin, hint: Hint = PLAIN, base: str = ""
) -> list[Problem]:
    """Sort one document: an object, a list of objects, or a version answer.

    Returns what was wrong with it; everything that could be used was taken.
    """
    if isinstance(value, list):
        problems: list[Problem] = []
        for index, item in enumerate(paced(value)):
            if is_mark(item):
                problems = without_empty_list(problems, origin, f"{base}/{index - 1}")
            problems += take_document(gathering, item, origin, PLAIN, f"{base}/{index}")
        return problems
    if not isinstance(value, dict):
        return [_no_object(origin, base)]
    if is_mark(value):
        return take_complete(gathering, value["complete"], Place(origin, f"{base}/complete"))
    items = value.get("items", value)
    if items is None and str(value.get("kind")).endswith("List"):
        items = []  # how Go writes an empty slice
    if isinstance(items, list):
        return _take_list(gathering, value, items, origin, hint, base)
    resource = _resource(value, hint)
    if resource is not None:
        masking = Masking.LETTERS if hint.holds is Holds.MASKED else Masking.NONE
        gathering.add(resource, value, origin, base, masking=masking)
        return []
    if "kind" in value and "apiVersion" in value:
        gathering.other(value, origin, base)
        return _misspelt_kind(value["apiVersion"], value["kind"], Place(origin, base))
    return [_no_object(origin, base, value)]


def _misspelt_kind(api_version: Any, kind: Any, place: Place) -> list[Problem]:
    """What is wrong with a kind that no policy reads: nothing, unless it is meant for another."""
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return []
    meant = _kind_meant(api_version[:MOST_NAME], kind[:MOST_NAME])
    if not meant:
        return []
    message = f"there is no kind {kind[:60]!r} in {api_version[:60]}"
    return [place.problem("kind-misspelt", message, f"did you mean {meant}?")]


@lru_cache(maxsize=1024)
def _kind_meant(api_version: str, kind: str) -> str:
    """The kind of the same group, or the group of the same kind, that is nearly this one."""
    group = api_version.rpartition("/")[0]
    for known, resource in BY_GROUP_KIND.items():
        slips = edits_between(kind, known[1])
        few = slips is not None and slips <= (2 if len(kind) >= _LONG else 1)
        if known[0] == group and (few or kind.lower() == resource.plural):
            return known[1]
        if known[1] == kind and group and edits_between(group, known[0]) is not None:
            return f"{known[0]}/{resource.version}"
    return ""


_LONG = 9
"""Letters of a kind in which two slips show no other kind: a Role is no Route."""


def _resource(value: Mapping[str, Any], hint: Hint) -> Resource[Any] | None:
    kind = value.get("kind")
    if kind is None and "gitVersion" in value:
        return BY_KIND["ServerVersion"]
    if kind is None:
        return hint.resource
    return resource_of(value.get("apiVersion"), kind)


def _take_list(
    gathering: Gathering,
    value: Mapping[str, Any],
    items: list[Any],
    origin: Origin,
    hint: Hint,
    base: str,
) -> list[Problem]:
    typed = _type_of_list(value, hint)
    if typed is None and _is_typed(value):
        kind = value["kind"][: -len("List")]
        wrong = _misspelt_kind(value.get("apiVersion"), kind, Place(origin, base))
        if wrong:
            return wrong
        count = f"{len(items)} object{'s' * (len(items) != 1)}"
        gathering.notes.append(_note(origin, f"no policy reads {value['kind']} ({count})"))
        for index, item in enumerate(items):
            head = head_of(item)
            if type(head) is dict:
                head = {"apiVersion": value.get("apiVersion"), **head}
                gathering.other(head, origin, f"{base}/items/{index}", value["kind"][:-4])
        return []
    if "kind" not in value and "apiVersion" in value:
        # `oc` ends every list with its kind: this one ends before that, perhaps within an item.
        problems = _take_items(gathering, items[:-1], origin, base, {}, (value, typed))
        return [*problems, _cut_off(Place(origin, base))]
    found: dict[Resource[Any], set[str]] = {typed: set()} if typed else {}
    problems = _take_items(gathering, items, origin, base, found, (value, typed))
    if _truncated(value):
        gathering.notes.append(_note(origin, "the list is cut short (metadata.continue is set)"))
        return problems
    if problems:
        return problems  # with an item lost the list is not whole
    if not items and typed is None:
        return [list_of_nothing(Place(origin, base))]
    for resource, namespaces in found.items():
        scope = _scope(value, resource, namespaces, hint)
        gathering.covers(resource, scope, Pointer(origin, f"{base}/items"))
    return problems


def _take_items(
    gathering: Gathering,
    items: list[Any],
    origin: Origin,
    base: str,
    found: dict[Resource[Any], set[str]],
    of: tuple[Mapping[str, Any], Resource[Any] | None],
) -> list[Problem]:
    """Take the items of a list; ``found`` gets the namespaces of each resource in it.

    Items of a typed list may lack kind and apiVersion: REST answers do.
    """
    problems = []
    value, typed = of
    api_version = value.get("apiVersion") if typed else None
    for index, item in enumerate(paced(items)):
        at = f"{base}/items/{index}"
        head = head_of(item)
        kind = head.get("kind") if type(head) is dict else None
        if type(head) is not dict or (kind is None and typed is None):
            problems.append(_no_object(origin, at))
            continue
        resource = typed if kind is None else resource_of(head.get("apiVersion", api_version), kind)
        if resource is None:
            gathering.other(head, origin, at)
            version = head.get("apiVersion", api_version)
            problems += _misspelt_kind(version, kind, Place(origin, at))
            continue
        namespaces = found.get(resource)
        if namespaces is None:
            namespaces = found[resource] = set()
        try:
            namespaces.add(gathering.add(resource, item, origin, at))
        except Unusable as error:
            problems.append(error.problem)
    return problems


def _scope(
    value: Mapping[str, Any], resource: Resource[Any], namespaces: set[str], hint: Hint
) -> set[str]:
    """The namespaces for which this list is whole, "" for the cluster.

    Cluster-scoped kinds: the cluster. Namespaced kinds: the scope given by the path or the
    selfLink; else, objects of several namespaces come in one list only from --all-namespaces, and
    those of one namespace cover that one.
    """
    if not resource.namespaced:
        return {""}
    if hint.listing and hint.namespace:
        return {"" if hint.namespace == "*" else hint.namespace}
    linked = _scope_of_link(value)
    if linked is not None:
        return {linked}
    return {""} if len(namespaces) > 1 else namespaces


def _is_typed(value: Mapping[str, Any]) -> bool:
    """Whether a list names the kind of its items (``PodList``)."""
    kind = value.get("kind")
    return isinstance(kind, str) and kind.endswith("List") and kind != "List"


def _type_of_list(value: Mapping[str, Any], hint: Hint) -> Resource[Any] | None:
    """What a typed list (``PodList``) lists; None for the generic ``List``."""
    kind = value.get("kind")
    if kind is None:
        return hint.resource
    if not _is_typed(value):
        return hint.resource if kind == "List" and hint.listing else None
    return resource_of(value.get("apiVersion"), kind[: -len("List")])


def _truncated(value: Mapping[str, Any]) -> bool:
    metadata = value.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("continue"))


def _scope_of_link(value: Mapping[str, Any]) -> str | None:
    """The namespace that a list's selfLink names, "" for all, None where there is none."""
    metadata = value.get("metadata")
    link = metadata.get("selfLink") if isinstance(metadata, dict) else None
    if not isinstance(link, str) or not link:
        return None
    steps = link.partition("?")[0].split("/")
    return steps[steps.index("namespaces") + 1] if "namespaces" in steps[:-2] else ""


def _note(origin: Origin, text: str) -> str:
    return f"{origin.member or origin.part}: {text}"


def _cut_off(place: Place) -> Problem:
    return place.problem(
        "list-cut-off",
        "the list is cut off: it ends without its kind. Its last object is not read, and nothing "
        "is known to be absent",
        "give all that the command printed",
    )


def _no_object(origin: Origin, base: str, value: Any = None) -> Problem:
    text = "this holds no Kubernetes object: it has no kind"
    hint = "post what `oc get -o json` or `oc get -o yaml` prints, an archive, or a descriptor"
    if isinstance(value, dict):
        meant = next((key for key in value if nearest(key, ("kind",))), "")
        if meant and "kind" not in value:
            hint = f"it has {meant!r}: did you mean 'kind'?"
        elif {"spec", "status"} & value.keys():
            text = "this is a piece of a Kubernetes object, without apiVersion, kind and metadata"
            hint = "post the whole object, as `oc get -o json` prints it"
    return Place(origin, base).problem("not-kubernetes", text, hint)
