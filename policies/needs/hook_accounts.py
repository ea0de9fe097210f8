"""The accounts that hooks run as."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.needs.need_policies import NeedPolicy
from policies.plan.hooks.plan_hooks import HOOK_READS, HookPolicy, HookUse, mig_hook
from policies.plan.plan_policies import GIVEN
from service.core.evidence import Gaps, Missing, NotGathered
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, unknown
from service.core.policy import NotApplicable
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.rbac import CLUSTER_ROLE_BINDING
from service.kinds.resource import Read
from service.kinds.security import SERVICE_ACCOUNT

OPERATORS_OWN = (MTC_NAMESPACE, "migration-controller")
"""The account that the operator creates, with all rights."""


class HookAccounts(NeedPolicy[HookUse], HookPolicy):
    """The service account of every hook exists where the hook runs, and may do what it does.

    The pod of a job whose account does not exist is not made; MTC tries six times. What a hook
    does needs rights; the documentation binds its account to cluster-admin.
    """

    id = "MTC841"
    name = "hook-accounts"
    title = "The service accounts of hooks exist and have rights"
    why = (
        "The pod of the hook is not created or has no rights. The migration fails in the "
        "phase of the hook."
    )
    reads = (
        *HOOK_READS,
        Read(SERVICE_ACCOUNT, plan_namespaces=True),
        Read(SERVICE_ACCOUNT, MTC_NAMESPACE),
        Read(CLUSTER_ROLE_BINDING),
    )
    requires = GIVEN
    remedy = "Create the service account on the cluster where the hook runs, and bind it to a role."
    docs = (links.ADVANCED, links.TROUBLE)
    source = "mig-controller pkg/controller/migmigration/hooks.go"
    better = "MTC checks only the syntax of the name."
    good = "the service account of the hook exists and has rights"

    def key_of(self, subject: HookUse) -> str:
        return f"account {subject.index}"

    def faults(self, migration: Migration, subject: HookUse, gaps: Gaps) -> Iterator[Outcome]:
        cluster = _runs_on(migration, subject)
        space, name = subject.hook.execution_namespace, subject.hook.service_account
        if not space or not name:
            raise NotApplicable(f"hook {subject.name} has no service account (MTC762)")
        try:
            account = cluster.find(SERVICE_ACCOUNT, name, space)
        except NotGathered as gap:
            yield _unseen(subject, cluster, gap.missing)
            return
        if account is None:
            yield _failed(subject, cluster, "does not exist", "absent")
        elif (space, name) != OPERATORS_OWN:
            with gaps.noted():
                if not _bound(cluster, space, name):
                    yield _failed(subject, cluster, "is bound to no cluster role", "no role")


def _runs_on(migration: Migration, use: HookUse) -> Cluster:
    target = mig_hook(migration, use).target_cluster
    clusters = {"source": migration.source, "destination": migration.destination}
    if target not in clusters:
        raise NotApplicable(f"hook {use.name} runs on no cluster (MTC764)")
    return clusters[target]


def _bound(cluster: Cluster, space: str, name: str) -> bool:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{space}")
    for item in cluster.known(CLUSTER_ROLE_BINDING):
        for one in item.subjects:
            if (one.kind, one.namespace, one.name) == ("ServiceAccount", space, name):
                return True
            if one.kind == "Group" and one.name in groups:
                return True
    cluster.all(CLUSTER_ROLE_BINDING)
    return False


def _named(use: HookUse) -> str:
    return f"{use.hook.execution_namespace}/{use.hook.service_account}"


def _unseen(use: HookUse, cluster: Cluster, missing: tuple[Missing, ...]) -> Outcome:
    return unknown(
        use.plan.ref.subject,
        f"hook {use.name} runs as {_named(use)} on {cluster.name}; whether that account exists is "
        "not known",
        *missing,
        key=f"account {use.index}",
        evidence=(use.plan.ref.at(f"{use.at}/serviceAccount", use.hook.service_account),),
        severity=Severity.BLOCKER,
    )


def _failed(use: HookUse, cluster: Cluster, said: str, found: str) -> Outcome:
    space, name = quote(use.hook.execution_namespace), quote(use.hook.service_account)
    return failed(
        use.plan.ref.subject,
        f"hook {use.name} runs as {_named(use)}, which {said} on {cluster.name}",
        use.plan.ref.at(f"{use.at}/serviceAccount", use.hook.service_account),
        found=found,
        wanted="a service account with the rights of the hook",
        key=f"account {use.index}",
        commands=(
            f"oc create serviceaccount {name} -n {space}",
            f"oc adm policy add-cluster-role-to-user cluster-admin -z {name} -n {space}",
        ),
        severity=None if found == "absent" else Severity.WARNING,
    )
