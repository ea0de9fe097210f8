"""MTC's own custom resources (migration.openshift.io/v1alpha1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.core.evidence import Ref
from service.core.objects.config import Condition


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

    ``spec`` keys are as the user wrote them (snake_case or camelCase).
    """

    ref: Ref
    spec: Mapping[str, Any]
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
    ca_bundle_fault: str = ""
    """What is wrong with spec.caBundle, "" where it is absent or holds certificates."""


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

    Then spec.persistentVolumes is absent; it is absent too where the discovery found none, which
    the condition PvsDiscovered tells.
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
