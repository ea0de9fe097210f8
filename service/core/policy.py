"""The base of all policies: one class holds one rule, whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Self, TypeVar

from service.core.link import Link
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity
from service.core.report import Finding
from service.kinds.ref import Pointer
from service.kinds.resource import Read

S = TypeVar("S")


class NotApplicable(Exception):
    """Raised by :meth:`Policy.applies` where the rule does not concern this migration."""

    def __init__(self, reason: str, *evidence: Pointer) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a policy compares with, and that its users may set.

    ``name`` is in kebab-case (``max-age``), ``least`` and ``most`` are the bounds of what may be
    set, both included; ``whole`` numbers have no fraction.
    """

    name: str
    default: float
    unit: str
    least: float
    most: float
    meaning: str
    whole: bool = False

    @property
    def takes(self) -> str:
        """What may be set, in words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} of {self.unit} from {self.least:.15g} to {self.most:.15g}"

    def accepts(self, value: float) -> bool:
        """Whether this value may be set."""
        return self.least <= value <= self.most and not (self.whole and value % 1)


class Policy(ABC, Generic[S]):
    """One prerequisite.

    Docs, API, CLI and tests are derived from the class attributes:

    ``id``        stable for ever (``MTC302``)
    ``name``      kebab-case name (``single-proxy``)
    ``title``     the prerequisite as one sentence
    ``why``       what happens to the migration when it is not met
    ``severity``  of a failed finding, unless the outcome has its own
    ``unsure``    of an unknown that only says that evidence is missing, where that is milder
    ``reads``     the evidence that the check reads
    ``declares``  the facts and probes that it takes from a descriptor or a collection
    ``requires``  ids of the policies that it builds on: what it finds while one of them is open
                  for the same cluster is a consequence, and is reported with that one
    ``remedy``    how to fix it, in words
    ``docs``      where the rule is written
    ``source``    documentation section or MTC code that the rule comes from
    ``upstream``  condition types of MTC's controller with the same meaning
    ``better``    what is checked beyond those conditions
    ``vacuous``   why a pass that has looked at nothing is right, where there is one
    ``single``    whether a check of one item has one result: the item then identifies the finding
                  over all verdicts, whatever object a failed finding is about
    ``chapter``   whether the prerequisites of the documentation's chapter state it
    ``parameters`` numbers that the check compares with, and that users may set
    ``pack``      the policy pack that it comes from, set by the loader; "" for our own
    """

    id: ClassVar[str]
    name: ClassVar[str]
    title: ClassVar[str]
    why: ClassVar[str]
    severity: ClassVar[Severity] = Severity.BLOCKER
    unsure: ClassVar[Severity | None] = None
    reads: ClassVar[tuple[Read[Any], ...]]
    declares: ClassVar[tuple[str, ...]] = ()
    requires: ClassVar[tuple[str, ...]] = ()
    remedy: ClassVar[str]
    docs: ClassVar[tuple[Link, ...]]
    source: ClassVar[str]
    upstream: ClassVar[tuple[str, ...]] = ()
    better: ClassVar[str] = ""
    vacuous: ClassVar[str] = ""
    single: ClassVar[bool] = False
    chapter: ClassVar[bool] = False
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    pack: ClassVar[str] = ""
    values: Mapping[str, float] = MappingProxyType({})
    """What was set of the parameters, each within its bounds."""

    def value(self, parameter: str) -> float:
        """The value of a parameter, as it was set or by default."""
        defaults = {item.name: item.default for item in self.parameters}
        return self.values.get(parameter, defaults[parameter])

    def tuned(self, severity: Severity | None, values: Mapping[str, float]) -> Self:
        """The same policy with this severity, and with these values beside those that it has."""
        made = copy(self)
        vars(made).update(
            severity=severity or self.severity,
            values=MappingProxyType({**self.values, **values}),
        )
        return made

    @classmethod
    def area(cls) -> str:
        """What it belongs to: an area of policies/, or the pack."""
        steps = (cls.pack or cls.__module__).split(".")
        return steps[min(1, len(steps) - 1)]

    def applies(self, migration: Migration) -> None:
        """Raise NotApplicable where the rule does not concern this migration.

        Where it raises NotGathered instead, the check still runs: a pass is kept, and a failure
        becomes an unknown that names what is missing, because it may not matter.
        """
        return

    @abstractmethod
    def subjects(self, migration: Migration) -> Iterable[S]:
        """What is checked one by one; missing evidence of one does not touch the others."""

    @abstractmethod
    def check(self, migration: Migration, subject: S) -> Iterator[Outcome]:
        """Yield at least one outcome. Reading what was not gathered raises NotGathered."""


class ClusterPolicy(Policy[Cluster]):
    """A rule that every cluster of the migration is held to."""

    def subjects(self, migration: Migration) -> Iterable[Cluster]:
        return migration.clusters


class MigrationPolicy(Policy[Migration]):
    """A rule about the migration as a whole."""

    def subjects(self, migration: Migration) -> Iterable[Migration]:
        return (migration,)


def reads_of(policies: Iterable[Policy[Any]]) -> tuple[Read[Any], ...]:
    """What these policies read, each once."""
    return tuple(dict.fromkeys(read for policy in policies for read in policy.reads))


@dataclass(frozen=True, slots=True)
class Judged:
    """What the policies found; ``policies`` are those that were asked."""

    findings: tuple[Finding, ...] = ()
    policies: tuple[Policy[Any], ...] = ()


class CrossCheck(Policy[Judged]):
    """A rule about what the other policies found; the engine judges it after all of them.

    Its one subject is the :class:`Judged` of the same evaluation.
    """

    def subjects(self, migration: Migration) -> Iterable[Judged]:
        return ()  # the engine hands in what was judged
