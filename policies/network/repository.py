"""The replication repository: reachable from every cluster, and over TLS on port 443."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policies import links
from policies.network.connection_outcomes import (
    PLAN_READS,
    SIGHT_READS,
    STORAGE_READS,
    connection,
)
from service.core.evidence import Attempt, Missing, NotGathered
from service.core.facts import Fact
from service.core.facts.connecting import attempt_command, proxied, untried
from service.core.facts.endpoints import Endpoint, repository, repository_fault
from service.core.facts.machinery import LOCATION_READS
from service.core.facts.reach import (
    Reach,
    probes_from,
    reach,
    reach_through_proxy,
    repository_sights,
    same_endpoint,
)
from service.core.facts.transfer import storage_conversion
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, unknown
from service.core.policy import ClusterPolicy, NotApplicable, Policy
from service.kinds.mtc import MigStorage

TLS_PORT = 443


def refuse_conversion(migration: Migration) -> None:
    """Raise NotApplicable for a plan that only changes storage classes: it has no repository."""
    if storage_conversion(migration):
        raise NotApplicable("a storage class conversion inside one cluster uses no repository")


def way_to(migration: Migration, cluster: Cluster, endpoint: Endpoint | None) -> Reach:
    """What the evidence says of the way from a cluster to the repository.

    Velero goes through the cluster's proxy where there is one.
    """
    probes = probes_from(migration, cluster, "repository", "endpoint")
    fits = [
        probe
        for probe in probes
        if same_endpoint(probe, endpoint)
        and (probe.target == "repository" or (endpoint is not None and probe.host))
    ]
    weigh = reach_through_proxy if proxied(cluster) else reach
    return weigh(fits, repository_sights(migration, cluster))


def trial(place: Endpoint | None) -> Attempt:
    """How the repository is tried, wherever it is."""
    if place is None:
        return Attempt("repository")
    return Attempt("repository", "", place.host, place.port, "tls" if place.tls else "tcp")


class RepositoryReachable(ClusterPolicy):
    """Every cluster reaches the replication repository, the host included.

    Velero on each cluster writes to and reads from it, also in a direct migration, where the
    Kubernetes objects still go through it. The controller's own test (MigStorage Ready) runs on
    the host only.
    """

    id = "MTC501"
    name = "repository-reachable"
    single = True
    title = "Every cluster reaches the replication repository"
    why = "Backups are not written or not found. The migration stops in its first phase."
    reads = (*STORAGE_READS, *PLAN_READS, *SIGHT_READS, *LOCATION_READS)
    requires = ("MTC712",)
    declares = ("repository", "endpoint")
    remedy = (
        "Open the connection from the pods of the cluster to the repository: check the "
        "firewall, the proxy (allow the repository, or add it to noProxy if it is internal), "
        "DNS and certificates."
    )
    docs = (links.PREREQUISITES,)
    chapter = True
    source = "MTC docs, Migration prerequisites; mig-controller pkg/controller/migstorage"
    upstream = ("BackupStorageProviderTestFailed",)
    better = "MTC tests only from the host cluster. This policy needs evidence from each cluster."

    def applies(self, migration: Migration) -> None:
        refuse_conversion(migration)

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        gap: tuple[Missing, ...] = ()
        endpoint: Fact[Endpoint] | None = None
        try:
            endpoint = repository(migration.storage)
        except NotGathered as missing:
            gap = missing.missing
        place = endpoint.value if endpoint else None
        shown = str(place) if place else "the replication repository"
        yield connection(
            way_to(migration, cluster, place),
            cluster.subject,
            f"from the {cluster.role} cluster to {shown}",
            (*gap, untried(migration, cluster, trial(place))),
            wanted="open",
            evidence=endpoint.evidence if endpoint else (),
            note=_host_only(migration, cluster),
        )


def _host_only(migration: Migration, cluster: Cluster) -> str:
    if migration.is_host(cluster) or not repository_sights(migration, migration.host):
        return ""
    return "; MTC tests the MigStorage only from the host cluster"


class RepositoryTlsPort(Policy[MigStorage]):
    """A repository with TLS is reached on port 443.

    The cloud providers' own endpoints are always TLS on 443. An awsS3Url with https and another
    port works where that port is open, but is not what the documentation asks for: a warning.
    A MigStorage that names no endpoint at all (an awsS3Url without scheme) is a matter of MTC777.
    """

    id = "MTC505"
    name = "repository-tls-port"
    title = "A replication repository with TLS is open on port 443"
    why = "Firewalls that are opened as documented block the backups."
    reads = (*STORAGE_READS, *PLAN_READS, *SIGHT_READS, *LOCATION_READS)
    declares = ("repository", "endpoint")
    requires = ("MTC712",)
    remedy = "Serve the repository on port 443, and open the port for every cluster."
    docs = (links.PREREQUISITES,)
    chapter = True
    source = "MTC docs, Migration prerequisites"

    def applies(self, migration: Migration) -> None:
        refuse_conversion(migration)
        fault = repository_fault(migration.storage)
        if fault is not None:
            place = migration.storage.ref.at(fault.pointer, fault.found or None)
            raise NotApplicable(
                f"the MigStorage does not say where the repository is (wanted {fault.wanted})",
                place,
            )
        endpoint = repository(migration.storage)
        if not endpoint.value.tls:
            raise NotApplicable(
                f"the repository {endpoint.value} is reached over plain HTTP, unencrypted",
                *endpoint.evidence,
            )

    def subjects(self, migration: Migration) -> Iterable[MigStorage]:
        return (migration.storage,)

    def check(self, migration: Migration, subject: MigStorage) -> Iterator[Outcome]:
        endpoint = repository(subject)
        place = endpoint.value
        ways = [(item, way_to(migration, item, place)) for item in migration.clusters]
        closed = [(cluster, way) for cluster, way in ways if way.open is False]
        for cluster, way in closed:
            yield failed(
                subject.ref.subject,
                f"port {place.port} of {place.host} is closed for the {cluster.role} cluster: "
                f"{way.text}",
                *way.evidence,
                *endpoint.evidence,
                found=f"{place.port} closed",
                wanted=f"{TLS_PORT} open",
                key=f"from-{cluster.role}",
                commands=(attempt_command(migration, cluster, trial(place)),),
            )
        if closed:
            return
        opened = [way for _, way in ways if way.open]
        if place.port != TLS_PORT:
            yield self._elsewhere(subject, endpoint, opened)
        elif opened:
            yield passed(
                subject.ref.subject,
                f"{place}: {'; '.join(dict.fromkeys(way.text for way in opened))}",
                *(pointer for way in opened for pointer in way.evidence),
                *endpoint.evidence,
            )
        else:
            yield unknown(
                subject.ref.subject,
                f"cannot verify whether port {TLS_PORT} of {place.host} is open",
                untried(migration, migration.host, trial(place)),
                evidence=endpoint.evidence,
            )

    def _elsewhere(
        self, storage: MigStorage, endpoint: Fact[Endpoint], opened: list[Reach]
    ) -> Outcome:
        port = endpoint.value.port
        known = "it is open as far as this was measured" if opened else "it is not known to be open"
        return failed(
            storage.ref.subject,
            f"the repository uses TLS on port {port}, but the documentation requires port "
            f"{TLS_PORT}. This works if port {port} is open for every cluster; {known}",
            *endpoint.evidence,
            found=f"https on {port}",
            wanted=f"https on {TLS_PORT}",
            severity=Severity.WARNING,
        )
