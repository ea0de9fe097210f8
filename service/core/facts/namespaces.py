"""Whether a namespace is there, and in which state."""

from __future__ import annotations

import re
from typing import Any

from service.core.evidence import NotGathered, Pointer
from service.core.migration import Cluster
from service.core.objects.config import Namespace
from service.core.resources import NAMESPACE, PERSISTENT_VOLUME_CLAIM, POD, Read, Resource

READS: tuple[Read[Any], ...] = (
    Read(NAMESPACE),
    Read(POD, plan_namespaces=True),
    Read(PERSISTENT_VOLUME_CLAIM, plan_namespaces=True),
)
"""What :func:`is_there` reads; a policy that calls it declares it."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
TERMINATING = "Terminating"
_DWELLERS: tuple[Resource[Any], ...] = (POD, PERSISTENT_VOLUME_CLAIM)


def is_label(text: str) -> bool:
    """Whether a text is a DNS-1123 label, as a namespace's name must be (IsDNS1123Label)."""
    return _LABEL.fullmatch(text) is not None


def is_subdomain(text: str) -> bool:
    """Whether a text is a DNS-1123 subdomain, as most objects' names (IsDNS1123Subdomain)."""
    return len(text) <= 253 and _SUBDOMAIN.fullmatch(text) is not None


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
    """Where a namespace's phase stands."""
    return namespace.ref.at("/status/phase", namespace.phase)
