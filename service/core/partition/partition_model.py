"""What is partitioned, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

Size = tuple[int, int, int]
"""Namespaces, pods and volumes: of a group, of a plan, or the limits of a plan."""

DIMENSIONS = ("namespaces", "pods", "volumes")


@dataclass(frozen=True, slots=True)
class Load:
    """A namespace of the source with its running pods and its persistent volumes.

    ``text`` is how a plan lists it: ``name`` or ``name:destination``.
    """

    text: str
    pods: int = 0
    volumes: int = 0

    @property
    def name(self) -> str:
        """The namespace on the source."""
        return self.text.partition(":")[0]


class TieKind(StrEnum):
    """Why namespaces belong together."""

    GROUP = "group"
    VOLUME = "volume"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Tie:
    """Two namespaces that belong together.

    A reference has a direction: ``one`` needs ``other``. The other kinds have none, and only a
    reference may be turned into an order of migration where its namespaces do not fit together.
    """

    one: str
    other: str
    kind: TieKind
    why: str = ""


@dataclass(frozen=True, slots=True)
class PartitionRequest:
    """The namespaces, what ties them, and what one plan may hold."""

    loads: tuple[Load, ...]
    ties: tuple[Tie, ...] = ()
    limits: Size = (10, 100, 100)


@dataclass(frozen=True, slots=True)
class Portion:
    """One plan: its wave (from 1), its namespaces as a plan lists them, and its size."""

    wave: int
    texts: tuple[str, ...]
    size: Size


@dataclass(frozen=True, slots=True)
class Oversized:
    """Namespaces that must stay together and fit into no plan; ``exceeds`` names the limits."""

    texts: tuple[str, ...]
    size: Size
    exceeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Partition:
    """The plans in the order of migration.

    ``bound`` is a number of plans that no partition of the namespaces that fit can undercut.
    ``minimal`` says that there is provably none with fewer plans; False where it was not shown.
    ``ordered`` are the references that became an order of waves.
    """

    plans: tuple[Portion, ...]
    oversized: tuple[Oversized, ...]
    bound: int
    minimal: bool
    ordered: tuple[Tie, ...] = field(default=())
