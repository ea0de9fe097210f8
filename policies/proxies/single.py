"""The one proxy that direct volume migration supports."""

from __future__ import annotations

from collections.abc import Iterator

from policies.proxies.configured import (
    CONTROLLER_READ,
    DOCS,
    PROXY_READS,
    require_direct_volumes,
)
from service.core import plan_patch
from service.core.evidence import Gaps, NotGathered
from service.core.facts import Fact, direct
from service.core.facts.controllers import given_proxies
from service.core.facts.proxy import ProxyUse, cluster_wide_proxy, proxy_use
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed, passed
from service.core.policy import MigrationPolicy
from service.core.values import stunnel
from service.kinds.ref import Subject


class SingleProxy(MigrationPolicy):
    """Direct volume migration supports one proxy: that on the way out of the source.

    Behind a second proxy the routes of the destination are out of the source's reach.
    """

    id = "MTC302"
    name = "single-proxy"
    title = "Direct volume migration uses at most one proxy"
    why = "The source cannot reach the destination's route, and the volume migration fails."
    reads = (*PROXY_READS, CONTROLLER_READ, *direct.READS)
    declares = ("proxy", "openshiftVersion")
    remedy = (
        "Remove the proxy of one cluster during the migration, or set indirectVolumeMigration: "
        "true in the plan."
    )
    docs = DOCS
    chapter = True
    source = "MTC documentation, About configuring proxies: DVM supports only one proxy"

    def applies(self, migration: Migration) -> None:
        require_direct_volumes(migration)

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        several = _several(migration)
        yield from several
        gaps = Gaps()
        uses: list[Fact[ProxyUse]] = []
        for cluster in (migration.source, migration.destination):
            with gaps.noted():
                uses.append(_use(migration, cluster))
        direct = next((use for use in uses if not use.value.in_use), None)
        if direct is not None:
            if not several:
                text = "at most one of source and destination uses a proxy"
                yield passed(_whole(migration), text, *direct.evidence)
            return
        gaps.require_none()
        yield failed(
            _whole(migration),
            "source and destination are both behind a proxy",
            *uses[0].evidence,
            *uses[1].evidence,
            found="; ".join(", ".join(use.value.endpoints) for use in uses),
            wanted="a proxy on at most one of them",
            commands=(plan_patch.merge(migration.given_plan, {"indirectVolumeMigration": True}),),
            key="both",
        )


def _use(migration: Migration, cluster: Cluster) -> Fact[ProxyUse]:
    """The proxies that matter: on the destination those before its routes, not MTC's own."""
    if cluster is migration.source:
        return proxy_use(cluster)
    try:
        return cluster_wide_proxy(cluster)
    except NotGathered:
        return proxy_use(cluster)


def _several(migration: Migration) -> list[Outcome]:
    try:
        given = given_proxies(migration.host)
    except NotGathered:
        return []  # MTC303 says that it is missing
    return [
        failed(
            item.controller.ref.subject,
            "stunnel_tcp_proxy names more than one proxy, but MTC accepts only one",
            item.pointer,
            found=f"{len(stunnel.named_proxies(item.value))} proxies",
            wanted="one proxy",
            key="several",
        )
        for item in given
        if len(stunnel.named_proxies(item.value)) > 1
    ]


def _whole(migration: Migration) -> Subject:
    plan = migration.given_plan
    return plan.ref.subject if plan else Subject(kind="Migration")
