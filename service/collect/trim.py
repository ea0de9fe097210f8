"""What leaves a cluster: no secret's value, and nothing that no policy could use."""

from __future__ import annotations

from typing import Any

from service.kinds.resource import Resource

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LONGEST_ANNOTATION = 2000
"""Operators keep whole example manifests in annotations; no policy reads one that long."""


def trim(value: dict[str, Any], resource: Resource[Any]) -> dict[str, Any]:
    """The object without what must not or need not leave the cluster; changed in place.

    The resource of a kind defines what is left out. The rest of the object stays as it is.
    """
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("managedFields", None)
        _annotations(metadata)
    if resource.trim is not None:
        resource.trim(value)
    return value


def _annotations(metadata: dict[str, Any]) -> None:
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        metadata["annotations"] = {
            key: text
            for key, text in annotations.items()
            if key != LAST_APPLIED and len(str(text)) <= LONGEST_ANNOTATION
        }
