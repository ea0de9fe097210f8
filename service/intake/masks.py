"""Values that an Insights archive masks: taken out, so that they are not gathered.

The Insights operator replaces them before it writes an archive (openshift/insights-operator
pkg/utils/anonymize and the gatherers): a text by as many ``x``, a URL by an ``x`` for each of its
characters except ``.``, ``-``, ``/`` and ``:``. A masked value says that there is one, and nothing
more: two masked values must not be compared, and none must be shown in a command.
"""

from __future__ import annotations

import re
from typing import Any

from service.kinds.cluster import NODE
from service.kinds.config import CLUSTER_VERSION, INFRASTRUCTURE, INGRESS_CONFIG, PROXY
from service.kinds.resource import Resource

_MASK = re.compile(r"(?=.*x)[x.\-/:,]+")
_OBFUSCATED = ("<CLUSTER_BASE_DOMAIN>", "<CLUSTER_DOMAIN_HOST>")
_PLATFORM = ("status", "platformStatus")
_PROXIES = tuple((half, key) for half in ("spec", "status") for key in ("httpProxy", "httpsProxy"))
_FIELDS: dict[Resource[Any], tuple[tuple[str, ...], ...]] = {
    INFRASTRUCTURE: (
        ("status", "infrastructureName"),
        ("status", "apiServerURL"),
        ("status", "apiServerInternalURI"),
        ("status", "etcdDiscoveryDomain"),
        (*_PLATFORM, "aws", "region"),
        (*_PLATFORM, "gcp", "region"),
        (*_PLATFORM, "gcp", "projectID"),
        (*_PLATFORM, "azure", "cloudName"),
        (*_PLATFORM, "ibmcloud", "location"),
        (*_PLATFORM, "openstack", "cloudName"),
    ),
    INGRESS_CONFIG: (("spec", "domain"),),
    CLUSTER_VERSION: (("spec", "upstream"),),
    NODE: (
        ("metadata", "labels", "topology.kubernetes.io/region"),
        ("metadata", "labels", "failure-domain.beta.kubernetes.io/region"),
    ),
    PROXY: (("spec", "noProxy"), ("status", "noProxy")),
}
"""Which fields of an Insights archive are masked, in some release or in all."""

MASKED_PROXY = "its addresses are masked in the Insights archive"


def without_masks(value: Any, resource: Resource[Any] | None) -> str:
    """Take the masked values out of an object, in place.

    Returns why the object says nothing without them, "" where it still does: of a proxy that is
    masked it is known that there is one, which no other field says.
    """
    if resource is None or not isinstance(value, dict):
        return ""
    for *steps, last in _FIELDS.get(resource, ()):
        holder = _inner(value, steps)
        if is_masked(holder.get(last)):
            del holder[last]
    if resource is PROXY and any(
        is_masked(_inner(value, path[:1]).get(path[1])) for path in _PROXIES
    ):
        return MASKED_PROXY
    return ""


def is_masked(value: Any) -> bool:
    """Whether a value of a field that may be masked is."""
    if not isinstance(value, str):
        return False
    return bool(_MASK.fullmatch(value)) or any(mark in value for mark in _OBFUSCATED)


def _inner(value: dict[str, Any], steps: Any) -> dict[str, Any]:
    """The mapping at the end of some keys; an empty one where there is none."""
    for step in steps:
        found = value.get(step)
        if not isinstance(found, dict):
            return {}
        value = found
    return value
