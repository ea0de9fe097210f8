"""The pods of the plan's namespaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from shlex import quote

from policies import links
from policies.plan.namespaces.namespace_entries import NamespacesPolicy
from policies.plan.plan_policies import PLAN_READS, VALIDATION
from service.core.evidence import Missing, NotGathered
from service.core.facts import plan_limits, release
from service.core.facts.plan_limits import DEFAULTS, limit
from service.core.facts.templates import READS as TEMPLATE_READS
from service.core.facts.templates import require_templates, templates
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, at_destination, failed, passed, passes_beside
from service.core.policy import Parameter
from service.core.values.wording import few, plural
from service.kinds.cluster import NODE
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.ref import Pointer, Subject
from service.kinds.resource import Read, fetch_command
from service.kinds.workloads import POD, Pod, Workload

POD_READS = (*PLAN_READS, Read(POD, plan_namespaces=True))

STUCK = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""Why a container waits that will not start without help (kubelet's waiting reasons)."""

RESTARTS = Parameter(
    "restarts", 3, "restarts", 0, 10_000,
    "most of a healthy pod (MTC documentation, Premigration checklists)", whole=True,
)  # fmt: skip


class PodsHealthy(NamespacesPolicy):
    """No pod of the plan's namespaces has failed, is stuck or cannot be scheduled.

    Beyond the controller's two reasons of waiting, all that the kubelet gives for a container
    that does not start by itself, and Unschedulable where Kubernetes really writes it: as the
    reason of condition PodScheduled. Many restarts are information only.
    """

    id = "MTC750"
    name = "pods-healthy"
    title = "The pods of the plan's namespaces are healthy"
    why = (
        "A pod that does not run before the migration does not run after it, and the cause is "
        "then hard to find."
    )
    severity = Severity.WARNING
    reads = POD_READS
    remedy = "Fix the pod, or delete leftovers such as failed builds and deployments."
    docs = (links.CHECKLISTS,)
    source = "mig-controller pkg/health/pods.go; MTC documentation, Premigration checklists"
    upstream = ("SourcePodsNotHealthy",)
    better = (
        "Also detects ErrImagePull, CreateContainerConfigError and similar reasons, "
        "Unschedulable, restarts, and the pods of mapped namespaces, which the controller never "
        "finds."
    )
    parameters = (RESTARTS,)

    @passes_beside(Severity.INFO)
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        source = migration.source
        examined = 0
        for pod in source.known(POD, migration.source_namespaces):
            examined += 1
            yield from _faults(pod, self.value("restarts"))
        source.all(POD, migration.source_namespaces)
        yield passed(source.subject, f"every pod is healthy ({examined})", examined=examined)


def _faults(pod: Pod, most: float) -> Iterator[Outcome]:
    sick = _sick(pod)
    if sick is not None:
        found, pointer = sick
        namespace = quote(pod.ref.namespace)
        yield failed(
            pod.ref.subject,
            f"pod {pod.ref.namespace}/{pod.ref.name} is not healthy: {found}",
            pointer,
            found=found,
            wanted="Running and ready, or Succeeded",
            commands=(
                f"oc describe pod {quote(pod.ref.name)} -n {namespace}",
                f"oc logs {quote(pod.ref.name)} -n {namespace} --all-containers --previous",
            ),
        )
        return
    for container in pod.containers:
        if container.restarts > most:
            yield failed(
                pod.ref.subject,
                f"container {container.name} of pod {pod.ref.namespace}/{pod.ref.name} was "
                f"restarted {plural(container.restarts, 'time')}",
                pod.ref.at("/status/containerStatuses", container.restarts),
                found=str(container.restarts),
                wanted=f"at most {most:g} restarts",
                key=f"restarts {container.name}",
                severity=Severity.INFO,
                observed=container.restarts,
            )


def _sick(pod: Pod) -> tuple[str, Pointer] | None:
    """What is wrong with a pod, and where; None for a healthy one."""
    if pod.phase in ("Failed", "Unknown"):
        return pod.phase, pod.ref.at("/status/phase", pod.phase)
    for container in pod.containers:
        if not container.ready and container.waiting in STUCK:
            part = "initContainerStatuses" if container.init else "containerStatuses"
            text = f"{container.waiting} ({container.name})"
            return text, pod.ref.at(f"/status/{part}", text)
    for kind, status, reason in pod.conditions:
        if "Unschedulable" in (kind, reason) and pod.phase != "Running":
            return "Unschedulable", pod.ref.at("/status/conditions", f"{kind}={status}: {reason}")
    return None


class PodCount(NamespacesPolicy):
    """Not more pods run in the plan's namespaces than one plan is meant to have (100)."""

    id = "MTC751"
    name = "pod-count"
    title = "The plan's namespaces have no more running pods than the limit"
    why = "Large plans take long and time out. MTC is tested only up to its limits."
    severity = Severity.WARNING
    reads = (*POD_READS, *plan_limits.READS)
    remedy = (
        "Split the plan (POST /v1/migplans/partition proposes how), or raise mig_pod_limit in the "
        "MigrationController."
    )
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validatePodProperties; pkg/settings/plan.go"
    upstream = ("PodLimitExceeded",)
    better = "Names the namespaces with the most pods, and proposes how to split the plan."
    single = True

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan = migration.plan
        counts: dict[str, int] = {}
        for pod in migration.source.all(POD, migration.source_namespaces):
            if pod.phase == "Running":
                counts[pod.ref.namespace] = counts.get(pod.ref.namespace, 0) + 1
        count = sum(counts.values())
        most = limit(migration, "mig_pod_limit")
        allowed = most.value if most else DEFAULTS["mig_pod_limit"]
        if count <= allowed:
            yield passed(
                plan.ref.subject,
                f"{plural(count, 'running pod')}; the limit is {allowed}",
                examined=count,
            )
            return
        if most is None:
            raise NotGathered(
                Missing(
                    "the limit of pods (mig_pod_limit)",
                    migration.host.role,
                    fetch_command(MIGRATION_CONTROLLER, namespace=MTC_NAMESPACE),
                )
            )
        largest = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
        yield failed(
            plan.ref.subject,
            f"the plan's namespaces have {plural(count, 'running pod')}, but the limit is "
            f"{allowed}; most are in " + few(f"{name} ({number})" for name, number in largest),
            plan.ref.at("/spec/namespaces"),
            *most.evidence,
            found=str(count),
            wanted=f"at most {allowed}",
            observed=count,
        )


GIVEN_LABEL = "kubevirt.io/schedulable"
"""The key that OpenShift Virtualization adds to its pods."""
DEFAULT_LABEL = "node-role.kubernetes.io/compute"
"""The key of OpenShift 3's default node selector, which a project's pods are given there."""

Choice = tuple[str, str]
"""A namespace and a node selector as written."""


@dataclass(slots=True)
class Choosers:
    """What asks for nodes: the selector, the templates that name it, and how many pods have it."""

    selector: Mapping[str, str]
    templates: list[Workload] = field(default_factory=list)
    pods: list[Pod] = field(default_factory=list)

    def __str__(self) -> str:
        words = [f"{item.ref.kind} {item.ref.name}" for item in self.templates]
        return few([*words, plural(len(self.pods), "pod")] if self.pods else words)

    @property
    def evidence(self) -> tuple[Pointer, ...]:
        shown = _written(self.selector)
        places = [item.ref.at(f"{item.template}/spec/nodeSelector") for item in self.templates]
        places += [item.ref.at("/spec/nodeSelector", shown) for item in self.pods[:1]]
        return tuple(places[:3])


class NodeSelectors(NamespacesPolicy):
    """The destination has nodes for the node selectors of the plan's pods and their templates.

    Templates count scaled to zero as well: Velero takes the selector out of pods, not out of what
    makes them. The controller warns of every selector of running pods that is not one of three
    common ones. Here the selectors are compared with the labels of the destination's nodes. The
    default node selector of OpenShift 3 counts where a template names it, not in pods.
    """

    id = "MTC752"
    name = "node-selectors"
    title = "The destination has nodes that the pods' node selectors choose"
    why = "The pods stay Pending on the destination."
    severity = Severity.WARNING
    reads = (*POD_READS, *TEMPLATE_READS, *release.READS, Read(NODE))
    declares = ("openshiftVersion",)
    remedy = "Label nodes of the destination, or change the selector before or after the migration."
    docs = (links.CHECKLISTS,)
    source = f"{VALIDATION} validatePodProperties; openshift-velero-plugin velero-plugins/pod"
    upstream = ("NamespacesHaveNodeSelectors",)
    better = (
        "Also compares pod templates with the nodes of the destination. The controller warns of "
        "every selector of a running pod."
    )

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        source, destination = migration.source, migration.destination
        choices = _choices(migration)
        good = 0
        for (namespace, selector), choosers in choices.items():
            wanted = choosers.selector.items()
            if any(wanted <= node.labels.items() for node in destination.known(NODE)):
                good += 1
                continue
            nodes = destination.all(NODE)
            yield failed(
                Subject(source.name, "v1", "Namespace", "", namespace),
                f"{choosers} of {namespace}: the node selector is {selector}, and no node of the "
                f"destination has these labels ({plural(len(nodes), 'node')})",
                *choosers.evidence,
                found=selector,
                wanted="labels of a node of the destination",
                key=selector,
                commands=(
                    at_destination("oc get nodes --show-labels"),
                    at_destination(
                        f"oc label node '<node>' {' '.join(map(quote, selector.split(',')))}"
                    ),
                ),
            )
        source.all(POD, migration.source_namespaces)
        require_templates(source, migration.source_namespaces)
        if good == len(choices):
            yield passed(
                destination.subject,
                f"there are nodes for every node selector ({good})",
                examined=good or 1,
            )


def _choices(migration: Migration) -> dict[Choice, Choosers]:
    """What asks for nodes in each namespace. Raises NotGathered without the source's release."""
    source, namespaces = migration.source, migration.source_namespaces
    found: dict[Choice, Choosers] = {}

    def chosen(item: Pod | Workload, *given: str) -> Choosers | None:
        selector = {key: value for key, value in item.node_selector.items() if key not in given}
        if not selector:
            return None
        choice = item.ref.namespace, _written(selector)
        return found.setdefault(choice, Choosers(selector))

    for item in templates(source, namespaces):
        if choosers := chosen(item, GIVEN_LABEL):
            choosers.templates.append(item)
    for pod in source.known(POD, namespaces):
        if pod.phase != "Running" or not pod.node_selector:
            continue
        by_default = DEFAULT_LABEL in pod.node_selector and release.major(source) == 3
        if choosers := chosen(pod, GIVEN_LABEL, *(DEFAULT_LABEL,) * by_default):
            choosers.pods.append(pod)
    return found


def _written(selector: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
