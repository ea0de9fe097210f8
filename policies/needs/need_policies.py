"""What the rules about the migration's own objects share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

from policies.plan.plan_policies import GIVEN, PLAN_READS, SidePolicy
from policies.volumes.valid import VOLUME_READS
from service.core.evidence import Gaps
from service.core.facts.direct import direct_volumes
from service.core.facts.namespaces import is_there
from service.core.facts.transfer import rsynced
from service.core.facts.volume_targets import is_copied
from service.core.facts.volumes import Volume, volumes
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, passed
from service.core.policy import MigrationPolicy, NotApplicable, Policy, S
from service.core.values.quantity import human
from service.kinds.cluster import NAMESPACE, Namespace

READS = (*PLAN_READS, *VOLUME_READS)


class NeedPolicy(Policy[S]):
    """A rule that passes where nothing speaks against it and nothing is missing.

    ``good`` is what a pass says. Missing evidence makes a warning, unless something in the
    evidence says that the rule matters here.
    """

    good: ClassVar[str]
    unsure = Severity.WARNING

    @abstractmethod
    def faults(self, migration: Migration, subject: S, gaps: Gaps) -> Iterator[Outcome]:
        """What speaks against it. Raises NotGathered, and NotApplicable."""

    def key_of(self, subject: S) -> str:
        """What separates the pass of a subject from that of another, where they are not objects."""
        return ""

    def check(self, migration: Migration, subject: S) -> Iterator[Outcome]:
        gaps, count = Gaps(), 0
        for outcome in self.faults(migration, subject, gaps):
            count += 1
            yield outcome
        gaps.require_none()
        if not count:
            about = subject if isinstance(subject, Cluster) else migration.destination
            plan = migration.given_plan
            evidence = () if plan is None else (plan.ref.at("/spec"),)
            yield passed(about.subject, self.good, *evidence, key=self.key_of(subject))


class PlanNeed(NeedPolicy[Migration], MigrationPolicy):
    """A rule about the plan as a whole."""

    requires = GIVEN


class SideNeed(NeedPolicy[Cluster], SidePolicy):
    """A rule that the source and the destination are held to, each for itself."""


def require_rsync(migration: Migration) -> None:
    """Raise NotApplicable where rsync copies no volume."""
    direct = direct_volumes(migration)
    if not direct.value:
        raise NotApplicable("no volume is copied directly", *direct.evidence)
    volumes(migration).require_any(migration)


def copied(migration: Migration) -> tuple[Volume, ...]:
    """The volumes that rsync copies."""
    return tuple(
        one
        for one in volumes(migration).items
        if is_copied(one) and (one.planned is None or rsynced(one.planned))
    )


def claim_of(volume: Volume) -> tuple[str, str]:
    """Namespace and name of a volume's claim on the source."""
    namespace, _, name = volume.hold.partition("/")
    return namespace, name


def side_namespaces(migration: Migration, cluster: Cluster) -> tuple[str, ...]:
    """The plan's namespaces as they are called on a cluster."""
    if cluster is migration.source:
        return migration.source_namespaces
    return tuple(dict.fromkeys(item.destination for item in migration.plan.namespaces))


def existing_namespaces(migration: Migration, cluster: Cluster, gaps: Gaps) -> Iterator[str]:
    """Those of them that exist; of the source's, all that are not known to be absent."""
    for name in side_namespaces(migration, cluster):
        if cluster is migration.source:
            yield name
            continue
        with gaps.noted():
            if is_there(cluster, name)[0]:
                yield name


def namespace_to_be(migration: Migration, destination: str) -> Namespace:
    """The destination namespace, or the source's that MTC makes it of. Raises NotGathered."""
    found = migration.destination.find(NAMESPACE, destination)
    if found is not None:
        return found
    return migration.source.get(NAMESPACE, migration.derive(sources_by_destination)[destination][0])


def sources_by_destination(migration: Migration) -> dict[str, list[str]]:
    """The source namespaces that the plan maps to each destination namespace."""
    found: dict[str, list[str]] = {}
    for entry in migration.plan.namespaces:
        found.setdefault(entry.destination, []).append(entry.source)
    return found


def readable(key: str, amount: Decimal) -> str:
    """An amount of what a quota's key is about, as people write it."""
    in_bytes = "memory" in key or "storage" in key
    return human(amount) if in_bytes else f"{amount.normalize():f}"
