"""Readers of roles, bindings and access reviews."""

from __future__ import annotations

from service.core.evidence import Malformed, Ref
from service.core.objects.rbac import (
    AccessReview,
    ClusterRole,
    ClusterRoleBinding,
    RoleSubject,
    Rule,
    User,
)
from service.core.resources import ACCESS_REVIEW, CLUSTER_ROLE, CLUSTER_ROLE_BINDING, USER
from service.ingest.objects.readers.registry import reads
from service.ingest.objects.readers.shape import Object, rows, table, text, texts


@reads(CLUSTER_ROLE)
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


@reads(CLUSTER_ROLE_BINDING)
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


@reads(ACCESS_REVIEW)
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


@reads(USER)
def user(value: Object, ref: Ref) -> User:
    """User, as `oc get user/~` gives it."""
    return User(ref, texts(value, "groups", ""))
