"""Whether the pods that copy data find a node that can hold them and their volumes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from shlex import quote

from policies import links
from policies.needs.need_policies import (
    READS,
    PlanNeed,
    claim_of,
    copied,
    namespace_to_be,
    require_rsync,
    side_namespaces,
    sources_by_destination,
)
from policies.plan.plan_policies import PLAN_READS
from service.core.access_modes import RWO
from service.core.evidence import Gaps, NotGathered
from service.core.facts import release
from service.core.facts.release import major
from service.core.facts.storage_classes import KnownClass, destination_classes
from service.core.facts.transfer import endpoint_type
from service.core.facts.volume_targets import access_modes, target_of
from service.core.facts.volumes import Volume
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed, unknown
from service.core.values.wording import few, plural
from service.kinds.cluster import CONFIG_MAP, NAMESPACE, NODE, Namespace, Node
from service.kinds.health import CSI_NODE, SCHEDULER
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.ref import pointer_step
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME, STORAGE_CLASS

SELECTOR = "openshift.io/node-selector"
WORKER = "node-role.kubernetes.io/worker"


class NamespaceNodeSelectors(PlanNeed):
    """The node selectors of the plan's namespaces lead to nodes of the destination.

    A project's annotation is added to every pod of it, rsync's too; where a project has none, the
    scheduler's default counts. MTC makes namespaces with the source's annotations. Nodes that are
    cordoned, not ready or tainted do not accept pods. MTC752 looks at the pods' own selectors.
    """

    id = "MTC833"
    name = "namespace-node-selectors"
    title = "Node selectors of the namespaces match nodes of the destination"
    why = (
        "All pods of the namespace stay Pending, including the rsync pods, and the migration "
        "waits for them."
    )
    reads = (*PLAN_READS, *release.READS, Read(NAMESPACE), Read(SCHEDULER))
    declares = ("openshiftVersion",)
    remedy = "Label nodes of the destination, or change the annotation of the namespace."
    docs = (links.TROUBLE, links.CHECKLISTS)
    source = "MTC documentation, Troubleshooting; OpenShift project node selectors"
    better = "MTC checks only the selectors of the pods."
    good = "the node selectors of the namespaces match nodes of the destination"

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        default = ""
        with gaps.noted():
            if major(migration.destination) > 3:
                found = migration.destination.get(SCHEDULER, "cluster")
                default = found.selector
        for name in side_namespaces(migration, migration.destination):
            with gaps.noted():
                namespace = namespace_to_be(migration, name)
                given = namespace.annotations.get(SELECTOR)
                yield from _leads_nowhere(migration, namespace, default if given is None else given)
                yield from _differs(migration, namespace, name)


def _leads_nowhere(migration: Migration, namespace: Namespace, selector: str) -> Iterator[Outcome]:
    if not selector.strip():
        return
    pointer = namespace.ref.at(f"/metadata/annotations/{pointer_step(SELECTOR)}", selector)
    wanted = dict(_pairs(selector))
    try:
        nodes = migration.destination.all(NODE)
    except NotGathered as gap:
        yield unknown(
            namespace.ref.subject,
            f"cannot verify whether a node of the destination has {selector}",
            *gap.missing,
            key=SELECTOR,
            evidence=(pointer,),
            severity=Severity.BLOCKER,
        )
        return
    fitting = [node for node in nodes if wanted.items() <= dict(node.labels).items()]
    if any(node.takes_pods for node in fitting):
        return
    closed = f"; {few(node.ref.name for node in fitting)} do not accept pods" if fitting else ""
    yield failed(
        namespace.ref.subject,
        f"namespace {namespace.ref.name} asks for nodes with {selector}, but no node of the "
        f"destination has these labels{closed}",
        pointer,
        found=selector,
        wanted="labels of a node that accepts pods",
        key=SELECTOR,
        commands=(f"oc get nodes -l {quote(selector)}",),
    )


def _pairs(selector: str) -> Iterator[tuple[str, str]]:
    for word in selector.split(","):
        key, _, value = word.strip().partition("=")
        if key:
            yield key.strip(), value.lstrip("=").strip()


def _differs(migration: Migration, namespace: Namespace, name: str) -> Iterator[Outcome]:
    """A destination namespace that exists, without the source's selector."""
    if namespace.ref.cluster != migration.destination.name:
        return
    for source in migration.derive(sources_by_destination)[name]:
        origin = migration.source.find(NAMESPACE, source)
        wanted = origin.annotations.get(SELECTOR) if origin else None
        if wanted and namespace.annotations.get(SELECTOR) != wanted:
            found = namespace.annotations.get(SELECTOR)
            yield failed(
                namespace.ref.subject,
                f"namespace {name} does not have the node selector that {source} has on the "
                "source: its pods run on other nodes, and the rsync pods may not be scheduled",
                namespace.ref.at(f"/metadata/annotations/{pointer_step(SELECTOR)}", found),
                found=found if found else "none",
                wanted=wanted,
                key="differs",
                commands=(f"oc annotate namespace {quote(name)} {SELECTOR}={quote(wanted)}",),
                severity=Severity.WARNING,
            )


ZONAL = (
    "ebs.csi.aws.com", "kubernetes.io/aws-ebs", "pd.csi.storage.gke.io", "kubernetes.io/gce-pd",
    "disk.csi.azure.com", "kubernetes.io/azure-disk", "cinder.csi.openstack.org",
    "kubernetes.io/cinder", "csi.vsphere.vmware.com", "vpc.block.csi.ibm.io",
)  # fmt: skip
"""Provisioners whose volumes can be attached only within one zone."""
IN_TREE = {
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com", "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
    "kubernetes.io/cinder": "cinder.csi.openstack.org",
    "kubernetes.io/vsphere-volume": "csi.vsphere.vmware.com",
}  # fmt: skip
"""The CSI drivers that took over from provisioners of Kubernetes itself."""
FEWEST = 4
"""Volumes that the smallest nodes can attach (Azure)."""


class TransferPodPlaceable(PlanNeed):
    """One node of the destination can attach all volumes of a namespace at once.

    rsync's pod there mounts every file system of its namespace. With volumeBindingMode Immediate
    the volumes are made before the pod, each in any zone that the class allows; a node takes only
    so many volumes of a driver; an endpoint of type NodePort needs a node with the worker label.
    Claims that exist already are bound in the zones of their volumes.
    """

    id = "MTC834"
    name = "transfer-pod-placeable"
    title = "One node of the destination can attach all volumes of a namespace"
    why = "The rsync pod on the destination stays Pending, and the migration waits for it."
    reads = (
        *READS,
        Read(NODE),
        Read(STORAGE_CLASS),
        Read(CSI_NODE),
        Read(CONFIG_MAP, MTC_NAMESPACE),
        Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    )
    declares = ("storageClasses",)
    remedy = (
        "Select a storage class with volumeBindingMode WaitForFirstConsumer or with one zone, "
        "put fewer volumes of a namespace into one plan, or copy through the repository."
    )
    docs = (links.ABOUT, links.TROUBLE)
    source = "MTC documentation, About MTC (BZ 1947487); mig-controller rsync.go; crane-lib rsync"
    better = "MTC has no such check."
    good = "one node can attach all volumes of each namespace"

    def applies(self, migration: Migration) -> None:
        require_rsync(migration)

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        mapped = {one.source: one.destination for one in migration.plan.namespaces}
        groups: dict[str, list[tuple[Volume, KnownClass]]] = defaultdict(list)
        for volume in copied(migration):
            modes = access_modes(volume)
            if "ReadWriteMany" in modes or RWO not in modes or volume.mode == "Block":
                continue
            with gaps.noted():
                target = destination_classes(migration).find(target_of(migration, volume).name)
                space = claim_of(volume)[0]
                if target is not None:
                    groups[mapped.get(space, space)].append((volume, target))
        for name, found in groups.items():
            yield from _apart(migration, name, found)
            with gaps.noted():
                yield from _in_zones(migration, name, found)
            with gaps.noted():
                yield from _attachable(migration, name, found)
        if endpoint_type(migration.destination).value == "NodePort":
            with gaps.noted():
                yield from _no_worker(migration)


def _apart(
    migration: Migration, name: str, found: list[tuple[Volume, KnownClass]]
) -> Iterator[Outcome]:
    """Storage classes, or volumes that exist, with no zone in common."""
    destination = migration.destination
    zonal = {kind.name for kind in _zonal(found)}
    allowed = {
        one.ref.name: set(one.zones)
        for one in destination.known(STORAGE_CLASS)
        if one.ref.name in zonal and one.zones
    }
    names = {claim_of(volume)[1] for volume, _ in found}
    volumes = [
        one
        for one in destination.known(PERSISTENT_VOLUME)
        if one.claim_namespace == name and one.claim_name in names and one.zone
    ]
    bound = {one.ref.name: {one.zone} for one in volumes}
    at = [
        *(kind.evidence for kind in _zonal(found)[:2]),
        *(one.ref.at("/metadata/labels", one.zone) for one in volumes[:2]),
    ]
    for what, zones in (("storage classes", allowed), ("existing volumes", bound)):
        if len(zones) > 1 and not set.intersection(*zones.values()):
            yield failed(
                destination.subject,
                f"the {what} {few(sorted(zones))} for namespace {name} have no zone in common, but "
                "one rsync pod needs all volumes",
                *at,
                found=f"{what} in {len(set().union(*zones.values()))} zones",
                wanted="one zone",
                key=f"apart {name} {what}",
                commands=("oc get storageclasses,pv -o yaml",),
            )


def _zonal(found: list[tuple[Volume, KnownClass]]) -> list[KnownClass]:
    return [kind for _, kind in found if kind.provisioner in ZONAL]


def _in_zones(
    migration: Migration, name: str, found: list[tuple[Volume, KnownClass]]
) -> Iterator[Outcome]:
    zonal = _zonal(found)
    if len(zonal) < 2 or all(kind.binding_mode == "WaitForFirstConsumer" for kind in zonal):
        return
    zones = _possible_zones(migration, zonal, migration.destination.known(NODE))
    if len(zones) < 2:
        zones = _possible_zones(migration, zonal, migration.destination.all(NODE))
    if len(zones) < 2:
        return
    if any(not kind.binding_mode for kind in zonal):
        raise migration.destination.inventory.not_gathered(STORAGE_CLASS)
    kind = next(kind for kind in zonal if kind.binding_mode != "WaitForFirstConsumer")
    yield failed(
        migration.destination.subject,
        f"{len(zonal)} volumes for namespace {name} can be provisioned in any of {len(zones)} "
        f"zones ({few(sorted(zones))}) because class {kind.name} binds immediately, but one rsync "
        "pod needs all of them",
        kind.evidence,
        found=f"volumeBindingMode {kind.binding_mode}, {len(zones)} zones",
        wanted="WaitForFirstConsumer, or one zone",
        key=f"zones {name}",
        commands=("oc get storageclasses", "oc get nodes -L topology.kubernetes.io/zone"),
    )


def _possible_zones(
    migration: Migration, kinds: list[KnownClass], nodes: Iterable[Node]
) -> set[str]:
    """Where volumes of these classes can be: in the zones of the class, else in any with a node."""
    there = {node.zone for node in nodes if node.takes_pods and node.zone}
    own = {one.ref.name: set(one.zones) for one in migration.destination.known(STORAGE_CLASS)}
    return set().union(*(own.get(kind.name) or there for kind in kinds))


def _attachable(
    migration: Migration, name: str, found: list[tuple[Volume, KnownClass]]
) -> Iterator[Outcome]:
    by_driver: dict[str, int] = defaultdict(int)
    for _, kind in found:
        by_driver[kind.provisioner] += 1
    nodes = migration.destination.known(NODE)
    used = {node.ref.name: node.attached for node in nodes}
    closed = {node.ref.name for node in nodes if not node.takes_pods}
    most: dict[str, int] = {}
    free: dict[str, int] = {}
    for node in migration.destination.known(CSI_NODE):
        if node.ref.name in closed:
            continue
        for driver, count in node.attachable.items():
            most[driver] = max(most.get(driver, 0), count)
            left = count - used.get(node.ref.name, {}).get(driver, 0)
            free[driver] = max(free.get(driver, 0), left)
    for provisioner, count in by_driver.items():
        driver = IN_TREE.get(provisioner, provisioner)
        if driver not in most and driver in ZONAL and count > FEWEST:
            raise migration.destination.inventory.not_gathered(CSI_NODE)
        if driver in most and count > free[driver]:
            taken = f" and {free[driver]} more now" if free[driver] < most[driver] else ""
            yield failed(
                migration.destination.subject,
                f"namespace {name} has {plural(count, 'volume')} of {driver}, but a node can "
                f"attach {most[driver]}{taken}",
                *(kind.evidence for _, kind in found[:1]),
                found=str(count),
                wanted=f"at most {free[driver]}",
                key=f"attach {name} {driver}",
                commands=("oc get csinodes -o json",),
                observed=count,
                severity=None if count > most[driver] else Severity.WARNING,
            )


def _no_worker(migration: Migration) -> Iterator[Outcome]:
    nodes: tuple[Node, ...] = migration.destination.all(NODE)
    if not any(WORKER in node.labels for node in nodes):
        yield failed(
            migration.destination.subject,
            f"rsync_endpoint_type is NodePort, and no node has label {WORKER}",
            *endpoint_type(migration.destination).evidence,
            found="no such node",
            wanted=f"a node with label {WORKER}",
            key="worker",
            commands=(f"oc get nodes -l {WORKER}",),
        )
