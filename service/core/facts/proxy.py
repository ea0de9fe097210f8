"""Whether a cluster sends its outgoing traffic through a proxy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from service.core.evidence import NotGathered
from service.core.facts import Fact, release
from service.core.facts.release import major_or
from service.core.migration import Cluster, once_per_cluster
from service.core.settings.table import spellings
from service.core.values.httpproxy import is_pac
from service.kinds.config import PROXY
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.near import nearest
from service.kinds.redact import redact_value
from service.kinds.ref import Pointer
from service.kinds.resource import Read

READS: tuple[Read[Any], ...] = (
    Read(PROXY, name="cluster"),
    Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    *release.READS,
)
"""What the functions of this module read; a policy that calls them declares it."""


@dataclass(frozen=True, slots=True)
class ProxyUse:
    """The proxies of a cluster as ``host:port``, each once; empty means a direct connection."""

    endpoints: tuple[str, ...]

    @property
    def in_use(self) -> bool:
        """Whether there is any proxy."""
        return bool(self.endpoints)


@once_per_cluster
def proxy_use(cluster: Cluster) -> Fact[ProxyUse]:
    """The proxies on the way out of a cluster: the cluster-wide one, and MTC's own.

    MTC's own are http_proxy and https_proxy of the MigrationController: the only place on
    OpenShift 3, and one that counts beside the cluster-wide proxy on OpenShift 4.
    Raises NotGathered where neither is known.
    """
    own = _of_controllers(cluster)
    try:
        wide = cluster_wide_proxy(cluster)
    except NotGathered:
        if own.value.in_use:
            return own
        raise
    endpoints = dict.fromkeys((*wide.value.endpoints, *own.value.endpoints))
    return Fact(ProxyUse(tuple(endpoints)), (*wide.evidence, *own.evidence))


@once_per_cluster
def cluster_wide_proxy(cluster: Cluster) -> Fact[ProxyUse]:
    """The cluster-wide proxy, without what MTC alone goes through.

    OpenShift 4: Proxy "cluster" (status is what is in force, spec what is configured); without
    it the declared ``proxy``. Raises NotGathered.
    """
    try:
        proxy = cluster.find(PROXY, "cluster")
    except NotGathered as missing:
        return _declared(cluster, missing)
    if proxy is None:
        return Fact(ProxyUse(()), ())
    values = (
        ("/status/httpProxy", proxy.http),
        ("/status/httpsProxy", proxy.https),
        ("/spec/httpProxy", proxy.configured_http),
        ("/spec/httpsProxy", proxy.configured_https),
    )
    named = tuple(proxy.ref.at(pointer, redact_value(value)) for pointer, value in values if value)
    if any(_names_pac(value) for _, value in values):
        raise _not_known(cluster, _no_proxy_known(cluster), _PAC_FILE)
    endpoints = _endpoints(value for _, value in values)
    return Fact(ProxyUse(endpoints), named or (proxy.ref.at("/spec"),))


_PAC_FILE = "the URL is that of a PAC file, which names the proxies: declare those as `proxy`"


def _no_proxy_known(cluster: Cluster) -> NotGathered:
    return cluster.missing("the proxy of the cluster", "oc get proxy cluster -o json")


def _names_pac(url: str) -> bool:
    return is_pac("/" + url.partition("://")[2].partition("/")[2])


def _declared(cluster: Cluster, missing: NotGathered) -> Fact[ProxyUse]:
    declared = cluster.declared.get("proxy")
    if declared is None:
        raise _not_known(cluster, missing)
    fault = _fault(declared.value)
    if fault:
        raise _not_known(cluster, missing, fault)
    return Fact(ProxyUse(_endpoints(_declared_values(declared.value))), (declared.pointer,))


def _of_controllers(cluster: Cluster) -> Fact[ProxyUse]:
    found: dict[str, Pointer] = {}
    for controller in cluster.known(MIGRATION_CONTROLLER):
        for name in ("http_proxy", "https_proxy"):
            for key in spellings(controller.spec, name):
                value = controller.spec[key]
                used = isinstance(value, str) and not _names_pac(value)
                if used and controller.ref.namespace in (MTC_NAMESPACE, ""):
                    found[value] = controller.ref.at(f"/spec/{key}", redact_value(value))
    named = {value: pointer for value, pointer in found.items() if value.strip()}
    return Fact(ProxyUse(_endpoints(named)), tuple(named.values()))


def _not_known(cluster: Cluster, missing: NotGathered, reason: str = "") -> NotGathered:
    if major_or(cluster) == 3:
        return cluster.missing(
            "whether the OpenShift 3 cluster uses a proxy",
            "grep -i '_proxy' /etc/origin/master/master.env  # on a master; then declare `proxy`",
            reason,
        )
    return NotGathered(*(item._replace(reason=reason or item.reason) for item in missing.missing))


def _fault(value: object) -> str:
    """Why a declared ``proxy`` does not define the proxies; "" where it does."""
    if value is True:
        return "`proxy: true` does not say which one"
    if any(_names_pac(item) for item in _declared_values(value)):
        return _PAC_FILE
    if isinstance(value, str) and value and not {".", ":"} & set(value):
        return f"`proxy: {value[:60]}` is neither a URL nor true or false"
    odd = sorted(str(key) for key in set(value) - _KEYS) if isinstance(value, dict) else []
    if not odd:
        return ""
    meant = nearest(odd[0], _KEYS)
    return f"`proxy` has no field {odd[0][:60]!r}" + (f": did you mean {meant!r}?" if meant else "")


_KEYS = {"httpProxy", "httpsProxy", "noProxy"}


def exceptions(cluster: Cluster) -> tuple[str, ...]:
    """The entries of noProxy in force, of Proxy "cluster" or as declared, in lower case."""
    declared = cluster.declared.get("proxy")
    lists = [proxy.no_proxy for proxy in cluster.known(PROXY)]
    if not lists and declared is not None and isinstance(declared.value, dict):
        lists = [str(declared.value.get("noProxy") or "")]
    entries = (entry.strip().lower() for text in lists for entry in text.split(","))
    return tuple(entry for entry in entries if entry)


def _declared_values(value: object) -> list[str]:
    if isinstance(value, dict):
        return [str(value[key]) for key in ("httpProxy", "httpsProxy") if value.get(key)]
    return [value] if isinstance(value, str) and value else []


def _endpoints(values: object) -> tuple[str, ...]:
    found = []
    for value in values:  # type: ignore[attr-defined]
        endpoint = endpoint_of(value)
        if endpoint and endpoint not in found:
            found.append(endpoint)
    return tuple(found)


def endpoint_of(url: str) -> str:
    """``host:port`` of a proxy URL without its credentials; "" for an empty text."""
    text = url.strip()
    if not text:
        return ""
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "", text
    # The last '@' first: a raw '/' in the password would else show a part of it as the host.
    network = re.split(r"[/?#]", rest.rpartition("@")[2], maxsplit=1)[0].lower()
    host, _, port = network.rpartition(":")
    if host and not port.isdigit() and not network.endswith("]"):
        network = host  # what is in the place of the port may be a password that lost its host
    if ":" not in network and mark:
        return f"{network}:{443 if scheme.lower() == 'https' else 80}"
    return network
