"""Readers of MTC's custom resources, as mig-controller reads them."""

from __future__ import annotations

import base64
import binascii

from service.core.evidence import Malformed, Ref
from service.core.objects.mtc import (
    MigCluster,
    MigHook,
    MigPlan,
    MigrationController,
    MigStorage,
    NamespaceMapping,
    PlanHook,
    PlanStorageClass,
    PlanVolume,
)
from service.core.resources import (
    MIG_CLUSTER,
    MIG_HOOK,
    MIG_PLAN,
    MIG_STORAGE,
    MIGRATION_CONTROLLER,
)
from service.ingest.objects.readers.registry import reads
from service.ingest.objects.readers.shape import (
    Object,
    conditions,
    flag,
    number,
    object_ref,
    rows,
    scalar,
    short,
    table,
    text,
    texts,
)


@reads(MIGRATION_CONTROLLER)
def migration_controller(value: Object, ref: Ref) -> MigrationController:
    """MigrationController. Its spec keeps the types that were written: they are the finding."""
    return MigrationController(ref, table(value, "spec", ""), value)


@reads(MIG_CLUSTER)
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
        ca_bundle_fault=_ca_fault(text(spec, "caBundle", "/spec")),
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


@reads(MIG_PLAN)
def mig_plan(value: Object, ref: Ref) -> MigPlan:
    """MigPlan."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    said = conditions(status, "/status")
    discovered = said.get("PvsDiscovered")
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
            (text(row, "group", "/spec/includedResources"), text(row, "kind", "/spec"))
            for row in rows(spec, "includedResources", "/spec")
        ),
        conditions=said,
        destination_storage_classes=_classes(status, "destStorageClasses"),
        source_storage_classes=_classes(status, "srcStorageClasses"),
        excluded_resources=texts(status, "excludedResources", "/status"),
        incompatible_namespaces=tuple(
            _incompatible(row) for row in rows(status, "incompatibleNamespaces", "/status")
        ),
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


@reads(MIG_STORAGE)
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


@reads(MIG_HOOK)
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
