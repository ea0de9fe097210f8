"""Where in the input something is, for messages about it."""

from __future__ import annotations

from typing import Any

from service.core.evidence import Problem
from service.kinds.ref import Origin, Pointer, pointer_step


class Place:
    """A position in a document, for pointers and problems."""

    def __init__(self, origin: Origin, base: str = "") -> None:
        self.origin = origin
        self.base = base

    def down(self, *steps: str | int) -> Place:
        """The position of a child."""
        return Place(
            self.origin, "".join([self.base, *(f"/{pointer_step(str(s))}" for s in steps)])
        )

    def pointer(self, value: Any = None) -> Pointer:
        """An evidence pointer to here."""
        return Pointer(self.origin, self.base, None if value is None else str(value))

    def problem(self, code: str, message: str, hint: str = "", *, blocks: bool = True) -> Problem:
        """A problem with what is here."""
        return Problem(
            code, message, hint, self.origin.part, self.origin.member, self.origin.document,
            pointer=self.base, blocks=blocks,
        )  # fmt: skip
