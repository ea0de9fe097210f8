"""Whether both clusters reach the storage of volumes that are moved, not copied."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from shlex import quote

from policies import links
from policies.network.connection_outcomes import (
    MTC_READS,
    PLAN_READS,
    connection,
)
from policies.plan.plan_policies import GIVEN
from service.core.evidence import Attempt, Missing
from service.core.facts.cloud import platform, regions
from service.core.facts.connecting import untried
from service.core.facts.endpoints import Endpoint
from service.core.facts.reach import (
    DECLARED,
    Rank,
    Reach,
    Sight,
    holds,
    plain_host,
    probes_from,
    reach,
    same_endpoint,
)
from service.core.facts.release import READS as RELEASE_READS
from service.core.facts.transfer import intra_cluster
from service.core.migration import Cluster, Migration, Probe
from service.core.outcome import Outcome, failed
from service.core.policy import ClusterPolicy, NotApplicable
from service.core.values.wording import few
from service.kinds.config import INFRASTRUCTURE
from service.kinds.mtc import PlanVolume
from service.kinds.ref import Pointer
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME, PersistentVolume

NFS_PORT = 2049
EBS = "awsElasticBlockStore"
METADATA = "http://169.254.169.254/latest/dynamic/instance-identity/document"
"""Where an EC2 instance reads its own account and region."""


@dataclass(slots=True)
class Backend:
    """Volumes that one storage system holds: an NFS server, EBS, or what a class means."""

    kind: str
    server: str
    volumes: list[PersistentVolume] = field(default_factory=list)

    @property
    def names(self) -> str:
        """The volumes, the first few by name."""
        return few(volume.ref.name for volume in self.volumes)


class RemoteVolumesReachable(ClusterPolicy):
    """Source and destination both reach the storage of the volumes that the plan moves.

    `move` makes the same volume known on the destination: an NFS server is needed on port 2049,
    an EBS volume in the same AWS account and region, and any other storage from both clusters.
    MTC itself asks the NFS server from the destination only.
    """

    id = "MTC503"
    name = "remote-volumes-reachable"
    title = "Source and destination reach the storage of volumes that are moved"
    why = "The volume is bound on the destination, but no pod there can mount it."
    reads = (
        *PLAN_READS,
        Read(PERSISTENT_VOLUME),
        Read(INFRASTRUCTURE, name="cluster"),
        *RELEASE_READS,
        *MTC_READS,
    )
    declares = ("volume", "region", "platform")
    requires = GIVEN
    remedy = (
        "Make the storage reachable from both clusters (NFS: open port 2049, and export to the "
        "nodes of both), or select action copy."
    )
    docs = (links.PREREQUISITES,)
    chapter = True
    source = (
        "MTC docs, Migration prerequisites; mig-controller pkg/controller/migplan/validation.go "
        "(NfsValidation) and pvlist.go (getSupportedActions)"
    )
    upstream = ("NfsNotAccessible", "NfsAccessCannotBeValidated")
    better = "Also checks the source cluster, and storage other than NFS."

    def applies(self, migration: Migration) -> None:
        plan = migration.plan
        if not plan.volumes:
            raise NotApplicable(
                "the plan lists no volumes yet, and MTC moves only volumes that are selected",
                plan.ref.at("/spec/persistentVolumes"),
            )
        if not _moved(migration):
            raise NotApplicable(
                "no volume of the plan has action move", plan.ref.at("/spec/persistentVolumes")
            )
        if intra_cluster(migration):
            raise NotApplicable("source and destination are one cluster")

    def subjects(self, migration: Migration) -> Iterable[Cluster]:
        return (migration.source, migration.destination)

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        self.applies(migration)
        for backend in _backends(migration):
            if backend.kind == "nfs":
                yield _nfs(migration, cluster, backend)
            elif backend.kind == EBS:
                if cluster is migration.destination:
                    yield from _ebs(migration, cluster, backend)
            else:
                yield _other(migration, cluster, backend)


def _moved(migration: Migration) -> tuple[PlanVolume, ...]:
    return tuple(item for item in migration.plan.volumes or () if item.action == "move")


def _backends(migration: Migration) -> Iterable[Backend]:
    found: dict[tuple[str, str], Backend] = {}
    for item in _moved(migration):
        volume = migration.source.get(PERSISTENT_VOLUME, item.name)
        server = plain_host(volume.server) if volume.source == "nfs" else volume.storage_class
        if volume.source == EBS:
            server = volume.region
        key = (volume.source, server)
        found.setdefault(key, Backend(volume.source, server)).volumes.append(volume)
    return found.values()


def _nfs(migration: Migration, cluster: Cluster, backend: Backend) -> Outcome:
    place = Endpoint(backend.server, NFS_PORT, tls=False)
    probes = (
        probe
        for probe in probes_from(migration, cluster, "volume", "endpoint")
        if same_endpoint(probe, place) and (probe.host or _for_all(probe))
    )
    attempt = Attempt("volume", "", place.host, place.port, "tcp")
    sights = _asked_by_mtc(migration, backend) if cluster is migration.destination else []
    return connection(
        reach(probes, sights),
        cluster.subject,
        f"from the {cluster.role} cluster to the NFS server {place} of {backend.names}",
        (untried(migration, cluster, attempt),),
        wanted="open",
        key=str(place),
        evidence=(_server(backend.volumes[0]),),
    )


def _server(volume: PersistentVolume) -> Pointer:
    return volume.ref.at("/spec/nfs/server", volume.server)


def _for_all(probe: Probe) -> bool:
    """A declaration without a host is about all remote volumes; a measurement is about one."""
    return probe.vantage == DECLARED and probe.target == "volume"


def _asked_by_mtc(migration: Migration, backend: Backend) -> list[Sight]:
    """What the plan's conditions say: the controller asks NFS servers from the destination."""
    plan = migration.plan
    denied = holds(plan.conditions, "NfsNotAccessible")
    if denied is not None:
        listed = denied.message.lower().partition("[")[2].partition("]")[0]
        if backend.server not in map(str.strip, listed.split(",")):
            return []
        pointer = plan.ref.at("/status/conditions", f"NfsNotAccessible: {denied.message}")
        return [Sight(False, Rank.MEASURED, "the plan has NfsNotAccessible", pointer)]
    unsettled = ("NfsAccessCannotBeValidated", "Suspended", "Closed")
    if any(holds(plan.conditions, kind) for kind in unsettled):
        return []
    if not holds(plan.conditions, "Ready") or not holds(plan.conditions, "PvsDiscovered"):
        return []
    names = {volume.ref.name for volume in backend.volumes}
    if any(
        item.name in names and "move" not in item.supported_actions for item in _moved(migration)
    ):
        return []
    pointer = plan.ref.at("/status/conditions", "Ready=True, no NfsNotAccessible")
    text = (
        "the plan is Ready and MTC, which tests NFS servers from the destination, still offers "
        "action move"
    )
    return [Sight(True, Rank.MEASURED, text, pointer)]


def _ebs(migration: Migration, cluster: Cluster, backend: Backend) -> Iterator[Outcome]:
    cloud = platform(cluster)
    if cloud.value.lower() != "aws":
        for volume in backend.volumes:
            yield failed(
                volume.ref.subject,
                f"the destination runs on {cloud.value} and cannot attach an EBS volume",
                *cloud.evidence,
                volume.ref.at(f"/spec/{EBS}"),
                found=cloud.value,
                wanted="AWS",
                key="platform",
            )
        return
    here = regions(cluster)
    if backend.server and backend.server not in here.value:
        for volume in backend.volumes:
            yield failed(
                volume.ref.subject,
                "the EBS volume and the destination are in different regions",
                *here.evidence,
                volume.ref.at(f"/spec/{EBS}"),
                found=f"volume in {backend.server}, destination in {', '.join(sorted(here.value))}",
                wanted="one region",
                key="region",
            )
        return
    need = _declared(
        cluster,
        backend,
        f"whether the destination is in the AWS account and region of the source: {METADATA} on "
        "a node of each names both",
    )
    yield _stated(migration, cluster, backend, f"EBS volumes {backend.names}", need)


def _other(migration: Migration, cluster: Cluster, backend: Backend) -> Outcome:
    first = backend.volumes[0].ref.name
    need = _declared(
        cluster,
        backend,
        f"whether the nodes of the {cluster.role} cluster reach the storage of {first}, whose "
        "address is in the volume",
    )
    what = f"{backend.kind} volumes {backend.names}"
    return _stated(migration, cluster, backend, what, need)


def _declared(cluster: Cluster, backend: Backend, fact: str) -> Missing:
    """What no object of the cluster holds: the command states what a person found."""
    fields = {"from": cluster.role.value, "vantage": "declared", "target": "volume", "open": True}
    rows = [{**fields, "host": volume.ref.name} for volume in backend.volumes]
    text = quote(f"--- {json.dumps({'probes': rows})}")
    return Missing(f"{fact}; if so, state it", cluster.role, f"printf '%s\\n' {text}")


def _stated(
    migration: Migration, cluster: Cluster, backend: Backend, what: str, need: Missing
) -> Outcome:
    """Storage whose address is in no object: a probe by volume name, or a declaration for all."""
    names = {volume.ref.name for volume in backend.volumes}
    probes = [
        probe
        for probe in probes_from(migration, cluster, "volume")
        if probe.host in names or (not probe.host and _for_all(probe))
    ]
    hosts = {probe.host for probe in probes if probe.vantage != "workstation"}
    way = reach(probes)
    if way.open and "" not in hosts and hosts != names:
        way = Reach(None, (), ())
    key = f"{backend.kind}:{backend.server}"
    what = f"from the {cluster.role} cluster to {what}"
    return connection(way, cluster.subject, what, (need,), wanted="reachable", key=key)
