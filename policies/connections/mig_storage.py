"""The MigStorage of the plan: provider, credentials and settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any

from policies import links
from policies.plan.plan_policies import PLAN_READS
from service.core.facts import plan_refs
from service.core.facts.plan_refs import plan_storage
from service.core.facts.plan_type import storage_conversion
from service.core.facts.reach import holds
from service.core.facts.secrets import with_keys
from service.core.migration import Migration
from service.core.outcome import Command, Outcome, at_host, failed, passed, passes_alone
from service.core.policy import MigrationPolicy, NotApplicable
from service.kinds.cluster import SECRET
from service.kinds.mtc import MTC_NAMESPACE, MigStorage, ObjectRef
from service.kinds.resource import Read

STORAGE_READS = (*PLAN_READS, *plan_refs.READS)
VALIDATION = "mig-controller pkg/controller/migstorage/validation.go"
PROVIDERS = ("aws", "azure", "gcp")
DOCS = (
    links.ABOUT,
    links.REPOSITORY,
)


@dataclass(frozen=True, slots=True)
class Half:
    """The backup or the snapshot half of a MigStorage; ``at`` is where its settings are."""

    field: str
    at: str
    provider: str
    settings: Mapping[str, Any]
    credentials: ObjectRef


def halves(storage: MigStorage) -> tuple[Half, ...]:
    """The backup half, and the snapshot half where volumeSnapshotProvider is set."""
    found = [
        Half(
            "backupStorageProvider",
            "/spec/backupStorageConfig",
            storage.provider,
            storage.config,
            storage.credentials,
        )
    ]
    if storage.snapshot_provider:
        found.append(
            Half(
                "volumeSnapshotProvider",
                "/spec/volumeSnapshotConfig",
                storage.snapshot_provider,
                storage.snapshot_config,
                storage.snapshot_credentials,
            )
        )
    return tuple(found)


class StoragePolicy(MigrationPolicy):
    """A rule about the plan's MigStorage."""

    requires = ("MTC712",)

    def applies(self, migration: Migration) -> None:
        if migration.given_plan is not None and storage_conversion(migration):
            raise NotApplicable("a plan that converts storage classes needs no repository")


def edit_storage(storage: MigStorage) -> Command:
    """The command that opens the MigStorage in an editor."""
    name = quote(storage.ref.name) if storage.ref.name else "<name>"
    return at_host(f"oc edit migstorage {name} -n {quote(storage.ref.namespace or MTC_NAMESPACE)}")


class StorageProvider(StoragePolicy):
    """backupStorageProvider, and volumeSnapshotProvider where it is set, are ones that MTC has."""

    id = "MTC775"
    name = "storage-provider"
    title = "The provider of the replication repository is one that MTC supports"
    why = "The MigStorage, and with it the plan, never becomes Ready."
    reads = STORAGE_READS
    remedy = "Set the provider to aws (also for any other S3), azure or gcp, in lower case."
    docs = DOCS
    source = f"{VALIDATION} validateBackupStorage, validateVolumeSnapshotStorage"
    upstream = ("InvalidBackupStorageProvider", "InvalidVolumeSnapshotProvider")
    better = "Suggests the provider that was probably meant."

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        storage = plan_storage(migration)
        for half in halves(storage):
            if half.provider in PROVIDERS:
                continue
            meant = _MEANT.get(half.provider.strip().lower(), "")
            yield failed(
                storage.ref.subject,
                f"{half.field} is {half.provider!r}, which MTC does not know"
                if half.provider
                else f"{half.field} is not set",
                storage.ref.at(f"/spec/{half.field}", half.provider or None),
                found=half.provider or "not set",
                wanted=meant or "aws, azure or gcp",
                key=half.field,
                commands=(edit_storage(storage),),
            )
        yield passed(
            storage.ref.subject,
            f"provider {storage.provider}",
            storage.ref.at("/spec/backupStorageProvider", storage.provider),
        )


_MEANT = {
    **{name: "aws" for name in ("aws", "s3", "minio", "ceph", "noobaa", "mcg", "amazon")},
    **{name: "azure" for name in ("azure", "azureblob", "azure-blob")},
    **{name: "gcp" for name in ("gcp", "gcs", "google")},
}

SECRET_KEYS: Mapping[str, tuple[str, ...]] = {
    "aws": ("aws-access-key-id", "aws-secret-access-key"),
    "azure": ("azure-credentials",),
    "gcp": ("gcp-credentials",),
}
"""Keys of the credentials' secret (mig-controller pkg/cloudprovider)."""


TEST_FAILED = "BackupStorageProviderTestFailed"
CREDENTIALS_REFUSED = re.compile(
    r"AccessDenied|Access Denied|InvalidAccessKeyId|SignatureDoesNotMatch|Unauthorized|Forbidden"
    r"|AuthenticationFailed|AuthorizationFailure|invalid_grant"
)


def failure_of_test(storage: MigStorage, words: re.Pattern[str]) -> str:
    """What the controller's test of the repository ended in, where it speaks of these words."""
    found = holds(storage.conditions, TEST_FAILED)
    return found.message if found is not None and words.search(found.message) else ""


class StorageCredentials(StoragePolicy):
    """The credentials' secret exists on the host and has the keys of its provider.

    Values are never read: whether they are right shows in the controller's test of the repository.
    """

    id = "MTC776"
    name = "storage-credentials"
    title = "The credentials of the repository are in a secret on the host"
    why = "The MigStorage, and with it the plan, never becomes Ready."
    reads = (*STORAGE_READS, Read(SECRET, "openshift-config"), Read(SECRET, MTC_NAMESPACE))
    remedy = "Create the secret on the host cluster with the keys of the provider, and refer to it."
    docs = DOCS
    source = f"{VALIDATION} validateBackupStorage; pkg/cloudprovider"
    upstream = (
        "InvalidBackupStorageCredsSecretRef",
        "InvalidVolumeSnapshotCredsSecretRef",
        "InvalidBackupStorageSettings",
        "InvalidVolumeSnapshotSettings",
        "BackupStorageProviderTestFailed",
    )
    better = "Lists the keys that the secret lacks."

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        storage = plan_storage(migration)
        faults = [
            _wrong_secret(storage, half, *fault)
            for half in halves(storage)
            if (fault := _credentials_fault(migration, half))
        ]
        yield from faults
        refused = failure_of_test(storage, CREDENTIALS_REFUSED)
        if refused and not faults:
            yield failed(
                storage.ref.subject,
                f"the object storage rejects the credentials: {refused[:300]}",
                storage.ref.at("/status/conditions", TEST_FAILED),
                found="refused",
                wanted="credentials that can write, read and delete objects in the bucket",
                key="refused",
                commands=(edit_storage(storage),),
            )
        yield passed(
            storage.ref.subject,
            f"secret {storage.credentials} has the keys of {storage.provider}",
            storage.ref.at("/spec/backupStorageConfig/credsSecretRef", storage.credentials),
        )


def _wrong_secret(storage: MigStorage, half: Half, message: str, found: str) -> Outcome:
    keys = ", ".join(SECRET_KEYS.get(half.provider, ()))
    name = half.credentials.name or "<name>"
    namespace = half.credentials.namespace or "openshift-config"
    return failed(
        storage.ref.subject,
        f"the credentials of {half.field}: {message}",
        storage.ref.at(f"{half.at}/credsSecretRef", half.credentials),
        found=found,
        wanted=f"a secret with {keys}" if keys else "a secret with credentials",
        key=half.field,
        commands=(
            f"oc get secret {quote(name)} -n {quote(namespace)} -o go-template="
            "'{{range $k, $v := .data}}{{$k}}{{\"\\n\"}}{{end}}'",
            edit_storage(storage),
        ),
    )


def _credentials_fault(migration: Migration, half: Half) -> tuple[str, str] | None:
    reference = half.credentials
    if not reference.is_set:
        shown = str(reference) if reference.name or reference.namespace else "not set"
        return "credsSecretRef needs namespace and name", shown
    secret = with_keys(migration.host, reference.name, reference.namespace)
    if secret is None:
        return f"secret {reference} does not exist on {migration.host.name}", str(reference)
    lacking = [key for key in SECRET_KEYS.get(half.provider, ()) if key not in secret.keys]
    if lacking:
        keys = ", ".join(sorted(secret.keys)) or "no key"
        return f"secret {reference} lacks {', '.join(lacking)}", keys
    return None
