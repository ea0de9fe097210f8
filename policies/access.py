"""The user who runs the migration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote

from policies import links
from service.core.evidence import Missing
from service.core.migration import Cluster, Migration, once_per_cluster
from service.core.outcome import Outcome, failed, passed, unknown
from service.core.policy import ClusterPolicy
from service.kinds.rbac import (
    ACCESS_REVIEW,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    USER,
    AccessReview,
    ClusterRole,
    ClusterRoleBinding,
    RoleSubject,
)
from service.kinds.ref import Pointer
from service.kinds.resource import Read, fetch_command

SUPERUSERS = "system:masters"
"""The group that the API server lets through without asking RBAC."""

ACCOUNT = "system:serviceaccount:"
GROUP_KINDS = ("Group", "SystemGroup")
USER_KINDS = ("User", "SystemUser")
"""OpenShift 3 writes names that start with ``system:`` as SystemUser and SystemGroup."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who migrates. ``whole`` says whether ``groups`` are all groups of that user."""

    name: str
    groups: frozenset[str]
    whole: bool
    evidence: tuple[Pointer, ...]

    def is_named(self, subject: RoleSubject) -> bool:
        """Whether a binding's subject is this user, service account or one of the groups."""
        if subject.kind in GROUP_KINDS:
            return subject.name in self.groups
        if subject.kind == "ServiceAccount":
            return self.name == f"{ACCOUNT}{subject.namespace}:{subject.name}"
        return subject.kind in USER_KINDS and subject.name == self.name


class ClusterAdmin(ClusterPolicy):
    """The migrating user may do everything on every cluster: `*` on `*` in all API groups.

    MTC itself reviews its service account for two API groups only, which is much less.
    """

    id = "MTC101"
    name = "cluster-admin"
    single = True
    title = "The migrating user has cluster-admin privileges on all clusters"
    why = (
        "Without these privileges the operator cannot be installed, and the objects, volumes "
        "and security context constraints of the namespaces cannot be read or created. The "
        "migration stops halfway."
    )
    reads = (
        Read(ACCESS_REVIEW),
        Read(USER),
        Read(CLUSTER_ROLE_BINDING),
        Read(CLUSTER_ROLE),
    )
    declares = ("clusterAdmin", "user", "groups")
    remedy = "Give the user that runs the migration the cluster role cluster-admin."
    docs = (
        links.PREREQUISITES,
        links.RBAC,
    )
    chapter = True
    source = "MTC documentation, Migration prerequisites, General"
    upstream = ("SaTokenNotPrivileged",)
    better = (
        "The controller checks only the service account's rights on migration.openshift.io and "
        "velero.io. This policy checks all verbs on all resources for the user who runs the "
        "migration."
    )

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        yield self._reviewed(cluster) or self._bound(cluster) or self._declared(cluster)

    def _reviewed(self, cluster: Cluster) -> Outcome | None:
        """By the API server's own answers. A review that was not answered is no evidence."""
        reviews = cluster.known(ACCESS_REVIEW)
        allowed = [item for item in reviews if item.allowed and _asks_everything(item)]
        denied = [item for item in reviews if item.allowed is False and item.resource]
        if allowed and denied:
            return unknown(
                cluster.subject,
                "access reviews contradict each other: everything is allowed, but "
                f"{_asked(denied[0])} is denied. They may be from two users",
                _review_missing(cluster),
                evidence=tuple(_answer(item) for item in (allowed[0], denied[0])),
            )
        if allowed:
            return passed(cluster.subject, "the user has all rights", _answer(allowed[0]))
        if denied:
            return failed(
                cluster.subject,
                f"the user is not cluster-admin: {_asked(denied[0])} is denied",
                *(_answer(item) for item in denied[:3]),
                found=f"{_asked(denied[0])} denied",
                wanted="* on * allowed in all namespaces",
                commands=_grant(_identity(cluster)),
            )
        return None

    def _bound(self, cluster: Cluster) -> Outcome | None:
        """By the cluster role bindings of a known user."""
        identity = _identity(cluster)
        if identity is None:
            return None
        if SUPERUSERS in identity.groups:
            return passed(
                cluster.subject, f"{identity.name} is in group {SUPERUSERS}", *identity.evidence
            )
        bindings = [
            item
            for item in cluster.known(CLUSTER_ROLE_BINDING)
            if any(identity.is_named(subject) for subject in item.subjects)
        ]
        for binding in bindings:
            if _grants_everything(cluster, binding):
                return passed(
                    cluster.subject,
                    f"{identity.name} has cluster role {binding.role}",
                    binding.ref.at("/roleRef/name", binding.role),
                    *identity.evidence,
                )
        if not _is_settled(cluster, identity, bindings):
            return None
        return failed(
            cluster.subject,
            f"no cluster role binding grants {identity.name} all rights",
            *identity.evidence,
            *(item.ref.at("/roleRef/name", item.role) for item in bindings[:3]),
            found=", ".join(sorted({item.role for item in bindings})) or "no cluster role",
            wanted="cluster-admin",
            commands=_grant(identity),
        )

    def _declared(self, cluster: Cluster) -> Outcome:
        declared = cluster.declared.get("clusterAdmin")
        if declared is not None and declared.value is True:
            return passed(cluster.subject, "declared: the user is cluster-admin", declared.pointer)
        if declared is not None and declared.value is False:
            return failed(
                cluster.subject,
                "declared: the user is not cluster-admin",
                declared.pointer,
                found="clusterAdmin: false",
                wanted="clusterAdmin: true",
                commands=_grant(_identity(cluster)),
            )
        return unknown(
            cluster.subject, _why_unknown(cluster), _review_missing(cluster), key="not-gathered"
        )


def _asks_everything(review: AccessReview) -> bool:
    asked = (review.verb, review.group, review.resource)
    return asked == ("*", "*", "*") and not review.namespace and not review.name


def _asked(review: AccessReview) -> str:
    what = f"{review.resource}.{review.group}" if review.group else review.resource
    where = f" in namespace {review.namespace}" if review.namespace else ""
    return f"{review.verb} on {what}{where}"


def _answer(review: AccessReview) -> Pointer:
    return review.ref.at("/status/allowed", str(review.allowed).lower())


def _identity(cluster: Cluster) -> Identity | None:
    """Who migrates: the declared user, else the one that `oc get user/~` answers.

    A list of all users does not show which of them is logged in. `oc get user <name>` prints the
    stored object, which knows nothing of Group objects and mostly has no groups; `user/~` has all
    of the session's, and with OpenShift 4 never none.
    """
    shelf = cluster.inventory.shelf(USER)
    users = cluster.known(USER) if shelf is None or not shelf.whole else ()
    stated = cluster.declared.get("user")
    listed = cluster.declared.get("groups")
    name = str(stated.value) if stated else ""
    stated_groups = listed.value if listed and isinstance(listed.value, (list, tuple)) else ()
    groups = {item for item in stated_groups if isinstance(item, str)}
    evidence = [item.pointer for item in (stated, listed) if item]
    whole = listed is not None
    user = next((item for item in users if item.ref.name == name), None)
    if not name and len(users) == 1:
        user = users[0]
        name = user.ref.name
    if not name:
        return None
    if user is not None:
        groups |= set(user.groups)
        evidence.append(user.ref.at("/metadata/name", name))
        whole = whole or bool(user.groups)
    groups.add("system:authenticated")
    if name.startswith(ACCOUNT):
        namespace = name.removeprefix(ACCOUNT).partition(":")[0]
        groups |= {"system:serviceaccounts", f"system:serviceaccounts:{namespace}"}
        whole = True
    return Identity(name, frozenset(groups), whole, tuple(evidence))


def _grants_everything(cluster: Cluster, binding: ClusterRoleBinding) -> bool:
    role = _role(cluster, binding.role)
    if role is None:
        return binding.role == "cluster-admin"
    return any(
        "*" in rule.verbs and "*" in rule.groups and "*" in rule.resources and not rule.names
        for rule in role.rules
    )


def _role(cluster: Cluster, name: str) -> ClusterRole | None:
    return _roles(cluster).get(name)


@once_per_cluster
def _roles(cluster: Cluster) -> dict[str, ClusterRole]:
    """The cluster roles by their names."""
    return {item.ref.name: item for item in reversed(cluster.known(CLUSTER_ROLE))}


def _is_settled(cluster: Cluster, identity: Identity, bindings: list[ClusterRoleBinding]) -> bool:
    """Whether absence of a sufficient binding proves that the privilege is absent."""
    shelf = cluster.inventory.shelf(CLUSTER_ROLE_BINDING)
    if shelf is None or not shelf.whole or not identity.whole:
        return False
    return all(_role(cluster, item.role) is not None for item in bindings)


def _why_unknown(cluster: Cluster) -> str:
    if any(item.allowed is None for item in cluster.known(ACCESS_REVIEW)):
        return "the SelfSubjectAccessReview has no status: the API server has not answered it"
    identity = _identity(cluster)
    if identity is not None:
        return (
            f"the evidence does not show whether {identity.name} is cluster-admin: some groups, "
            "bindings or roles of that user are missing"
        )
    if cluster.known(CLUSTER_ROLE_BINDING):
        return "role bindings are given, but the user who runs the migration is not known"
    return "not gathered: whether the migrating user is cluster-admin"


def _review_missing(cluster: Cluster) -> Missing:
    return Missing(
        "whether the migrating user has all rights", cluster.role, fetch_command(ACCESS_REVIEW)
    )


def _grant(identity: Identity | None) -> tuple[str, ...]:
    add = "oc adm policy add-cluster-role-to-user cluster-admin"
    if identity is None:
        return (f"{add} <user>",)
    if not identity.name.startswith(ACCOUNT):
        return (f"{add} {quote(identity.name)}",)
    namespace, _, account = identity.name.removeprefix(ACCOUNT).partition(":")
    return (f"{add} -z {quote(account)} -n {quote(namespace)}",)
