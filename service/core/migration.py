"""The typed snapshot that the policies judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from service.core.evidence import Missing, NotGathered, Problem, Role
from service.core.inventory import Entry, Inventory
from service.core.memo import Memo
from service.core.releases import Releases
from service.core.values.versions import Version
from service.kinds.mtc import MIG_PLAN, MIG_STORAGE, MTC_NAMESPACE, MigPlan, MigStorage
from service.kinds.ref import Origin, Pointer, Subject
from service.kinds.resource import Resource, fetch_command

T = TypeVar("T")

NO_RELEASES = Releases()
"""What a migration knows that was made without any release data."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A fact that somebody states in a descriptor, with the place where it is stated."""

    value: Any
    pointer: Pointer


@dataclass(frozen=True, slots=True)
class Probe:
    """A measured connection attempt.

    ``source`` is the role of the cluster that it is about, ``vantage`` where it really ran:
    ``cluster`` (a pod there), ``workstation`` or ``declared`` (a person says so).
    ``target`` is ``api``, ``routes``, ``registry``, ``repository``, ``dns``, ``volume`` or
    ``endpoint``; ``cluster`` the role that the target belongs to, "" if none. ``port`` in
    1..65535, 0 if not meant. ``open`` is the result; ``detail`` says what happened. ``pod`` is
    ``rsync`` for a pod with the labels of MTC's rsync pods, ``velero`` for one of MTC's namespace,
    "" if not known; ``proxy`` whether it went through an HTTP proxy.
    """

    source: Role
    vantage: str
    target: str
    open: bool
    pointer: Pointer
    cluster: str = ""
    host: str = ""
    port: int = 0
    detail: str = ""
    http_status: int | None = None
    pod: str = ""
    proxy: bool | None = None


class Other(NamedTuple):
    """A kind that no policy reads, in a namespace."""

    namespace: str
    api_version: str
    kind: str


@dataclass(slots=True)
class Part:
    """A part of the input: what it was, and when its contents were collected, if known."""

    name: str
    role: str
    form: str = "text"
    documents: int = 0
    objects: int = 0
    collected: datetime | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster of the migration. ``given`` is False where the input holds nothing of it.

    ``identities`` are the cluster IDs in its parts (ClusterVersion.spec.clusterID, kube-system uid
    …), each with the place; more than one kind of answer is a contradiction.
    ``others`` are the kinds of objects that no policy reads, each with the place of the first;
    ``looked`` are resources of such kinds (``plural.group``), each with a namespace of which the
    evidence holds every object, "" for all.
    """

    role: Role
    name: str
    inventory: Inventory
    declared: Mapping[str, Declared] = field(default_factory=dict)
    given: bool = True
    identities: Mapping[str, tuple[tuple[str, Pointer], ...]] = field(default_factory=dict)
    others: Mapping[Other, Pointer] = field(default_factory=dict)
    looked: frozenset[tuple[str, str]] = frozenset()
    memo: Memo = field(default_factory=Memo, init=False, repr=False, compare=False)

    @property
    def subject(self) -> Subject:
        """The cluster itself as the subject of a finding."""
        return Subject(self.name, kind="Cluster", name=self.name)

    def all(self, resource: Resource[T], namespaces: Sequence[str] | None = None) -> tuple[T, ...]:
        """See :meth:`Inventory.all`."""
        return self.inventory.all(resource, namespaces)

    def known(
        self,
        resource: Resource[T],
        namespaces: Iterable[str] | None = None,
        where: Callable[[Entry], bool] | None = None,
    ) -> tuple[T, ...]:
        """See :meth:`Inventory.known`."""
        return self.inventory.known(resource, namespaces, where)

    def find(self, resource: Resource[T], name: str, namespace: str = "") -> T | None:
        """See :meth:`Inventory.find`."""
        return self.inventory.find(resource, name, namespace)

    def get(self, resource: Resource[T], name: str, namespace: str = "") -> T:
        """See :meth:`Inventory.get`."""
        return self.inventory.get(resource, name, namespace)

    def missing(self, fact: str, command: str, reason: str = "") -> NotGathered:
        """The exception for a fact that is no object of the cluster."""
        return NotGathered(Missing(fact, self.role, command, reason))


@dataclass(frozen=True, slots=True)
class Requested:
    """What the caller asks to assume: a date, and versions to judge against (what-if).

    ``max_age_hours`` is the age from which evidence is stale, None as policy MTC901 has it.
    """

    as_of: datetime
    target_openshift: Version | None = None
    target_mtc: Version | None = None
    max_age_hours: float | None = None


@dataclass(frozen=True, slots=True)
class UpdateGraph:
    """An OpenShift update graph or a release list that came with the request or the settings.

    ``newest`` maps a channel and a minor release ("stable-4.14", "4.14") to its newest version.
    """

    origin: Origin
    newest: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Migration:
    """Everything that is known of one migration.

    ``host`` is the cluster that runs the MTC controller: the same object as ``source`` or
    ``destination``, or a third cluster. Its default is the destination. ``releases`` is what was
    published of OpenShift, MTC and OADP.
    """

    source: Cluster
    destination: Cluster
    host: Cluster
    requested: Requested
    given_plan: MigPlan | None = None
    plan_reason: str = ""
    given_storage: MigStorage | None = None
    probes: tuple[Probe, ...] = ()
    graphs: tuple[UpdateGraph, ...] = ()
    releases: Releases = NO_RELEASES
    parts: tuple[Part, ...] = ()
    problems: tuple[Problem, ...] = ()
    memo: Memo = field(default_factory=Memo, init=False, repr=False, compare=False)

    def derive(self, compute: Callable[[Migration], T]) -> T:
        """What a pure function makes of this migration, computed once for all policies.

        A changed copy (``dataclasses.replace``) starts with an empty cache.
        """
        return self.memo.get(compute, compute, self)

    def release(self) -> None:
        """Let go of all evidence; to be called when the last report is made."""
        self.memo.clear()
        for cluster in self.clusters:
            cluster.memo.clear()
            cluster.inventory.release()

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Source, destination and, where it is a third one, the host."""
        pair = (self.source, self.destination)
        return pair if self.host in pair else (*pair, self.host)

    @property
    def plan(self) -> MigPlan:
        """The plan to judge. Raises NotGathered where none, or more than one, was given."""
        if self.given_plan is None:
            command = fetch_command(MIG_PLAN, "<plan>", MTC_NAMESPACE)
            fact = "the MigPlan: which namespaces, volumes and kind of migration are meant"
            raise NotGathered(Missing(fact, self.host.role, command, self.plan_reason))
        return self.given_plan

    @property
    def storage(self) -> MigStorage:
        """The replication repository. Raises NotGathered where there is none."""
        if self.given_storage is None:
            named = self.given_plan.storage if self.given_plan else None
            if named is not None and named.is_set:
                inventory = self.host.inventory
                raise inventory.not_gathered(MIG_STORAGE, named.name, named.namespace)
            command = fetch_command(MIG_STORAGE, "", MTC_NAMESPACE)
            raise NotGathered(Missing("the MigStorage of the plan", self.host.role, command))
        return self.given_storage

    @property
    def source_namespaces(self) -> tuple[str, ...]:
        """The namespaces that the plan takes from the source, each once, in its order."""
        return tuple(dict.fromkeys(item.source for item in self.plan.namespaces))

    def is_host(self, cluster: Cluster) -> bool:
        """Whether the MTC controller runs on this cluster."""
        return cluster is self.host


def once_per_cluster(compute: Callable[[Cluster], T]) -> Callable[[Cluster], T]:
    """A pure function of a cluster that many policies call: computed once for each."""

    @wraps(compute)
    def remembered(cluster: Cluster) -> T:
        return cluster.memo.get(compute, compute, cluster)

    return remembered


def once_per_role(compute: Callable[[Migration, Cluster], T]) -> Callable[[Migration, Cluster], T]:
    """As :func:`once_per_cluster`, of a cluster within a migration."""

    @wraps(compute)
    def remembered(migration: Migration, cluster: Cluster) -> T:
        if (
            cluster is migration.source
            or cluster is migration.destination
            or (cluster is migration.host)
        ):
            return migration.memo.get((compute, cluster.role), compute, migration, cluster)
        return compute(migration, cluster)

    return remembered
