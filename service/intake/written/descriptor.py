"""A cluster in short: its facts, objects, and what of it is whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.core.deadline import paced
from service.core.evidence import Problem
from service.core.facts.declared import BY_NAME
from service.core.migration import Probe
from service.intake.declared_lists import misspelt_resource, take_complete
from service.intake.gathering import Gathering
from service.intake.input_place import Place
from service.intake.sorting import take_document
from service.intake.written.facts import take_facts
from service.intake.written.keys import unknown_keys
from service.kinds.near import nearest
from service.kinds.registry import resource_named
from service.kinds.shape import MOST_NAME

CLUSTER_KEYS = ("name", "role", "facts", "objects", "complete", "gathered", "collectedAt", "notes")


def is_descriptor(value: Any) -> bool:
    """Whether a document describes one cluster: by ``facts``, or by facts at its top."""
    if not isinstance(value, dict) or "kind" in value or "apiVersion" in value:
        return False
    if "items" in value or "metadata" in value:
        return False
    return _is_nested(value) or any(key in BY_NAME or nearest(key, BY_NAME) for key in paced(value))


def _is_nested(value: Mapping[str, Any]) -> bool:
    """Whether the facts are below a key of their own, and not at the top."""
    return not value.keys().isdisjoint(("facts", "objects", "complete", "gathered", "role"))


def take_cluster(
    gathering: Gathering, value: Mapping[str, Any], place: Place, role: str
) -> tuple[list[Problem], list[Probe]]:
    """A cluster of the envelope, or a descriptor: its facts, objects and what is whole."""
    nested = _is_nested(value)
    facts = value.get("facts", {}) if nested else {k: v for k, v in value.items() if k != "name"}
    name = value.get("name")
    if isinstance(name, str) and name:
        gathering.name = name[:MOST_NAME]
    problems = list(unknown_keys(value, CLUSTER_KEYS, place)) if nested else []
    where = place.down("facts") if nested else place
    if not isinstance(facts, dict):
        return [*problems, where.problem("wrong-type", "facts is not a mapping")], []
    fact_problems, probes = take_facts(gathering, facts, where, role)
    problems += fact_problems
    problems += _take_objects(gathering, value.get("objects"), place.down("objects"))
    problems += _take_gathered(gathering, value.get("gathered"), place.down("gathered"))
    problems += take_complete(gathering, value.get("complete"), place.down("complete"))
    notes = value.get("notes")
    if isinstance(notes, list):
        gathering.notes += [str(note)[:200] for note in notes[:100]]
    return problems, probes


def _take_objects(gathering: Gathering, objects: Any, place: Place) -> list[Problem]:
    if objects is None:
        return []
    if not isinstance(objects, (list, dict)):
        return [place.problem("wrong-type", "objects is not a list of Kubernetes objects")]
    return take_document(gathering, objects, place.origin, base=place.base)


def _take_gathered(gathering: Gathering, gathered: Any, place: Place) -> list[Problem]:
    """What a collector reports of its own completeness.

    Rows of {resource, namespace, name, complete, error}; with a name it is about one object.
    """
    if gathered is None:
        return []
    if not isinstance(gathered, list):
        return [place.problem("wrong-type", "gathered is not a list")]
    problems = []
    for index, row in enumerate(gathered):
        here = place.down(index)
        if not isinstance(row, dict):
            problems.append(here.problem("wrong-type", "this is not a mapping"))
            continue
        found = resource_named(str(row.get("resource", "")))
        if found is None:
            problems += misspelt_resource(str(row.get("resource", "")), here.down("resource"))
            continue
        namespace, name = str(row.get("namespace") or ""), str(row.get("name") or "")
        if row.get("error"):
            gathering.deny(found, namespace, str(row["error"])[:200])
            gathering.notes.append(f"{found}: {str(row['error'])[:200]}")
        elif row.get("complete") is True and name:
            gathering.asked(found, namespace, name, here.pointer())
        elif row.get("complete") is True:
            gathering.covers(found, (namespace,), here.pointer())
    return problems
