"""Whether a namespace is there, and in which state."""

from __future__ import annotations

from typing import Any

from service.core.evidence import NotGathered
from service.core.migration import Cluster
from service.kinds.cluster import NAMESPACE, Namespace
from service.kinds.ref import Pointer
from service.kinds.resource import Read, Resource
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM
from service.kinds.workloads import POD

READS: tuple[Read[Any], ...] = (
    Read(NAMESPACE),
    Read(POD, plan_namespaces=True),
    Read(PERSISTENT_VOLUME_CLAIM, plan_namespaces=True),
)
"""What :func:`is_there` reads; a policy that calls it declares it."""

TERMINATING = "Terminating"
_DWELLERS: tuple[Resource[Any], ...] = (POD, PERSISTENT_VOLUME_CLAIM)


def found(cluster: Cluster, name: str) -> Namespace | None:
    """The namespace; None where it is known not to exist. Raises NotGathered."""
    return cluster.find(NAMESPACE, name)


def is_there(cluster: Cluster, name: str) -> tuple[bool, Namespace | None]:
    """Whether a namespace exists, and its object where that was gathered.

    A pod or a claim in it proves it as well. Raises NotGathered.
    """
    try:
        namespace = found(cluster, name)
    except NotGathered:
        for resource in _DWELLERS:
            shelf = cluster.inventory.shelf(resource)
            if shelf is not None and shelf.in_namespaces((name,)):
                return True, None
        raise
    return namespace is not None, namespace


def phase(namespace: Namespace) -> Pointer:
    """Where a namespace's phase is."""
    return namespace.ref.at("/status/phase", namespace.phase)
