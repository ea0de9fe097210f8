"""Authorization: which scopes a caller has."""

from __future__ import annotations

from dataclasses import dataclass

from service.kinds.ref import Malformed, Ref
from service.kinds.resource import Resource
from service.kinds.shape import Object, rows, table, text, texts

RBAC = "rbac.authorization.k8s.io"
LEGACY_RBAC = "authorization.openshift.io"


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy rule of a role; ``names`` restrict it to objects of these names (empty: all)."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterRole:
    """A cluster role. ``aggregated`` roles get rules from others; the object holds the sum."""

    ref: Ref
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RoleSubject:
    """A user, group or service account that a binding names."""

    kind: str
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class ClusterRoleBinding:
    """A cluster role binding, in OpenShift 3 or RBAC form."""

    ref: Ref
    role: str
    subjects: tuple[RoleSubject, ...]


@dataclass(frozen=True, slots=True)
class AccessReview:
    """A SelfSubjectAccessReview with its answer; ``allowed`` is None where status is absent.

    ``resource`` is ``resource/subresource`` where one of that is asked for, as RBAC rules have it.
    """

    ref: Ref
    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    allowed: bool | None


@dataclass(frozen=True, slots=True)
class User:
    """The answer to `oc get user/~` or `oc whoami`: who is logged in."""

    ref: Ref
    groups: tuple[str, ...]


def cluster_role(value: Object, ref: Ref) -> ClusterRole:
    """ClusterRole."""
    rules = tuple(
        Rule(
            texts(row, "verbs", f"/rules/{index}"),
            texts(row, "apiGroups", f"/rules/{index}"),
            texts(row, "resources", f"/rules/{index}"),
            texts(row, "resourceNames", f"/rules/{index}"),
        )
        for index, row in enumerate(rows(value, "rules", ""))
    )
    return ClusterRole(ref, rules)


def cluster_role_binding(value: Object, ref: Ref) -> ClusterRoleBinding:
    """ClusterRoleBinding. OpenShift 3 also writes the subjects as userNames and groupNames."""
    subjects = [
        RoleSubject(
            text(row, "kind", f"/subjects/{index}"),
            text(row, "name", f"/subjects/{index}"),
            text(row, "namespace", f"/subjects/{index}"),
        )
        for index, row in enumerate(rows(value, "subjects", ""))
    ]
    known = {(subject.kind, subject.name) for subject in subjects}
    for key, kind in (("userNames", "User"), ("groupNames", "Group")):
        names = (name for name in texts(value, key, "") if not _named(name, kind, known))
        subjects.extend(RoleSubject(kind, name) for name in names)
    return ClusterRoleBinding(
        ref, text(table(value, "roleRef", ""), "name", "/roleRef"), tuple(subjects)
    )


def _named(name: str, kind: str, known: set[tuple[str, str]]) -> bool:
    account = name.rpartition(":")[2]
    return (kind, name) in known or (
        name.startswith("system:serviceaccount:") and ("ServiceAccount", account) in known
    )


def access_review(value: Object, ref: Ref) -> AccessReview:
    """SelfSubjectAccessReview, with the answer in its status."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    asked = table(spec, "resourceAttributes", "/spec")
    allowed = status.get("allowed")
    if allowed is not None and not isinstance(allowed, bool):
        raise Malformed("/status/allowed", "true or false")
    at = "/spec/resourceAttributes"
    part = text(asked, "subresource", at)
    return AccessReview(
        ref=ref,
        verb=text(asked, "verb", at),
        group=text(asked, "group", at),
        resource=text(asked, "resource", at) + (f"/{part}" if part else ""),
        namespace=text(asked, "namespace", at),
        name=text(asked, "name", at),
        allowed=allowed,
    )


def user(value: Object, ref: Ref) -> User:
    """User, as `oc get user/~` gives it."""
    return User(ref, texts(value, "groups", ""))


CLUSTER_ROLE = Resource("ClusterRole", "clusterroles", cluster_role, (RBAC, LEGACY_RBAC, ""))
CLUSTER_ROLE_BINDING = Resource(
    "ClusterRoleBinding", "clusterrolebindings", cluster_role_binding, (RBAC, LEGACY_RBAC, ""),
    title="who has which cluster role",
)  # fmt: skip
ACCESS_REVIEW = Resource(
    "SelfSubjectAccessReview", "selfsubjectaccessreviews", access_review, ("authorization.k8s.io",),
    title="what the logged-in user may do",
    command="echo '"
    '{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview",'
    '"spec":{"resourceAttributes":{"verb":"*","group":"*","resource":"*"}}}\' '
    "| oc create -o json -f -",
)  # fmt: skip
USER = Resource(
    "User",
    "users",
    user,
    ("user.openshift.io", ""),
    title="who is logged in",
    command="oc get user/~ -o json",
)
