"""Whether the application's pods may be on the destination what they are on the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote
from typing import NamedTuple

from policies import links
from policies.needs.need_policies import PlanNeed
from policies.needs.rights import RESTRICTED
from policies.plan.plan_policies import PLAN_READS
from service.core.evidence import Gaps, NotGathered
from service.core.facts import release
from service.core.facts.templates import READS as TEMPLATE_READS
from service.core.facts.templates import require_templates, templates
from service.core.migration import Cluster, Migration
from service.core.outcome import Command, Outcome, Severity, at_destination, failed, unknown
from service.core.values.versions import Version
from service.core.values.wording import few
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.rbac import CLUSTER_ROLE_BINDING, ClusterRoleBinding
from service.kinds.ref import Pointer, Ref
from service.kinds.resource import Read
from service.kinds.security import ROLE_BINDING, SCC, SecurityContextConstraints
from service.kinds.workloads import POD

EVERYONE = ("system:authenticated", "system:serviceaccounts")
NOT_CARRIED = (4, 12)
"""The OpenShift release for which MTC does not migrate grants (MIG-1454)."""
OLD = "restricted"
FIRST_WITH_V2 = Version.parse("4.11.0")
LAST_WITHOUT_GRANT = Version.parse("3.11.0")


class ConstraintUse(NamedTuple):
    """Who uses which constraints as which account: a pod, or a template that is granted them."""

    ref: Ref
    account: str
    scc: str
    text: str
    evidence: Pointer
    severity: Severity | None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.ref.namespace, self.account, self.scc


class ConstraintsOnDestination(PlanNeed):
    """The security context constraints that let the pods in exist on the destination.

    MTC carries constraints that name a service account as user, but not from or to OpenShift
    4.12; what is granted by cluster role bindings or groups it does not carry. It never changes
    constraints that exist. Of a template without pods it is not known what lets its pods in: where
    constraints name its account, their absence is a warning. `restricted` with another strategy
    for users than it came with lets Velero, rsync or the application in as another user, or not at
    all. From 4.11 on, `restricted-v2` takes its place, which grants neither capabilities nor
    allowPrivilegeEscalation. Constraints of one name with other settings are a warning.
    """

    id = "MTC837"
    name = "constraints-on-destination"
    title = "The pods' security context constraints exist on the destination and are granted"
    why = "The pods are rejected, or run as a user that does not own their files."
    severity = Severity.BLOCKER
    reads = (
        *PLAN_READS,
        *release.OPENSHIFT_READS,
        Read(POD, plan_namespaces=True),
        *TEMPLATE_READS,
        Read(SCC),
        Read(ROLE_BINDING, plan_namespaces=True),
        Read(CLUSTER_ROLE_BINDING),
    )
    declares = ("openshiftVersion",)
    remedy = (
        "Create the constraints on the destination and grant them to the service account. "
        "Restore a changed default constraint, and put the change into a separate one."
    )
    docs = (
        links.CHECKLISTS,
        links.CONSTRAINTS,
    )
    source = "MTC 1.8.3 to 1.8.5 release notes (MIG-1454); Planning your migration, security"
    better = "MTC has no such check."
    good = "the pods' security context constraints are on the destination"

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        for cluster in (migration.source, migration.destination):
            yield from _changed(cluster)
        with gaps.noted():
            yield from _before_311(migration.source)
        with gaps.noted():
            migration.source.all(POD, migration.source_namespaces)
        with gaps.noted():
            require_templates(migration.source, migration.source_namespaces)
        with gaps.noted():
            yield from _stricter(migration)
        seen: set[tuple[str, str, str]] = set()
        for use in (*_by_pods(migration), *_by_templates(migration)):
            if use.key not in seen:
                seen.add(use.key)
                yield from _refused(migration, use)


def _by_pods(migration: Migration) -> Iterator[ConstraintUse]:
    pods = migration.source.known(POD, migration.source_namespaces)
    for pod in sorted(pods, key=lambda pod: (pod.ref.namespace, pod.ref.name)):
        if pod.scc and pod.scc not in RESTRICTED:
            pointer = pod.ref.at("/metadata/annotations/openshift.io~1scc", pod.scc)
            text = f"was admitted with {pod.scc}"
            yield ConstraintUse(pod.ref, pod.account or "default", pod.scc, text, pointer, None)


def _by_templates(migration: Migration) -> Iterator[ConstraintUse]:
    """Templates of accounts for which no pod shows what lets it in."""
    source, namespaces = migration.source, migration.source_namespaces
    running = {
        (one.ref.namespace, one.account or "default") for one in source.known(POD, namespaces)
    }
    for made in templates(source, namespaces):
        account, space = made.account or "default", made.ref.namespace
        if (space, account) in running:
            continue
        user = f"system:serviceaccount:{space}:{account}"
        for item in sorted(source.known(SCC), key=lambda item: item.ref.name):
            if user in item.users and item.ref.name not in RESTRICTED:
                text = f"may run with {item.ref.name} (account {account})"
                pointer = made.ref.at(f"{made.template}/spec/serviceAccountName", made.account)
                yield ConstraintUse(
                    made.ref, account, item.ref.name, text, pointer, Severity.WARNING
                )


def _stricter(migration: Migration) -> Iterator[Outcome]:
    """Pods that `restricted` lets in, and `restricted-v2` of the destination does not."""
    pods = [
        pod
        for pod in migration.source.known(POD, migration.source_namespaces)
        if pod.scc == OLD and any(one.escalates for one in pod.containers)
    ]
    if not pods or release.openshift(migration.destination).value < FIRST_WITH_V2:
        return
    there = migration.destination.get(SCC, OLD)
    spaces = migration.derive(_destinations)
    for pod in pods:
        space, account = spaces.get(pod.ref.namespace, pod.ref.namespace), pod.account or "default"
        if not _granted(migration, there, pod.ref.namespace, account):
            yield failed(
                pod.ref.subject,
                f"pod {pod.ref.namespace}/{pod.ref.name} requests capabilities or "
                "allowPrivilegeEscalation, which restricted-v2 of the destination does not allow",
                pod.ref.at("/spec/containers"),
                found=OLD,
                wanted=f"{OLD} for account {space}/{account}, or a pod that restricted-v2 allows",
                key=f"v2 {space}/{account}",
                commands=(_grant(OLD, account, space),),
            )


def _grant(name: str, account: str, space: str) -> Command:
    text = f"oc adm policy add-scc-to-user {quote(name)} -z {quote(account)} -n {quote(space)}"
    return at_destination(text)


def _changed(cluster: Cluster) -> Iterator[Outcome]:
    for item in cluster.known(SCC):
        found = item.settings.get("runAsUser", "")
        if item.ref.name in RESTRICTED and found not in ("MustRunAsRange", ""):
            yield failed(
                item.ref.subject,
                f"security context constraints {item.ref.name} are changed: runAsUser is {found}",
                item.ref.at("/runAsUser/type", found),
                found=found,
                wanted="MustRunAsRange",
                key="changed",
                commands=(f"oc get scc {quote(item.ref.name)} -o json",),
                severity=Severity.WARNING,
            )


def _before_311(cluster: Cluster) -> Iterator[Outcome]:
    """On OpenShift 3.7 to 3.10 the controller's account must be a user of anyuid itself."""
    account = f"system:serviceaccount:{MTC_NAMESPACE}:migration-controller"
    for item in cluster.known(SCC):
        if item.ref.name != "anyuid" or account in item.users:
            continue
        if release.openshift(cluster).value < LAST_WITHOUT_GRANT:
            yield failed(
                item.ref.subject,
                f"anyuid does not include {account}, which the rsync pods need before OpenShift "
                "3.11",
                item.ref.at("/users"),
                found="not a user of anyuid",
                wanted=account,
                key="anyuid",
                commands=(f"oc adm policy add-scc-to-user anyuid {account}",),
                severity=Severity.WARNING,
            )


def _destinations(migration: Migration) -> dict[str, str]:
    """The destination of each source namespace, by its first entry in the plan."""
    return {one.source: one.destination for one in reversed(migration.plan.namespaces)}


def _refused(migration: Migration, use: ConstraintUse) -> Iterator[Outcome]:
    ref, account, name = use.ref, use.account, use.scc
    space = migration.derive(_destinations).get(ref.namespace, ref.namespace)
    user = f"system:serviceaccount:{ref.namespace}:{account}"
    who = f"{'pod' if ref.kind == 'Pod' else ref.kind} {ref.namespace}/{ref.name} {use.text}"
    try:
        there = migration.destination.find(SCC, name)
        carried = _carried(migration, name, user)
        if there is not None and _granted(migration, there, ref.namespace, account):
            yield from _other_settings(migration, use, there)
            return
    except NotGathered as gap:
        yield unknown(
            ref.subject,
            f"{who}; cannot verify whether account {account} can use it on the destination",
            *gap.missing,
            key=f"{name} {space}/{account}",
            severity=Severity.WARNING,
        )
        return
    if there is None and carried:
        return
    fault = "does not exist there" if there is None else f"does not include account {account} there"
    yield failed(
        ref.subject,
        f"{who}, which {fault}; MTC does not migrate it",
        use.evidence,
        found="absent" if there is None else "not granted",
        wanted=f"{name} for account {space}/{account}",
        key=f"{name} {space}/{account}",
        commands=(
            at_destination(f"oc get scc {quote(name)} -o json"),
            _grant(name, account, space),
        ),
        severity=use.severity,
    )


def _other_settings(
    migration: Migration, use: ConstraintUse, there: SecurityContextConstraints
) -> Iterator[Outcome]:
    for here in migration.source.known(SCC):
        fields = sorted(
            key
            for key in here.settings.keys() & there.settings.keys()
            if here.settings[key] != there.settings[key]
        )
        if here.ref.name == use.scc and fields:
            yield failed(
                there.ref.subject,
                f"security context constraints {use.scc} differ between the clusters: "
                f"{few(fields)}",
                there.ref.at(f"/{fields[0]}", there.settings[fields[0]]),
                found=there.settings[fields[0]],
                wanted=here.settings[fields[0]],
                key=f"differs {use.ref.namespace}/{use.account}",
                commands=(f"oc get scc {quote(use.scc)} -o yaml",),
                severity=Severity.WARNING,
            )


def _carried(migration: Migration, name: str, user: str) -> bool:
    """Whether MTC brings the constraints: they name the account as user, and no side is 4.12."""
    here = [one for one in migration.source.known(SCC) if one.ref.name == name]
    if not here or user not in here[0].users:
        return False
    sides = (migration.source, migration.destination)
    return all(release.openshift(one).value.stream != NOT_CARRIED for one in sides)


def _granted(
    migration: Migration, item: SecurityContextConstraints, source: str, account: str
) -> bool:
    """Whether an account of a source namespace can use constraints on the destination.

    MTC carries the role bindings of the namespace, and maps the namespaces of their subjects.
    """
    space = migration.derive(_destinations).get(source, source)
    user = f"system:serviceaccount:{space}:{account}"
    groups = (*EVERYONE, f"system:serviceaccounts:{space}")
    if user in item.users or any(group in item.groups for group in groups):
        return True
    role = f"system:openshift:scc:{item.ref.name}"
    here, there = migration.source, migration.destination
    if (
        _bound(here.known(ROLE_BINDING, (source,)), role, source, account)
        or _bound(there.known(ROLE_BINDING, (space,)), role, space, account)
        or _bound(there.known(CLUSTER_ROLE_BINDING), role, space, account)
    ):
        return True
    there.all(CLUSTER_ROLE_BINDING)
    here.all(ROLE_BINDING, migration.source_namespaces)
    return False


def _bound(items: Iterable[ClusterRoleBinding], role: str, space: str, account: str) -> bool:
    groups = (*EVERYONE, f"system:serviceaccounts:{space}")
    user = f"system:serviceaccount:{space}:{account}"
    return any(
        (one.name == account and one.namespace in ("", space))
        if one.kind == "ServiceAccount"
        else one.name in (*groups, user)
        for item in items
        if item.role == role
        for one in item.subjects
    )
