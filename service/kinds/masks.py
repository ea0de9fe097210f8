"""Values that were masked before the evidence was sent: not gathered, and never values.

Three tools mask. The Insights operator, before it writes an archive (openshift/insights-operator
pkg/utils/anonymize): a text by as many ``x``, a URL by an ``x`` for each of its characters except
``.``, ``-``, ``/`` and ``:``, and domains by placeholders. must-gather-clean (openshift/
must-gather-clean pkg/obfuscator): addresses and domains by placeholders that it numbers in each
run. `oc adm inspect`, since 4.19: the password of a proxy.

A masked value says that there is one, and nothing more: two of them must not be compared, and none
must be shown in a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from functools import cache
from typing import Any

from service.kinds.cluster import CONFIG_MAP, NODE, SECRET, TOKEN, decoded
from service.kinds.config import INFRASTRUCTURE, INGRESS_CONFIG, PROXY, REGISTRY_CONFIG
from service.kinds.mtc import MIG_CLUSTER, MIG_STORAGE, MIGRATION_CONTROLLER
from service.kinds.network import (
    ADMIN_NETWORK_POLICY,
    BASELINE_ADMIN_NETWORK_POLICY,
    EGRESS_FIREWALL,
    EGRESS_NETWORK_POLICY,
    NETWORK_POLICY,
    ROUTE,
)
from service.kinds.redact import MASK
from service.kinds.ref import pointer_key, pointer_step
from service.kinds.resource import Resource
from service.kinds.storage import PERSISTENT_VOLUME
from service.kinds.velero import BACKUP_STORAGE_LOCATION

_LETTERS = re.compile(r"(?=.*x)[x.\-/:,]+")
_PLACEHOLDER = re.compile(
    r"<CLUSTER_(?:BASE_DOMAIN|DOMAIN_HOST)>"
    r"|\bx-(?:ipv4|ipv6|mac)-\d{10}-x\b|\bdomain\d{10}\b|\bobfuscated\.com\b"
    r"|\bxxx(?:\.xxx){3}\b|\bxxxx(?::xxxx){7}\b|\bxx(?::xx){5}\b"
)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?!/\d)")
"""An address of IPv4; the Insights operator leaves networks as they are."""


class Masking(IntEnum):
    """What the tool that wrote an object masks in it, beyond placeholders that show by themselves.

    The Insights operator always masks some texts by letters, and on demand all addresses by others.
    """

    NONE = 0
    LETTERS = 1
    ADDRESSES = 2


OPTIONAL: dict[Resource[Any], tuple[str, ...]] = {
    INFRASTRUCTURE: (
        "status/infrastructureName",
        "status/apiServerURL",
        "status/apiServerInternalURI",
        "status/etcdDiscoveryDomain",
        "status/platformStatus/aws/region",
        "status/platformStatus/gcp/region",
        "status/platformStatus/gcp/projectID",
        "status/platformStatus/azure/cloudName",
        "status/platformStatus/ibmcloud/location",
        "status/platformStatus/openstack/cloudName",
    ),
    INGRESS_CONFIG: ("spec/domain",),
    NODE: (
        "metadata/labels/topology.kubernetes.io~1region",
        "metadata/labels/failure-domain.beta.kubernetes.io~1region",
    ),
    PROXY: ("spec/noProxy", "status/noProxy"),
}
"""Fields without which the rest of an object still counts."""

_PEERS = ("spec/{0}/*/{1}/*/ipBlock/cidr", "spec/{0}/*/{1}/*/networks/*")
_EGRESS, _INGRESS = (
    tuple(path.format(*half) for path in _PEERS for half in halves)
    for halves in ((("egress", "to"),), (("ingress", "from"),))
)
ESSENTIAL: dict[Resource[Any], tuple[str, ...]] = {
    PROXY: ("spec/httpProxy", "spec/httpsProxy", "status/httpProxy", "status/httpsProxy"),
    REGISTRY_CONFIG: ("spec/routes/*/hostname",),
    ROUTE: ("spec/host",),
    CONFIG_MAP: ("data/*",),
    MIG_CLUSTER: ("spec/url", "spec/exposedRegistryPath"),
    MIG_STORAGE: ("spec/backupStorageConfig/*",),
    MIGRATION_CONTROLLER: ("spec/*",),
    BACKUP_STORAGE_LOCATION: ("spec/config/*",),
    PERSISTENT_VOLUME: (
        "spec/nfs/server",
        "spec/iscsi/targetPortal",
        "spec/csi/volumeAttributes/*",
    ),
    NETWORK_POLICY: (*_EGRESS, *_INGRESS),
    ADMIN_NETWORK_POLICY: (*_EGRESS, *_INGRESS),
    BASELINE_ADMIN_NETWORK_POLICY: (*_EGRESS, *_INGRESS),
    EGRESS_FIREWALL: ("spec/egress/*/to/cidrSelector", "spec/egress/*/to/dnsName"),
    EGRESS_NETWORK_POLICY: ("spec/egress/*/to/cidrSelector", "spec/egress/*/to/dnsName"),
}
"""Fields without which an object says nothing; ``*`` is every key or item."""


def without_masks(
    resource: Resource[Any], value: Mapping[str, Any], masking: Masking
) -> tuple[Mapping[str, Any], str]:
    """An object without its masked values, and why it says nothing without them ("" if it does)."""
    for path in ESSENTIAL.get(resource, ()):
        for pointer, found in _texts(value, path):
            if is_masked(found, masking):
                return value, f"{pointer} is masked"
    for path in OPTIONAL.get(resource, ()):
        steps = _steps(path)
        if any(is_masked(found, masking) for _, found in _at(value, steps)):
            value = _without(value, steps)
    return value, ""


def may_be_masked(resource: Resource[Any]) -> bool:
    """Whether an object of this kind has fields that are masked."""
    return resource in ESSENTIAL or resource in OPTIONAL or resource is SECRET


def has_masks(resource: Resource[Any], value: Mapping[str, Any], masking: Masking) -> bool:
    """Whether anything of an object is masked: the password of a proxy and a token included."""
    if resource is SECRET:
        return any(not decoded(found) for _, found in _at(value, ("data", TOKEN)))
    return any(
        MASK in found or is_masked(found, masking)
        for path in (*ESSENTIAL.get(resource, ()), *OPTIONAL.get(resource, ()))
        for _, found in _at(value, _steps(path))
    )


def is_masked(value: str, masking: Masking) -> bool:
    """Whether the value of a field of the tables is masked."""
    if masking and _LETTERS.fullmatch(value):
        return True
    address = masking is Masking.ADDRESSES and _ADDRESS.search(value)
    return bool(address or _PLACEHOLDER.search(value))


@cache
def _steps(path: str) -> tuple[str, ...]:
    return tuple(map(pointer_key, path.split("/")))


def _texts(value: Mapping[str, Any], path: str) -> Iterable[tuple[str, str]]:
    """The texts at the end of a path; most objects do not even have its second step."""
    steps = _steps(path)
    top = value.get(steps[0])
    there = type(top) is dict and (steps[1] == "*" or steps[1] in top)
    return _at(value, steps) if there else ()


def _at(value: Any, steps: tuple[str, ...], pointer: str = "") -> Iterator[tuple[str, str]]:
    """The texts at the end of some steps, each with its place."""
    for place, step in enumerate(steps):
        if step == "*":
            items = value.items() if isinstance(value, dict) else ()
            for key, item in enumerate(value) if isinstance(value, list) else items:
                at = "/".join((pointer, *map(pointer_step, steps[:place]), str(key)))
                yield from _at(item, steps[place + 1 :], at)
            return
        if not isinstance(value, dict) or step not in value:
            return
        value = value[step]
    if isinstance(value, str):
        yield "/".join((pointer, *map(pointer_step, steps))), value


def _without(value: Mapping[str, Any], steps: tuple[str, ...]) -> dict[str, Any]:
    """A copy of an object without one field."""
    key, *rest = steps
    if rest:
        return {**value, key: _without(value[key], tuple(rest))}
    return {name: item for name, item in value.items() if name != key}
