"""What is missing of the evidence, and what of it cannot be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from service.core.allowance import PROBLEM, spend


class Role(StrEnum):
    """What a cluster is in the migration. The host runs the MTC controller."""

    SOURCE = "source"
    DESTINATION = "destination"
    HOST = "host"


class Fetch(NamedTuple):
    """A whole list that is missing: the resource as an argument of `oc get`, and its namespaces.

    No namespaces are all of them.
    """

    resource: str
    namespaces: tuple[str, ...] = ()


CHECKS = ("tcp", "tls", "registry", "dns")
"""How a connection is tried: see :class:`Attempt`."""


class Attempt(NamedTuple):
    """A connection to try from a pod of a cluster.

    ``target``, ``cluster``, ``port`` and ``pod`` as of :class:`service.core.migration.Probe`.
    ``host`` is "" where the evidence does not name it. ``check`` is ``tcp``, ``tls`` (through the
    pod's HTTP proxy, if it has one), ``registry`` (the same, GET /v2/_catalog) or ``dns``.
    """

    target: str
    cluster: str = ""
    host: str = ""
    port: int = 443
    check: str = "tls"
    pod: str = "velero"


class Missing(NamedTuple):
    """A fact that was not gathered, and the exact command that fetches it.

    ``cluster`` is the role to log in to, "" for evidence that belongs to no cluster.
    ``reason`` says why it is missing where the evidence has it (``forbidden``). ``fetch`` is set
    where the fact is a whole list, so that lists of several namespaces can be fetched as one;
    ``attempt`` where it is whether a connection is open.
    (A named tuple for speed, as :class:`Ref`.)
    """

    fact: str
    cluster: str
    command: str
    reason: str = ""
    fetch: Fetch | None = None
    attempt: Attempt | None = None


class NotGathered(Exception):
    """A policy read what was not gathered; the engine turns this into ``unknown``."""

    def __init__(self, *missing: Missing) -> None:
        super().__init__(*missing)
        self.missing = missing

    def __str__(self) -> str:
        return "; ".join(item.fact for item in self.missing)


class Gaps:
    """What is missing for a pass, noted while the rest is judged."""

    def __init__(self, missing: Iterable[Missing] = ()) -> None:
        self.missing: dict[Missing, None] = dict.fromkeys(missing)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what is not gathered, and go on."""
        try:
            yield
        except NotGathered as gap:
            self.note(gap)

    def note(self, gap: NotGathered) -> None:
        """Note what is missing."""
        self.missing.update(dict.fromkeys(gap.missing))

    def require_none(self) -> None:
        """Raise NotGathered with all that was noted; nothing if nothing is missing."""
        if self.missing:
            raise NotGathered(*self.missing)


@dataclass(frozen=True, slots=True)
class Problem:
    """A piece of the input that could not be used; the rest of the input was.

    ``code`` is a stable kebab-case word. ``line`` and ``column`` count from 1.
    ``blocks`` is False for what is worth telling but cannot change a verdict.
    """

    code: str
    message: str
    hint: str = ""
    part: str = ""
    member: str = ""
    document: int | None = None
    line: int | None = None
    column: int | None = None
    pointer: str = ""
    blocks: bool = True

    def __post_init__(self) -> None:
        spend(PROBLEM)


class Unusable(Exception):
    """An object cannot be read at all; ``problem`` says why, and where it is."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
