"""Where things listen: the repository, API servers, routes and registries, as host and port."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from service.core.evidence import Missing, NotGathered, Role
from service.core.facts import Fact
from service.core.facts.release import major, major_or
from service.core.facts.topology import mig_cluster, tunnelled
from service.core.migration import Cluster, Migration
from service.kinds.cluster import CONFIG_MAP
from service.kinds.config import INFRASTRUCTURE, INGRESS_CONFIG
from service.kinds.mtc import MIG_CLUSTER, MIG_STORAGE, MTC_NAMESPACE, MigStorage
from service.kinds.resource import fetch_command

API_PORTS = {3: 8443, 4: 6443}
"""The API server's port by major release (MTC documentation, Migration prerequisites)."""

DEFAULT_AWS_REGION = "us-east-1"
"""What mig-controller assumes where awsRegion is not set (pkg/cloudprovider/aws.go)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host name or address, a TCP port, and whether TLS is spoken there."""

    host: str
    port: int
    tls: bool = True

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def endpoint_of_url(url: str) -> Endpoint | None:
    """The endpoint of an http or https URL, its default port filled in; None if it is none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    tls = parts.scheme == "https"
    return Endpoint(parts.hostname, port or (443 if tls else 80), tls)


def repository(storage: MigStorage) -> Fact[Endpoint]:
    """Where the replication repository listens.

    awsS3Url, or what the provider's own client dials: s3.<region>.amazonaws.com,
    <account>.blob.core.windows.net, storage.googleapis.com; these are always TLS on 443. Raises
    NotGathered where the MigStorage does not show it.
    """
    readers = {"aws": _aws, "azure": _azure, "gcp": _gcp}
    read = readers.get(storage.provider)
    if read is None:
        raise _not_known(
            storage, f"a backupStorageProvider that MTC knows, not {storage.provider!r}"
        )
    return read(storage)


@dataclass(frozen=True, slots=True)
class RepositoryFault:
    """A field of a MigStorage that names no repository: its pointer, its value, what is wanted."""

    pointer: str
    found: str
    wanted: str


def repository_fault(storage: MigStorage) -> RepositoryFault | None:
    """What keeps a MigStorage from naming a repository; None where it names one."""
    config = "/spec/backupStorageConfig"
    if storage.provider not in ("aws", "azure", "gcp"):
        return RepositoryFault("/spec/backupStorageProvider", storage.provider, "aws, azure or gcp")
    url, account = storage.config.get("awsS3Url"), storage.config.get("azureStorageAccount")
    given = storage.provider == "aws" and isinstance(url, str) and bool(url.strip())
    if given and endpoint_of_url(str(url)) is None:
        return RepositoryFault(f"{config}/awsS3Url", str(url), "https://host[:port] of the service")
    if storage.provider == "azure" and not (isinstance(account, str) and account):
        return RepositoryFault(
            f"{config}/azureStorageAccount", "", "the name of the storage account"
        )
    return None


def _aws(storage: MigStorage) -> Fact[Endpoint]:
    url = storage.config.get("awsS3Url")
    if isinstance(url, str) and url.strip():
        found = endpoint_of_url(url)
        if found is None:
            raise _not_known(storage, "an awsS3Url that is an http or https URL")
        return Fact(found, (storage.ref.at("/spec/backupStorageConfig/awsS3Url", url),))
    region = str(storage.config.get("awsRegion") or DEFAULT_AWS_REGION)
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    pointer = storage.ref.at("/spec/backupStorageConfig/awsRegion", region)
    return Fact(Endpoint(f"s3.{region}.{suffix}", 443), (pointer,))


def _azure(storage: MigStorage) -> Fact[Endpoint]:
    account = storage.config.get("azureStorageAccount")
    if not isinstance(account, str) or not account:
        raise _not_known(storage, "the azureStorageAccount")
    pointer = storage.ref.at("/spec/backupStorageConfig/azureStorageAccount", account)
    return Fact(Endpoint(f"{account}.blob.core.windows.net", 443), (pointer,))


def _gcp(storage: MigStorage) -> Fact[Endpoint]:
    pointer = storage.ref.at("/spec/backupStorageProvider", "gcp")
    return Fact(Endpoint("storage.googleapis.com", 443), (pointer,))


def _not_known(storage: MigStorage, what: str) -> NotGathered:
    command = fetch_command(MIG_STORAGE, storage.ref.name, MTC_NAMESPACE)
    return NotGathered(Missing(f"the repository's address: {what}", Role.HOST, command))


def api(migration: Migration, cluster: Cluster) -> Fact[Endpoint]:
    """Where a cluster's API server listens for the others.

    What MTC dials (MigCluster.spec.url, unless it is a tunnel), else what the cluster says of
    itself, else the declared ``apiUrl``. Raises NotGathered.
    """
    if not migration.is_host(cluster) and tunnelled(migration, cluster) is None:
        try:
            item = mig_cluster(migration, cluster)
        except NotGathered:
            item = None
        found = endpoint_of_url(item.url) if item else None
        if item and found:
            return Fact(found, (item.ref.at("/spec/url", item.url),))
    for infrastructure in cluster.known(INFRASTRUCTURE):
        found = endpoint_of_url(infrastructure.api_url)
        if found:
            pointer = infrastructure.ref.at("/status/apiServerURL", infrastructure.api_url)
            return Fact(found, (pointer,))
    declared = cluster.declared.get("apiUrl")
    found = endpoint_of_url(str(declared.value)) if declared else None
    if declared and found:
        return Fact(found, (declared.pointer,))
    command = (
        "oc whoami --show-server"
        if major_or(cluster) == 3
        else fetch_command(INFRASTRUCTURE, "cluster")
    )
    raise cluster.missing("the URL of the API server", command)


def api_port(migration: Migration, cluster: Cluster) -> Fact[int]:
    """The API server's port: of its URL, else the default of the release. Raises NotGathered."""
    try:
        found = api(migration, cluster)
    except NotGathered:
        return Fact(API_PORTS.get(major(cluster), API_PORTS[4]), ())
    return Fact(found.value.port, found.evidence)


def route_domain(cluster: Cluster) -> Fact[str]:
    """The domain below which rsync's routes are made; raises NotGathered.

    As the controller: ConfigMap migration-cluster-config's CLUSTER_SUBDOMAIN, else the ingress
    configuration's domain (directvolumemigration/rsync.go).
    """
    for item in cluster.known(CONFIG_MAP, (MTC_NAMESPACE,)):
        if item.ref.name == "migration-cluster-config" and item.ref.namespace == MTC_NAMESPACE:
            domain = item.data.get("CLUSTER_SUBDOMAIN", "")
            if domain:
                return Fact(domain, (item.ref.at("/data/CLUSTER_SUBDOMAIN", domain),))
    ingress = cluster.get(INGRESS_CONFIG, "cluster")
    return Fact(ingress.domain, (ingress.ref.at("/spec/domain", ingress.domain),))


def rsync_route(cluster: Cluster, namespace: str) -> Fact[Endpoint]:
    """The route over which rsync enters a namespace of the destination; raises NotGathered."""
    domain = route_domain(cluster)
    return Fact(Endpoint(f"dvm-{namespace}.{domain.value}", 443), domain.evidence)


def registry_route(migration: Migration, cluster: Cluster) -> Fact[Endpoint]:
    """The registry of a cluster as MTC dials it from outside; raises NotGathered."""
    item = mig_cluster(migration, cluster)
    path = item.exposed_registry_path
    found = endpoint_of_url(path if "://" in path else f"https://{path}") if path else None
    if found is None:
        raise cluster.missing(
            "the host of the exposed registry (MigCluster.spec.exposedRegistryPath)",
            fetch_command(MIG_CLUSTER, item.ref.name, item.ref.namespace),
        )
    return Fact(found, (item.ref.at("/spec/exposedRegistryPath", path),))
