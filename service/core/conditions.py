"""Every condition that MTC's controller validates with, and why some are not judged here.

The types, categories and kinds are those of mig-controller at 3acf3578b (pkg/controller/*/
validation.go and the code that sets conditions while a migration runs). The policies themselves
declare which conditions they cover (``upstream``).
"""

from __future__ import annotations

from dataclasses import dataclass

CRITICAL, ERROR, WARN = "Critical", "Error", "Warn"
REQUIRED, ADVISORY = "Required", "Advisory"
FAULTS = (CRITICAL, ERROR, WARN)
"""Categories that say that something is wrong."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A condition type of one kind of object.

    ``because`` says why no policy judges it; "" where one does. ``category`` is the gravest one
    that the controller gives it.
    """

    kind: str
    type: str
    category: str
    because: str = ""


_RUNNING = "set while a migration runs; nothing of it exists beforehand"
_RESULT = "a result of the validation, not a rule: it follows from all others"
_NEVER = "declared in the code, never set"
_HISTORY = "about migrations that ran before or wait: MigMigration objects are not read"
_USAGE = "measured in running pods (df, du); a snapshot of the objects does not hold it"

_PLAN = "MigPlan"
_CLUSTER = "MigCluster"
_STORAGE = "MigStorage"
_MIGRATION = "MigMigration"
_DVM = "DirectVolumeMigration"
_DIM = "DirectImageMigration"
_DISM = "DirectImageStreamMigration"
_HOOK = "MigHook"


def _all(kind: str, category: str, types: str, because: str = "") -> tuple[Upstream, ...]:
    return tuple(Upstream(kind, name, category, because) for name in types.split())


CONDITIONS: tuple[Upstream, ...] = (
    *_all(_PLAN, CRITICAL, "InvalidSourceClusterRef SourceClusterNotReady"),
    *_all(_PLAN, CRITICAL, "SourceClusterNoRegistryPath InvalidDestinationClusterRef"),
    *_all(_PLAN, CRITICAL, "DestinationClusterNotReady DestinationClusterNoRegistryPath"),
    *_all(_PLAN, ADVISORY, "MigrationTypeIdentified"),
    *_all(_PLAN, CRITICAL, "IntraClusterMigration InvalidStorageRef StorageNotReady"),
    *_all(_PLAN, CRITICAL, "NamespaceListEmpty NamespaceLimitExceeded"),
    *_all(_PLAN, WARN, "NamespaceLengthExceeded NamespacesHaveNodeSelectors PodLimitExceeded"),
    *_all(_PLAN, CRITICAL, "DuplicateNamespaceOnSourceCluster NamespaceNotFoundOnSourceCluster"),
    *_all(_PLAN, CRITICAL, "DuplicateNamespaceOnDestinationCluster NamespaceNotDNSCompliant"),
    *_all(_PLAN, CRITICAL, "NamespaceNotFoundOnDestinationCluster"),
    *_all(_PLAN, ERROR, "PlanConflict"),
    *_all(_PLAN, CRITICAL, "SourceClusterProxySecretMisconfigured"),
    *_all(_PLAN, CRITICAL, "DestinationClusterProxySecretMisconfigured"),
    *_all(_PLAN, WARN, "SourcePodsNotHealthy"),
    *_all(_PLAN, CRITICAL, "InvalidHookRef InvalidHookSAName InvalidHookNSName HookNotReady"),
    *_all(_PLAN, CRITICAL, "HookPhaseUnknown HookPhaseDuplicate InvalidResourceList"),
    *_all(_PLAN, WARN, "GVKsIncompatible ClusterVersionMismatch"),
    *_all(_PLAN, ADVISORY, "KubeVirtNotInstalledSourceCluster"),
    *_all(_PLAN, WARN, "KubeVirtVersionNotSupported KubeVirtStorageLiveMigrationNotEnabled"),
    *_all(_PLAN, REQUIRED, "PvsDiscovered", _RESULT),
    *_all(_PLAN, WARN, "PvLimitExceeded PvWarnNoCephAvailable NfsNotAccessible"),
    *_all(_PLAN, ERROR, "NfsAccessCannotBeValidated PvInvalidAction"),
    *_all(_PLAN, WARN, "PvNoSupportedAction PvNoStorageClassSelection"),
    *_all(_PLAN, ERROR, "PvInvalidStorageClass PvInvalidAccessMode"),
    *_all(_PLAN, WARN, "PvWarnAccessModeUnavailable"),
    *_all(_PLAN, ERROR, "PvNoCopyMethodSelection PvInvalidCopyMethod"),
    *_all(_PLAN, WARN, "PvWarnCopyMethodSnapshot"),
    *_all(_PLAN, ERROR, "PvNameConflict"),
    *_all(_PLAN, CRITICAL, "StorageClassConversionUnavailable"),
    *_all(_PLAN, REQUIRED, "StorageEnsured", _RESULT),
    *_all(_PLAN, WARN, "PvUsageAnalysisFailed ExtendedPVAnalysisFailed", _USAGE),
    *_all(_PLAN, WARN, "PvCapacityAdjustmentRequired"),
    *_all(_PLAN, ADVISORY, "Suspended Closed"),
    *_all(_PLAN, CRITICAL, "InvalidDestinationCluster", _NEVER),
    *_all(_PLAN, REQUIRED, "RegistriesEnsured RegistriesHealthy", _NEVER),
    *_all(_PLAN, REQUIRED, "Ready", _RESULT),
    *_all(_CLUSTER, CRITICAL, "InvalidURL InvalidSaSecretRef InvalidSaToken TestConnectFailed"),
    *_all(_CLUSTER, CRITICAL, "SaTokenNotPrivileged InvalidRegistryRoute"),
    *_all(_CLUSTER, WARN, "ClusterOperatorVersionNotFound OperatorVersionMismatch"),
    *_all(_CLUSTER, REQUIRED, "Ready", _RESULT),
    *_all(_STORAGE, CRITICAL, "InvalidBackupStorageProvider InvalidBackupStorageCredsSecretRef"),
    *_all(_STORAGE, CRITICAL, "InvalidBackupStorageSettings BackupStorageProviderTestFailed"),
    *_all(_STORAGE, CRITICAL, "InvalidVolumeSnapshotProvider"),
    *_all(_STORAGE, CRITICAL, "InvalidVolumeSnapshotCredsSecretRef InvalidVolumeSnapshotSettings"),
    *_all(
        _STORAGE,
        CRITICAL,
        "VolumeSnapshotProviderTestFailed",
        "the controller's tests of snapshots do nothing, so it is never set (mig-controller 256); "
        "MTC611 to MTC614 judge snapshots from the objects",
    ),
    *_all(_STORAGE, REQUIRED, "Ready", _RESULT),
    *_all(
        _MIGRATION,
        CRITICAL,
        "InvalidPlanRef",
        "about a MigMigration's own reference; the plan that is judged is the one that is meant",
    ),
    *_all(
        _MIGRATION,
        CRITICAL,
        "PlanNotReady",
        "the sum of the plan's conditions, each of which is judged",
    ),
    *_all(_MIGRATION, CRITICAL, "PlanClosed"),
    *_all(
        _MIGRATION,
        CRITICAL,
        "InvalidSpec",
        "about the options of one migration (stage, migrateState, rollback), not of the plan",
    ),
    *_all(_MIGRATION, CRITICAL, "ConflictingPVCMappings"),
    *_all(_MIGRATION, CRITICAL, "HasFinalMigration Postponed", _HISTORY),
    *_all(_MIGRATION, CRITICAL, "RegistriesUnhealthy", _RUNNING),
    *_all(_MIGRATION, REQUIRED, "RegistriesHealthy", _RUNNING),
    *_all(_MIGRATION, ADVISORY, "Running Succeeded SucceededWithWarnings Failed", _RUNNING),
    *_all(_MIGRATION, ADVISORY, "Canceling Canceled StagePodsCreated", _RUNNING),
    *_all(_MIGRATION, WARN, "StageNoOp UnhealthyNamespaces", _RUNNING),
    *_all(_MIGRATION, WARN, "VeleroInitialBackupPartiallyFailed", _RUNNING),
    *_all(_MIGRATION, WARN, "VeleroStageBackupPartiallyFailed", _RUNNING),
    *_all(_MIGRATION, WARN, "VeleroStageRestorePartiallyFailed", _RUNNING),
    *_all(_MIGRATION, WARN, "VeleroFinalRestorePartiallyFailed", _RUNNING),
    *_all(_MIGRATION, WARN, "ResticErrors ResticVerifyErrors", _RUNNING),
    *_all(_MIGRATION, WARN, "DirectImageMigrationFailed DirectVolumeMigrationFailed", _RUNNING),
    *_all(_MIGRATION, WARN, "DirectVolumeMigrationBlocked", _RUNNING),
    *_all(_MIGRATION, REQUIRED, "StaleSrcVeleroCRsDeleted StaleDestVeleroCRsDeleted", _RUNNING),
    *_all(_MIGRATION, REQUIRED, "StaleResticCRsDeleted", _RUNNING),
    *_all(_DVM, CRITICAL, "InvalidSourceClusterRef InvalidDestinationClusterRef"),
    *_all(_DVM, CRITICAL, "SourceClusterNotReady DestinationClusterNotReady"),
    *_all(
        _DVM,
        CRITICAL,
        "InvalidPVCs",
        "about a DirectVolumeMigration's own list, which the controller writes from the plan",
    ),
    *_all(_DVM, CRITICAL, "PodsNotFoundOnSourceCluster"),
    *_all(_DVM, WARN, "RsyncRouteNotAdmitted"),
    *_all(_DVM, WARN, "RsyncTransferPodsPending RsyncClientPodsPending", _RUNNING),
    *_all(_DVM, WARN, "FailedCreatingRsyncPods FailedDeletingRsyncPods", _RUNNING),
    *_all(_DVM, CRITICAL, "SourceToDestinationNetworkError"),
    *_all(_DVM, WARN, "RsyncServerPodsRunningAsNonRoot"),
    *_all(_DVM, CRITICAL, "Failed", _RUNNING),
    *_all(_DVM, ADVISORY, "Succeeded Running", _RUNNING),
    *_all(_DVM, CRITICAL, "InvalidSourceCluster InvalidDestinationCluster", _NEVER),
    *_all(_DVM, CRITICAL, "StunnelClientPodsPending LiveMigrationsPending", _NEVER),
    *_all(_DIM, CRITICAL, "InvalidSourceClusterRef InvalidDestinationClusterRef"),
    *_all(_DIM, CRITICAL, "InvalidDestinationCluster"),
    *_all(_DIM, CRITICAL, "SourceClusterNotReady DestinationClusterNotReady"),
    *_all(_DIM, CRITICAL, "MissingSourceClusterRegistryPath MissingDestinationClusterRegistryPath"),
    *_all(_DIM, CRITICAL, "NamespaceListEmpty NamespaceNotFoundOnSourceCluster"),
    *_all(_DISM, CRITICAL, "InvalidSourceClusterRef InvalidDestinationClusterRef"),
    *_all(_DISM, CRITICAL, "InvalidDestinationCluster"),
    *_all(_DISM, CRITICAL, "SourceClusterNotReady DestinationClusterNotReady"),
    *_all(
        _DISM, CRITICAL, "MissingSourceClusterRegistryPath MissingDestinationClusterRegistryPath"
    ),
    *_all(
        _DISM,
        CRITICAL,
        "InvalidImageStreamRef InvalidImageStream NamespaceNotFoundOnDestinationCluster",
        "about one image stream while images are copied; the controller makes the namespaces and "
        "lists the streams itself",
    ),
    *_all(_HOOK, CRITICAL, "InvalidImage InvalidTarget InvalidPlaybookData InvalidCustomHook"),
    *_all(_HOOK, CRITICAL, "InvalidAnsibleHook"),
    *_all(_HOOK, REQUIRED, "Ready", _RESULT),
)
"""In the order of the controller's validation, the kinds one after the other."""

_KEYS = "values of secrets are not read: an empty value looks like a credential"
IN_PART = {
    (_PLAN, "Suspended"): "the controller's own condition only: MigMigration objects are not read",
    (_PLAN, "PvCapacityAdjustmentRequired"): "usage is measured in pods; only MigAnalytic has it",
    (_CLUSTER, "InvalidSaToken"): "an empty token looks like one that was not gathered",
    (
        _CLUSTER,
        "SaTokenNotPrivileged",
    ): "needs a review of the token, or the controller's condition",
    (_STORAGE, "InvalidBackupStorageCredsSecretRef"): _KEYS,
    (_STORAGE, "InvalidVolumeSnapshotCredsSecretRef"): _KEYS,
    (_STORAGE, "BackupStorageProviderTestFailed"): "credentials and bucket only as the controller "
    "or Velero has tested them",
}
"""Conditions that are judged only in part, by kind and type, and what is not judged of them."""
