"""Whether rsync may read the files, and the application's pods may run as they do now."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.needs.need_policies import READS, PlanNeed, claim_of, copied, require_rsync
from policies.plan.workloads.rsync_root import ENFORCED_SINCE, SETTING
from service.core.evidence import Gaps, Missing, NotGathered
from service.core.facts import release
from service.core.facts.controllers import setting_of
from service.core.facts.mtc_release import CLUSTER_CONFIG
from service.core.facts.setting_values import is_true
from service.core.facts.templates import READS as TEMPLATE_READS
from service.core.facts.templates import require_templates, templates
from service.core.facts.volumes import Volume, volumes
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import NotApplicable
from service.core.values.wording import few
from service.kinds.cluster import CONFIG_MAP, NAMESPACE, Namespace
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.resource import Read
from service.kinds.workloads import POD, Pod, Workload

RESTRICTED = ("restricted", "restricted-v2", "restricted-v3")
RANGE = "openshift.io/sa.scc.uid-range"
ROOT = 0


class RsyncCanRead(PlanNeed):
    """Where rsync does not run as root, the files belong to a user that it can be.

    From Kubernetes 1.24 rsync runs as the first user of the namespace's range, unless
    migration_rsync_privileged is true. A pod that runs as root, or as a user outside of the range,
    writes files that rsync may not be able to read. Who owns the files is not in the objects; the
    user of the pods that mount a claim is the best that there is. A template that asks for root
    counts without a pod. The user is not known of a claim that no running pod mounts. An NFS server
    may map root to another user.
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
        *TEMPLATE_READS,
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
        claims = {one.hold: one for one in copied(migration) if one.mode != "Block"}
        if volumes(migration).no_claims is None and not claims:
            raise NotApplicable("rsync copies no file system")
        source, namespaces = migration.source, migration.source_namespaces
        pods = [one for one in source.known(POD, namespaces) if one.phase == "Running"]
        mounted: set[str] = set()
        reported: set[str] = set()
        users: tuple[Pod | Workload, ...] = (*pods, *templates(source, namespaces))
        for item in users:
            names = {f"{item.ref.namespace}/{name}" for name in item.claims} & claims.keys()
            if not names:
                continue
            if isinstance(item, Workload) and (ROOT not in item.users or names <= reported):
                continue  # the pods of a template show its user
            mounted |= names
            with gaps.noted():
                for outcome in _foreign(migration, item, [claims[one] for one in sorted(names)]):
                    reported |= names
                    yield outcome
        with gaps.noted():
            require_templates(source, namespaces)
        with gaps.noted():
            source.all(POD, namespaces)
            _require_users(migration, sorted(claims.keys() - mounted))


def _require_users(migration: Migration, unmounted: list[str]) -> None:
    """Raise NotGathered for claims of which it is not known who has written to them."""
    missing = [
        Missing(
            f"the user that owns the files of {claim}",
            migration.source.role,
            f"oc get pods -n {quote(claim.partition('/')[0])} -o json",
            "no running pod mounts it",
        )
        for claim in unmounted
    ]
    if missing:
        raise NotGathered(*missing)


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


def _foreign(
    migration: Migration, item: Pod | Workload, mounted: list[Volume]
) -> Iterator[Outcome]:
    squashed = all(one.pv is not None and one.pv.source == "nfs" for one in mounted)
    if isinstance(item, Workload):
        yield _fault(item, mounted, "root", None if squashed else Severity.BLOCKER)
        return
    users = {one.user for one in item.containers if not one.init}
    if ROOT in users:
        yield _fault(item, mounted, "root", None if squashed else Severity.BLOCKER)
        return
    if item.scc in RESTRICTED or item.owner.startswith("VirtualMachineInstance/"):
        return
    if not item.scc:
        raise migration.source.inventory.not_gathered(
            POD, item.ref.name, item.ref.namespace, reason="without annotation openshift.io/scc"
        )
    if None in users:
        yield _fault(item, mounted, f"the user of its image (scc {item.scc})", None)
        return
    bounds = _range(migration.source.get(NAMESPACE, item.ref.namespace))
    if bounds is None:
        raise migration.source.inventory.not_gathered(
            NAMESPACE, item.ref.namespace, reason=f"without a readable annotation {RANGE}"
        )
    outside = [user for user in users if user is not None and user not in bounds]
    if outside:
        yield _fault(item, mounted, f"user {outside[0]}", None)


def _range(namespace: Namespace) -> range | None:
    """The user ids of a namespace: ``first/count`` or ``first-last``."""
    first, mark, rest = namespace.annotations.get(RANGE, "").partition("/")
    if not mark:
        first, _, rest = first.partition("-")
    if not (first.isdigit() and rest.isdigit()):
        return None
    return range(int(first), int(first) + int(rest) if mark else int(rest) + 1)


def _fault(
    item: Pod | Workload, mounted: list[Volume], who: str, severity: Severity | None
) -> Outcome:
    name, space = quote(item.ref.name), quote(item.ref.namespace)
    if isinstance(item, Workload):
        what, at = item.ref.kind, f"{item.template}/spec/securityContext"
        look = f"oc get {what.lower()} {name} -n {space} -o yaml"
    else:
        what, at = "pod", "/spec/securityContext"
        look = f"oc exec -n {space} {name} -- id"
    return failed(
        item.ref.subject,
        f"{what} {item.ref.namespace}/{item.ref.name} writes to "
        f"{few(claim_of(one)[1] for one in mounted)} as {who}; rsync runs as another user and may "
        "not be able to read that",
        item.ref.at(at),
        found=who,
        wanted="a user of the namespace's range, or rsync as root",
        commands=(
            look,
            f"oc label namespace {space} --overwrite pod-security.kubernetes.io/enforce=privileged",
        ),
        severity=severity,
    )
