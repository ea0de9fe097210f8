"""Whether the clusters reach each other where MTC needs it."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.network.connection_outcomes import PLACE_READS, PLAN_READS, SIGHT_READS
from policies.network.legs import api_leg, registry_leg, rsync_leg
from service.core.evidence import NotGathered
from service.core.facts import direct
from service.core.facts.direct import direct_volumes
from service.core.facts.reach import aims_at, probes_from, reach
from service.core.facts.topology import mig_cluster, tunnelled
from service.core.facts.transfer import direct_images, intra_cluster
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, Verdict, failed, not_applicable
from service.core.policy import ClusterPolicy, NotApplicable
from service.kinds.mtc import MigCluster


class ClustersReachEachOther(ClusterPolicy):
    """The clusters reach each other where MTC connects.

    The documentation asks for unrestricted access to each other. In the code these connections
    are made: from the controller (host) to the API server of every remote cluster; with direct
    volume migration from the source to the routes of the destination on 443, or to the Stunnel
    proxy; with direct image migration from the controller to the registry route of every remote
    cluster. Any other direction is only a warning, and only where it was found closed.
    """

    id = "MTC502"
    name = "clusters-reach-each-other"
    title = "The clusters reach each other where MTC connects"
    why = "The plan never becomes Ready, or volumes and images are not copied."
    reads = (*PLAN_READS, *direct.READS, *PLACE_READS, *SIGHT_READS)
    declares = ("api", "routes", "registry", "endpoint", "apiUrl")
    remedy = (
        "Open the connection in the firewalls between the clusters. If the host cannot reach a "
        "remote API server at all, use `crane tunnel-api`. If the source can only connect "
        "through a proxy, set stunnel_tcp_proxy."
    )
    docs = (links.PREREQUISITES, links.DIRECT)
    chapter = True
    source = (
        "MTC docs, Migration prerequisites and Direct migration requirements; mig-controller "
        "pkg/controller/migcluster, directvolumemigration, directimagestreammigration"
    )
    upstream = ("TestConnectFailed", "SourceToDestinationNetworkError")
    better = "Checks the connection for volumes before a migration fails on it."

    def applies(self, migration: Migration) -> None:
        if intra_cluster(migration) and not direct_volumes(migration).value:
            raise NotApplicable("source and destination are one cluster")

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        covered: list[tuple[str, Cluster]] = []
        if migration.is_host(cluster) and not intra_cluster(migration):
            for remote in (migration.source, migration.destination):
                if not migration.is_host(remote):
                    covered += [("api", remote)]
                    yield from self._remote(migration, remote)
        if cluster is migration.source:
            covered += [("routes", migration.destination)]
            yield from self._volumes(migration)
        yield from self._others(migration, cluster, covered)

    def _remote(self, migration: Migration, remote: Cluster) -> Iterator[Outcome]:
        tunnel = tunnelled(migration, remote)
        if tunnel is not None:
            yield not_applicable(
                migration.host.subject,
                f"the {remote.role} cluster is reached through crane tunnel-api",
                tunnel.ref.at("/spec/url", tunnel.url),
                key=f"api-{remote.role}",
            )
            return
        yield api_leg(migration, remote).outcome()
        yield self._registry(migration, remote)

    def _registry(self, migration: Migration, remote: Cluster) -> Outcome:
        key = f"registry-{remote.role}"
        try:
            direct = direct_images(migration)
        except NotGathered as doubt:
            return _doubted(registry_leg(migration, remote).outcome(), doubt)
        if not direct.value:
            reason = "images are not copied directly, so no registry route is used"
            return not_applicable(migration.host.subject, reason, *direct.evidence, key=key)
        pathless = _without_path(migration, remote)
        if pathless is None:
            return registry_leg(migration, remote).outcome()
        return not_applicable(
            migration.host.subject,
            f"MigCluster {pathless.ref.name} has no registry path, so MTC contacts no registry "
            "(see MTC203)",
            pathless.ref.at("/spec"),
            key=key,
        )

    def _volumes(self, migration: Migration) -> Iterator[Outcome]:
        leg = rsync_leg(migration)
        try:
            direct = direct_volumes(migration)
        except NotGathered as doubt:
            yield _doubted(leg.outcome(), doubt)
            return
        if direct.value:
            yield leg.outcome()
            return
        reason = "no volume is copied directly, so no route is used"
        yield not_applicable(migration.source.subject, reason, *direct.evidence, key=leg.key)

    def _others(
        self, migration: Migration, start: Cluster, covered: list[tuple[str, Cluster]]
    ) -> Iterator[Outcome]:
        """Directions that only the documentation asks for: reported only if they were found
        closed."""
        for goal in migration.clusters:
            for target in ("api", "routes"):
                if goal is start or any(target == kind and goal is item for kind, item in covered):
                    continue
                way = reach(
                    probe
                    for probe in probes_from(migration, start, target)
                    if probe.cluster and aims_at(migration, probe, goal)
                )
                if way.open is not False:
                    continue
                yield failed(
                    start.subject,
                    f"from the {start.role} cluster to the {target} of the {goal.role} cluster: "
                    f"closed, {way.text}. The documentation requires unrestricted access between "
                    "the clusters, but MTC itself does not use this connection",
                    *way.evidence,
                    found="closed",
                    wanted="open",
                    key=f"{target}-{goal.role}",
                    severity=Severity.WARNING,
                )


def _without_path(migration: Migration, remote: Cluster) -> MigCluster | None:
    try:
        item = mig_cluster(migration, remote)
    except NotGathered:
        return None
    return None if item.exposed_registry_path else item


def _doubted(outcome: Outcome, doubt: NotGathered) -> Outcome:
    """Without a plan it is not known whether the connection is made: a pass is not affected."""
    if outcome.verdict is Verdict.PASS:
        return outcome
    facts = ", ".join(item.fact for item in doubt.missing)
    return outcome._replace(
        verdict=Verdict.UNKNOWN,
        message=f"{outcome.message} (to verify whether this matters, these facts are missing: "
        f"{facts})",
        missing=(*outcome.missing, *doubt.missing),
    )
