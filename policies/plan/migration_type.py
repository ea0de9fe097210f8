"""What kind of migration a plan is, and whether MTC can do it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from policies import links
from policies.plan.plan_policies import GIVEN, PLAN_READS, VALIDATION, edit, entry, named
from service.core.evidence import NotGathered
from service.core.facts import topology
from service.core.facts.plan_type import TYPE_CONDITION, intra_cluster
from service.core.facts.setting_values import is_true, setting
from service.core.facts.topology import mig_cluster
from service.core.migration import Migration
from service.core.outcome import Outcome, failed, passed
from service.core.policy import MigrationPolicy, NotApplicable
from service.core.values.wording import few
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE, MigPlan
from service.kinds.resource import Read


class PlanType(StrEnum):
    """The kinds of plans, as the reasons of condition MigrationTypeIdentified."""

    NAMESPACE = "NamespaceMigrationPlan"
    STATE = "StateMigrationPlan"
    CONVERSION = "StorageConversionPlan"


class MigrationType(MigrationPolicy):
    """The plan's namespaces, mappings and modes make a kind of migration that MTC can do.

    Within one cluster there are two kinds: every namespace is mapped to another one (state
    migration), or none is (conversion of storage classes). Some of each is neither. Moving
    volumes through the repository, and copying images directly, both need two clusters. So does
    the migration of whole namespaces to namespaces of the plan: the controller ends it at once.

    The controller's own block of a mixed mapping is lost where destination namespaces exist
    with other user ids: a later condition of the same type, a warning, takes its place. Here
    they are findings of their own (MTC715).
    """

    id = "MTC714"
    name = "migration-type"
    title = "MTC supports this kind of plan for these clusters"
    why = "The plan is rejected, or the migration fails when it copies volumes or images."
    reads = (*PLAN_READS, *topology.READS, Read(MIGRATION_CONTROLLER, MTC_NAMESPACE))
    requires = GIVEN
    remedy = (
        "For a migration within one cluster, map all namespaces to new ones or none, and set "
        "indirectVolumeMigration: false."
    )
    docs = (links.ABOUT, links.MAPPING)
    source = (
        f"{VALIDATION} validatePossibleMigrationTypes; pkg/controller/directimagemigration/"
        "validation.go; pkg/controller/migmigration/validation.go"
    )
    upstream = ("IntraClusterMigration", "MigrationTypeIdentified", "InvalidDestinationCluster")
    better = "One finding for each reason. The controller keeps only the last of one type."

    def applies(self, migration: Migration) -> None:
        if not migration.plan.namespaces:
            raise NotApplicable("the plan lists no namespace")

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan = migration.plan
        faults = list(_within_one_cluster(migration, plan))
        if faults and _one_cluster(migration):
            yield from faults
            return
        yield passed(
            plan.ref.subject,
            f"a {_WORDS[kind_of(plan, intra_cluster(migration))]}",
            plan.ref.at("/spec/namespaces", len(plan.namespaces)),
            *_stated(plan),
        )


_WORDS = {
    PlanType.NAMESPACE: "migration of whole namespaces",
    PlanType.STATE: "state migration: persistent volumes and selected resources only",
    PlanType.CONVERSION: "storage class conversion within one cluster",
}


def kind_of(plan: MigPlan, within: bool) -> PlanType:
    """The kind of a plan: as MTC has written it into the status, else by its rules.

    ``within`` says whether source and destination are one cluster.
    """
    condition = plan.conditions.get(TYPE_CONDITION)
    if condition is not None and condition.status == "True" and condition.reason in tuple(PlanType):
        return PlanType(condition.reason)
    if plan.indirect_images or plan.indirect_volumes:
        return PlanType.NAMESPACE
    if within:
        mapped = any(item.source != item.destination for item in plan.namespaces)
        return PlanType.STATE if mapped else PlanType.CONVERSION
    renamed = any(item.pvc_name != item.pvc_target for item in plan.volumes or ())
    return PlanType.STATE if renamed else PlanType.NAMESPACE


def _one_cluster(migration: Migration) -> bool:
    """Whether source and destination are one cluster; raises NotGathered where that is open."""
    plan = migration.plan
    if intra_cluster(migration):
        return True
    if plan.ref.flat and not plan.source_cluster.name and not plan.destination_cluster.name:
        return False  # two clusters are described
    for cluster in (migration.source, migration.destination):
        mig_cluster(migration, cluster)
    return False


def _within_one_cluster(migration: Migration, plan: MigPlan) -> Iterator[Outcome]:
    """What would be wrong with the plan if it had one cluster only."""
    if plan.indirect_volumes:
        yield failed(
            plan.ref.subject,
            f"{named(plan)} stays within one cluster, where volumes cannot be copied through the "
            "repository",
            plan.ref.at("/spec/indirectVolumeMigration", "true"),
            found="indirectVolumeMigration: true",
            wanted="indirectVolumeMigration: false",
            key="indirect-volumes",
            commands=(edit(plan),),
        )
    mapped = [item.source != item.destination for item in plan.namespaces]
    if any(mapped) and not all(mapped):
        first = mapped.index(False)
        yield failed(
            plan.ref.subject,
            f"{named(plan)} stays within one cluster and maps {sum(mapped)} of {len(mapped)} "
            "namespaces: map all of them to new namespaces, or none",
            entry(plan, first),
            found=f"{sum(mapped)} of {len(mapped)} mapped",
            wanted="all mapped, or none",
            key="mapping",
            commands=(edit(plan),),
        )
    whole = kind_of(plan, within=True) is PlanType.NAMESPACE
    if whole and not plan.indirect_volumes and len(set(mapped)) == 1:
        yield from _onto_itself(plan)
    if whole and _copies_images(migration, plan):
        yield failed(
            plan.ref.subject,
            f"{named(plan)} stays within one cluster, where direct image migration is not "
            "supported",
            plan.ref.at("/spec/indirectImageMigration", "false"),
            found="indirectImageMigration: false",
            wanted="indirectImageMigration: true, or another kind of plan",
            key="direct-images",
            commands=(edit(plan),),
        )


def _onto_itself(plan: MigPlan) -> Iterator[Outcome]:
    """Whole namespaces that are to be migrated onto namespaces of the plan."""
    sources = {item.source for item in plan.namespaces}
    shared = sorted(sources & {item.destination for item in plan.namespaces})
    if shared:
        yield failed(
            plan.ref.subject,
            f"{named(plan)} stays within one cluster, migrates whole namespaces, and has "
            f"{few(shared)} as source and destination: the migration fails immediately",
            plan.ref.at("/spec/namespaces"),
            found=", ".join(shared[:10]),
            wanted="destinations that are not also sources, or another kind of plan",
            key="same-namespaces",
            commands=(edit(plan),),
            observed=len(shared),
        )


def _copies_images(migration: Migration, plan: MigPlan) -> bool:
    if plan.indirect_images or "imagestreams" in plan.excluded_resources:
        return False
    for name in ("disable_image_migration", "disable_image_copy"):
        try:
            if is_true(setting(migration, name).value):
                return False
        except NotGathered:
            continue  # not set is the default
    return True


def _stated(plan: MigPlan) -> Iterator[Any]:
    if TYPE_CONDITION in plan.conditions:
        yield plan.ref.at("/status/conditions", plan.conditions[TYPE_CONDITION].reason)
