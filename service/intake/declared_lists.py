"""What somebody, or a command of ours, says to be whole, and lists that do not say of what."""

from __future__ import annotations

from typing import Any

from service.core.deadline import paced
from service.core.evidence import Problem
from service.intake.gathering import Gathering
from service.intake.input_place import Place
from service.kinds.ref import Origin
from service.kinds.registry import resource_meant, resource_named


def is_mark(value: Any) -> bool:
    """Whether a document only says what was asked for; our commands end with such a one."""
    return type(value) is dict and value.keys() == {"complete"}


def without_empty_list(problems: list[Problem], origin: Origin, base: str = "") -> list[Problem]:
    """Problems without the one that the list at this place is of nothing: a mark says of what."""
    place = (origin.part, origin.member, origin.document, base)
    return [
        item
        for item in problems
        if item.code != "empty-list"
        or (item.part, item.member, item.document, item.pointer) != place
    ]


def take_complete(gathering: Gathering, complete: Any, place: Place) -> list[Problem]:
    """What somebody, or a command of ours, says to be whole.

    True: every list that is here; else a list of ``resource``, ``resource/namespace`` and
    ``resource/namespace/name``, of which the last is one object that was asked for.
    """
    if complete is None or complete is False:
        return []
    if complete is True:
        for resource in list(gathering.shelves):
            gathering.covers(resource, ("",), place.pointer())
        return []
    if not isinstance(complete, list):
        text = "complete is neither a list of resources nor true"
        return [place.problem("wrong-type", text)]
    problems = []
    for index, item in enumerate(paced(complete)):
        plural, _, rest = str(item).partition("/")
        namespace, _, name = rest.partition("/")
        found = resource_named(plural)
        if found is None:
            wrong = misspelt_resource(plural, place.down(index))
            problems += wrong
            if not wrong:
                gathering.looked.add((plural, namespace))
        elif name:
            gathering.asked(found, namespace, name, place.down(index).pointer())
        else:
            gathering.covers(found, (namespace,), place.down(index).pointer())
    return problems


def misspelt_resource(name: str, place: Place) -> list[Problem]:
    """What is wrong with the name of a resource that no policy reads: nothing, if it is one."""
    meant = resource_meant(name)
    if not meant and name.partition(".")[0].lower().endswith("s"):
        return []
    hint = f"did you mean {meant!r}?" if meant else "use the plural, such as persistentvolumes"
    return [place.problem("unknown-resource", f"there is no resource {name[:60]!r}", hint)]


def list_of_nothing(place: Place) -> Problem:
    """An empty list whose kind is not known."""
    return place.problem(
        "empty-list",
        "an empty List does not show of which kind and namespace there are no objects",
        "add a document that says it: `complete: [<resource>/<namespace>]`, as the commands "
        "of `missing` do; or put the output into an archive as "
        "namespaces/<namespace>/<group>/<resource>.yaml",
        blocks=False,
    )
