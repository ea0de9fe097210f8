"""A page that a rule or a finding refers to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the documentation that states or explains the rule."""

    title: str
    url: str
