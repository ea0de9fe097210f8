"""Readers of Operator Lifecycle Manager objects and of the legacy operator's deployment."""

from __future__ import annotations

from service.core.evidence import Ref
from service.core.objects.operators import (
    ClusterServiceVersion,
    Deployment,
    PackageManifest,
    Subscription,
)
from service.core.resources import (
    CLUSTER_SERVICE_VERSION,
    DEPLOYMENT,
    PACKAGE_MANIFEST,
    SUBSCRIPTION,
)
from service.ingest.objects.readers.registry import reads
from service.ingest.objects.readers.shape import Object, metadata, rows, strings, table, text

COPIED_FROM = "olm.copiedFrom"
"""The label that OLM puts on the copies of a CSV in other namespaces."""


@reads(SUBSCRIPTION)
def subscription(value: Object, ref: Ref) -> Subscription:
    """Subscription."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    return Subscription(
        ref=ref,
        package=text(spec, "name", "/spec"),
        channel=text(spec, "channel", "/spec"),
        installed_csv=text(status, "installedCSV", "/status"),
        current_csv=text(status, "currentCSV", "/status"),
        state=text(status, "state", "/status"),
        approval=text(spec, "installPlanApproval", "/spec"),
    )


@reads(CLUSTER_SERVICE_VERSION)
def cluster_service_version(value: Object, ref: Ref) -> ClusterServiceVersion:
    """ClusterServiceVersion."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    labels = strings(metadata(value), "labels", "/metadata")
    return ClusterServiceVersion(
        ref=ref,
        version=text(spec, "version", "/spec"),
        phase=text(status, "phase", "/status"),
        copied=COPIED_FROM in labels or text(status, "reason", "/status") == "Copied",
    )


@reads(PACKAGE_MANIFEST)
def package_manifest(value: Object, ref: Ref) -> PackageManifest:
    """PackageManifest: the head of each channel."""
    status = table(value, "status", "")
    channels = []
    for index, row in enumerate(rows(status, "channels", "/status")):
        at = f"/status/channels/{index}"
        described = text(table(row, "currentCSVDesc", at), "version", f"{at}/currentCSVDesc")
        named = text(row, "currentCSV", at).partition(".")[2]
        channels.append((text(row, "name", at), described or named))
    return PackageManifest(ref, tuple(channels), text(status, "defaultChannel", "/status"))


@reads(DEPLOYMENT)
def deployment(value: Object, ref: Ref) -> Deployment:
    """Deployment: the images of its containers."""
    template = table(table(value, "spec", ""), "template", "/spec")
    spec = table(template, "spec", "/spec/template")
    images = tuple(
        text(row, "image", f"/spec/template/spec/containers/{index}")
        for index, row in enumerate(rows(spec, "containers", "/spec/template/spec"))
    )
    return Deployment(ref, images)
