"""MTC's own custom resources (migration.openshift.io/v1alpha1), as mig-controller reads them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.kinds.certificates import bundle_ends
from service.kinds.network import Selector, selector
from service.kinds.ref import Malformed, Ref
from service.kinds.resource import Resource
from service.kinds.shape import (
    Condition,
    Object,
    conditions,
    flag,
    name,
    number,
    rows,
    scalar,
    short,
    table,
    text,
    texts,
)

MTC_NAMESPACE = "openshift-migration"
"""Where MTC lives on every cluster; hard-coded in mig-controller (api/resource.go)."""
MIGRATION = "migration.openshift.io"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A reference to an object by namespace and name; both must be set to count."""

    namespace: str = ""
    name: str = ""

    @property
    def is_set(self) -> bool:
        """As mig-controller's RefSet: namespace and name are both non-empty."""
        return bool(self.namespace and self.name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class MigrationController:
    """MigrationController: settings of the operator. The spec is unvalidated by the API server.

    ``spec`` keys are as the user wrote them (snake_case or camelCase). ``conditions`` say whether
    the operator could carry them out.
    """

    ref: Ref
    spec: Mapping[str, Any]
    conditions: Mapping[str, Condition]
    manifest: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class MigCluster:
    """MigCluster: a cluster as the host's controller knows it."""

    ref: Ref
    is_host: bool
    url: str
    service_account_secret: ObjectRef
    exposed_registry_path: str
    insecure: bool
    has_ca_bundle: bool
    azure_resource_group: str
    operator_version: str
    conditions: Mapping[str, Condition]
    restart_restic: bool | None = None
    ca_bundle_fault: str = ""
    """What is wrong with spec.caBundle, "" where it is absent or holds certificates."""
    ca_ends: tuple[datetime, ...] = ()
    """When the certificates of spec.caBundle end, as far as they can be read."""


@dataclass(frozen=True, slots=True)
class NamespaceMapping:
    """An entry of MigPlan.spec.namespaces: ``src`` or ``src:dest``."""

    source: str
    destination: str
    text: str


@dataclass(frozen=True, slots=True)
class PlanVolume:
    """An entry of MigPlan.spec.persistentVolumes.

    ``pvc_name`` and ``pvc_target`` are the halves of ``pvc.name`` (``src:dest``).
    ``index`` is its place in the list, for pointers.
    """

    index: int
    name: str
    capacity: str
    storage_class: str
    supported_actions: tuple[str, ...]
    supported_copy_methods: tuple[str, ...]
    action: str
    copy_method: str
    target_storage_class: str
    target_access_mode: str
    pvc_namespace: str
    pvc_name: str
    pvc_target: str
    pvc_access_modes: tuple[str, ...]
    pvc_volume_mode: str
    owner_type: str
    proposed_capacity: str


@dataclass(frozen=True, slots=True)
class PlanHook:
    """An entry of MigPlan.spec.hooks."""

    reference: ObjectRef
    phase: str
    execution_namespace: str
    service_account: str


@dataclass(frozen=True, slots=True)
class PlanStorageClass:
    """A class of MigPlan.status.srcStorageClasses or destStorageClasses."""

    name: str
    provisioner: str
    default: bool
    access_modes: Mapping[str, tuple[str, ...]]
    """Access modes by volume mode (Filesystem, Block)."""


@dataclass(frozen=True, slots=True)
class MigPlan:
    """MigPlan. ``volumes`` is None where MTC has not discovered them yet.

    Then spec.persistentVolumes is absent; it is also absent where the discovery found none, which
    the condition PvsDiscovered shows.
    """

    ref: Ref
    namespaces: tuple[NamespaceMapping, ...]
    source_cluster: ObjectRef
    destination_cluster: ObjectRef
    storage: ObjectRef
    indirect_images: bool
    indirect_volumes: bool
    live_migrate: bool
    closed: bool
    volumes: tuple[PlanVolume, ...] | None
    hooks: tuple[PlanHook, ...]
    included_resources: tuple[tuple[str, str], ...]
    conditions: Mapping[str, Condition]
    destination_storage_classes: tuple[PlanStorageClass, ...]
    source_storage_classes: tuple[PlanStorageClass, ...]
    excluded_resources: tuple[str, ...]
    incompatible_namespaces: tuple[tuple[str, tuple[str, ...]], ...]
    selector: Selector | None = None
    """spec.labelSelector: only what it selects is migrated; None for everything."""


@dataclass(frozen=True, slots=True)
class MigStorage:
    """MigStorage: the replication repository. ``config`` holds no secret by its schema."""

    ref: Ref
    provider: str
    snapshot_provider: str
    config: Mapping[str, Any]
    snapshot_config: Mapping[str, Any]
    credentials: ObjectRef
    snapshot_credentials: ObjectRef
    conditions: Mapping[str, Condition]


@dataclass(frozen=True, slots=True)
class MigHook:
    """MigHook: a custom image or an Ansible playbook run in one phase."""

    ref: Ref
    custom: bool
    image: str
    target_cluster: str
    playbook: str = field(repr=False)
    active_deadline_seconds: int | None
    conditions: Mapping[str, Condition]


def object_ref(of: Object, key: str, at: str) -> ObjectRef:
    """A reference by namespace and name; unset where absent."""
    value = table(of, key, at)
    where = f"{at}/{key}"
    return ObjectRef(name(value, "namespace", where), name(value, "name", where))


def migration_controller(value: Object, ref: Ref) -> MigrationController:
    """MigrationController. Its spec keeps the types that were written: they are the finding."""
    reported = conditions(table(value, "status", ""), "/status")
    return MigrationController(ref, table(value, "spec", ""), reported, value)


def mig_cluster(value: Object, ref: Ref) -> MigCluster:
    """MigCluster."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    return MigCluster(
        ref=ref,
        is_host=flag(spec, "isHostCluster", "/spec"),
        url=text(spec, "url", "/spec"),
        service_account_secret=object_ref(spec, "serviceAccountSecretRef", "/spec"),
        exposed_registry_path=text(spec, "exposedRegistryPath", "/spec"),
        insecure=flag(spec, "insecure", "/spec"),
        has_ca_bundle=bool(text(spec, "caBundle", "/spec")),
        azure_resource_group=text(spec, "azureResourceGroup", "/spec"),
        operator_version=text(status, "operatorVersion", "/status"),
        conditions=conditions(status, "/status"),
        restart_restic=None
        if spec.get("restartRestic") is None
        else flag(spec, "restartRestic", "/spec"),
        ca_bundle_fault=_ca_fault(text(spec, "caBundle", "/spec")),
        ca_ends=bundle_ends(bundle) if (bundle := text(spec, "caBundle", "/spec")) else (),
    )


def _ca_fault(bundle: str) -> str:
    """Why a caBundle (base64 of PEM) cannot be used, "" where it can or is absent."""
    if not bundle:
        return ""
    try:
        plain = base64.b64decode("".join(bundle.split()), validate=True)
    except (binascii.Error, ValueError):
        return "it is not base64"
    return "" if b"-----BEGIN CERTIFICATE-----" in plain else "it holds no PEM certificate"


def mig_plan(value: Object, ref: Ref) -> MigPlan:
    """MigPlan."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    reported = conditions(status, "/status")
    discovered = reported.get("PvsDiscovered")
    # Go leaves an empty list out: a discovery that found nothing shows in the condition only.
    found_none = discovered is not None and discovered.status == "True"
    volumes: tuple[PlanVolume, ...] | None = () if found_none else None
    if spec.get("persistentVolumes") is not None:
        volumes = tuple(
            _volume(index, row)
            for index, row in enumerate(rows(spec, "persistentVolumes", "/spec"))
        )
    return MigPlan(
        ref=ref,
        namespaces=tuple(
            mapping(short(item, f"/spec/namespaces/{index}"))
            for index, item in enumerate(texts(spec, "namespaces", "/spec"))
        ),
        source_cluster=object_ref(spec, "srcMigClusterRef", "/spec"),
        destination_cluster=object_ref(spec, "destMigClusterRef", "/spec"),
        storage=object_ref(spec, "migStorageRef", "/spec"),
        indirect_images=flag(spec, "indirectImageMigration", "/spec"),
        indirect_volumes=flag(spec, "indirectVolumeMigration", "/spec"),
        live_migrate=flag(spec, "liveMigrate", "/spec"),
        closed=flag(spec, "closed", "/spec"),
        volumes=volumes,
        hooks=tuple(
            _hook(row, f"/spec/hooks/{index}")
            for index, row in enumerate(rows(spec, "hooks", "/spec"))
        ),
        included_resources=tuple(
            (
                text(row, "group", f"/spec/includedResources/{index}"),
                text(row, "kind", f"/spec/includedResources/{index}"),
            )
            for index, row in enumerate(rows(spec, "includedResources", "/spec"))
        ),
        conditions=reported,
        destination_storage_classes=_classes(status, "destStorageClasses"),
        source_storage_classes=_classes(status, "srcStorageClasses"),
        excluded_resources=texts(status, "excludedResources", "/status"),
        incompatible_namespaces=tuple(
            _incompatible(row) for row in rows(status, "incompatibleNamespaces", "/status")
        ),
        selector=selector(spec, "labelSelector", "/spec") if spec.get("labelSelector") else None,
    )


def mapping(text: str) -> NamespaceMapping:
    """``src`` or ``src:dest``; what follows a second colon is ignored, as MTC ignores it."""
    halves = text.split(":")
    source = halves[0]
    return NamespaceMapping(source, halves[1] if len(halves) > 1 else source, text)


def _volume(index: int, row: Object) -> PlanVolume:
    at = f"/spec/persistentVolumes/{index}"
    claim, selection = table(row, "pvc", at), table(row, "selection", at)
    supported = table(row, "supported", at)
    name, _, target = text(claim, "name", f"{at}/pvc").partition(":")
    return PlanVolume(
        index=index,
        name=text(row, "name", at),
        capacity=scalar(row, "capacity", at),
        storage_class=text(row, "storageClass", at),
        supported_actions=texts(supported, "actions", f"{at}/supported"),
        supported_copy_methods=texts(supported, "copyMethods", f"{at}/supported"),
        action=text(selection, "action", f"{at}/selection"),
        copy_method=text(selection, "copyMethod", f"{at}/selection"),
        target_storage_class=text(selection, "storageClass", f"{at}/selection"),
        target_access_mode=text(selection, "accessMode", f"{at}/selection"),
        pvc_namespace=text(claim, "namespace", f"{at}/pvc"),
        pvc_name=name,
        pvc_target=target or name,
        pvc_access_modes=texts(claim, "accessModes", f"{at}/pvc"),
        pvc_volume_mode=text(claim, "volumeMode", f"{at}/pvc"),
        owner_type=text(claim, "ownerType", f"{at}/pvc"),
        proposed_capacity=scalar(row, "proposedCapacity", at),
    )


def _hook(row: Object, at: str) -> PlanHook:
    return PlanHook(
        reference=object_ref(row, "reference", at),
        phase=text(row, "phase", at),
        execution_namespace=text(row, "executionNamespace", at),
        service_account=text(row, "serviceAccount", at),
    )


def _classes(status: Object, key: str) -> tuple[PlanStorageClass, ...]:
    found = []
    for index, row in enumerate(rows(status, key, "/status")):
        at = f"/status/{key}/{index}"
        modes = {
            text(item, "volumeMode", at): texts(item, "accessModes", at)
            for item in rows(row, "volumeAccessModes", at)
        }
        old = texts(row, "accessModes", at)
        if not modes and old:  # the form of MTC before 2024
            modes = {"Filesystem": old}
        found.append(
            PlanStorageClass(
                text(row, "name", at), text(row, "provisioner", at), flag(row, "default", at), modes
            )
        )
    return tuple(found)


def _incompatible(row: Object) -> tuple[str, tuple[str, ...]]:
    at = "/status/incompatibleNamespaces"
    kinds = tuple(
        f"{text(item, 'kind', at)}.{text(item, 'version', at)}.{text(item, 'group', at)}".rstrip(
            "."
        )
        for item in rows(row, "gvks", at)
    )
    return text(row, "name", at), kinds


def mig_storage(value: Object, ref: Ref) -> MigStorage:
    """MigStorage."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    config = table(spec, "backupStorageConfig", "/spec")
    snapshots = table(spec, "volumeSnapshotConfig", "/spec")
    return MigStorage(
        ref=ref,
        provider=text(spec, "backupStorageProvider", "/spec"),
        snapshot_provider=text(spec, "volumeSnapshotProvider", "/spec"),
        config=config,
        snapshot_config=snapshots,
        credentials=object_ref(config, "credsSecretRef", "/spec/backupStorageConfig"),
        snapshot_credentials=object_ref(snapshots, "credsSecretRef", "/spec/volumeSnapshotConfig"),
        conditions=conditions(status, "/status"),
    )


def mig_hook(value: Object, ref: Ref) -> MigHook:
    """MigHook."""
    spec = table(value, "spec", "")
    deadline = spec.get("activeDeadlineSeconds")
    if isinstance(deadline, bool) or not isinstance(deadline, (int, type(None))):
        raise Malformed("/spec/activeDeadlineSeconds", "an integer")
    return MigHook(
        ref=ref,
        custom=flag(spec, "custom", "/spec"),
        image=text(spec, "image", "/spec"),
        target_cluster=text(spec, "targetCluster", "/spec"),
        playbook=text(spec, "playbook", "/spec"),
        active_deadline_seconds=None
        if deadline is None
        else number(spec, "activeDeadlineSeconds", "/spec"),
        conditions=conditions(table(value, "status", ""), "/status"),
    )


MIGRATION_CONTROLLER = Resource(
    "MigrationController", "migrationcontrollers", migration_controller, (MIGRATION,), "v1alpha1",
    namespaced=True, title="the operator's settings",
)  # fmt: skip
MIG_CLUSTER = Resource(
    "MigCluster", "migclusters", mig_cluster, (MIGRATION,), "v1alpha1", namespaced=True,
    title="the clusters that MTC knows",
)  # fmt: skip
MIG_PLAN = Resource(
    "MigPlan", "migplans", mig_plan, (MIGRATION,), "v1alpha1", namespaced=True,
    title="the migration plans",
)  # fmt: skip
MIG_STORAGE = Resource(
    "MigStorage", "migstorages", mig_storage, (MIGRATION,), "v1alpha1", namespaced=True,
    title="the replication repositories",
)  # fmt: skip
MIG_HOOK = Resource(
    "MigHook", "mighooks", mig_hook, (MIGRATION,), "v1alpha1", namespaced=True,
    title="the migration hooks",
)  # fmt: skip
