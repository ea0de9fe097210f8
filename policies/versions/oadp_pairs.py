"""The OADP release that MTC works with on each cluster."""

from __future__ import annotations

from collections.abc import Iterator

from policies.versions.mtc_same import DOCS, MTC_READS, release
from service.core.facts.mtc import mtc_version
from service.core.facts.release import READS as RELEASE_READS
from service.core.facts.release import openshift
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed, passed, unknown
from service.core.policy import ClusterPolicy, NotApplicable
from service.core.releases import Streams
from service.core.values.versions import Version, parse_or_none
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.operators import CLUSTER_SERVICE_VERSION, ClusterServiceVersion
from service.kinds.resource import Read

FIRST_WITH_OADP = Version.parse("1.7.0")
LEGACY_UNTIL = (4, 5)
"""Up to here MTC's legacy operator brings Velero itself."""
DISPLAY = "OADP Operator"


class OadpPair(ClusterPolicy):
    """The OADP operator is of a stream that this MTC release works with on this OpenShift release.

    The pairs are rows of the release data. MTC before 1.7 and the legacy operator bring their own
    Velero. Whether the operator runs is MTC821's.
    """

    id = "MTC405"
    name = "oadp-pair"
    title = "OADP is of a release that MTC works with on this OpenShift release"
    why = "The operator cannot set up Velero, or the migration stops while it is prepared."
    reads = (*MTC_READS, *RELEASE_READS, Read(CLUSTER_SERVICE_VERSION, MTC_NAMESPACE))
    declares = ("mtcVersion", "openshiftVersion")
    remedy = "Subscribe the OADP operator of MTC's namespace to the channel that the finding names."
    docs = DOCS
    source = "MTC 1.8 documentation, About MTC; OADP release notes; MTC 1.8.7 release notes"
    better = "MTC has no such check"

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        ocp = openshift(cluster).value
        fact = mtc_version(migration, cluster)
        mtc = parse_or_none(release(fact.value))
        if ocp.stream <= LEGACY_UNTIL or (mtc is not None and mtc < FIRST_WITH_OADP):
            raise NotApplicable("MTC brings its own Velero there", *fact.evidence)
        if mtc is None:
            command = f"oc get csv -n {MTC_NAMESPACE} -o yaml"
            raise cluster.missing("the exact MTC release", command, f"it says {fact.value[:40]!r}")
        found = [
            item for item in _installed(cluster) if item.phase not in ("Replacing", "Deleting")
        ]
        if not found:
            cluster.all(CLUSTER_SERVICE_VERSION, (MTC_NAMESPACE,))
            raise NotApplicable("no OADP operator is installed in MTC's namespace")
        pairs = [
            pair.oadp
            for pair in migration.releases.oadp_pairs
            if mtc in pair.mtc and ocp.stream in pair.openshift
        ]
        if not pairs:
            raise NotApplicable(f"no OADP goes with MTC {mtc} on OpenShift {ocp.y}: see MTC404")
        for item in found:
            yield _judged(cluster, item, f"MTC {mtc} on OpenShift {ocp.y}", pairs)


def _installed(cluster: Cluster) -> Iterator[ClusterServiceVersion]:
    for item in cluster.known(CLUSTER_SERVICE_VERSION):
        ours = item.ref.namespace in (MTC_NAMESPACE, "") and not item.copied
        if ours and (item.ref.name.startswith("oadp-operator.") or item.display == DISPLAY):
            yield item


def _judged(
    cluster: Cluster, item: ClusterServiceVersion, pair: str, fitting: list[Streams]
) -> Outcome:
    pointer = item.ref.at("/spec/version", item.version)
    version = parse_or_none(item.version)
    if version is None:
        command = f"oc get csv -n {MTC_NAMESPACE} -o yaml"
        missing = cluster.missing("the release of the OADP operator", command).missing
        told = f"{item.ref.name} names no release"
        return unknown(item.ref.subject, told, *missing, evidence=(pointer,))
    if any(version.stream in streams for streams in fitting):
        return passed(item.ref.subject, f"OADP {version} goes with {pair}", pointer)
    wanted = " or ".join(str(streams) for streams in fitting)
    return failed(
        item.ref.subject,
        f"OADP {version} does not go with {pair}: {wanted} does",
        pointer,
        found=f"OADP {version}",
        wanted=f"OADP {wanted}",
        commands=(
            f"oc get subscriptions.operators.coreos.com -n {MTC_NAMESPACE} -o "
            "custom-columns=NAME:.metadata.name,PACKAGE:.spec.name,CHANNEL:.spec.channel",
        ),
    )
