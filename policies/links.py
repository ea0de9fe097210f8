"""Every page of documentation that policies refer to, once.

The books are those of OpenShift 4.20, the last release with books about MTC. An anchor is the id of
the section in the source of the books, openshift-docs.
"""

from __future__ import annotations

from service.core.link import Link

_BOOKS = "https://docs.redhat.com/en/documentation/openshift_container_platform/4.20/html"
_MTC = f"{_BOOKS}/migration_toolkit_for_containers"
_FROM_3 = f"{_BOOKS}/migrating_from_version_3_to_4"
_OPERATOR = "https://github.com/migtools/mig-operator/blob/master/docs/usage"
_CONTROLLER = "https://github.com/migtools/mig-controller/blob/master/docs/scenarios"


def _section(title: str, book: str, chapter: str, anchor: str = "") -> Link:
    """A section of a chapter; without an anchor the chapter itself."""
    return Link(title, f"{book}/{chapter}#{f'{anchor}_{chapter}' if anchor else chapter}")


ABOUT = _section("About the Migration Toolkit for Containers", _MTC, "about-mtc")
COPY_METHODS = _section(
    "About data copy methods", _MTC, "about-mtc", "migration-understanding-data-copy-methods"
)
COMPATIBILITY = _section(
    "Compatibility guidelines", _MTC, "installing-mtc", "migration-compatibility-guidelines"
)
FROM_3_TO_4 = Link("Migrating from version 3 to 4", f"{_FROM_3}/index")
PLANNING = _section(
    "Differences between OpenShift Container Platform 3 and 4", _FROM_3, "planning-migration-3-4"
)
INTERNAL_IMAGES = _section(
    "Updating deprecated internal images",
    _FROM_3,
    "troubleshooting-3-4",
    "migration-updating-deprecated-internal-images",
)
PROXIES = _section("Configuring proxies", _MTC, "installing-mtc", "migration-configuring-proxies")
REPOSITORY = _section(
    "Configuring a replication repository",
    _MTC,
    "installing-mtc",
    "configuring-replication-repository",
)
UPGRADING = _section("Upgrading the Migration Toolkit for Containers", _MTC, "upgrading-mtc")
CHECKLISTS = _section("Premigration checklists", _MTC, "premigration-checklists-mtc")
DIRECT = _section("Direct migration requirements", _MTC, "mtc-direct-migration-requirements")
MIGRATING = _section("Migrating your applications", _MTC, "migrating-applications-with-mtc")
PREREQUISITES = _section(
    "Migration prerequisites", _MTC, "migrating-applications-with-mtc", "migration-prerequisites"
)
ADVANCED = _section("Advanced migration options", _MTC, "advanced-migration-options-mtc")
LIMITS = _section(
    "Increasing limits for large migrations",
    _MTC,
    "advanced-migration-options-mtc",
    "migration-changing-migration-plan-limits",
)
TROUBLE = _section("Troubleshooting", _MTC, "troubleshooting-mtc")
MUST_GATHER = _section(
    "Using the must-gather tool", _MTC, "troubleshooting-mtc", "migration-using-must-gather"
)

RBAC = _section(
    "Using RBAC to define and apply permissions",
    f"{_BOOKS}/authentication_and_authorization",
    "using-rbac",
)
CONSTRAINTS = _section(
    "Managing security context constraints",
    f"{_BOOKS}/authentication_and_authorization",
    "managing-pod-security-policies",
)
REGISTRY = _section("Exposing the registry", f"{_BOOKS}/registry", "securing-exposing-registry")
REGISTRY_STORAGE = Link(
    "Setting up and configuring the registry",
    f"{_BOOKS}/registry/setting-up-and-configuring-the-registry",
)
QUOTAS = Link(
    "Resource quotas per project",
    f"{_BOOKS}/building_applications/quotas#quotas-setting-per-project",
)
LIMIT_RANGES = Link(
    "Restrict resource consumption with limit ranges",
    f"{_BOOKS}/nodes/working-with-clusters#nodes-cluster-limit-ranges",
)
STORAGE = _section(
    "Understanding persistent storage", f"{_BOOKS}/storage", "understanding-persistent-storage"
)
UPDATING = Link(
    "Performing a cluster update",
    f"{_BOOKS}/updating_clusters/performing-a-cluster-update#updating-cluster-cli",
)
UPGRADING_3 = Link(
    "Upgrading OpenShift 3.11",
    "https://docs.redhat.com/en/documentation/openshift_container_platform/3.11/html-single"
    "/upgrading_clusters/index",
)
OADP_TROUBLE = Link(
    "OADP troubleshooting",
    f"{_BOOKS}/backup_and_restore/oadp-application-backup-and-restore#troubleshooting",
)
PRIORITY = Link(
    "Pod priority and preemption",
    "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/",
)

CONTROLLER = Link(
    "Migration controller configuration",
    f"{_OPERATOR}/MigrationControllerConfigQuickView.md#migration-controller-configuration",
)
CONVERSION = Link(
    "Storage conversion with MTC", f"{_OPERATOR}/StorageConversion.md#storage-conversion"
)
DVM_NETWORKING = Link("DVM networking", f"{_OPERATOR}/DVMNetworking.md")
EXCLUDING = Link("Excluding resources", f"{_OPERATOR}/ExcludeResources.md")
KIND_WARNING = Link(
    "Incompatible kinds", f"{_OPERATOR}/GVKWarning.md#mtc-api-incompatibility-warning-system"
)
MAPPING = Link("Mapping namespaces", f"{_OPERATOR}/NamespaceMapping.md#namespace-mapping")
RESIZING = Link(
    "Intelligent PV resizing", f"{_OPERATOR}/IntelligentPVResizing.md#intelligent-pv-resizing"
)
RSYNC = Link("Rsync configuration", f"{_OPERATOR}/RsyncConfiguration.md")
STATE_TRANSFER = Link("State transfer", f"{_OPERATOR}/StateTransferUsage.md")
VIRTUAL_MACHINES = Link(
    "Virtual machines",
    f"{_CONTROLLER}/virtual-machines/README.md#virtual-machine-storage-migration",
)
