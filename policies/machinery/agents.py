"""The agents that copy files through the repository."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from shlex import quote

from policies import links
from policies.machinery.components import judged
from policies.plan.plan_policies import PLAN_READS, SidePolicy
from service.core.evidence import NotGathered
from service.core.facts import topology
from service.core.facts.machinery import AGENT, AGENT_READS, is_ready
from service.core.facts.setting_values import is_true, setting
from service.core.facts.topology import mig_cluster
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import NotApplicable
from service.core.values.wording import few
from service.kinds.cluster import NODE
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.resource import Read
from service.kinds.workloads import DAEMON_SET, POD, Pod, Workload

OLD, NEW = "restic", "node-agent"


class FileCopyAgents(SidePolicy):
    """Where files are copied through the repository, an agent runs wherever that happens.

    The DaemonSet is called restic, with OADP 1.2 and later node-agent. Its pods keep off nodes
    with taints: the backup of a volume that is mounted there waits until restic_timeout.
    """

    id = "MTC823"
    name = "file-copy-agents"
    title = "The file copy agents run on every node that needs one"
    why = "The backup of a volume waits for an agent until restic_timeout and then fails."
    reads = (
        *PLAN_READS,
        *AGENT_READS,
        *topology.READS,
        Read(NODE),
        Read(POD, plan_namespaces=True),
    )
    requires = ("MTC780", "MTC745")
    remedy = (
        "Fix the DaemonSet; give its pods tolerations for the nodes' taints, or move the "
        "application's pods; unset restartRestic where the DaemonSet is called node-agent."
    )
    docs = (links.UPGRADING, links.OADP_TROUBLE)
    source = "mig-controller pkg/controller/migmigration/pod.go; Velero issues 4752 and 5113"
    better = "MTC waits for the agents and does not report which one is missing."

    def applies(self, migration: Migration) -> None:
        plan = migration.plan
        if not plan.indirect_volumes:
            pointer = plan.ref.at("/spec/indirectVolumeMigration", "false")
            raise NotApplicable("rsync copies the volumes, not an agent", pointer)

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        faults = [*_restart(migration, cluster), *_twice(cluster)]
        yield from faults
        if cluster is migration.source:
            faults += (lacking := list(_without_agent(migration, cluster)))
            yield from lacking
        for outcome in judged(cluster, AGENT):
            if outcome.found or not faults:
                yield outcome


def _without_agent(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """Nodes on which pods mount claims, and no agent runs."""
    try:
        agents = [pod for pod in cluster.all(POD, (MTC_NAMESPACE,)) if AGENT.is_one(pod)]
    except NotGathered:
        if migration.given_plan is not None and _kept_off(migration, cluster):
            raise
        return  # the DaemonSet's own numbers then count
    served = {pod.node for pod in agents if is_ready(pod)}
    if not served:
        return
    alone: dict[str, list[Pod]] = {}
    names = frozenset(migration.source_namespaces)
    for pod in cluster.known(POD, names):
        mounts = pod.claims and pod.phase == "Running"
        if mounts and pod.node and pod.node not in served:
            alone.setdefault(pod.node, []).append(pod)
    for node, pods in alone.items():
        yield failed(
            pods[0].ref.subject,
            f"no agent runs on node {node}, but pods there mount claims "
            f"({few(pod.ref.name for pod in pods)})",
            pods[0].ref.at("/spec/nodeName", node),
            found="no agent",
            wanted="an agent on every node where a claim of the plan is mounted",
            key=f"node {node}",
            commands=(
                f"oc get pods -n {MTC_NAMESPACE} -l name={NEW} -o wide",
                f"oc get node {quote(node)} -o jsonpath='{{.spec.taints}}'",
            ),
        )


def _kept_off(migration: Migration, cluster: Cluster) -> bool:
    """Whether a pod mounts a claim on a node whose taints keep an agent without tolerations off."""
    tainted = {node.ref.name for node in cluster.known(NODE) if node.taints}
    return any(
        pod.claims and pod.node in tainted
        for pod in cluster.known(POD, migration.source_namespaces)
    )


def _restart(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """The controller restarts DaemonSet restic where it is asked to; node-agent it cannot find."""
    names = {one.ref.name for one in _daemon_sets(cluster)}
    if cluster is not migration.source or NEW not in names or OLD in names:
        return
    with suppress(NotGathered):
        yield from _asked(migration, cluster)


def _asked(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    if migration.is_host(cluster):
        asked = setting(migration, "host_cluster_restart_restic")
        wanted, evidence = is_true(asked.value), asked.evidence
    else:
        item = mig_cluster(migration, cluster)
        wanted = item.restart_restic is True
        evidence = (item.ref.at("/spec/restartRestic", item.restart_restic),)
    if wanted:
        yield failed(
            cluster.subject,
            f"restartRestic is set, but the DaemonSet is named {NEW}: phase WaitForResticReady "
            "fails",
            *evidence,
            found="restartRestic: true",
            wanted="restartRestic not set",
            key="restart",
            commands=(f"oc get daemonsets -n {MTC_NAMESPACE}",),
        )


def _daemon_sets(cluster: Cluster) -> list[Workload]:
    return [one for one in cluster.known(DAEMON_SET) if one.ref.namespace == MTC_NAMESPACE]


def _twice(cluster: Cluster) -> Iterator[Outcome]:
    found = {one.ref.name: one for one in _daemon_sets(cluster)}
    if OLD not in found or NEW not in found:
        return
    yield failed(
        found[OLD].ref.subject,
        f"DaemonSet {OLD} of MTC 1.7 still runs next to {NEW}",
        found[OLD].ref.at("/metadata/name", OLD),
        found=f"{OLD} and {NEW}",
        wanted=f"{NEW} only",
        key="twice",
        commands=(f"oc delete daemonset {OLD} -n {MTC_NAMESPACE}",),
        severity=Severity.WARNING,
    )
