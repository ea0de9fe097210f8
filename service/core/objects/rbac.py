"""Who may do what."""

from __future__ import annotations

from dataclasses import dataclass

from service.core.evidence import Ref


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
