"""What the objects and the declarations of a cluster amount to, each fact with its evidence.

An observed object is always believed over a declaration; that they disagree is a finding of policy
MTC902, not of the reader. Every function raises NotGathered where the evidence does not show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from service.kinds.ref import Pointer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value with the places of the evidence that it was read from."""

    value: T
    evidence: tuple[Pointer, ...]
