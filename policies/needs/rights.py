"""Whether rsync may read the files, and the application's pods may run as they do now."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.needs.need_policies import READS, Gaps, PlanNeed, copied, require_rsync
from policies.plan.workloads.rsync_root import ENFORCED_SINCE, SETTING
from service.core.evidence import NotGathered
from service.core.facts import release
from service.core.facts.controllers import setting_of
from service.core.facts.mtc_release import CLUSTER_CONFIG
from service.core.facts.setting_values import is_true
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import NotApplicable
from service.core.values.wording import few
from service.kinds.cluster import CONFIG_MAP, NAMESPACE, Namespace
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.resource import Read
from service.kinds.workloads import POD, Pod

RESTRICTED = ("restricted", "restricted-v2", "restricted-v3")
RANGE = "openshift.io/sa.scc.uid-range"


class RsyncCanRead(PlanNeed):
    """Where rsync does not run as root, the files belong to a user that it can be.

    From Kubernetes 1.24 rsync runs as the first user of the namespace's range, unless
    migration_rsync_privileged is true. A pod that runs as root, or as a user outside of the range,
    writes files that rsync may not be able to read. Who owns the files is not in the objects; the
    user of the pods that mount a claim is the best that there is.
    """

    id = "MTC836"
    name = "rsync-can-read"
    title = "rsync can read the files that the application has written"
    why = "rsync ends with permission denied; after 20 attempts the migration fails."
    severity = Severity.WARNING
    reads = (
        *READS,
        *release.OPENSHIFT_READS,
        Read(NAMESPACE),
        Read(POD, plan_namespaces=True),
        Read(CONFIG_MAP, MTC_NAMESPACE, CLUSTER_CONFIG),
        Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    )
    declares = ("openshiftVersion",)
    remedy = (
        "Set migration_rsync_privileged on both clusters and label the namespaces "
        "pod-security.kubernetes.io/enforce=privileged, or set runAsRoot of the MigMigration."
    )
    docs = (links.ABOUT,)
    source = "MTC documentation, Direct migration requirements; MTC 1.8.4 release notes"
    better = "MTC warns only when rsync already runs."
    good = "rsync can be the user that the files belong to"

    def applies(self, migration: Migration) -> None:
        require_rsync(migration)

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        sides = (migration.source, migration.destination)
        bounded = [one for one in sides if _drops_root(one)]
        if not bounded:
            raise NotApplicable("rsync runs as root on both clusters")
        claims = {one.hold for one in copied(migration)}
        with gaps.noted():
            migration.source.all(POD, migration.source_namespaces)
        for pod in migration.source.known(POD, migration.source_namespaces):
            mounts = [name for name in pod.claims if f"{pod.ref.namespace}/{name}" in claims]
            if mounts and pod.phase == "Running":
                with gaps.noted():
                    yield from _foreign(migration, pod, mounts)


def _drops_root(cluster: Cluster) -> bool:
    """Whether rsync runs on a cluster as a user of the namespace's range."""
    if release.openshift(cluster).value < ENFORCED_SINCE:
        return False
    for item in cluster.known(CONFIG_MAP):
        if item.ref.name == CLUSTER_CONFIG and item.ref.namespace == MTC_NAMESPACE:
            return not is_true(item.data.get("RSYNC_PRIVILEGED", ""))
    try:
        return not is_true(setting_of(cluster, SETTING).value)
    except NotGathered:
        return True  # the default; a MigrationController that says otherwise is rare


def _foreign(migration: Migration, pod: Pod, mounts: list[str]) -> Iterator[Outcome]:
    users = {one.user for one in pod.containers if not one.init}
    if users != {None} and 0 in users:
        yield _fault(pod, mounts, "root", Severity.BLOCKER)
        return
    if pod.scc in RESTRICTED:
        return
    if not pod.scc:
        raise migration.source.inventory.not_gathered(
            POD, pod.ref.name, pod.ref.namespace, reason="without annotation openshift.io/scc"
        )
    if None in users:
        yield _fault(pod, mounts, f"the user of its image (scc {pod.scc})", None)
        return
    bounds = _range(migration.source.get(NAMESPACE, pod.ref.namespace))
    outside = [user for user in users if user is not None and bounds and user not in bounds]
    if outside:
        yield _fault(pod, mounts, f"user {outside[0]}", None)


def _range(namespace: Namespace) -> range | None:
    """The user ids of a namespace: ``first/count`` or ``first-last``."""
    first, mark, rest = namespace.annotations.get(RANGE, "").partition("/")
    if not mark:
        first, _, rest = first.partition("-")
    if not (first.isdigit() and rest.isdigit()):
        return None
    return range(int(first), int(first) + int(rest) if mark else int(rest) + 1)


def _fault(pod: Pod, mounts: list[str], who: str, severity: Severity | None) -> Outcome:
    return failed(
        pod.ref.subject,
        f"pod {pod.ref.namespace}/{pod.ref.name} writes to {few(mounts)} as {who}; rsync runs as "
        "another user and may not be able to read that",
        pod.ref.at("/spec/securityContext"),
        found=who,
        wanted="a user of the namespace's range, or rsync as root",
        commands=(
            f"oc exec -n {quote(pod.ref.namespace)} {quote(pod.ref.name)} -- id",
            f"oc label namespace {quote(pod.ref.namespace)} --overwrite "
            "pod-security.kubernetes.io/enforce=privileged",
        ),
        severity=severity,
    )
