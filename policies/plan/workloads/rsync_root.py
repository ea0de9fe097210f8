"""Whether rsync really runs as root where it is asked to."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.plan.plan_policies import PLAN_READS, SidePolicy
from service.core.evidence import Gaps, Role
from service.core.facts import direct, release
from service.core.facts.controllers import setting_of
from service.core.facts.direct import direct_volumes
from service.core.facts.mtc_release import CLUSTER_CONFIG
from service.core.facts.setting_values import is_true
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, not_applicable, passed
from service.core.policy import NotApplicable
from service.core.values.versions import Version
from service.kinds.cluster import CONFIG_MAP, NAMESPACE, Namespace
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.ref import pointer_step
from service.kinds.resource import Read

SETTING = "migration_rsync_privileged"
LABEL = "pod-security.kubernetes.io/enforce"
ENFORCED_SINCE = Version.parse("4.11.0")
"""The OpenShift release with Kubernetes 1.24, from which the controller looks at the label."""


class RsyncAsRoot(SidePolicy):
    """Where rsync is to run as root, the namespaces let it.

    From Kubernetes 1.24 the controller falls back to a user without privileges in a namespace
    without label `pod-security.kubernetes.io/enforce: privileged`, and says so only when the
    transfer runs (RsyncServerPodsRunningAsNonRoot). It makes new namespaces with the source's
    labels, so on the destination only namespaces that exist are looked at.
    """

    id = "MTC755"
    name = "rsync-as-root"
    title = "If rsync runs as root, the labels of the namespaces allow it"
    why = (
        "Rsync runs as another user without a warning, and cannot read or write the files of "
        "root and other users."
    )
    severity = Severity.WARNING
    reads = (
        *PLAN_READS,
        *direct.READS,
        *release.OPENSHIFT_READS,
        Read(NAMESPACE),
        Read(CONFIG_MAP, MTC_NAMESPACE, CLUSTER_CONFIG),
        Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    )
    declares = ("openshiftVersion",)
    remedy = "Label the namespace during the migration, for enforce, audit and warn."
    docs = (
        links.ABOUT,
        links.RSYNC,
    )
    source = "mig-controller pkg/controller/directvolumemigration/rsync.go"
    upstream = ("RsyncServerPodsRunningAsNonRoot",)
    better = "Works before the transfer."

    def applies(self, migration: Migration) -> None:
        direct = direct_volumes(migration)
        if not direct.value:
            raise NotApplicable("no volume is copied directly", *direct.evidence)

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        version = release.openshift(cluster).value
        if version < ENFORCED_SINCE:
            yield not_applicable(cluster.subject, f"OpenShift {version} enforces no such label")
            return
        if not _privileged(cluster):
            yield not_applicable(
                cluster.subject, f"rsync is not set to run as root ({SETTING} is not true)"
            )
            return
        gaps = Gaps()
        good, names = 0, _names(migration, cluster)
        for name in names:
            with gaps.noted():
                namespace = cluster.find(NAMESPACE, name)
                if namespace is None or namespace.labels.get(LABEL) == "privileged":
                    good += 1
                else:
                    yield _unlabelled(namespace)
        gaps.require_none()
        if good == len(names):
            yield passed(cluster.subject, f"rsync can run as root ({good})", examined=good)


def _names(migration: Migration, cluster: Cluster) -> tuple[str, ...]:
    if cluster.role == Role.SOURCE:
        return migration.source_namespaces
    return tuple(dict.fromkeys(item.destination for item in migration.plan.namespaces))


def _privileged(cluster: Cluster) -> bool:
    """Whether rsync is to run as root, as the cluster's own settings say. Raises NotGathered."""
    for item in cluster.known(CONFIG_MAP):
        if item.ref.name == CLUSTER_CONFIG and item.ref.namespace == MTC_NAMESPACE:
            return is_true(item.data.get("RSYNC_PRIVILEGED", ""))
    return is_true(setting_of(cluster, SETTING).value)


def _unlabelled(namespace: Namespace) -> Outcome:
    name = namespace.ref.name
    found = namespace.labels.get(LABEL, "")
    words = " ".join(
        f"pod-security.kubernetes.io/{mode}=privileged" for mode in ("enforce", "audit", "warn")
    )
    return failed(
        namespace.ref.subject,
        f"rsync is set to run as root, but namespace {name} does not allow it",
        namespace.ref.at(f"/metadata/labels/{pointer_step(LABEL)}", found or None),
        found=found or "no label",
        wanted=f"{LABEL}=privileged",
        commands=(f"oc label namespace {quote(name)} --overwrite {words}",),
    )
