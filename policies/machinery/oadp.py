"""Whether the OADP release fits MTC and OpenShift."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.machinery.components import DOCS
from policies.versions.mtc_same import MTC_READS, release
from service.core.facts import release as releases
from service.core.facts.mtc_release import mtc_version
from service.core.facts.release import major_or, openshift
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, not_applicable, passed
from service.core.policy import ClusterPolicy
from service.core.values.versions import Version, parse_or_none
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.operators import CLUSTER_SERVICE_VERSION, ClusterServiceVersion
from service.kinds.resource import Read

FIRST_WITH_OADP = Version.parse("1.7.0")
FIRST_OLM = Version.parse("4.6.0")
LEAVING = ("Replacing", "Deleting")


class OadpPairing(ClusterPolicy):
    """OADP is installed beside MTC, in a release that fits MTC and OpenShift.

    From MTC 1.7 OADP brings Velero, on every cluster whose operator OLM installs. The legacy
    operator of OpenShift 3 and before 4.6 brings its own. A release that only one of the books
    names is a warning. A pair of MTC and OpenShift that
    nothing supports is MTC404's finding, a release with a known bug MTC406's.
    """

    id = "MTC826"
    name = "oadp-pairing"
    title = "The OADP release fits MTC and OpenShift"
    why = "Velero is not set up, or rejects what MTC writes. Migrations hang in phase Prepare."
    reads = (*MTC_READS, *releases.READS, Read(CLUSTER_SERVICE_VERSION, MTC_NAMESPACE))
    declares = ("mtcVersion", "openshiftVersion")
    requires = ("MTC745",)
    remedy = "Set the channel of OADP's Subscription to the release that the finding names."
    docs = (*DOCS, links.OADP_TROUBLE)
    source = "MTC documentation, About MTC (MTC 1.8 support); OADP release notes; release data"
    better = "MTC has no such check."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        if major_or(cluster) == 3:
            yield not_applicable(cluster.subject, "the legacy operator brings its own Velero")
            return
        ocp = openshift(cluster).value
        mtc = mtc_version(migration, cluster)
        version = parse_or_none(release(mtc.value))
        if version is None:
            command = f"oc get csv -n {MTC_NAMESPACE} -o json"
            raise cluster.missing(
                "the exact MTC release", command, f"it reports {mtc.value[:40]!r}"
            )
        if ocp < FIRST_OLM or version < FIRST_WITH_OADP:
            yield not_applicable(cluster.subject, f"MTC {version} on OpenShift {ocp} needs no OADP")
            return
        fitting = [
            pair
            for pair in migration.releases.oadp_pairs
            if version in pair.mtc and ocp.stream in pair.openshift
        ]
        if not fitting:
            text = f"no OADP is named for MTC {version} on OpenShift {ocp.y} (MTC404)"
            yield not_applicable(cluster.subject, text)
            return
        wanted = " or ".join(dict.fromkeys(str(pair.oadp) for pair in fitting if not pair.disputed))
        found = [item for item in cluster.known(CLUSTER_SERVICE_VERSION) if _is_oadp(item)]
        if not found:
            cluster.all(CLUSTER_SERVICE_VERSION, (MTC_NAMESPACE,))
            yield _wrong(cluster, "is not installed", "not installed", wanted, None)
        # Two at once is an update under way: the one that does not fit counts.
        fits: list[Outcome] = []
        for item in sorted(found, key=lambda item: item.ref.name):
            installed = _version(item)
            if installed is None:
                command = f"oc get csv -n {MTC_NAMESPACE} -o json"
                raise cluster.missing("the OADP release", command, item.ref.name[:60])
            pair = next((one for one in fitting if installed.stream in one.oadp), None)
            place = f"MTC {version} on OpenShift {ocp.y}"
            if pair is None:
                message = f"{installed} does not fit {place}"
                yield _wrong(cluster, message, str(installed), wanted, item)
                return
            if pair.disputed:
                message = f"{installed} is not in all documentation for {place}: {pair.disputed}"
                warning = _wrong(cluster, message, str(installed), wanted, item, Severity.WARNING)
                fits.insert(0, warning)
                continue
            pointer = item.ref.at("/spec/version", str(installed))
            fits.append(passed(cluster.subject, f"OADP {installed} fits {place}", pointer))
        yield from fits[:1]


def _is_oadp(item: ClusterServiceVersion) -> bool:
    ours = item.ref.namespace in (MTC_NAMESPACE, "") and not item.copied
    named = item.ref.name.startswith("oadp-operator.") or item.display == "OADP Operator"
    return ours and named and item.phase not in LEAVING


def _version(item: ClusterServiceVersion) -> Version | None:
    return parse_or_none(item.version or item.ref.name.partition(".v")[2])


def _wrong(
    cluster: Cluster,
    text: str,
    found: str,
    wanted: str,
    item: ClusterServiceVersion | None,
    severity: Severity | None = None,
) -> Outcome:
    evidence = () if item is None else (item.ref.at("/spec/version", item.version),)
    return failed(
        cluster.subject,
        f"OADP {text}; it {'should' if severity else 'must'} be {wanted}",
        *evidence,
        found=found,
        wanted=f"OADP {wanted}",
        commands=(f"oc get subscriptions.operators.coreos.com,csv -n {MTC_NAMESPACE}",),
        severity=severity,
    )
