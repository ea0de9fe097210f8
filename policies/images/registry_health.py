"""Whether the image registries run, are writable and have persistent storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from policies import links
from policies.images.exposed import DOCS
from policies.needs.need_policies import SideNeed
from policies.plan.plan_policies import PLAN_READS
from service.core.evidence import Gaps, NotGathered
from service.core.facts import cloud
from service.core.facts.plan_type import copies_images
from service.core.facts.release import READS as RELEASE_READS
from service.core.facts.release import major
from service.core.facts.transfer import intra_cluster
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import NotApplicable
from service.kinds.config import REGISTRY_CONFIG, RegistryConfig
from service.kinds.ref import Ref
from service.kinds.resource import Read, fetch_command
from service.kinds.storage import PERSISTENT_VOLUME, PersistentVolume
from service.kinds.workloads import (
    BUILD_CONFIG,
    DEPLOYMENT,
    DEPLOYMENT_CONFIG,
    IMAGE_STREAM,
    Workload,
)

NAMESPACE = "openshift-image-registry"
OLD = ("docker-registry", "default")
NEW = "image-registry"
"""Name and namespace of the registry of OpenShift 3, and its name in OpenShift 4."""
BRING_STORAGE = ("AWS", "Azure", "GCP", "IBMCloud", "OpenStack", "AlibabaCloud", "PowerVS")
"""Platforms on which the registry operator creates the storage."""
FILES = ("nfs", "cephfs", "glusterfs", "azureFile")
FILE_DRIVERS = ("nfs", "cephfs", "efs", "file")
CONFIG = "oc get configs.imageregistry.operator.openshift.io cluster -o yaml"
CONFIG_JSON = CONFIG.replace("yaml", "json")


class RegistryHealthy(SideNeed):
    """The image registry of a cluster is available, writable and has persistent storage.

    Checked where the plan's namespaces contain image streams or builds, or where that is not
    known. MTC201 reports a removed registry. Of an unmanaged one the Deployment counts. Storage
    that the documentation does not recommend (emptyDir, NFS and other file storage) is a warning.
    """

    id = "MTC857"
    name = "registry-healthy"
    title = "The image registries are available and have suitable storage"
    why = "Images are not copied or are lost later, and application pods do not start."
    reads = (
        *PLAN_READS,
        Read(REGISTRY_CONFIG, name="cluster"),
        *RELEASE_READS,
        *cloud.READS,
        Read(PERSISTENT_VOLUME),
        Read(DEPLOYMENT_CONFIG, namespace="default"),
        Read(DEPLOYMENT, NAMESPACE),
        Read(IMAGE_STREAM, plan_namespaces=True),
        Read(BUILD_CONFIG, plan_namespaces=True),
    )
    declares = ("platform",)
    remedy = "Configure storage, set readOnly to false, or fix what the registry operator reports."
    docs = (links.CHECKLISTS, links.REGISTRY_STORAGE, *DOCS)
    source = "MTC documentation, Premigration checklists; OpenShift documentation, Registry"
    better = "MTC has no such check."
    good = "the image registry is available, and its storage is suitable"

    def applies(self, migration: Migration) -> None:
        if intra_cluster(migration) or not copies_images(migration.plan):
            raise NotApplicable("the plan copies no images between clusters")

    def faults(self, migration: Migration, cluster: Cluster, gaps: Gaps) -> Iterator[Outcome]:
        source, names = migration.source, migration.source_namespaces
        if not source.known(IMAGE_STREAM, names) and not source.known(BUILD_CONFIG, names):
            with suppress(NotGathered):
                source.all(IMAGE_STREAM, names)
                source.all(BUILD_CONFIG, names)
                raise NotApplicable("the plan's namespaces contain no image streams and no builds")
        with gaps.noted():
            if major(cluster) == 3:
                yield from _old(cluster)
                return
            config = cluster.get(REGISTRY_CONFIG, "cluster")
            if config.management_state == "Removed":
                raise NotApplicable("the registry was removed (MTC201)")
            yield from _new(cluster, config, gaps, here=cluster is migration.destination)


def _new(cluster: Cluster, config: RegistryConfig, gaps: Gaps, *, here: bool) -> Iterator[Outcome]:
    managed = config.management_state != "Unmanaged"
    with gaps.noted():
        if not managed:
            yield from _unmanaged(cluster, config)
        elif "Available" not in config.conditions:
            raise cluster.missing("condition Available of the image registry", CONFIG_JSON)
    for kind, wanted in (("Available", "True"), ("Degraded", "False")):
        told = config.conditions.get(kind)
        if told is not None and told.status != wanted:
            said = f"the image registry has {kind}={told.status}: {told.message or told.reason}"
            yield _fault(config.ref, said, f"{kind}={told.status}", "/status/conditions")
    if config.read_only and here:
        said = "the image registry is read-only: images cannot be pushed"
        yield _fault(config.ref, said, "readOnly: true", "/spec/readOnly")
    if managed:
        yield from _storage(cluster, config, gaps)


def _unmanaged(cluster: Cluster, config: RegistryConfig) -> Iterator[Outcome]:
    """What runs decides: the operator judges nothing and creates nothing."""
    for item in cluster.known(DEPLOYMENT, (NAMESPACE,)):
        if item.ref.name == NEW:
            yield from _pods(cluster, item)
            return
    cluster.all(DEPLOYMENT, (NAMESPACE,))
    yield _fault(config.ref, "the image registry has no pods", "no pods", "/spec")


def _storage(cluster: Cluster, config: RegistryConfig, gaps: Gaps) -> Iterator[Outcome]:
    if not config.storage:
        platform = cloud.platform(cluster).value
        if platform not in BRING_STORAGE:
            said = f"the image registry has no storage, and platform {platform} does not provide it"
            yield _fault(config.ref, said, "no storage", "/spec/storage")
    elif config.storage == "emptyDir":
        said = "the image registry uses emptyDir storage: images are lost when its pod restarts"
        yield _fault(config.ref, said, "emptyDir", "/spec/storage", Severity.WARNING)
    elif config.storage == "pvc":
        with gaps.noted():
            cluster.all(PERSISTENT_VOLUME)
        yield from _on_volume(cluster, config)


def _on_volume(cluster: Cluster, config: RegistryConfig) -> Iterator[Outcome]:
    claim = config.claim or "image-registry-storage"
    for volume in cluster.known(PERSISTENT_VOLUME):
        if (volume.claim_namespace, volume.claim_name) != (NAMESPACE, claim):
            continue
        if _is_file(volume):
            said = f"the image registry uses file storage (volume {volume.ref.name})"
            yield _fault(config.ref, said, "file storage", "/spec/storage/pvc", Severity.WARNING)
        if (config.replicas or 1) > 1 and "ReadWriteMany" not in volume.access_modes:
            said = f"{config.replicas} registry replicas cannot share a ReadWriteOnce volume"
            yield _fault(config.ref, said, f"replicas: {config.replicas}", "/spec/replicas")


def _is_file(volume: PersistentVolume) -> bool:
    return volume.source in FILES or any(word in volume.driver for word in FILE_DRIVERS)


def _pods(cluster: Cluster, item: Workload) -> Iterator[Outcome]:
    if item.ready is None and item.wanted:
        kind = DEPLOYMENT if item.ref.name == NEW else DEPLOYMENT_CONFIG
        command = fetch_command(kind, item.ref.name, item.ref.namespace)
        raise cluster.missing("the status of the image registry's pods", command)
    if (item.ready or 0) < (item.wanted or 0) or not item.wanted:
        said = f"the image registry has {item.ready or 0} of {item.wanted or 0} pods ready"
        severity = Severity.WARNING if item.ready else None
        yield _fault(item.ref, said, f"{item.ready or 0} ready", "/status", severity)


def _old(cluster: Cluster) -> Iterator[Outcome]:
    item = cluster.get(DEPLOYMENT_CONFIG, *OLD)
    yield from _pods(cluster, item)
    if not item.claims:
        said = "the image registry has no persistent volume: images are lost when its pod restarts"
        at = f"{item.template}/spec/volumes"
        yield _fault(item.ref, said, "no volume", at, Severity.WARNING)


def _fault(ref: Ref, said: str, found: str, at: str, severity: Severity | None = None) -> Outcome:
    described = f"oc describe {ref.kind.lower()} {ref.name} -n {ref.namespace}"
    return failed(
        ref.subject,
        said,
        ref.at(at, found),
        found=found,
        wanted="available, writable, on object or block storage",
        key=found,
        commands=(described if ref.namespace else CONFIG,),
        severity=severity,
    )
