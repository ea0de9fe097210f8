"""Each object once: archives hold most objects twice, and people send them again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.core.deadline import paced
from service.core.evidence import Problem, Unusable
from service.core.inventory import Entry, Shelf
from service.intake.texts.items import ListItem, head_of
from service.kinds.masks import has_masks, may_be_masked
from service.kinds.ref import Malformed, Origin, Ref
from service.kinds.resource import Resource, fetch_command


def keep_one_of_each(shelf: Shelf[Any]) -> None:
    """Keep of each object the copy that says most: clear before masked, the newest, the
    cluster's own before that of an Insights archive.

    Two copies of equal rank that a policy would read differently are a problem. Objects without a
    name (access reviews) are all kept.
    """
    places: dict[tuple[str, str], int] = {}
    kept: list[Entry] = []
    reported: set[int] = set()
    for entry in paced(shelf.entries):
        place = places.get((entry.namespace, entry.name)) if entry.name else None
        if place is None:
            places[entry.namespace, entry.name] = len(kept)
            kept.append(entry)
            continue
        mine, other = _rank(shelf.resource, entry), _rank(shelf.resource, kept[place])
        if mine > other:
            kept[place] = entry
            reported.discard(place)
        elif (
            mine == other
            and place not in reported
            and not _alike(shelf.resource, entry, kept[place])
        ):
            reported.add(place)
            shelf.problems.append(_contradiction(shelf.resource, entry, kept[place]))
    shelf.entries = kept


def _rank(resource: Resource[Any], entry: Entry) -> tuple[bool, int, bool]:
    value = _value(entry) if may_be_masked(resource) else {}
    masked = value is None or has_masks(resource, value, entry.masking)
    metadata = head_of(entry.held).get("metadata")
    revision = str(metadata.get("resourceVersion")) if isinstance(metadata, dict) else ""
    number = int(revision) if re.fullmatch(r"[0-9]{1,20}", revision) else -1
    return not masked, number, not entry.masking


def _value(entry: Entry) -> Mapping[str, Any] | None:
    try:
        return entry.value
    except Unusable:
        return None


def _alike(resource: Resource[Any], one: Entry, other: Entry) -> bool:
    """Whether a policy reads the same out of both: tools leave out different fields."""
    mine, others = one.held, other.held
    if isinstance(mine, ListItem) and isinstance(others, ListItem) and mine.span == others.span:
        return True  # the same text
    first, second = _value(one), _value(other)
    if first == second:
        return True
    ref = Ref("", resource.api_version, resource.kind, one.namespace, one.name, Origin(""), "")
    try:
        return bool(resource.reader(first or {}, ref) == resource.reader(second or {}, ref))
    except Malformed:
        return True  # that is a problem of its own


def _contradiction(resource: Resource[Any], entry: Entry, kept: Entry) -> Problem:
    where = kept.origin.member or kept.origin.part
    return Problem(
        "contradicting-copies",
        f"{resource.kind} {entry.name!r} is also in {where} with other values, and neither copy is "
        "newer",
        "give it once, as it is now: " + fetch_command(resource, entry.name, entry.namespace),
        part=entry.origin.part,
        member=entry.origin.member,
        document=entry.origin.document,
        pointer=entry.base,
    )
