"""Secrets with the names of their keys, where more than their metadata was read."""

from __future__ import annotations

from service.core.migration import Cluster
from service.kinds.cluster import SECRET, Secret


def with_keys(cluster: Cluster, name: str, namespace: str) -> Secret | None:
    """A secret with the names of its keys; None where it is known not to exist.

    Raises NotGathered, also where only its metadata was read.
    """
    found = cluster.find(SECRET, name, namespace)
    if found is not None and found.metadata_only:
        reason = "only its metadata was read"
        raise cluster.inventory.not_gathered(SECRET, name, namespace, reason=reason)
    return found
