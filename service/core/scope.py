"""What an evaluation was limited to: the profile, what was left out, and what was set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

FULL = "full"
"""The profile of all policies."""


class Skipped(NamedTuple):
    """A policy that was not evaluated; ``severity`` is that of its findings."""

    policy: str
    name: str
    severity: str
    reason: str


class Changed(NamedTuple):
    """A severity or a parameter that differs from what the policy has by itself.

    ``setting`` is ``severity`` or the name of a parameter; ``by`` is who set it.
    """

    policy: str
    setting: str
    value: str
    by: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What was evaluated, and how it was set.

    ``only`` are the words by which a request narrowed the profile; ``skipped`` every policy that
    was not evaluated, ``left_out`` those of them that somebody named. ``files`` are the
    configuration files that had a say.
    """

    profile: str = FULL
    only: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    left_out: int = 0
    changed: tuple[Changed, ...] = ()
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The limits in a few words, such as ``profile chapter, 1 skipped``; "" without any."""
        words = [
            f"profile {self.profile}" if self.profile != FULL else "",
            f"only {', '.join(self.only)}" if self.only else "",
            f"{self.left_out} skipped" if self.left_out else "",
        ]
        return ", ".join(word for word in words if word)


WHOLE = Scope()
"""All policies, as they are."""
