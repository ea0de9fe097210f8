"""The cluster's own configuration: version, infrastructure, proxy, registry, nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.core.evidence import Ref


@dataclass(frozen=True, slots=True)
class Condition:
    """A status condition."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    category: str = ""
    last_transition: str = ""


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """An entry of ClusterVersion.status.history; newest first in the object."""

    version: str
    state: str
    completed: str = ""


@dataclass(frozen=True, slots=True)
class ConditionalUpdate:
    """A release with known risks; ``recommended`` is the status of condition Recommended."""

    version: str
    recommended: str


@dataclass(frozen=True, slots=True)
class ClusterVersion:
    """ClusterVersion "version" (config.openshift.io/v1).

    ``available`` is None where the status has no such field or it is null.
    """

    ref: Ref
    cluster_id: str
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
    """Config "cluster" of imageregistry.operator.openshift.io."""

    ref: Ref
    management_state: str
    default_route: bool
    route_hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A node; ``provider`` is the scheme of spec.providerID (aws, azure, gce …)."""

    ref: Ref
    region: str
    zone: str
    kubelet: str
    provider: str
    ready: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace with its annotations and labels."""

    ref: Ref
    phase: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """A config map's data; only those of the MTC namespace and the API server are read."""

    ref: Ref
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret's labels and key names. Its values are never read."""

    ref: Ref
    keys: frozenset[str]
    labels: Mapping[str, str]
