"""The list of namespaces of a plan: how many, how they are written, whether they exist."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Any, ClassVar

from policies import links
from policies.plan.plan_policies import GIVEN, PLAN_READS, VALIDATION, edit, entry, named
from service.core.evidence import Gaps, Missing, NotGathered
from service.core.facts import namespaces, plan_limits
from service.core.facts.namespaces import TERMINATING, is_there, phase
from service.core.facts.plan_limits import DEFAULTS, limit
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, passes_alone, passes_beside
from service.core.policy import ClusterPolicy, MigrationPolicy, NotApplicable
from service.core.values.names import is_label
from service.core.values.wording import few, plural
from service.kinds.cluster import CONFIG_MAP, NAMESPACE, Namespace
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE, MigPlan, NamespaceMapping
from service.kinds.operators import CLUSTER_SERVICE_VERSION
from service.kinds.ref import Subject
from service.kinds.resource import Read, Resource, fetch_command
from service.kinds.workloads import DEPLOYMENT


class NamespaceCount(MigrationPolicy):
    """A plan has at least one namespace, and not more than the controller allows (10)."""

    id = "MTC740"
    name = "namespace-count"
    title = "The plan lists namespaces, and not more than the limit"
    why = "The plan never becomes Ready, and its volumes are not discovered."
    reads = (*PLAN_READS, *plan_limits.READS)
    requires = GIVEN
    remedy = (
        "Split the plan (POST /v1/migplans/partition proposes how), or raise mig_namespace_limit "
        "in the MigrationController."
    )
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validateNamespaces; pkg/settings/plan.go"
    upstream = ("NamespaceListEmpty", "NamespaceLimitExceeded")
    better = "Proposes how to split the plan."
    single = True

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan = migration.plan
        count = len(plan.namespaces)
        if not count:
            yield failed(
                plan.ref.subject,
                f"{named(plan)} lists no namespace",
                plan.ref.at("/spec/namespaces"),
                found="0",
                wanted="at least 1",
                key="empty",
                commands=(edit(plan),),
                observed=0,
            )
            return
        most = limit(migration, "mig_namespace_limit")
        allowed = most.value if most else DEFAULTS["mig_namespace_limit"]
        if count <= allowed:
            note = "" if most else ", MTC's default"
            yield passed(
                plan.ref.subject,
                f"{plural(count, 'namespace')}; the limit is {allowed}{note}",
                plan.ref.at("/spec/namespaces"),
                examined=count,
            )
            return
        if most is None:
            raise NotGathered(
                Missing(
                    "the limit of namespaces (mig_namespace_limit)",
                    migration.host.role,
                    fetch_command(MIGRATION_CONTROLLER, namespace=MTC_NAMESPACE),
                )
            )
        yield failed(
            plan.ref.subject,
            f"{named(plan)} has {plural(count, 'namespace')}, but the limit is {allowed}",
            plan.ref.at("/spec/namespaces", count),
            *most.evidence,
            found=str(count),
            wanted=f"at most {allowed}",
            key="limit",
            commands=(edit(plan),),
            observed=count,
        )


class NamespacesPolicy(MigrationPolicy):
    """A rule about the entries of the list; an empty one is MTC740's finding."""

    requires = GIVEN

    def applies(self, migration: Migration) -> None:
        if not migration.plan.namespaces:
            raise NotApplicable("the plan lists no namespace")


class EachNamespace(NamespacesPolicy):
    """A rule that the entries of the list are held to one by one; ``good`` is what a pass says.

    Findings with severity info do not prevent a pass.
    """

    good: ClassVar[str]

    def entries(self, migration: Migration) -> Sequence[NamespaceMapping]:
        """The entries that the rule is about: by default, all."""
        return migration.plan.namespaces

    def passes(self, migration: Migration) -> Cluster:
        """The cluster that a pass is about."""
        return migration.destination

    @abstractmethod
    def faults(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        """What is wrong with one entry. Raises NotGathered: a later entry may still fail."""

    @passes_beside(Severity.INFO)
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        gaps = Gaps()
        entries = self.entries(migration)
        for item in entries:
            with gaps.noted():
                yield from self.faults(migration, item)
        gaps.require_none()
        count = len(entries)
        yield passed(self.passes(migration).subject, f"{self.good} ({count})", examined=count)


class NamespaceNames(NamespacesPolicy):
    """Every entry is `source` or `source:destination`, and both are names of namespaces.

    What follows a second colon is ignored without a word, so such an entry does not do what it
    says. The controller looks at the destination's name only.
    """

    id = "MTC741"
    name = "namespace-names"
    title = "The entries of the plan's namespaces are well formed"
    why = "The destination rejects the namespace, or data is copied to the wrong one."
    reads = PLAN_READS
    remedy = "Write `source` or `source:destination`, both lower-case DNS labels of 63 characters."
    docs = (links.MAPPING,)
    source = f"{VALIDATION} validateNamespaces; pkg/apis/migration/v1alpha1/migplan_types.go"
    upstream = ("NamespaceNotDNSCompliant",)
    better = "Also checks source names, empty halves and a second colon."

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan = migration.plan
        for index, item in enumerate(plan.namespaces):
            for key, fault in _faults(item.text):
                yield failed(
                    plan.ref.subject,
                    f"entry {item.text!r} of {named(plan)}: {fault}",
                    entry(plan, index),
                    found=item.text,
                    wanted="source or source:destination",
                    key=f"{key} {item.text}",
                    commands=(edit(plan),),
                )
        yield passed(
            plan.ref.subject,
            f"every entry is well formed ({len(plan.namespaces)})",
            examined=len(plan.namespaces),
        )


def _faults(text: str) -> Iterator[tuple[str, str]]:
    halves = text.split(":")
    if len(halves) > 2:
        yield (
            "colon",
            (f"MTC ignores {':'.join(['', *halves[2:]])!r}, everything from the second colon on"),
        )
    for side, name in zip(("source", "destination"), halves[:2], strict=False):
        if not name:
            yield side, f"the {side} half is empty"
        elif not is_label(name):
            yield side, f"the {side} half {name!r} is not a valid namespace name (DNS-1123 label)"


class NamespaceMappings(NamespacesPolicy):
    """No namespace is listed twice on either side of the plan.

    Two sources that go to one destination overwrite each other's objects there.
    """

    id = "MTC743"
    name = "namespace-mappings"
    title = "No namespace is listed twice, and no two go to the same destination"
    why = "The plan never becomes Ready."
    reads = PLAN_READS
    remedy = "List each source once, and give each a different destination."
    docs = (links.MAPPING,)
    source = f"{VALIDATION} validateSourceNamespaces, validateDestinationNamespaces"
    upstream = ("DuplicateNamespaceOnSourceCluster", "DuplicateNamespaceOnDestinationCluster")
    better = "Names the entries that collide."

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan = migration.plan
        collisions = list(_collisions(plan))
        for side, name, places in collisions:
            texts = [plan.namespaces[place].text for place in places]
            yield failed(
                plan.ref.subject,
                f"{named(plan)} has {side} namespace {name} {len(places)} times: {few(texts)}",
                *(entry(plan, place) for place in places[:5]),
                found=", ".join(texts[:10]),
                wanted=f"{side} namespace {name} once",
                key=f"{side} {name}",
                commands=(edit(plan),),
                observed=len(places),
            )
        if not collisions:
            yield passed(
                plan.ref.subject,
                f"every namespace is listed once on each side ({len(plan.namespaces)})",
                examined=len(plan.namespaces),
            )


def _collisions(plan: MigPlan) -> Iterator[tuple[str, str, list[int]]]:
    for side in ("source", "destination"):
        places: dict[str, list[int]] = {}
        for index, item in enumerate(plan.namespaces):
            places.setdefault(getattr(item, side), []).append(index)
        yield from ((side, name, found) for name, found in places.items() if len(found) > 1)


class SourceNamespaces(EachNamespace):
    """Every source namespace exists, and none is being deleted."""

    id = "MTC744"
    name = "source-namespaces"
    title = "The plan's namespaces exist on the source"
    why = (
        "The plan never becomes Ready. Nothing can be migrated from a namespace that is being "
        "deleted."
    )
    reads = (*PLAN_READS, *namespaces.READS)
    remedy = "Correct the name, or remove the namespace from the plan."
    docs = (links.MIGRATING,)
    source = f"{VALIDATION} validateSourceNamespaces"
    upstream = ("NamespaceNotFoundOnSourceCluster",)
    better = "Also detects a namespace that is Terminating."
    good = "every namespace exists"

    def entries(self, migration: Migration) -> Sequence[NamespaceMapping]:
        first = migration.derive(_places)
        return [migration.plan.namespaces[place] for place in first.values()]

    def passes(self, migration: Migration) -> Cluster:
        return migration.source

    def faults(self, migration: Migration, item: NamespaceMapping) -> Iterator[Outcome]:
        plan, source, name = migration.plan, migration.source, item.source
        there, namespace = is_there(source, name)
        if not there:
            yield failed(
                Subject(source.name, "v1", "Namespace", "", name),
                f"namespace {name} of {named(plan)} does not exist on the source",
                entry(plan, migration.derive(_places)[name]),
                found="no such namespace",
                wanted=f"namespace {name}",
                commands=("oc get namespaces", edit(plan)),
            )
        elif namespace is not None and namespace.phase == TERMINATING:
            yield terminating(source, namespace)


def _places(migration: Migration) -> dict[str, int]:
    """The index of the first entry of each source namespace."""
    first: dict[str, int] = {}
    for index, item in enumerate(migration.plan.namespaces):
        first.setdefault(item.source, index)
    return first


def terminating(
    cluster: Cluster, namespace: Namespace, where: str = "", wanted: str = "Active"
) -> Outcome:
    """The finding about a namespace that is being deleted."""
    name = namespace.ref.name
    return failed(
        Subject(cluster.name, "v1", "Namespace", "", name),
        f"namespace {name} is being deleted{where}",
        phase(namespace),
        found=TERMINATING,
        wanted=wanted,
        commands=(f"oc get namespace {quote(name)} -o json",),
    )


_PROOFS: tuple[Resource[Any], ...] = (CONFIG_MAP, CLUSTER_SERVICE_VERSION, DEPLOYMENT)


class MtcNamespace(ClusterPolicy):
    """MTC is installed in namespace openshift-migration, on the source and the destination.

    The name is hard-coded in the controller. The namespace itself, or an object of MTC in it,
    proves it; so does a declared MTC release. A namespace that is being deleted still holds
    such objects for a while.
    """

    id = "MTC745"
    name = "mtc-namespace"
    single = True
    title = "Namespace openshift-migration exists on every cluster"
    why = "The plan never becomes Ready, because MTC is missing on that cluster."
    reads = (
        Read(NAMESPACE),
        Read(CONFIG_MAP, MTC_NAMESPACE),
        Read(CLUSTER_SERVICE_VERSION, MTC_NAMESPACE),
        Read(DEPLOYMENT, MTC_NAMESPACE),
    )
    declares = ("mtcVersion",)
    remedy = "Install the MTC operator in namespace openshift-migration (manually on OpenShift 3)."
    docs = (links.CHECKLISTS,)
    source = f"{VALIDATION} validateSourceNamespaces, validateDestinationNamespaces"
    upstream = ("NamespaceNotFoundOnSourceCluster", "NamespaceNotFoundOnDestinationCluster")
    better = "Also checks the host cluster if it is a third cluster."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        for namespace in cluster.known(NAMESPACE):
            if namespace.ref.name == MTC_NAMESPACE and namespace.phase == TERMINATING:
                fault = terminating(cluster, namespace)
                yield fault._replace(subject=cluster.subject)
                return
        for resource in _PROOFS:
            for item in cluster.known(resource, (MTC_NAMESPACE,)):
                yield passed(cluster.subject, "objects of MTC exist", item.ref.at(""))
                return
        declared = cluster.declared.get("mtcVersion")
        if declared is not None:
            yield passed(cluster.subject, f"declared: MTC {declared.value}", declared.pointer)
            return
        there = cluster.find(NAMESPACE, MTC_NAMESPACE)
        if there is None:
            yield failed(
                cluster.subject,
                f"namespace {MTC_NAMESPACE} does not exist: MTC is not installed here",
                found="no such namespace",
                wanted=f"namespace {MTC_NAMESPACE} with the MTC operator",
                commands=(f"oc get namespace {MTC_NAMESPACE}",),
            )
        else:
            yield passed(cluster.subject, f"{MTC_NAMESPACE} exists", phase(there))
