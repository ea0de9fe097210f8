"""Whether commands that the controller runs in remote pods get through a proxy."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.connections.mig_clusters import CLUSTER_READS, RemotePolicy, edit_cluster
from service.core.evidence import NotGathered
from service.core.facts import proxy
from service.core.facts.proxy import exceptions, proxy_use
from service.core.facts.setting_values import setting
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, at_host, failed, passed
from service.core.policy import NotApplicable
from service.core.values import gourl
from service.kinds.mtc import MigCluster


class UpgradesThroughProxy(RemotePolicy):
    """The host does not go through a proxy to the API server of a remote cluster.

    The controller runs commands in pods there, over an upgraded connection (SPDY). Many proxies
    drop the header, and then every plain request works and these do not. Whether this one does
    shows only in a try.
    """

    id = "MTC843"
    name = "upgrades-through-proxy"
    single = True
    title = "The connection to a remote API server supports upgraded connections"
    why = "Commands in remote pods end with `Upgrade request required`; the migration fails."
    severity = Severity.WARNING
    reads = (*CLUSTER_READS, *proxy.READS)
    declares = ("proxy",)
    remedy = (
        "Add the API server of the remote cluster to noProxy of the host, or configure the "
        "proxy to pass the Upgrade header and test `oc exec` through it."
    )
    docs = (links.ADVANCED, links.TROUBLE)
    source = "MTC documentation, Known issue: Upgrade request required"
    better = "Works before the migration starts."

    def judge(self, migration: Migration, cluster: Cluster, item: MigCluster) -> Iterator[Outcome]:
        try:
            host = gourl.parse(item.url).host.rpartition("]")[2].partition(":")[0].lower()
        except gourl.GoUrlError:
            raise NotApplicable("the URL cannot be read (MTC770)") from None
        use = proxy_use(migration.host)
        if not use.value.in_use or _exempt(host, _listed(migration)):
            yield passed(cluster.subject, f"the host reaches {host} without a proxy", *use.evidence)
            return
        where = ", ".join(use.value.endpoints)
        yield failed(
            item.ref.subject,
            f"the host connects to {host} through {where}, and not every proxy supports `oc exec`",
            *use.evidence,
            item.ref.at("/spec/url", item.url),
            found=f"{host} through {where}",
            wanted=f"{host} in noProxy, or `oc exec` tested through the proxy",
            commands=(at_host("oc edit proxy cluster"), edit_cluster(item)),
        )


def _listed(migration: Migration) -> tuple[str, ...]:
    """noProxy of the cluster, and no_proxy of the MigrationController."""
    listed = exceptions(migration.host)
    try:
        own = str(setting(migration, "no_proxy").value or "")
    except NotGathered:
        return listed
    return (*listed, *(word.strip().lower() for word in own.split(",") if word.strip()))


def _exempt(host: str, listed: tuple[str, ...]) -> bool:
    names = {entry.removeprefix("*").lstrip(".") for entry in listed}
    return "*" in listed or any(host == name or host.endswith(f".{name}") for name in names if name)
