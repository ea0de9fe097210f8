"""The state of a cluster itself: its operators, its nodes' configuration, its certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import (
    Condition,
    Object,
    conditions,
    drop,
    metadata,
    number,
    rows,
    scalar,
    table,
    text,
)

CONFIG = "config.openshift.io"


@dataclass(frozen=True, slots=True)
class Health:
    """An object that reports its state in conditions (ClusterOperator, MachineConfigPool)."""

    ref: Ref
    conditions: Mapping[str, Condition]


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A CertificateSigningRequest; ``decided`` says whether it is approved, denied or failed."""

    ref: Ref
    created: str
    decided: bool


@dataclass(frozen=True, slots=True)
class OAuth:
    """The cluster's OAuth configuration: how many identity providers it has."""

    ref: Ref
    providers: int


@dataclass(frozen=True, slots=True)
class Scheduler:
    """The scheduler's configuration; ``selector`` is for projects that have none of their own."""

    ref: Ref
    selector: str


@dataclass(frozen=True, slots=True)
class CSINode:
    """How many volumes of each CSI driver a node can attach; 0 where the driver does not report
    it."""

    ref: Ref
    attachable: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CloudCredential:
    """How components get credentials of the cloud: ``mode`` is Manual, Mint, Passthrough or ""."""

    ref: Ref
    mode: str


def cloud_credential(value: Object, ref: Ref) -> CloudCredential:
    """CloudCredential."""
    spec = table(value, "spec", "")
    return CloudCredential(ref, text(spec, "credentialsMode", "/spec"))


def health(value: Object, ref: Ref) -> Health:
    """An object with status.conditions."""
    return Health(ref, conditions(table(value, "status", ""), "/status"))


def certificate_request(value: Object, ref: Ref) -> CertificateRequest:
    """CertificateSigningRequest."""
    reported = conditions(table(value, "status", ""), "/status")
    return CertificateRequest(
        ref=ref,
        created=scalar(metadata(value), "creationTimestamp", "/metadata"),
        decided=any(kind in reported for kind in ("Approved", "Denied", "Failed")),
    )


def oauth(value: Object, ref: Ref) -> OAuth:
    """OAuth."""
    return OAuth(ref, len(rows(table(value, "spec", ""), "identityProviders", "/spec")))


def scheduler(value: Object, ref: Ref) -> Scheduler:
    """Scheduler."""
    return Scheduler(ref, text(table(value, "spec", ""), "defaultNodeSelector", "/spec"))


def csi_node(value: Object, ref: Ref) -> CSINode:
    """CSINode."""
    found = {}
    for index, row in enumerate(rows(table(value, "spec", ""), "drivers", "/spec")):
        at = f"/spec/drivers/{index}"
        room = table(row, "allocatable", at)
        found[text(row, "name", at)] = number(room, "count", f"{at}/allocatable")
    return CSINode(ref, found)


def _trim_request(value: dict[str, Any]) -> None:
    drop(value.get("spec"), "request", "extra", "groups", "username", "uid")
    drop(value.get("status"), "certificate")


def _trim_oauth(value: dict[str, Any]) -> None:
    spec = value.get("spec")
    providers = spec.get("identityProviders") if isinstance(spec, dict) else None
    value["spec"] = {"identityProviders": [{} for _ in providers or ()]}


def _trim_operator(value: dict[str, Any]) -> None:
    drop(value.get("status"), "relatedObjects", "extension")


CLUSTER_OPERATOR = Resource(
    "ClusterOperator", "clusteroperators", health, (CONFIG,), releases=(4,),
    title="the state of the cluster's own operators", trim=_trim_operator,
)  # fmt: skip
MACHINE_CONFIG_POOL = Resource(
    "MachineConfigPool", "machineconfigpools", health, ("machineconfiguration.openshift.io",),
    releases=(4,), title="whether the configuration of nodes is being rolled out",
)  # fmt: skip
CERTIFICATE_REQUEST = Resource(
    "CertificateSigningRequest", "certificatesigningrequests", certificate_request,
    ("certificates.k8s.io",), title="requests for certificates that wait", trim=_trim_request,
)  # fmt: skip
OAUTH = Resource(
    "OAuth", "oauths", oauth, (CONFIG,), releases=(4,), title="identity providers",
    trim=_trim_oauth,
)  # fmt: skip
SCHEDULER = Resource(
    "Scheduler", "schedulers", scheduler, (CONFIG,), releases=(4,),
    title="the default node selector of projects",
)  # fmt: skip
CSI_NODE = Resource(
    "CSINode", "csinodes", csi_node, ("storage.k8s.io",), releases=(4,),
    title="how many volumes a node can attach",
)  # fmt: skip
CLOUD_CREDENTIAL = Resource(
    "CloudCredential", "cloudcredentials", cloud_credential, ("operator.openshift.io",),
    releases=(4,), title="how components of the cluster get credentials of the cloud",
)  # fmt: skip
