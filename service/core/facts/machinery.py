"""Whether MTC's own components run: what their Deployments, DaemonSets and pods say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from service.core.evidence import NotGathered
from service.core.migration import Cluster, Migration
from service.core.values.wording import plural
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.ref import Pointer, Ref
from service.kinds.resource import Read
from service.kinds.velero import BACKUP_STORAGE_LOCATION, BackupStorageLocation
from service.kinds.workloads import DAEMON_SET, DEPLOYMENT, POD, Pod, Workload

RUNNING_READS: tuple[Read[Any], ...] = (Read(DEPLOYMENT, MTC_NAMESPACE), Read(POD, MTC_NAMESPACE))
"""What :func:`state` reads of a Deployment; a policy that calls it declares it."""
AGENT_READS: tuple[Read[Any], ...] = (Read(DAEMON_SET, MTC_NAMESPACE), Read(POD, MTC_NAMESPACE))
LOCATION_READS: tuple[Read[Any], ...] = (Read(BACKUP_STORAGE_LOCATION, MTC_NAMESPACE),)

FRESH = timedelta(hours=1)
"""Velero tests a location every minute: one that was tested longer ago shows that it stopped."""


@dataclass(frozen=True, slots=True)
class Component:
    """A part of MTC: the names of its Deployments or DaemonSets, which its pods' names start with.

    ``label`` marks its pods too.
    """

    title: str
    names: tuple[str, ...]
    label: tuple[str, str] = ("", "")
    daemon: bool = False

    def is_one(self, item: Pod) -> bool:
        """Whether a pod is of this component."""
        if item.ref.namespace != MTC_NAMESPACE:
            return False
        key, value = self.label
        named = item.ref.name.startswith(tuple(f"{name}-" for name in self.names))
        return named or (bool(key) and item.labels.get(key) == value)


CONTROLLER = Component("the controller", ("migration-controller",))
OPERATOR = Component("the operator", ("migration-operator",))
CONSOLE = Component("the web console", ("migration-ui",))
OADP = Component("OADP's operator", ("openshift-adp-controller-manager", "oadp-operator"))
VELERO = Component("Velero", ("velero",), ("component", "velero"))
AGENT = Component("the agent that copies files", ("node-agent", "restic"), daemon=True)


HERE = (MTC_NAMESPACE, "")
"""Where MTC's components are; an excerpt may leave the namespace out."""


@dataclass(frozen=True, slots=True)
class ComponentState:
    """Whether a component runs. ``text`` describes it, ``pods`` are those that were seen."""

    up: bool
    text: str
    evidence: tuple[Pointer, ...]
    pods: tuple[Pod, ...] = ()
    absent: bool = False


def state(cluster: Cluster, part: Component) -> ComponentState:
    """Whether a component of a cluster runs.

    A Deployment or DaemonSet with a status, or scaled to zero, is believed; else the pods. Absence
    counts where the list of either is whole. Raises NotGathered where the evidence does not show
    it.
    """
    kind = DAEMON_SET if part.daemon else DEPLOYMENT
    pods = tuple(pod for pod in cluster.known(POD, HERE) if part.is_one(pod) and _counts(pod))
    owners = [item for item in cluster.known(kind, HERE) if _is_owner(item, part)]
    for item in owners:
        if _shows(item) and not _runs(item):
            text = _ready(item)
            reasons = [f"; {_why(pod)}" for pod in pods if not is_ready(pod)]
            return ComponentState(
                False, text + "".join(reasons[:1]), (item.ref.at("/status"),), pods
            )
    if any(item.ready is not None for item in owners):
        item = next(item for item in owners if item.ready is not None)
        return ComponentState(True, _ready(item), (item.ref.at("/status"),), pods)
    if pods:
        return _of_pods(pods)
    try:
        cluster.all(POD, (MTC_NAMESPACE,))
        where = "pod"
    except NotGathered:
        cluster.all(kind, (MTC_NAMESPACE,))
        where = kind.kind
    return ComponentState(False, f"namespace {MTC_NAMESPACE} has no such {where}", (), absent=True)


def _is_owner(item: Workload, part: Component) -> bool:
    return item.ref.namespace == MTC_NAMESPACE and item.ref.name in part.names


def _shows(item: Workload) -> bool:
    """Whether a Deployment or DaemonSet shows by itself whether its pods run."""
    return item.ready is not None or item.wanted == 0


def _ready(item: Workload) -> str:
    pods = plural(item.wanted or 0, "pod")
    return f"{item.ref.kind} {item.ref.name} has {item.ready or 0} of {pods} ready"


def _runs(item: Workload) -> bool:
    return bool(item.wanted) and (item.ready or 0) >= (item.wanted or 0)


def _counts(pod: Pod) -> bool:
    return not pod.deleting and pod.phase not in ("Succeeded", "Failed")


def is_ready(pod: Pod) -> bool:
    """Whether a pod runs with all of its containers ready."""
    return pod.phase == "Running" and all(one.ready for one in pod.containers if not one.init)


def _of_pods(pods: tuple[Pod, ...]) -> ComponentState:
    bad = [pod for pod in pods if not is_ready(pod)]
    if len(bad) < len(pods):
        good = next(pod for pod in pods if is_ready(pod))
        return ComponentState(
            True, f"pod {good.ref.name} is ready", (good.ref.at("/status"),), pods
        )
    return ComponentState(
        False, _why(bad[0]), tuple(pod.ref.at("/status/phase", pod.phase) for pod in bad), pods
    )


def _why(pod: Pod) -> str:
    waiting = [one.waiting for one in pod.containers if one.waiting]
    reasons = [reason for kind, status, reason in pod.conditions
               if kind == "PodScheduled" and status == "False"]  # fmt: skip
    words = ", ".join(dict.fromkeys((*waiting, *reasons)))
    text = pod.phase or "of no phase"
    return f"pod {pod.ref.name} is {text}" + (f" ({words})" if words else ", not ready")


def controller_down(migration: Migration) -> ComponentState | None:
    """That the controller is seen not to run: what it wrote of itself is then out of date.

    None where it runs, or where this is not known.
    """
    return migration.derive(_down)


def is_seen(cluster: Cluster, part: Component) -> bool:
    """Whether the evidence holds a pod of a component, or what makes its pods with its status."""
    if any(part.is_one(pod) and _counts(pod) for pod in cluster.known(POD, HERE)):
        return True
    kind = DAEMON_SET if part.daemon else DEPLOYMENT
    return any(_is_owner(one, part) and _shows(one) for one in cluster.known(kind, HERE))


def _down(migration: Migration) -> ComponentState | None:
    if not is_seen(migration.host, CONTROLLER):
        return None
    found = state(migration.host, CONTROLLER)
    return None if found.up else found


def locations(migration: Migration, cluster: Cluster) -> tuple[BackupStorageLocation, ...]:
    """The known BackupStorageLocations that MTC made of the plan's repository.

    MTC names each after the MigStorage and labels it with its uid; where none is of that form,
    all of MTC's namespace count.
    """
    here = [one for one in cluster.known(BACKUP_STORAGE_LOCATION)
            if one.ref.namespace == MTC_NAMESPACE]  # fmt: skip
    storage = migration.given_storage
    if storage is None:
        return tuple(here)
    ours = tuple(one for one in here if _is_of(one, storage.ref))
    return ours or tuple(here)


def _is_of(item: BackupStorageLocation, storage: Ref) -> bool:
    if storage.uid and storage.uid in item.labels.values():
        return True
    return bool(storage.name) and item.ref.name.startswith(f"{storage.name}-")


def is_stale(migration: Migration, item: BackupStorageLocation) -> bool:
    """Whether Velero tested a location more than an hour before the evidence was collected."""
    age = age_when_collected(migration, item.ref, item.validated)
    return age is not None and age > FRESH


def age_when_collected(migration: Migration, ref: Ref, text: str) -> timedelta | None:
    """How long ago a time of an object was when the evidence was collected; None if not known."""
    then = moment(text)
    taken = [
        part.collected
        for part in migration.parts
        if part.name == ref.origin.part and part.collected
    ]
    # An envelope is one part of several clusters; the latest of their times is on the safe side.
    return max(taken) - then if then is not None and taken else None


def moment(text: str) -> datetime | None:
    """A time as Kubernetes writes it; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
