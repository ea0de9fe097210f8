"""The base of the rules that every volume of a plan is held to, one by one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from policies.plan.plan_policies import GIVEN
from policies.volumes.valid import VOLUME_READS
from service.core.evidence import Gaps, Missing, NotGathered
from service.core.facts.volume_targets import is_copied
from service.core.facts.volumes import COPY, Volume, Volumes, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, passed
from service.core.policy import MigrationPolicy, NotApplicable
from service.kinds.resource import Read
from service.kinds.storage import STORAGE_CLASS

TARGET_READS = (*VOLUME_READS, Read(STORAGE_CLASS))


class PlanVolumePolicy(MigrationPolicy):
    """A rule about single volumes.

    ``good`` is what a pass says, ``idle`` why the rule concerns none of the volumes. ``whole``
    says whether a pass needs every claim of the plan's namespaces; rules about what the plan
    itself selects need only the plan.
    """

    requires = GIVEN

    good: ClassVar[str]
    idle: ClassVar[str] = "no volume of the plan is copied"
    whole: ClassVar[bool] = True

    def applies(self, migration: Migration) -> None:
        volumes(migration).require_any(migration)

    def concerns(self, volume: Volume) -> bool:
        """Whether the rule is about this volume: by default, whether it is copied."""
        return is_copied(volume)

    @abstractmethod
    def faults(self, migration: Migration, volume: Volume) -> Iterator[Outcome]:
        """What is wrong with one volume.

        Raises NotGathered, and NotApplicable where another rule must be met first.
        """

    def alike(self, migration: Migration, volume: Volume) -> Hashable | None:
        """What the faults depend on, where it is not the volume itself (None).

        Of volumes that are alike only the first is judged, as long as nothing is wrong with it:
        ten thousand volumes have a handful of kinds.
        """
        return None

    def wanting(self, found: Volumes) -> dict[Missing, None]:
        """What is missing for a pass, apart from what is missing for single volumes."""
        return missing_volumes(found) if self.whole else {}

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        found = volumes(migration)
        tally = _Tally()
        for volume in found.items:
            if not self.concerns(volume):
                continue
            kind = self.alike(migration, volume)
            if kind in tally.judged:
                tally.examined += tally.judged[kind]
                continue
            yield from self._judge(migration, volume, kind, tally)
        tally.gaps.missing.update(self.wanting(found))
        tally.gaps.require_none()
        if not tally.examined:
            raise NotApplicable(self.idle)
        if tally.sound:
            message = f"{self.good} ({tally.examined})"
            yield passed(found.cluster.subject, message, examined=tally.examined)

    def _judge(
        self, migration: Migration, volume: Volume, kind: Hashable | None, tally: _Tally
    ) -> Iterator[Outcome]:
        counts, well = 1, True
        try:
            for fault in self.faults(migration, volume):
                well = tally.sound = False
                yield fault
        except NotApplicable:
            counts = 0  # it cannot be checked, so it is no part of a pass
        except NotGathered as doubt:  # a later volume may still fail
            tally.gaps.note(doubt)
        tally.examined += counts
        if well and kind is not None:
            tally.judged[kind] = counts


@dataclass(slots=True)
class _Tally:
    """What was judged so far; ``judged`` is what one more volume of a kind adds to examined."""

    examined: int = 0
    sound: bool = True
    gaps: Gaps = field(default_factory=Gaps)
    judged: dict[Hashable, int] = field(default_factory=dict)


def missing_volumes(found: Volumes) -> dict[Missing, None]:
    """What is missing for knowing every claim and volume of the plan."""
    reasons = (found.no_claims, found.no_volumes)
    return {item: None for reason in reasons if reason is not None for item in reason.missing}


def selected_copy(volume: Volume) -> bool:
    """Whether the plan itself selects a copy; for rules about what is written in the plan."""
    return volume.planned is not None and volume.planned.action == COPY
