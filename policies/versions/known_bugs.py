"""Faults of the installed releases that this migration meets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from policies.versions.mtc_same import DOCS, MTC_READS, release
from policies.volumes.valid import VOLUME_READS
from service.core.evidence import NotGathered
from service.core.facts.direct import READS as DIRECT_READS
from service.core.facts.direct import direct_volumes
from service.core.facts.mtc_release import mtc_version
from service.core.facts.release import READS as RELEASE_READS
from service.core.facts.release import major, openshift
from service.core.facts.served_apis import READS as API_READS
from service.core.facts.served_apis import has_kind
from service.core.facts.setting_values import is_true, setting
from service.core.facts.volume_targets import is_copied
from service.core.facts.volumes import volumes
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, passes_alone, unknown
from service.core.policy import ClusterPolicy, NotApplicable
from service.core.releases import KnownBug
from service.core.values.versions import Version, parse_or_none
from service.kinds.cluster import CONFIG_MAP
from service.kinds.health import CLOUD_CREDENTIAL
from service.kinds.mtc import MIG_PLAN, MIG_STORAGE, MTC_NAMESPACE
from service.kinds.operators import CLUSTER_SERVICE_VERSION
from service.kinds.ref import Pointer
from service.kinds.resource import Read
from service.kinds.storage import STORAGE_CLASS
from service.kinds.velero import BACKUP_STORAGE_LOCATION

INSTALL_CONFIG = Read(CONFIG_MAP, "kube-system", "cluster-config-v1")


class KnownBugs(ClusterPolicy):
    """No installed release of MTC or OADP has a known bug that matters for this migration.

    The bugs are rows of the release data: releases, OpenShift releases, what must hold for the bug
    to matter, severity and source. A newer release being there is MTC402's; this names what goes
    wrong. OADP is judged where its operator is known. What decides whether a bug matters is seldom
    so: that it is not known is a warning, whatever the bug does.
    """

    id = "MTC406"
    name = "known-bugs"
    title = "No installed release has a known bug that affects this migration"
    why = "The migration fails, hangs or loses data, as described in the release notes."
    severity = Severity.WARNING
    reads = (
        *MTC_READS,
        *RELEASE_READS,
        *API_READS,
        *DIRECT_READS,
        INSTALL_CONFIG,
        Read(MIG_PLAN, MTC_NAMESPACE),
        Read(MIG_STORAGE, MTC_NAMESPACE),
        Read(BACKUP_STORAGE_LOCATION, MTC_NAMESPACE),
        Read(STORAGE_CLASS),
        Read(CLOUD_CREDENTIAL, name="cluster"),
        *VOLUME_READS,
    )
    declares = ("mtcVersion", "openshiftVersion")
    requires = ("MTC745",)
    remedy = "Update to the release that the finding names, on every cluster."
    docs = DOCS
    source = "MTC and OADP release notes; each row of the release data names its own"
    better = "MTC has no such check."

    @passes_alone
    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        installed = dict(_installed(migration, cluster))
        rows = [
            bug
            for bug in migration.releases.bugs
            if bug.product in installed and installed[bug.product][0] in bug.versions
        ]
        for bug in rows:
            yield from _judged(migration, cluster, bug, *installed[bug.product])
        names = " and ".join(f"{key.upper()} {item[0]}" for key, item in installed.items())
        evidence = tuple(pointer for item in installed.values() for pointer in item[1])
        text = f"{names}: no known bug affects this migration"
        yield passed(cluster.subject, text, *evidence, examined=len(migration.releases.bugs))


def _installed(
    migration: Migration, cluster: Cluster
) -> Iterator[tuple[str, tuple[Version, tuple[Pointer, ...]]]]:
    fact = mtc_version(migration, cluster)
    found = parse_or_none(release(fact.value))
    if found is None:
        command = f"oc get csv -n {MTC_NAMESPACE} -o json"
        raise cluster.missing("the exact MTC release", command, f"it reports {fact.value[:40]!r}")
    yield "mtc", (found, fact.evidence)
    for item in cluster.known(CLUSTER_SERVICE_VERSION):
        version = parse_or_none(item.version)
        ours = item.ref.namespace in (MTC_NAMESPACE, "") and not item.copied
        if ours and version is not None and item.ref.name.startswith("oadp-operator."):
            yield "oadp", (version, (item.ref.at("/spec/version", item.version),))


def _judged(
    migration: Migration,
    cluster: Cluster,
    bug: KnownBug,
    version: Version,
    evidence: tuple[Pointer, ...],
) -> Iterator[Outcome]:
    name = f"{bug.product.upper()} {version}"
    try:
        if bug.openshift is not None and openshift(cluster).value.stream not in bug.openshift:
            return
        if not all(_holds(migration, cluster, word) for word in bug.when):
            return
    except NotGathered as error:
        yield unknown(
            cluster.subject,
            f"cannot verify whether this migration meets a known bug of {name}: {bug.title}",
            *error.missing,
            key=bug.id,
            evidence=evidence,
        )
        return
    yield failed(
        cluster.subject,
        f"{name} has a known bug: {bug.title} ({bug.source})",
        *evidence,
        found=name,
        wanted=f"{bug.fixed} or later" if bug.fixed else "the workaround",
        key=bug.id,
        severity=Severity(bug.severity),
    )


def _holds(migration: Migration, cluster: Cluster, word: str) -> bool:
    if word not in CONDITIONS:
        text = "release data with conditions that this release of mtc-preflight knows"
        raise cluster.missing(text, "mtc-preflight --version", f"condition {word[:60]!r}")
    return CONDITIONS[word](migration, cluster)


def _destinations(migration: Migration, cluster: Cluster) -> bool:
    return any(item.destination[:1].isdigit() for item in migration.plan.namespaces)


def _mapped(migration: Migration, cluster: Cluster) -> bool:
    return any(item.source != item.destination for item in migration.plan.namespaces)


def _skipped(migration: Migration, cluster: Cluster) -> bool:
    return any(item.action == "skip" for item in migration.plan.volumes or ())


def _indirect(migration: Migration, cluster: Cluster) -> bool:
    return migration.plan.indirect_images or migration.plan.indirect_volumes


def _virtualization(migration: Migration, cluster: Cluster) -> bool:
    served = has_kind(cluster, "kubevirt.io", "KubeVirt").served
    if served is None:
        raise cluster.missing(
            "whether OpenShift Virtualization is installed",
            "oc get customresourcedefinitions.apiextensions.k8s.io -o json",
        )
    return served


def _fips(migration: Migration, cluster: Cluster) -> bool:
    if major(cluster) == 3:
        return False
    found = cluster.get(CONFIG_MAP, INSTALL_CONFIG.name, INSTALL_CONFIG.namespace)
    text = found.data.get("install-config", "")
    return re.search(r"(?m)^fips:\s*true\s*$", text) is not None


def _repository_ca(migration: Migration, cluster: Cluster) -> bool:
    return bool(migration.storage.config.get("s3CustomCABundle"))


def _aws(migration: Migration, cluster: Cluster) -> bool:
    if cluster is not migration.source or migration.storage.provider != "aws":
        return False
    return not is_true(setting(migration, "velero_use_legacy_aws").value)


MANY_PLANS = 400
GATEWAY = re.compile(r"\bs3[.-]openshift-storage\b|noobaa")


def _many_plans(migration: Migration, cluster: Cluster) -> bool:
    if not migration.is_host(cluster) or len(cluster.known(MIG_PLAN)) <= MANY_PLANS:
        return False
    return migration.storage.provider == "azure"


def _gateway(migration: Migration, cluster: Cluster) -> bool:
    storage = migration.given_storage
    if storage is None or not GATEWAY.search(str(storage.config.get("awsS3Url") or "")):
        return False
    return not any(one.checksum for one in cluster.known(BACKUP_STORAGE_LOCATION))


def _short_term(migration: Migration, cluster: Cluster) -> bool:
    """Whether volumes are copied by snapshot with credentials that the cloud gives for a while."""
    snapshot = any(one.copy_method == "snapshot" for one in migration.plan.volumes or ())
    if not snapshot or migration.storage.provider not in ("aws", "gcp"):
        return False
    return cluster.get(CLOUD_CREDENTIAL, "cluster").mode == "Manual"


def _copied_from(*provisioners: str) -> Callable[[Migration, Cluster], bool]:
    """Whether the plan copies volumes of these drivers, or of classes of these provisioners."""

    def found(migration: Migration, cluster: Cluster) -> bool:
        if cluster is not migration.source:
            return False
        try:
            copied = [one for one in volumes(migration).items if is_copied(one)]
        except NotApplicable:
            return False
        classes = {item.ref.name: item.provisioner for item in cluster.known(STORAGE_CLASS)}
        return any(
            one.pv is not None
            and {one.pv.driver, classes.get(one.pv.storage_class)} & set(provisioners)
            for one in copied
        )

    return found


CONDITIONS: Mapping[str, Callable[[Migration, Cluster], bool]] = {
    "namespace-starts-with-digit": _destinations,
    "mapped-namespaces": _mapped,
    "skipped-volumes": _skipped,
    "indirect": _indirect,
    "indirect-volumes": lambda migration, cluster: migration.plan.indirect_volumes,
    "direct-volumes": lambda migration, cluster: direct_volumes(migration).value,
    "live-migration": lambda migration, cluster: migration.plan.live_migrate,
    "virtualization": _virtualization,
    "fips": _fips,
    "repository-ca": _repository_ca,
    "aws-without-legacy-plugin": _aws,
    "azure-with-400-plans": _many_plans,
    "mcg-without-checksum": _gateway,
    "ibm-block": _copied_from("ibm.io/ibmc-block", "ibm/ibmc-block"),
    "azure-file": _copied_from("file.csi.azure.com", "kubernetes.io/azure-file"),
    "snapshots-with-short-term-credentials": _short_term,
    "cinder": _copied_from("cinder.csi.openstack.org", "kubernetes.io/cinder"),
}
"""What a row of the release data may name in ``when``. Raises NotGathered."""
