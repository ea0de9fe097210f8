"""Readers of the cluster's own configuration."""

from __future__ import annotations

from service.core.evidence import Ref
from service.core.objects.config import (
    ClusterVersion,
    ConditionalUpdate,
    ConfigMap,
    Infrastructure,
    IngressConfig,
    Namespace,
    Node,
    Proxy,
    RegistryConfig,
    Secret,
    ServerVersion,
    UpdateRecord,
)
from service.core.resources import (
    CLUSTER_VERSION,
    CONFIG_MAP,
    INFRASTRUCTURE,
    INGRESS_CONFIG,
    NAMESPACE,
    NODE,
    PROXY,
    REGISTRY_CONFIG,
    SECRET,
    SERVER_VERSION,
)
from service.ingest.objects.readers.registry import reads
from service.ingest.objects.readers.shape import (
    Object,
    conditions,
    flag,
    metadata,
    rows,
    scalar,
    strings,
    table,
    text,
)

REGION_LABELS = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
ZONE_LABELS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
REGION_FIELDS = (
    ("aws", "region"),
    ("gcp", "region"),
    ("ibmcloud", "location"),
    ("powervs", "region"),
    ("alibabacloud", "region"),
)
"""Platforms whose platformStatus names a region (openshift/api types_infrastructure.go)."""


@reads(CLUSTER_VERSION)
def cluster_version(value: Object, ref: Ref) -> ClusterVersion:
    """ClusterVersion."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    history = tuple(
        UpdateRecord(
            text(row, "version", f"/status/history/{index}"),
            text(row, "state", f"/status/history/{index}"),
            text(row, "completionTime", f"/status/history/{index}"),
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
        cluster_id=text(spec, "clusterID", "/spec"),
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
        text(release, "version", f"{at}/release"), recommended.status if recommended else ""
    )


@reads(SERVER_VERSION)
def server_version(value: Object, ref: Ref) -> ServerVersion:
    """The answer of /version/openshift (OpenShift 3) or /version (Kubernetes)."""
    git = text(value, "gitVersion", "")
    return ServerVersion(ref, git, openshift=git.lstrip("v").startswith("3."))


@reads(INFRASTRUCTURE)
def infrastructure(value: Object, ref: Ref) -> Infrastructure:
    """Infrastructure "cluster"."""
    status = table(value, "status", "")
    platform = table(status, "platformStatus", "/status")
    region = ""
    for key, field in REGION_FIELDS:
        region = region or text(
            table(platform, key, "/status/platformStatus"), field, f"/status/platformStatus/{key}"
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


@reads(PROXY)
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


@reads(INGRESS_CONFIG)
def ingress_config(value: Object, ref: Ref) -> IngressConfig:
    """Ingress "cluster"."""
    return IngressConfig(ref, text(table(value, "spec", ""), "domain", "/spec"))


@reads(REGISTRY_CONFIG)
def registry_config(value: Object, ref: Ref) -> RegistryConfig:
    """The image registry operator's Config "cluster"."""
    spec = table(value, "spec", "")
    hosts = tuple(
        text(row, "hostname", f"/spec/routes/{index}")
        for index, row in enumerate(rows(spec, "routes", "/spec"))
    )
    return RegistryConfig(
        ref=ref,
        management_state=text(spec, "managementState", "/spec"),
        default_route=flag(spec, "defaultRoute", "/spec"),
        route_hosts=hosts,
    )


@reads(NODE)
def node(value: Object, ref: Ref) -> Node:
    """Node."""
    labels = strings(metadata(value), "labels", "/metadata")
    spec, status = table(value, "spec", ""), table(value, "status", "")
    info = table(status, "nodeInfo", "/status")
    ready = conditions(status, "/status").get("Ready")
    return Node(
        ref=ref,
        region=first(labels, REGION_LABELS),
        zone=first(labels, ZONE_LABELS),
        kubelet=text(info, "kubeletVersion", "/status/nodeInfo"),
        provider=text(spec, "providerID", "/spec").partition(":")[0],
        ready=ready.status if ready else "",
        labels=labels,
    )


def first(labels: Object, names: tuple[str, ...]) -> str:
    """The first of these labels that is set, else ""."""
    for name in names:
        value = labels.get(name)
        if value:
            return str(value)
    return ""


@reads(NAMESPACE)
def namespace(value: Object, ref: Ref) -> Namespace:
    """Namespace."""
    meta = metadata(value)
    return Namespace(
        ref=ref,
        phase=text(table(value, "status", ""), "phase", "/status"),
        labels=strings(meta, "labels", "/metadata"),
        annotations=strings(meta, "annotations", "/metadata"),
    )


@reads(CONFIG_MAP)
def config_map(value: Object, ref: Ref) -> ConfigMap:
    """ConfigMap. Numbers that somebody wrote unquoted are kept as text."""
    data = table(value, "data", "")
    return ConfigMap(ref, {key: scalar(data, key, "/data") for key in data})


@reads(SECRET)
def secret(value: Object, ref: Ref) -> Secret:
    """Secret: key names only. The values are not looked at, so they cannot leak."""
    keys = {*table(value, "data", ""), *table(value, "stringData", "")}
    return Secret(ref, frozenset(keys), strings(metadata(value), "labels", "/metadata"))
