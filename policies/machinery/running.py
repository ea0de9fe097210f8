"""The controller, the operators and Velero run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from shlex import quote

from policies import links
from policies.machinery.components import DOCS, judged
from policies.plan.plan_policies import SidePolicy
from service.core.evidence import NotGathered
from service.core.facts.machinery import (
    CONSOLE,
    CONTROLLER,
    OADP,
    OPERATOR,
    RUNNING_READS,
    VELERO,
    Component,
    ComponentState,
    age_when_collected,
    is_seen,
    moment,
    state,
)
from service.core.facts.mtc_release import OPERATOR_NAMES
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed
from service.core.policy import ClusterPolicy, Policy
from service.kinds.apis import CRD
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.operators import (
    CLUSTER_SERVICE_VERSION,
    INSTALL_PLAN,
    ClusterServiceVersion,
    InstallPlan,
)
from service.kinds.resource import Read

KUBEVIRT = "kubevirts.kubevirt.io"
VELERO_LABEL = "app.kubernetes.io/instance"
OPERATORS = (*OPERATOR_NAMES, "oadp-operator.")
GOING = ("Succeeded", "Replacing", "Deleting")
"""Phases of a ClusterServiceVersion that works or is being replaced by one that does."""


LONG = timedelta(minutes=10)
"""An operator is installed in less."""


class ControllerRunning(Policy[Cluster]):
    """The controller runs on the host; so does the web console, where there is one.

    A pod that is ready, or a Deployment with its replicas, shows it, unless a container crashes
    again and again. A controller that was killed
    for want of memory, or restarts often, is a warning: it does so again with a large plan. So is
    one that started before OpenShift Virtualization was installed: it does not find the machines.
    """

    id = "MTC820"
    name = "controller-running"
    title = "The MTC controller runs"
    why = "Plans are not validated, and migrations do not start or stop halfway."
    reads = (*RUNNING_READS, Read(CRD))
    requires = ("MTC745",)
    remedy = (
        "Fix the pod as its events and log say; if it ran out of memory, raise "
        "mig_controller_limits_memory in the MigrationController."
    )
    docs = DOCS
    source = "MTC documentation, Upgrading MTC: verify the pods; Advanced migration options"
    better = "The controller cannot report that it does not run."

    def subjects(self, migration: Migration) -> Iterable[Cluster]:
        return (migration.host,)

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        yield from judged(cluster, CONTROLLER)
        yield from _seen_down(cluster, CONSOLE, Severity.WARNING)
        yield from _older(migration, cluster)


def _older(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """A controller that is older than the definition of KubeVirt."""
    made = [
        (since, item)
        for one in migration.clusters
        for item in one.known(CRD)
        if item.ref.name == KUBEVIRT and (since := moment(item.created)) is not None
    ]
    for pod in state(cluster, CONTROLLER).pods if made else ():
        since, item = max(made, key=lambda row: row[0])
        started = moment(pod.started)
        if started is not None and started < since:
            yield failed(
                pod.ref.subject,
                f"pod {pod.ref.name} of the controller started before OpenShift Virtualization "
                f"was installed on {item.ref.cluster}, so it does not find virtual machines",
                pod.ref.at("/status/startTime", pod.started),
                item.ref.at("/metadata/creationTimestamp", item.created),
                found=pod.started,
                wanted=f"later than {item.created}",
                key="kubevirt",
                commands=(f"oc delete pod {quote(pod.ref.name)} -n {MTC_NAMESPACE}",),
                severity=Severity.WARNING,
            )


class OperatorsRunning(ClusterPolicy):
    """MTC's operator and OADP's run on every cluster, and OLM has installed what it should.

    A ClusterServiceVersion that Succeeded shows it too. One that Failed, or is on its way for more
    than ten minutes, is a blocker; one on its way and an InstallPlan that waits for approval are
    warnings.
    """

    id = "MTC821"
    name = "operators-running"
    title = "The operators of MTC and OADP run on every cluster"
    why = (
        "Settings of the MigrationController take no effect, and Velero is not set up or repaired."
    )
    unsure = Severity.WARNING
    reads = (
        *RUNNING_READS,
        Read(CLUSTER_SERVICE_VERSION, MTC_NAMESPACE),
        Read(INSTALL_PLAN, MTC_NAMESPACE),
    )
    requires = ("MTC745",)
    remedy = (
        "Fix what the phase and the message name. Approve an InstallPlan that waits for approval."
    )
    docs = DOCS
    source = "MTC documentation, Upgrading MTC; Operator Lifecycle Manager, phases of a CSV"
    better = "MTC has no such check."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        versions = [item for item in cluster.known(CLUSTER_SERVICE_VERSION) if _is_ours(item)]
        faults = [
            _unfinished(migration, item)
            for item in versions
            if item.phase and item.phase not in GOING
        ]
        faults += [
            _waits(item)
            for item in cluster.known(INSTALL_PLAN)
            if item.ref.namespace == MTC_NAMESPACE
            and not item.approved
            and item.phase == "RequiresApproval"
        ]
        yield from faults
        yield from _seen_down(cluster, OADP)
        installed = [item for item in versions if item.ref.name.startswith(OPERATOR_NAMES)]
        done = [item for item in installed if item.phase == "Succeeded"]
        try:
            yield from judged(cluster, OPERATOR)
        except NotGathered:
            if not done and not faults:
                raise
            for item in done[:1]:
                pointer = item.ref.at("/status/phase", item.phase)
                yield passed(cluster.subject, f"{item.ref.name} Succeeded", pointer)


def _is_ours(item: ClusterServiceVersion) -> bool:
    here = item.ref.namespace == MTC_NAMESPACE and not item.copied
    return here and item.ref.name.startswith(OPERATORS)


def _unfinished(migration: Migration, item: ClusterServiceVersion) -> Outcome:
    message = f": {item.message}" if item.message else ""
    age = age_when_collected(migration, item.ref, item.since)
    stuck = age is not None and age > LONG
    since = f" since {item.since}" if stuck else ""
    return failed(
        item.ref.subject,
        f"operator {item.ref.name} is {item.phase}{since}{message}",
        item.ref.at("/status/phase", item.phase),
        found=item.phase,
        wanted="Succeeded",
        key="phase",
        commands=(f"oc describe csv {quote(item.ref.name)} -n {MTC_NAMESPACE}",),
        severity=None if item.phase == "Failed" or stuck else Severity.WARNING,
    )


def _waits(item: InstallPlan) -> Outcome:
    approve = '{"spec":{"approved":true}}'
    return failed(
        item.ref.subject,
        f"InstallPlan {item.ref.name} waits for approval to install {', '.join(item.names)}",
        item.ref.at("/spec/approved", "false"),
        found="not approved",
        wanted="approved, or deleted with its subscription",
        key="approval",
        commands=(
            f"oc patch installplan {quote(item.ref.name)} -n {MTC_NAMESPACE} --type merge "
            f"-p '{approve}'",
        ),
        severity=Severity.WARNING,
    )


def _seen_down(
    cluster: Cluster, part: Component, severity: Severity | None = None
) -> Iterator[Outcome]:
    """What is wrong with a component that need not be there, where it is seen not to run."""
    if is_seen(cluster, part):
        yield from (item for item in judged(cluster, part, severity) if item.found)


class VeleroRunning(SidePolicy):
    """Velero runs on the source and on the destination.

    From MTC 1.7.2 the controller looks for a running pod with label
    `app.kubernetes.io/instance: velero`, and waits for one without an end.
    """

    id = "MTC822"
    name = "velero-running"
    title = "Velero runs on the source and the destination"
    why = "The migration waits indefinitely in phase EnsureCloudSecretPropagated or in its backup."
    reads = RUNNING_READS
    requires = ("MTC745",)
    remedy = (
        "Fix Velero: check the events and log of its pod, the DataProtectionApplication and OADP."
    )
    docs = (links.UPGRADING, links.OADP_TROUBLE)
    source = "mig-controller pkg/controller/migmigration/pod.go, pkg/pods/velero.go"
    better = "Works before the migration starts."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        found = state(cluster, VELERO)
        if found.up and _unlabelled(found):
            pod = found.pods[0]
            yield failed(
                pod.ref.subject,
                f"Velero's pod {pod.ref.name} has no label {VELERO_LABEL}=velero; the "
                "controllers of MTC 1.7.2 and later do not find it",
                pod.ref.at("/metadata/labels"),
                found="no such label",
                wanted=f"{VELERO_LABEL}=velero",
                key="label",
                commands=(f"oc get pods -n {MTC_NAMESPACE} --show-labels",),
                severity=Severity.WARNING,
            )
            return
        yield from judged(cluster, VELERO)


def _unlabelled(found: ComponentState) -> bool:
    return bool(found.pods) and not any(
        pod.labels.get(VELERO_LABEL) == "velero" for pod in found.pods
    )
