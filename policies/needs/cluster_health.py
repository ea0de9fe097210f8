"""Whether the clusters themselves are well enough for a migration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from shlex import quote

from policies import links
from policies.needs.need_policies import SideNeed
from service.core.evidence import Gaps, Role
from service.core.facts import release
from service.core.facts.machinery import moment
from service.core.facts.release import major
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import Parameter
from service.core.values.wording import few, plural
from service.kinds.cluster import NODE, Node
from service.kinds.config import CLUSTER_VERSION
from service.kinds.health import (
    CERTIFICATE_REQUEST,
    CLUSTER_OPERATOR,
    MACHINE_CONFIG_POOL,
    OAUTH,
    Health,
)
from service.kinds.mtc import MIG_PLAN, MTC_NAMESPACE
from service.kinds.ref import Ref
from service.kinds.resource import Read, fetch_command
from service.kinds.workloads import DEPLOYMENT_CONFIG, POD

NEEDED = {
    "authentication", "dns", "etcd", "image-registry", "ingress", "kube-apiserver", "network",
    "openshift-apiserver", "operator-lifecycle-manager", "storage",
}  # fmt: skip
"""Cluster operators that a migration needs."""
APPROVAL = Parameter(
    "approval", 10, "minutes", 0, 10_080,
    "a certificate signing request that is younger than this may still be approved automatically",
)  # fmt: skip
BAD = ("False", "Unknown")
SILENT = timedelta(minutes=10)
"""The kubelet reports every five minutes; twice that is no delay."""
NEVER = datetime.min.replace(tzinfo=UTC)
COMPONENT = "openshift.io/component"
"""The label of the pods of a master, from OpenShift 3.10."""


class NodesReady(SideNeed):
    """Every node is ready and under no pressure.

    A blocker where pods can come to it: on the destination, and on the source where pods of the
    plan run. A cordoned node counts only where it is not ready, or no node is schedulable. A node
    that reports no more while others do is not ready, whatever its condition is.
    """

    id = "MTC846"
    name = "nodes-ready"
    title = "Nodes are ready and not under pressure"
    why = "Pods of the application, or those that copy data, do not start or are evicted."
    reads = (Read(NODE), Read(MIG_PLAN, MTC_NAMESPACE), Read(POD, plan_namespaces=True))
    remedy = "Fix the node, or remove it from the cluster during the migration."
    docs = (links.CHECKLISTS,)
    source = "MTC documentation, Premigration checklists, cluster health"
    better = "MTC has no such check."
    good = "the nodes are ready and not under pressure"

    def faults(self, migration: Migration, cluster: Cluster, gaps: Gaps) -> Iterator[Outcome]:
        with gaps.noted():
            cluster.all(NODE)
        used: set[str] = set()
        if cluster is migration.source and migration.given_plan is not None:
            names = migration.source_namespaces
            used = {pod.node for pod in cluster.known(POD, names)}
        nodes = cluster.known(NODE)
        newest = max((moment(node.reported) or NEVER for node in nodes), default=NEVER)
        for node in nodes:
            matters = cluster is migration.destination or node.ref.name in used
            severity = None if matters else Severity.WARNING
            if not node.ready:
                with gaps.noted():
                    command = fetch_command(NODE, node.ref.name)
                    raise cluster.missing(f"condition Ready of node {node.ref.name}", command)
            if node.ready in BAD:
                yield _unwell(node, "is not ready", f"Ready={node.ready}", severity)
            elif _silent(node, newest):
                yield _unwell(node, "has not reported its state", node.reported, severity)
            elif node.pressure:
                yield _unwell(node, "is under pressure", few(node.pressure), severity)
        if nodes and not any(node.takes_pods or node.ready in BAD for node in nodes):
            yield failed(
                cluster.subject,
                f"no schedulable node: {plural(len(nodes), 'node')} cordoned or tainted",
                nodes[0].ref.at("/spec"),
                found="no schedulable node",
                wanted="a schedulable node without taints",
                key="none",
                commands=("oc get nodes",),
            )


def _silent(node: Node, newest: datetime) -> bool:
    """Whether a node's kubelet reports no more while others do: Ready is then of another day."""
    reported = moment(node.reported)
    return reported is not None and newest - reported > SILENT


def _unwell(node: Node, said: str, found: str, severity: Severity | None) -> Outcome:
    return failed(
        node.ref.subject,
        f"node {node.ref.name} {said} ({found})",
        node.ref.at("/status/conditions", found),
        found=found,
        wanted="Ready, without pressure",
        commands=(f"oc describe node {quote(node.ref.name)}",),
        severity=severity,
    )


class ClusterWell(SideNeed):
    """The cluster's own operators are well, nothing is rolled out, and no request waits.

    An operator that a migration needs and that is not available or degraded is a blocker on the
    destination; all else is a warning: other operators, a rollout of node configuration,
    certificate signing requests that are not approved, a cluster without identity provider. On
    OpenShift 3, the routers and the pods of the API server, the controllers and etcd are checked.
    """

    id = "MTC847"
    name = "cluster-well"
    title = "The cluster operators are healthy, and no rollout is in progress"
    why = "Nodes restart or parts of the cluster are unavailable during the migration."
    severity = Severity.WARNING
    reads = (
        *release.READS,
        Read(CLUSTER_OPERATOR),
        Read(MACHINE_CONFIG_POOL),
        Read(CERTIFICATE_REQUEST),
        Read(OAUTH, name="cluster"),
        Read(DEPLOYMENT_CONFIG, "default"),
        Read(POD, "kube-system"),
    )
    declares = ("openshiftVersion",)
    remedy = (
        "Fix the operator, wait until the rollout is complete, and approve or deny the "
        "requests. Then migrate."
    )
    docs = (links.CHECKLISTS,)
    source = "MTC documentation, Premigration checklists, cluster health"
    better = "MTC has no such check."
    good = "the cluster operators are healthy, and nothing is pending"
    parameters = (APPROVAL,)

    def faults(self, migration: Migration, cluster: Cluster, gaps: Gaps) -> Iterator[Outcome]:
        with gaps.noted():
            cluster.all(CERTIFICATE_REQUEST)
        yield from _waiting(migration, cluster, timedelta(minutes=self.value("approval")))
        with gaps.noted():
            if major(cluster) == 3:
                yield from _old(cluster, gaps)
                return
        for kind in (CLUSTER_OPERATOR, MACHINE_CONFIG_POOL):
            with gaps.noted():
                cluster.all(kind)
        for operator in cluster.known(CLUSTER_OPERATOR):
            with gaps.noted():
                yield from _ill(cluster, operator)
        yield from _rollouts(cluster)
        for oauth in cluster.known(OAUTH):
            if not oauth.providers:
                said = "the cluster has no identity provider: only kubeadmin can log in"
                yield _fault(oauth.ref, said, "no identity provider")


def _rollouts(cluster: Cluster) -> Iterator[Outcome]:
    for version in cluster.known(CLUSTER_VERSION):
        if version.history and version.history[0].state == "Partial":
            said = f"the update of the cluster to {version.history[0].version} is not complete"
            yield _fault(version.ref, said, "updating")
            continue
        for state in ("Progressing", "Failing"):
            told = version.conditions.get(state)
            if told is not None and told.status == "True":
                said = f"the cluster version operator has {state}=True: {told.message}"
                yield _fault(version.ref, said, f"{state}=True")
    for pool in cluster.known(MACHINE_CONFIG_POOL):
        for state in ("Updating", "Degraded"):
            told = pool.conditions.get(state)
            if told is not None and told.status == "True":
                yield _fault(pool.ref, f"machine config pool {pool.ref.name} is {state}", state)


def _old(cluster: Cluster, gaps: Gaps) -> Iterator[Outcome]:
    with gaps.noted():
        router = cluster.get(DEPLOYMENT_CONFIG, "router", "default")
        if router.ready is None:
            command = fetch_command(DEPLOYMENT_CONFIG, "router", "default")
            raise cluster.missing("the status of the router", command)
        if (router.ready or 0) < (router.wanted or 0):
            found = f"{router.ready or 0} of {router.wanted} ready"
            yield _fault(router.ref, f"router pods: {found}", found)
    with gaps.noted():
        cluster.all(POD, ("kube-system",))
    for pod in cluster.known(POD, ("kube-system",)):
        part = pod.labels.get(COMPONENT, "")
        if part in ("api", "controllers", "etcd") and pod.phase != "Running":
            said = f"pod {pod.ref.name} ({part}) is {pod.phase or 'without a phase'}"
            yield _fault(pod.ref, said, part)


def _ill(cluster: Cluster, item: Health) -> Iterator[Outcome]:
    needed = item.ref.name in NEEDED or item.ref.name.startswith("operator-lifecycle-manager")
    for kind, wanted in (("Available", "True"), ("Degraded", "False"), ("Progressing", "False")):
        told = item.conditions.get(kind)
        if told is None or told.status == wanted:
            continue
        said = f"cluster operator {item.ref.name} has {kind}={told.status}: {told.message}"
        blocks = needed and cluster.role is Role.DESTINATION and kind != "Progressing"
        yield _fault(item.ref, said, f"{kind}={told.status}", Severity.BLOCKER if blocks else None)
    if not item.conditions:
        command = fetch_command(CLUSTER_OPERATOR, item.ref.name)
        raise cluster.missing(f"the state of cluster operator {item.ref.name}", command)


def _waiting(migration: Migration, cluster: Cluster, grace: timedelta) -> Iterator[Outcome]:
    for item in cluster.known(CERTIFICATE_REQUEST):
        made = moment(item.created)
        young = made is not None and migration.requested.as_of - made < grace
        if not item.decided and not young:
            said = f"certificate signing request {item.ref.name} waits for approval"
            yield _fault(item.ref, said, "pending")


def _fault(ref: Ref, said: str, found: str, severity: Severity | None = None) -> Outcome:
    place = f" -n {quote(ref.namespace)}" if ref.namespace else ""
    return failed(
        ref.subject,
        said.rstrip(": "),
        ref.at("/status/conditions", found),
        found=found,
        wanted="available, not degraded, nothing pending",
        key=found,
        commands=(f"oc describe {ref.kind.lower()} {quote(ref.name)}{place}",),
        severity=severity,
    )
