"""Whether the certificates of the clusters and the repository stay valid during a migration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from shlex import quote

from policies import links
from policies.connections.mig_clusters import CLUSTER_READS, edit_cluster
from policies.connections.mig_storage import edit_storage
from policies.needs.need_policies import SideNeed
from policies.plan.plan_policies import PLAN_READS
from service.core.evidence import Gaps, Missing, NotGathered
from service.core.facts import release
from service.core.facts.reach import cluster_of
from service.core.facts.release import major
from service.core.facts.topology import mig_cluster
from service.core.migration import Cluster, Migration
from service.core.outcome import Command, Outcome, Severity, failed
from service.kinds.certificates import MANAGED, bundle_ends
from service.kinds.cluster import SECRET
from service.kinds.ref import Pointer, Ref
from service.kinds.resource import Read, fetch_command

NAMESPACES = ("openshift-kube-apiserver", "openshift-etcd", "openshift-ingress")
"""Namespaces of the certificates of the API server, etcd and the routers of OpenShift 4."""
MIGRATION = timedelta(days=7)
"""The longest duration of a migration, stages included."""
SOON = timedelta(days=30)


class CertificatesLast(SideNeed):
    """No certificate that the migration needs expires during the migration.

    Checked are the CA bundles of the MigClusters and of the repository and, on OpenShift 4, the
    expiry dates that OpenShift annotates on the certificates that it creates. Certificates that
    OpenShift rotates are reported only if they had expired when they were collected.
    User-provided certificates have no such annotation.
    """

    id = "MTC858"
    name = "certificates-last"
    title = "Certificates do not expire during the migration"
    why = "Connections to the API server, the routes or the repository fail with x509 errors."
    reads = (
        *PLAN_READS,
        *CLUSTER_READS,
        *release.READS,
        *(Read(SECRET, namespace) for namespace in NAMESPACES),
    )
    declares = ("openshiftVersion",)
    requires = ("MTC710",)
    remedy = "Renew the certificate, or add the new certificate to the bundle."
    docs = (links.CHECKLISTS,)
    source = "MTC documentation, Premigration checklists: certificates are valid throughout"
    better = "MTC has no such check."
    good = "no checked certificate expires within 30 days"

    def faults(self, migration: Migration, cluster: Cluster, gaps: Gaps) -> Iterator[Outcome]:
        now = migration.requested.as_of
        with gaps.noted():
            item = mig_cluster(migration, cluster)
            edit, at = edit_cluster(item), item.ref.at("/spec/caBundle")
            yield from _ends("caBundle", item.ref, item.ca_ends, now, at, edit)
        storage = migration.given_storage
        if storage is not None and cluster is migration.destination:
            bundle = storage.config.get("s3CustomCABundle")
            ends = bundle_ends(bundle) if isinstance(bundle, str) else ()
            at = storage.ref.at("/spec/backupStorageConfig/s3CustomCABundle")
            edit = edit_storage(storage)
            yield from _ends("s3CustomCABundle", storage.ref, ends, now, at, edit)
        with gaps.noted():
            if major(cluster) > 3:
                yield from _own(migration, cluster)


def _own(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """The certificates that OpenShift created. Raises NotGathered where there is none."""
    secrets = [item for item in cluster.known(SECRET, NAMESPACES) if item.ends is not None]
    if not secrets:
        command = fetch_command(SECRET, "", NAMESPACES[0])
        text = f"the expiry dates of the certificates in {NAMESPACES[0]}"
        raise NotGathered(Missing(text, cluster.role, command))
    times = {
        part.name: part.collected
        for part in migration.parts
        if cluster_of(migration, part.role) is cluster and part.collected is not None
    }
    for item in secrets:
        if item.ends is None:
            continue
        now = migration.requested.as_of
        if MANAGED in item.labels:
            # OpenShift renews it: only one that had expired when it was read shows a fault.
            seen = times.get(item.ref.origin.part)
            if seen is None or item.ends > seen:
                continue
        at = item.ref.at("/metadata/annotations", item.ends.isoformat())
        show = f"oc describe secret {quote(item.ref.name)} -n {item.ref.namespace}"
        yield from _ends(f"secret {item.ref.name}", item.ref, (item.ends,), now, at, show)


def _ends(
    what: str,
    ref: Ref,
    ends: Iterable[datetime],
    now: datetime,
    at: Pointer,
    edit: str | Command,
) -> Iterator[Outcome]:
    moments = sorted(ends)
    if not moments or moments[0] > now + SOON:
        return
    when = f"{moments[0]:%Y-%m-%d %H:%M} UTC"
    over = "expired" if moments[0] <= now else "expires"
    # Any certificate of a bundle can be the signer.
    mild = moments[0] > now + MIGRATION or moments[-1] > now + MIGRATION
    yield failed(
        ref.subject,
        f"a certificate of {what} {over} at {when}",
        at,
        found=when,
        wanted=f"later than {now + SOON:%Y-%m-%d}",
        key=what,
        commands=(edit,),
        severity=Severity.WARNING if mild else None,
    )
