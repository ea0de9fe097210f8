"""Operator Lifecycle Manager objects: the installed operators, and the newest ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import (
    Object,
    conditions,
    drop,
    each,
    flag,
    inner,
    metadata,
    rows,
    strings,
    table,
    text,
    texts,
)

OLM = "operators.coreos.com"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A Subscription; ``state`` is AtLatestKnown, UpgradeAvailable, UpgradePending …

    ``unhealthy_catalogs`` is what condition CatalogSourcesUnhealthy says while it is True, else "".
    """

    ref: Ref
    package: str
    channel: str
    installed_csv: str
    current_csv: str
    state: str
    approval: str
    unhealthy_catalogs: str = ""


@dataclass(frozen=True, slots=True)
class ClusterServiceVersion:
    """A ClusterServiceVersion; ``copied`` marks OLM's copies into other namespaces.

    ``display`` is the name that people see, ``message`` why it is in its phase, ``since`` from
    when, as written.
    """

    ref: Ref
    version: str
    phase: str
    copied: bool
    display: str = ""
    message: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class PackageManifest:
    """A PackageManifest: the newest CSV of each channel of the catalog."""

    ref: Ref
    channels: tuple[tuple[str, str], ...]
    """Pairs of channel name and version of its newest CSV."""


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """An InstallPlan: what OLM is about to install, and whether somebody has approved it."""

    ref: Ref
    phase: str
    approved: bool
    names: tuple[str, ...]


COPIED_FROM = "olm.copiedFrom"
"""The label that OLM puts on the copies of a CSV in other namespaces."""


def subscription(value: Object, ref: Ref) -> Subscription:
    """Subscription."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    catalogs = conditions(status, "/status").get("CatalogSourcesUnhealthy")
    unhealthy = ""
    if catalogs is not None and catalogs.status == "True":
        unhealthy = catalogs.message or catalogs.reason or "True"
    return Subscription(
        ref=ref,
        package=text(spec, "name", "/spec"),
        channel=text(spec, "channel", "/spec"),
        installed_csv=text(status, "installedCSV", "/status"),
        current_csv=text(status, "currentCSV", "/status"),
        state=text(status, "state", "/status"),
        approval=text(spec, "installPlanApproval", "/spec"),
        unhealthy_catalogs=unhealthy,
    )


def cluster_service_version(value: Object, ref: Ref) -> ClusterServiceVersion:
    """ClusterServiceVersion."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    labels = strings(metadata(value), "labels", "/metadata")
    return ClusterServiceVersion(
        ref=ref,
        version=text(spec, "version", "/spec"),
        phase=text(status, "phase", "/status"),
        copied=COPIED_FROM in labels or text(status, "reason", "/status") == "Copied",
        display=text(spec, "displayName", "/spec"),
        message=text(status, "message", "/status"),
        since=text(status, "lastTransitionTime", "/status"),
    )


def package_manifest(value: Object, ref: Ref) -> PackageManifest:
    """PackageManifest: the head of each channel."""
    status = table(value, "status", "")
    channels = []
    for index, row in enumerate(rows(status, "channels", "/status")):
        at = f"/status/channels/{index}"
        described = text(table(row, "currentCSVDesc", at), "version", f"{at}/currentCSVDesc")
        named = text(row, "currentCSV", at).partition(".")[2]
        channels.append((text(row, "name", at), described or named))
    return PackageManifest(ref, tuple(channels))


def install_plan(value: Object, ref: Ref) -> InstallPlan:
    """InstallPlan."""
    spec = table(value, "spec", "")
    return InstallPlan(
        ref=ref,
        phase=text(table(value, "status", ""), "phase", "/status"),
        approved=flag(spec, "approved", "/spec"),
        names=texts(spec, "clusterServiceVersionNames", "/spec"),
    )


def _trim_csv(value: dict[str, Any]) -> None:
    drop(
        value.get("spec"), "icon", "description", "install", "customresourcedefinitions",
        "apiservicedefinitions", "webhookdefinitions", "links", "maintainers", "keywords",
        "nativeAPIs",
    )  # fmt: skip
    drop(value.get("status"), "requirementStatus", "conditions")


def _trim_package(value: dict[str, Any]) -> None:
    for channel in each(inner(value, "status", "channels")):
        described = channel.get("currentCSVDesc")
        if isinstance(described, dict):
            channel["currentCSVDesc"] = {"version": described.get("version")}
        drop(channel, "entries")


def _trim_install_plan(value: dict[str, Any]) -> None:
    drop(value.get("status"), "plan", "bundleLookups", "catalogSources")


SUBSCRIPTION = Resource(
    "Subscription", "subscriptions", subscription, (OLM,), "v1alpha1", namespaced=True,
    releases=(4,), title="the MTC operator's subscription",
)  # fmt: skip
CLUSTER_SERVICE_VERSION = Resource(
    "ClusterServiceVersion", "clusterserviceversions", cluster_service_version, (OLM,), "v1alpha1",
    namespaced=True, releases=(4,), title="the installed operators", trim=_trim_csv,
)  # fmt: skip
PACKAGE_MANIFEST = Resource(
    "PackageManifest", "packagemanifests", package_manifest, ("packages.operators.coreos.com",),
    namespaced=True, releases=(4,), title="what the operator catalogs offer", trim=_trim_package,
)  # fmt: skip
MTC_PACKAGES = ("mtc-operator", "konveyor-operator")
"""The packages that hold MTC. The catalogs describe thousands of operators, with their icons, and
no other package matters."""
INSTALL_PLAN = Resource(
    "InstallPlan", "installplans", install_plan, (OLM,), "v1alpha1", namespaced=True,
    releases=(4,), title="installations of operators that wait", trim=_trim_install_plan,
)  # fmt: skip
