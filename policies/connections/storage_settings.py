"""The settings of the plan's MigStorage, by provider."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from policies.connections.mig_storage import (
    DOCS,
    PROVIDERS,
    STORAGE_READS,
    Half,
    StoragePolicy,
    edit_storage,
    failure_of_test,
    halves,
)
from service.core.facts.plan_refs import plan_storage
from service.core.facts.reach import CERTIFICATE
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed, passed, passes_beside
from service.core.values import gourl
from service.kinds.mtc import MigStorage

NEEDED: Mapping[str, tuple[str, ...]] = {
    "aws": ("awsBucketName",),
    "azure": ("azureResourceGroup", "azureStorageAccount", "azureStorageContainer"),
    "gcp": ("gcpBucket",),
}
NEEDED_FOR_SNAPSHOTS: Mapping[str, tuple[str, ...]] = {
    "azure": ("azureResourceGroup", "azureApiTimeout"),
}
BUCKETS = {"aws": "awsBucketName", "azure": "azureStorageContainer", "gcp": "gcpBucket"}
NO_BUCKET = re.compile(
    r"NoSuchBucket|ContainerNotFound|bucket does ?n[o']t exist|NotFound: Not Found"
)
OTHER_REGION = re.compile(
    r"PermanentRedirect|BucketRegionError|AuthorizationHeaderMalformed"
    r"|IllegalLocationConstraint|incorrect region"
)
SIGNATURES = ("", "1", "4")
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
"""Go's time.ParseDuration."""
_BUCKET = re.compile(r"(?=.{3,222}\Z)[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
"""Names of Google's buckets; those with dots may be longer than a label."""
NOT_TEXT = frozenset({"awsS3ForcePathStyle", "insecure", "credsSecretRef"})
"""Fields of a MigStorage's settings that are no text; the API server refuses others."""

Fault = tuple[str, str, str, Severity | None]
"""Field, what is found, what is wanted, severity."""


class StorageSettings(StoragePolicy):
    """The settings of the repository are the ones that its provider needs, well formed.

    Beyond the controller's list: a bucket's name that is a path or a URL, a number where the
    API server wants text, and awsS3ForcePathStyle, which the controller reads and ignores.
    """

    id = "MTC777"
    name = "storage-settings"
    title = "The settings of the repository are complete and well formed"
    why = "The MigStorage, and with it the plan, never becomes Ready."
    reads = STORAGE_READS
    remedy = "Correct the field in the MigStorage's spec."
    docs = DOCS
    source = "mig-controller pkg/cloudprovider/{aws,azure,gcp}.go Validate"
    upstream = (
        "InvalidBackupStorageSettings",
        "InvalidVolumeSnapshotSettings",
        "BackupStorageProviderTestFailed",
    )
    better = (
        "One finding for each field. Also detects invalid bucket names and settings without effect."
    )

    @passes_beside(Severity.INFO)
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        storage = plan_storage(migration)
        for half in halves(storage):
            if half.provider not in PROVIDERS:
                continue  # MTC775's finding
            snapshots = half.field == "volumeSnapshotProvider"
            faults = _snapshot_faults(half) if snapshots else _backup_faults(half)
            texts = () if storage.ref.flat else _no_texts(half)  # the short form is never sent
            for fault in (*texts, *faults):
                field, found, wanted, severity = fault
                yield failed(
                    storage.ref.subject,
                    f"{half.at.rpartition('/')[2]}.{field} is {found}",
                    storage.ref.at(f"{half.at}/{field}"),
                    found=found,
                    wanted=wanted,
                    key=f"{half.field} {field}",
                    commands=(edit_storage(storage),),
                    severity=severity,
                )
        yield from _tested(storage)
        yield passed(
            storage.ref.subject,
            f"the settings of provider {storage.provider} are complete",
            storage.ref.at("/spec/backupStorageConfig"),
        )


def _tested(storage: MigStorage) -> Iterator[Outcome]:
    """What the controller's test of the repository says of a setting."""
    bundle = bool(storage.config.get("s3CustomCABundle"))
    certificate = "s3CustomCABundle that does not help" if bundle else "no s3CustomCABundle"
    for words, text, key, field, found, wanted in (
        (
            CERTIFICATE, "the certificate of the repository is not trusted", "certificate",
            "s3CustomCABundle", certificate,
            "the base64-encoded PEM CA certificates of the repository",
        ),
        (
            NO_BUCKET, "the bucket does not exist", "bucket",
            BUCKETS.get(storage.provider, ""), "no such bucket", "the name of a bucket",
        ),
        (
            OTHER_REGION, "the bucket is in another region", "region",
            "awsRegion", _region(storage), "the region of the bucket",
        ),
    ):  # fmt: skip
        message = failure_of_test(storage, words)
        if message:
            yield failed(
                storage.ref.subject,
                f"{text}: {message[:300]}",
                storage.ref.at(f"/spec/backupStorageConfig/{field}"),
                found=found,
                wanted=wanted,
                key=f"backupStorageProvider {key}",
                commands=(edit_storage(storage),),
            )


def _region(storage: MigStorage) -> str:
    region = storage.config.get("awsRegion")
    return region if isinstance(region, str) and region else "not set"


def _text(half: Half, field: str) -> str:
    value = half.settings.get(field)
    return value if isinstance(value, str) else ""


def _no_texts(half: Half) -> Iterator[Fault]:
    for field, value in half.settings.items():
        if field not in NOT_TEXT and isinstance(value, int | float):
            found = str(value).lower() if isinstance(value, bool) else str(value)
            yield field, found, "text, in quotes", None


def _unset(half: Half, fields: tuple[str, ...]) -> Iterator[Fault]:
    for field in fields:
        if half.settings.get(field) in (None, ""):
            yield field, "not set", "a value", None


def _backup_faults(half: Half) -> Iterator[Fault]:
    yield from _unset(half, NEEDED[half.provider])
    if half.provider == "aws":
        yield from _aws_faults(half)
    bucket = _text(half, "gcpBucket")
    if half.provider == "gcp" and bucket and not _BUCKET.fullmatch(bucket):
        yield "gcpBucket", bucket, "the name of a bucket", None


def _aws_faults(half: Half) -> Iterator[Fault]:
    bucket = _text(half, "awsBucketName")
    if "/" in bucket or ":" in bucket or bucket != bucket.strip():
        yield "awsBucketName", bucket, "only the name of the bucket, without a URL or path", None
    signature = _text(half, "awsSignatureVersion")
    if signature not in SIGNATURES:
        yield "awsSignatureVersion", signature, "1, 4 or nothing", None
    for field in ("awsS3Url", "awsPublicUrl"):
        url = _text(half, field)
        if url and not _is_http(url):
            yield field, url, "an http or https URL", None
    if half.settings.get("awsS3ForcePathStyle") is False and _text(half, "awsS3Url"):
        text = "no effect: with a URL, the bucket is always part of the path"
        yield "awsS3ForcePathStyle", "false", text, Severity.INFO


def _is_http(url: str) -> bool:
    try:
        parsed = gourl.parse(url)
    except gourl.GoUrlError:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)


def _snapshot_faults(half: Half) -> Iterator[Fault]:
    yield from _unset(half, NEEDED_FOR_SNAPSHOTS.get(half.provider, ()))
    for field in ("snapshotCreationTimeout", "azureApiTimeout"):
        timeout = _text(half, field)
        if timeout and not _DURATION.fullmatch(timeout):
            yield field, timeout, "a duration such as 10m or 1h30m", None
