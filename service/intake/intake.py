"""What a request holds, filled part by part until it settles into a migration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from service.core.evidence import Problem
from service.core.migration import Migration, Part, Probe, UpdateGraph
from service.intake.gathering import Gathering
from service.intake.intake_errors import Unreadable, problem_of
from service.intake.limits import Limits
from service.intake.sources import Sources
from service.intake.wanted_objects import Wanted
from service.kinds.mtc import MIG_PLAN
from service.kinds.ref import Origin
from service.kinds.resource import Read


@dataclass(slots=True)
class Intake:
    """Everything of one request: what was found, what could not be read, and where it all stood.

    ``options`` start as those of the caller; an envelope adds what these leave open. ``reads``
    are those of the policies, None to read everything. ``gatherings`` are by role, or by part and
    folder (``source:host``) where an archive has one for each cluster. ``loose`` holds MTC's own
    resources of the parts plan, storage and controller; they belong to the host cluster, whichever
    that is. ``names`` are the parts and members of texts so far, ``documents`` their number.
    ``migration`` is there once it settled.
    """

    options: dict[str, Any]
    limits: Limits
    reads: tuple[Read[Any], ...] | None = None
    gatherings: dict[str, Gathering] = field(default_factory=dict)
    loose: Gathering = field(default_factory=Gathering)
    probes: list[Probe] = field(default_factory=list)
    graphs: list[UpdateGraph] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    sources: Sources = field(default_factory=Sources)
    names: set[tuple[str, str]] = field(default_factory=set)
    documents: int = 0
    plan_given: bool = False
    waivers: Any = None
    baseline: Any = None
    migration: Migration = field(init=False)

    def gathering(self, role: str, cluster: str = "") -> Gathering:
        """What was found of the cluster of a role, or of a folder of a part."""
        label = f"{role}:{cluster}" if cluster else role
        return self.gatherings.setdefault(label, Gathering())

    @property
    def objects(self) -> int:
        """How many objects were taken in all."""
        return self.loose.objects + sum(item.objects for item in self.gatherings.values())

    def wanted(self) -> Wanted:
        """What is worth reading, now that a plan may have come."""
        return Wanted.of(self.reads, self._plan_namespaces())

    def _plan_namespaces(self) -> list[str] | None:
        """The namespaces of the one plan that came as such, on both sides; None without one."""
        plans = self.loose.entries(MIG_PLAN)
        spec = plans[0].value.get("spec") if len(plans) == 1 else None
        names = spec.get("namespaces") if isinstance(spec, dict) else None
        if not isinstance(names, list):
            return None
        return [half for name in names for half in str(name).split(":")[:2]]

    def problem(self, code: str, message: str, origin: Origin, hint: str = "") -> None:
        """Note what is wrong with a part, a member or a document."""
        self.problems.append(
            Problem(code, message, hint, origin.part, origin.member, origin.document)
        )

    def unreadable(self, error: Unreadable, origin: Origin) -> None:
        """Note that something could not be read."""
        self.problems.append(problem_of(error, origin))

    def release(self) -> None:
        """Let go of the evidence; to be called when the report and its lines are made."""
        self.migration.release()
        self.sources.files.clear()
