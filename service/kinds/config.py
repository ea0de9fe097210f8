"""The cluster's own configuration: version, infrastructure, proxy, routes' domain and registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import Condition, Object, conditions, flag, number, rows, table, text

CONFIG = "config.openshift.io"


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """An entry of ClusterVersion.status.history; newest first in the object."""

    version: str
    state: str


@dataclass(frozen=True, slots=True)
class ConditionalUpdate:
    """A release with known risks; ``recommended`` is the status of condition Recommended.

    ``risks`` are the names of the risks, as the update service gives them.
    """

    version: str
    recommended: str
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterVersion:
    """ClusterVersion "version" (config.openshift.io/v1).

    ``available`` is None where the status has no such field or it is null.
    """

    ref: Ref
    channel: str
    desired: str
    history: tuple[UpdateRecord, ...]
    available: tuple[str, ...] | None
    conditional: tuple[ConditionalUpdate, ...]
    conditions: Mapping[str, Condition]


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """GET /version/openshift (OpenShift 3) or /version: ``git_version`` as the server says it."""

    ref: Ref
    git_version: str
    openshift: bool


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """Infrastructure "cluster"; ``region`` is "" where the platform has no region field."""

    ref: Ref
    platform: str
    region: str
    api_url: str
    resource_group: str


@dataclass(frozen=True, slots=True)
class Proxy:
    """Proxy "cluster": the effective (status) values; ``configured_*`` are the spec's."""

    ref: Ref
    http: str
    https: str
    no_proxy: str
    configured_http: str
    configured_https: str

    @property
    def in_use(self) -> bool:
        """Whether the cluster sends its outgoing traffic through a proxy."""
        return bool(self.http or self.https or self.configured_http or self.configured_https)


@dataclass(frozen=True, slots=True)
class IngressConfig:
    """Ingress "cluster" of config.openshift.io: the domain of the routes."""

    ref: Ref
    domain: str


@dataclass(frozen=True, slots=True)
class RegistryConfig:
    """Config "cluster" of imageregistry.operator.openshift.io.

    ``storage`` is the key of its storage (``s3``, ``pvc`` …), "" where there is none, ``claim``
    the claim that it names. ``replicas`` is None where it is not set.
    """

    ref: Ref
    management_state: str
    default_route: bool
    route_hosts: tuple[str, ...]
    storage: str = ""
    claim: str = ""
    read_only: bool = False
    replicas: int | None = None
    conditions: Mapping[str, Condition] = field(default_factory=dict)


REGION_FIELDS = (
    ("aws", "region"),
    ("gcp", "region"),
    ("ibmcloud", "location"),
    ("powervs", "region"),
    ("alibabacloud", "region"),
)
"""Platforms whose platformStatus names a region (openshift/api types_infrastructure.go)."""


def cluster_version(value: Object, ref: Ref) -> ClusterVersion:
    """ClusterVersion."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    history = tuple(
        UpdateRecord(
            text(row, "version", f"/status/history/{index}"),
            text(row, "state", f"/status/history/{index}"),
        )
        for index, row in enumerate(rows(status, "history", "/status"))
    )
    available = None
    if status.get("availableUpdates") is not None:
        available = tuple(
            text(row, "version", "/status/availableUpdates")
            for row in rows(status, "availableUpdates", "/status")
        )
    return ClusterVersion(
        ref=ref,
        channel=text(spec, "channel", "/spec"),
        desired=text(table(status, "desired", "/status"), "version", "/status/desired"),
        history=history,
        available=available,
        conditional=tuple(
            _conditional(row, f"/status/conditionalUpdates/{index}")
            for index, row in enumerate(rows(status, "conditionalUpdates", "/status"))
        ),
        conditions=conditions(status, "/status"),
    )


def _conditional(row: Object, at: str) -> ConditionalUpdate:
    recommended = conditions(row, at).get("Recommended")
    release = table(row, "release", at)
    return ConditionalUpdate(
        text(release, "version", f"{at}/release"),
        recommended.status if recommended else "",
        tuple(
            name
            for index, risk in enumerate(rows(row, "risks", at))
            if (name := text(risk, "name", f"{at}/risks/{index}"))
        ),
    )


def server_version(value: Object, ref: Ref) -> ServerVersion:
    """The answer of /version/openshift (OpenShift 3) or /version (Kubernetes)."""
    git = text(value, "gitVersion", "")
    return ServerVersion(ref, git, openshift=git.lstrip("v").startswith("3."))


def infrastructure(value: Object, ref: Ref) -> Infrastructure:
    """Infrastructure "cluster"."""
    status = table(value, "status", "")
    platform = table(status, "platformStatus", "/status")
    region = ""
    for key, place in REGION_FIELDS:
        region = region or text(
            table(platform, key, "/status/platformStatus"), place, f"/status/platformStatus/{key}"
        )
    azure = table(platform, "azure", "/status/platformStatus")
    return Infrastructure(
        ref=ref,
        platform=text(platform, "type", "/status/platformStatus")
        or text(status, "platform", "/status"),
        region=region,
        api_url=text(status, "apiServerURL", "/status"),
        resource_group=text(azure, "resourceGroupName", "/status/platformStatus/azure"),
    )


def proxy(value: Object, ref: Ref) -> Proxy:
    """Proxy "cluster"."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    return Proxy(
        ref=ref,
        http=text(status, "httpProxy", "/status"),
        https=text(status, "httpsProxy", "/status"),
        no_proxy=text(status, "noProxy", "/status"),
        configured_http=text(spec, "httpProxy", "/spec"),
        configured_https=text(spec, "httpsProxy", "/spec"),
    )


def ingress_config(value: Object, ref: Ref) -> IngressConfig:
    """Ingress "cluster"."""
    return IngressConfig(ref, text(table(value, "spec", ""), "domain", "/spec"))


def registry_config(value: Object, ref: Ref) -> RegistryConfig:
    """The image registry operator's Config "cluster"."""
    spec = table(value, "spec", "")
    hosts = tuple(
        text(row, "hostname", f"/spec/routes/{index}")
        for index, row in enumerate(rows(spec, "routes", "/spec"))
    )
    storage = table(spec, "storage", "/spec")
    kinds = [key for key in storage if key != "managementState" and storage[key] is not None]
    return RegistryConfig(
        ref=ref,
        management_state=text(spec, "managementState", "/spec"),
        default_route=flag(spec, "defaultRoute", "/spec"),
        route_hosts=hosts,
        storage=min(kinds, default=""),
        claim=text(table(storage, "pvc", "/spec/storage"), "claim", "/spec/storage/pvc"),
        read_only=flag(spec, "readOnly", "/spec"),
        replicas=number(spec, "replicas", "/spec") if "replicas" in spec else None,
        conditions=conditions(table(value, "status", ""), "/status"),
    )


CLUSTER_VERSION = Resource(
    "ClusterVersion", "clusterversions", cluster_version, (CONFIG,), releases=(4,),
    title="OpenShift version, update history and available updates",
)  # fmt: skip
SERVER_VERSION = Resource(
    "ServerVersion",
    "version",
    server_version,
    title="the API server's own version answer",
    command="oc get --raw /version/openshift || oc get --raw /version",
)
INFRASTRUCTURE = Resource(
    "Infrastructure", "infrastructures", infrastructure, (CONFIG,), releases=(4,),
    title="cloud platform, region and API URL",
)  # fmt: skip
PROXY = Resource(
    "Proxy", "proxies", proxy, (CONFIG,), releases=(4,), title="the cluster-wide proxy"
)
INGRESS_CONFIG = Resource(
    "Ingress", "ingresses", ingress_config, (CONFIG,), releases=(4,), title="the routes' domain"
)
REGISTRY_CONFIG = Resource(
    "Config", "configs", registry_config, ("imageregistry.operator.openshift.io",), releases=(4,),
    title="the image registry operator's configuration",
)  # fmt: skip
