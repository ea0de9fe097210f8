"""Work in steps (lines that run) and bytes of answers, as the lists of a document grow.

What the second n items add and what the last 2n add are compared, so that no fixed cost hides a
square, which would make four of the one out of two of the other.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from typing import Any

from flask.testing import FlaskClient

from service.core.deadline import check
from service.kinds.near import edits_between

SIZE = 40
GROWTH = 2.6
"""Most that the last 2n items may cost, against the n before them: 2, and room for a logarithm."""
SMALL_STEPS, SMALL_BYTES = 2_000, 4_000
"""A difference of less than this is no growth."""
GAP = 300
"""Most steps that an item may add between two looks at the clock: some twenty microseconds."""

Path = tuple[str | int, ...]


def lists(value: Any, path: Path = (), name: str = "") -> Iterator[tuple[str, Path]]:
    """Every list with items: a name for its kind, and where it is. Objects count by their kind."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from lists(item, (*path, key), f"{name}/{key}")
    elif isinstance(value, list) and value:
        of_objects = isinstance(value[-1], dict) and "kind" in value[-1]
        for place, item in enumerate(value):
            kind = (
                f"[{item.get('kind') or item.get('role') or ''}]" if isinstance(item, dict) else ""
            )
            yield from lists(item, (*path, place), name + kind)
            if of_objects:
                yield name + kind, (*path, place)
        if not of_objects:
            yield name, (*path, len(value) - 1)


def grown(document: Any, path: Path, count: int) -> Any:
    """The document with so many more items or keys like that at the path, each with a name."""
    made = copy.deepcopy(document)
    holder = made
    for step in path[:-1]:
        holder = holder[step]
    item = holder[path[-1]] if isinstance(holder, list) else holder.get(path[-1], 1)
    more = [_renamed(copy.deepcopy(item), number) for number in range(count)]
    if isinstance(holder, list):
        holder += more
    else:
        holder |= {f"{path[-1]}-{number}": item for number, item in enumerate(more)}
    return made


def _renamed(item: Any, number: int) -> Any:
    if isinstance(item, str):
        name, colon, rest = item.partition(":")
        return f"{name}-{number}{colon}{rest}"
    if isinstance(item, dict):
        for holder in (item, item.get("metadata")):
            if isinstance(holder, dict) and isinstance(holder.get("name"), str):
                holder["name"] += f"-{number}"
    return item


def measured(work: Callable[[], bytes]) -> tuple[int, int, int]:
    """Steps, bytes of the answer, and the most steps between two looks at the clock."""
    count = since = longest = 0
    clock = check.__code__

    def note(frame: Any, event: str, _arg: object) -> Any:
        nonlocal count, since, longest
        count += 1
        if frame.f_code is clock:
            longest = max(longest, count - since)
            since = count
        return note

    edits_between.cache_clear()
    before = sys.gettrace()
    sys.settrace(note)
    try:
        answer = work()
    finally:
        sys.settrace(before)
    return count, len(answer), max(longest, count - since)


def steep(client: FlaskClient, path: str, documents: list[bytes], media_type: str) -> str:
    """What grows too fast, or runs too long without a look at the clock; empty where nothing."""
    found = []
    for document in documents:

        def post(document: bytes = document) -> bytes:
            return client.post(path, data=document, content_type=media_type).data

        found.append(measured(post))
    first, second, last = found
    for place, what, small in ((0, "steps", SMALL_STEPS), (1, "bytes", SMALL_BYTES)):
        before, after = second[place] - first[place], last[place] - second[place]
        if after > small and after > GROWTH * max(before, small / 2):
            return f"{what}: {[row[place] for row in found]}"
    if last[2] - first[2] > 3 * SIZE * GAP:
        return f"no look at the clock for {[row[2] for row in found]} steps"
    return ""
