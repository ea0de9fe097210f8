"""Keys that a hand-written form does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from service.core.deadline import paced
from service.core.evidence import Problem
from service.intake.input_place import Place


def unknown_keys(value: Mapping[str, Any], known: Sequence[str], place: Place) -> Iterator[Problem]:
    """A problem for each key that does not exist, with the nearest one that does."""
    for key in paced(value):
        if key not in known:
            near = get_close_matches(str(key), known, 1, 0.6)
            meant = f"did you mean {near[0]!r}? " if near else ""
            yield place.down(str(key)).problem(
                "unknown-field",
                f"there is no field {str(key)[:60]!r} here",
                f"{meant}known fields: {', '.join(known)}",
            )
