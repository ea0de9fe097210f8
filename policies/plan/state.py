"""Whether the plan is open, and virtual machines that are to move while they run."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.plan.plan_policies import PLAN_READS, VALIDATION, SidePolicy, named
from service.core.facts.reach import holds
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, passes_alone
from service.core.plan_patch import merge
from service.core.policy import MigrationPolicy, NotApplicable
from service.core.values.versions import Version, parse_or_none
from service.kinds.apis import KUBE_VIRT, KubeVirt
from service.kinds.resource import Read


class PlanOpen(MigrationPolicy):
    """The plan is not closed, and the controller validates it in full.

    After a final migration, and while one runs, the controller suspends a plan: it looks at
    little of it and repeats what it found before. That is a warning.
    """

    id = "MTC780"
    name = "plan-open"
    title = "The plan is open and validated in full"
    why = (
        "No migration starts for a closed plan, and the conditions of a suspended plan may be old."
    )
    reads = PLAN_READS
    remedy = "Make a new plan, or set spec.closed: false; spec.refresh: true validates it again."
    docs = (links.ABOUT,)
    source = (
        "mig-controller pkg/controller/migplan/migplan_controller.go; "
        "pkg/controller/migmigration/validation.go"
    )
    upstream = ("Closed", "PlanClosed", "Suspended")
    better = "Works before a migration is created for the plan."

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan = migration.plan
        suspended = holds(plan.conditions, "Suspended")
        if plan.closed:
            yield failed(
                plan.ref.subject,
                f"{named(plan)} is closed",
                plan.ref.at("/spec/closed", "true"),
                found="closed: true",
                wanted="closed: false",
                key="closed",
                commands=(merge(plan, {"closed": False}),),
            )
        if suspended:
            yield failed(
                plan.ref.subject,
                f"{named(plan)} is suspended, so its other conditions may be old",
                plan.ref.at("/status/conditions", "Suspended"),
                found="Suspended",
                wanted="a plan that is validated",
                key="suspended",
                commands=(merge(plan, {"refresh": True}),),
                severity=Severity.WARNING,
            )
        if not (plan.closed or suspended):
            yield passed(plan.ref.subject, f"{named(plan)} is open", plan.ref.at("/spec/closed"))


FIRST, GATES_UNTIL = Version.parse("1.3.0"), Version.parse("1.5.0")
GATES = ("VolumesUpdateStrategy", "VolumeMigration", "VMLiveUpdateFeatures")
LIVE = "LiveUpdate"


class LiveStorageMigration(SidePolicy):
    """With liveMigrate, OpenShift Virtualization can move volumes of machines that run.

    KubeVirt 1.3 or later, vmRolloutStrategy LiveUpdate, and up to 1.5 three feature gates. Where
    there is no KubeVirt there are no machines either: information only.
    """

    id = "MTC785"
    name = "live-storage-migration"
    title = "Virtual machines can be migrated live, if the plan requests it"
    why = "The virtual machines are stopped for the migration instead."
    severity = Severity.WARNING
    reads = (*PLAN_READS, Read(KUBE_VIRT))
    remedy = (
        "Update OpenShift Virtualization, and configure what is missing in its KubeVirt resource."
    )
    docs = (links.VIRTUAL_MACHINES,)
    source = f"{VALIDATION} validateKubeVirtInstalled"
    upstream = (
        "KubeVirtNotInstalledSourceCluster",
        "KubeVirtVersionNotSupported",
        "KubeVirtStorageLiveMigrationNotEnabled",
    )
    better = "Names what is missing on each cluster."

    def applies(self, migration: Migration) -> None:
        if not migration.plan.live_migrate:
            raise NotApplicable("the plan does not request live migration")

    @passes_alone
    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        found = cluster.all(KUBE_VIRT)
        if len(found) != 1:
            yield failed(
                cluster.subject,
                f"there are {len(found)} KubeVirt resources, so no virtual machine is migrated "
                "live",
                *(item.ref.at("") for item in found[:3]),
                found=str(len(found)),
                wanted="1",
                key="installed",
                commands=("oc get kubevirt --all-namespaces",),
                severity=Severity.INFO,
                observed=len(found),
            )
            return
        (virt,) = found
        for key, text, wanted in _lacking(virt):
            yield failed(
                virt.ref.subject,
                f"OpenShift Virtualization on the {cluster.role} cannot migrate live: {text}",
                virt.ref.at(_PLACES[key]),
                found=text,
                wanted=wanted,
                key=key,
                commands=(
                    f"oc get kubevirt {quote(virt.ref.name)} -n {quote(virt.ref.namespace)} "
                    "-o json",
                ),
            )
        yield passed(
            virt.ref.subject, f"KubeVirt {virt.version} can migrate live", virt.ref.at("/spec")
        )


_PLACES = {
    "version": "/status/operatorVersion",
    "strategy": "/spec/configuration/vmRolloutStrategy",
    "gates": "/spec/configuration/developerConfiguration",
}


def _lacking(virt: KubeVirt) -> Iterator[tuple[str, str, str]]:
    version = parse_or_none(virt.version)
    # As the controller: by major and minor alone, so that a pre-release counts as its release.
    if version is None or version.stream < FIRST.stream:
        yield "version", f"version {virt.version or 'not reported'}", f"{FIRST} or later"
        return
    if virt.rollout_strategy != LIVE:
        yield "strategy", f"vmRolloutStrategy {virt.rollout_strategy or 'not set'}", LIVE
    if not virt.developer:
        yield "gates", "no developerConfiguration", "a developerConfiguration"
    elif version.stream < GATES_UNTIL.stream:
        lacking = [gate for gate in GATES if gate not in virt.feature_gates]
        if lacking:
            yield "gates", f"feature gates missing: {', '.join(lacking)}", ", ".join(GATES)
