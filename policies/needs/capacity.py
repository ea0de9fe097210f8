"""Whether the nodes have capacity for the pods that MTC creates and for the application."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from shlex import quote

from policies import links
from policies.needs import helper_pods as helpers
from policies.needs.helper_pods import container
from policies.needs.need_policies import READS, SideNeed, claim_of, copied, readable
from service.core.evidence import Gaps, NotGathered
from service.core.facts.direct import direct_volumes
from service.core.facts.pod_resources import OVER, REQUESTS, of_pod
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import NotApplicable
from service.core.values.quantity import parse_or_none
from service.core.values.wording import plural
from service.kinds.cluster import NODE, Node
from service.kinds.resource import Read
from service.kinds.workloads import POD, Pod

RESOURCES = ("cpu", "memory")
Room = Mapping[str, Mapping[str, Decimal]]
"""What is free on each node, by resource; a node that does not report it is left out."""


class NodeCapacity(SideNeed):
    """The nodes have capacity for rsync's pods, and on the destination for the application.

    On the source, MTC binds the rsync pod of a volume to the node of the pod that mounts it,
    which needs two containers' requests for each volume. On the destination, the requests of the
    application's running pods are compared with what is free on schedulable nodes. An autoscaler
    may add nodes: a warning only. Needs the pods of all namespaces, which a collection leaves out.
    """

    id = "MTC850"
    name = "node-capacity"
    title = "The nodes have capacity for the pods that copy data and for the application"
    why = "The kubelet rejects rsync's pods, or pods of the application stay Pending."
    severity = Severity.WARNING
    reads = (*READS, *helpers.READS, Read(NODE))
    remedy = (
        "Add nodes or free some, lower source_rsync_pod_* in the MigrationController, or migrate "
        "fewer volumes at once."
    )
    docs = (links.CHECKLISTS,)
    source = "mig-controller pkg/controller/directvolumemigration/rsync.go; Premigration checklists"
    better = "MTC has no such check."
    good = "the nodes have capacity for the pods"

    def faults(self, migration: Migration, cluster: Cluster, gaps: Gaps) -> Iterator[Outcome]:
        if cluster is migration.source:
            yield from _beside(migration, cluster)
        else:
            yield from _over_there(migration, cluster)


def _beside(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """Nodes of the source without capacity for the rsync pods of the volumes mounted there."""
    if not direct_volumes(migration).value:
        raise NotApplicable("no volume is copied directly")
    claims = {claim_of(one) for one in copied(migration)}
    mounted: Counter[str] = Counter()
    for pod in cluster.all(POD, migration.source_namespaces):
        if pod.phase == "Running" and pod.node:
            mounted[pod.node] += len({(pod.ref.namespace, name) for name in pod.claims} & claims)
    mounted = +mounted
    if not mounted:
        raise NotApplicable("no running pod mounts a volume that is copied")
    one = container(migration, cluster)
    room, nodes = _free(cluster), {node.ref.name: node for node in cluster.all(NODE)}
    for name, count in mounted.items():
        if name not in nodes or len(room.get(name, ())) < len(RESOURCES):
            command = f"oc get node {quote(name)} -o json"
            raise cluster.missing(f"what node {name} has to allocate", command)
        for key in RESOURCES:
            wanted = (parse_or_none(str(one.requests[key])) or Decimal(0)) * 2 * count
            free = max(room[name][key], Decimal(0))
            if free < wanted:
                text = (
                    f"node {name} has {readable(key, free)} of {key} free, but needs "
                    f"{readable(key, wanted)} for {plural(count, 'rsync pod')}"
                )
                yield _short(nodes[name], nodes[name], text, key, free, wanted)


def _over_there(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """Whether the application's pods fit into what is free on the destination."""
    source, names = migration.source, migration.source_namespaces
    pods = [pod for pod in source.all(POD, names) if pod.phase not in OVER and not _on_each(pod)]
    asked = {key: [of_pod(pod, REQUESTS, key) or Decimal(0) for pod in pods] for key in RESOURCES}
    if not any(map(any, asked.values())):
        raise NotApplicable("the application's pods have no resource requests")
    room = _free(cluster)
    usable = [node for node in cluster.all(NODE) if node.takes_pods and node.ref.name in room]
    if not usable:
        raise cluster.missing("what schedulable nodes have to allocate", "oc get nodes -o json")
    for key, wanted in asked.items():
        free = [room[node.ref.name].get(key, Decimal(0)) for node in usable]
        most, total = max(free), sum((one for one in free if one > 0), Decimal(0))
        need = sum(wanted, Decimal(0))
        if need > total:
            message = f"the application's pods request {readable(key, need)} of {key}"
            have = f"the schedulable nodes have {readable(key, total)}"
        elif max(wanted) > most:
            need, total = max(wanted), most
            message = f"one pod of the application requests {readable(key, need)} of {key}"
            have = f"no schedulable node has more than {readable(key, most)}"
        else:
            continue
        text = f"{message}, and {have} free"
        yield _short(usable[0], cluster, text, key, total, need)


def _on_each(pod: Pod) -> bool:
    return pod.owner.startswith("DaemonSet/")


def _free(cluster: Cluster) -> Room:
    """Raises NotGathered unless the pods and the nodes of the whole cluster are there."""
    nodes = _nodes(cluster)
    used: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for pod in cluster.all(POD):
        for key in RESOURCES if pod.node and pod.phase not in OVER else ():
            used[pod.node, key] += of_pod(pod, REQUESTS, key) or Decimal(0)
    found: dict[str, dict[str, Decimal]] = {}
    for node in nodes:
        for key in RESOURCES:
            amount = parse_or_none(node.allocatable.get(key, ""))
            if amount is not None:
                found.setdefault(node.ref.name, {})[key] = amount - used[node.ref.name, key]
    return found


def _nodes(cluster: Cluster) -> tuple[Node, ...]:
    """The nodes, which are few: without them no pod is read. Raises NotGathered for both kinds."""
    try:
        return cluster.all(NODE)
    except NotGathered as missing:
        shelf = cluster.inventory.shelf(POD)
        if shelf is None or not shelf.whole:
            pods = cluster.inventory.not_gathered(POD)
            raise NotGathered(*missing.missing, *pods.missing) from None
        raise


def _short(
    node: Node, about: Node | Cluster, text: str, key: str, free: Decimal, need: Decimal
) -> Outcome:
    return failed(
        about.subject if isinstance(about, Cluster) else about.ref.subject,
        text,
        node.ref.at("/status/allocatable"),
        found=f"{readable(key, free)} free",
        wanted=f"{readable(key, need)} free",
        key=key,
        commands=("oc describe nodes | grep -A 8 'Allocated resources'",),
    )
