"""What leaves a cluster: no secret's value, and nothing that no policy could use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LONGEST_ANNOTATION = 2000
"""Operators keep whole example manifests in annotations; no policy reads one that long."""

_CONTAINER = frozenset(
    ("env", "envFrom", "command", "args", "livenessProbe", "readinessProbe", "startupProbe",
     "lifecycle", "volumeMounts")
)  # fmt: skip
_CSV = frozenset(
    ("icon", "description", "install", "customresourcedefinitions", "apiservicedefinitions",
     "webhookdefinitions", "links", "maintainers", "keywords", "nativeAPIs")
)  # fmt: skip


def trim(value: dict[str, Any]) -> dict[str, Any]:
    """The object without what must not or need not leave the cluster; changed in place.

    Of a Secret the names of its keys stay. Environments and commands of containers go, for
    people put passwords there. The rest of the object stays as it is.
    """
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("managedFields", None)
        _annotations(metadata)
    special = _SPECIAL.get(str(value.get("kind")))
    if special is not None:
        special(value)
    return value


def _annotations(metadata: dict[str, Any]) -> None:
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        metadata["annotations"] = {
            key: text
            for key, text in annotations.items()
            if key != LAST_APPLIED and len(str(text)) <= LONGEST_ANNOTATION
        }


def _secret(value: dict[str, Any]) -> None:
    for key in ("data", "stringData"):
        if isinstance(value.get(key), dict):
            value[key] = dict.fromkeys(value[key], "")


def _pod_spec(spec: Any) -> None:
    if not isinstance(spec, dict):
        return
    for key in ("containers", "initContainers", "ephemeralContainers"):
        for container in _rows(spec.get(key)):
            _drop(container, _CONTAINER)


def _pod(value: dict[str, Any]) -> None:
    _pod_spec(value.get("spec"))


def _template(value: dict[str, Any]) -> None:
    spec = value.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    _pod_spec(template.get("spec") if isinstance(template, dict) else None)


def _build_config(value: dict[str, Any]) -> None:
    spec = value.get("spec")
    strategy = spec.get("strategy") if isinstance(spec, dict) else None
    for part in strategy.values() if isinstance(strategy, dict) else ():
        if isinstance(part, dict):
            _drop(part, ("env", "buildArgs"))
    if isinstance(spec, dict):
        _drop(spec, ("triggers", "postCommit"))
        if isinstance(spec.get("source"), dict):
            _drop(spec["source"], ("dockerfile",))


def _csv(value: dict[str, Any]) -> None:
    if isinstance(value.get("spec"), dict):
        _drop(value["spec"], _CSV)
    if isinstance(value.get("status"), dict):
        _drop(value["status"], ("requirementStatus", "conditions"))


def _package(value: dict[str, Any]) -> None:
    status = value.get("status")
    for channel in _rows(status.get("channels") if isinstance(status, dict) else None):
        described = channel.get("currentCSVDesc")
        if isinstance(described, dict):
            channel["currentCSVDesc"] = {"version": described.get("version")}
        channel.pop("entries", None)


def _definition(value: dict[str, Any]) -> None:
    """The schemas are nearly all of a definition, and no policy reads them."""
    spec = value.get("spec")
    if isinstance(spec, dict):
        _drop(spec, ("validation", "additionalPrinterColumns"))
        for version in _rows(spec.get("versions")):
            _drop(version, ("schema", "additionalPrinterColumns"))


_SPECIAL = {
    "CustomResourceDefinition": _definition,
    "Secret": _secret,
    "Pod": _pod,
    "Deployment": _template,
    "BuildConfig": _build_config,
    "ClusterServiceVersion": _csv,
    "PackageManifest": _package,
}


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _drop(value: dict[str, Any], keys: Iterable[str]) -> None:
    for key in keys:
        value.pop(key, None)
