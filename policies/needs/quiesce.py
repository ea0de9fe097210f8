"""Whether the application stays stopped while its data is copied."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.needs.need_policies import READS, PlanNeed, claim_of
from service.core.evidence import Gaps
from service.core.facts.plan_type import STATE, TYPE_CONDITION
from service.core.facts.templates import READS as TEMPLATE_READS
from service.core.facts.templates import require_templates, templates
from service.core.facts.volume_targets import is_copied
from service.core.facts.volumes import volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed
from service.kinds.resource import Read
from service.kinds.workloads import POD, Pod, Workload

STOPPED = {
    "Deployment", "DeploymentConfig", "StatefulSet", "DaemonSet", "ReplicaSet",
    "ReplicationController", "Job", "CronJob", "VirtualMachine", "VirtualMachineInstance",
}  # fmt: skip
"""Kinds that MTC scales to zero, suspends or deletes (mig-controller migmigration/quiesce.go)."""
GIT_OPS = (
    "argocd.argoproj.io/instance",
    "argocd.argoproj.io/tracking-id",
    "kustomize.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/name",
)
"""Labels and annotations that mark the objects managed by Argo CD and Flux."""
OURS = ("app.kubernetes.io/part-of", "openshift-migration")


class StaysStopped(PlanNeed):
    """Nothing starts the application again while it is stopped, and every writer is stopped.

    MTC sets replicas to zero and waits until every pod of a namespace with copied claims is gone.
    An operator or GitOps sets them back; a pod that nothing owns, or that a custom kind owns, is
    not stopped and writes on. The first waits without an end, the second loses data. A migration
    of the state of volumes only stops nothing.
    """

    id = "MTC840"
    name = "stays-stopped"
    title = "The application stays stopped while its data is copied"
    why = "The migration waits for pods that restart, or copies data that still changes."
    severity = Severity.WARNING
    reads = (
        *READS,
        *TEMPLATE_READS,
        Read(POD, plan_namespaces=True),
    )
    remedy = (
        "Before the cutover, pause the operator or the GitOps synchronization, and stop "
        "manually what MTC does not stop."
    )
    docs = (
        links.MIGRATING,
        links.STATE_TRANSFER,
    )
    source = "mig-controller pkg/controller/migmigration/quiesce.go"
    better = "MTC waits for the pods and does not report why they restart."
    good = "nothing starts the application again while its data is copied"

    def applies(self, migration: Migration) -> None:
        volumes(migration).require_any(migration)

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        claims = {claim_of(one) for one in volumes(migration).items if is_copied(one)}
        names = tuple(name for name in migration.source_namespaces
                      if any(space == name for space, _ in claims))  # fmt: skip
        if not names:
            with gaps.noted():
                volumes(migration).require_claims()
        with gaps.noted():
            migration.source.all(POD, names)
        condition = migration.plan.conditions.get(TYPE_CONDITION)
        if condition is not None and condition.status == "True" and condition.reason == STATE:
            for pod in migration.source.known(POD, names):
                yield from _not_stopped(pod, claims, "is not stopped by a state migration")
            return
        with gaps.noted():
            require_templates(migration.source, names)
        for item in templates(migration.source, names):
            yield from _brought_back(item)
        for pod in migration.source.known(POD, names):
            yield from _not_stopped(pod, claims)


def _brought_back(item: Workload) -> Iterator[Outcome]:
    ref = item.ref
    kept = [key for key in GIT_OPS if key in item.labels or key in item.annotations]
    owner = item.owner.partition("/")[0]
    if owner and owner not in STOPPED:
        yield failed(
            ref.subject,
            f"{ref.kind} {ref.namespace}/{ref.name} belongs to {item.owner}, whose operator "
            "resets its replicas",
            ref.at("/metadata/ownerReferences", item.owner),
            found=item.owner,
            wanted="an operator that is paused for the migration",
            key="operator",
        )
    elif kept:
        yield failed(
            ref.subject,
            f"{ref.kind} {ref.namespace}/{ref.name} is managed by GitOps ({kept[0]}), which "
            "resets its replicas",
            ref.at("/metadata", kept[0]),
            found=kept[0],
            wanted="synchronization that is paused for the migration",
            key="gitops",
        )


def _not_stopped(pod: Pod, claims: set[tuple[str, str]], anyway: str = "") -> Iterator[Outcome]:
    ref = pod.ref
    key, value = OURS
    writes = [name for name in pod.claims if (ref.namespace, name) in claims]
    if not writes or pod.phase != "Running" or pod.labels.get(key) == value:
        return
    owner = pod.owner.partition("/")[0]
    if pod.deleting:
        text, found = "is stuck in deletion", "Terminating"
    elif not pod.owner:
        text, found = "is not part of a workload that MTC stops", "no owner"
    elif owner not in STOPPED:
        text, found = f"belongs to {pod.owner}, which MTC does not stop", pod.owner
    elif anyway:
        text, found = anyway, "Running"
    else:
        return
    yield failed(
        ref.subject,
        f"pod {ref.namespace}/{ref.name} mounts {', '.join(writes[:5])} and {text}",
        ref.at("/metadata/ownerReferences", pod.owner or None),
        found=found,
        wanted="a pod that MTC can stop, or that is stopped manually",
        key="writer",
    )
