"""The rights that a collection needs, and none beyond: manifests made of the policies' reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from service.collect.needs import ResourceNeed, needs, specials
from service.collect.reference import NAMESPACES
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.rbac import ACCESS_REVIEW, USER
from service.kinds.resource import Read, Resource

NAME = "mtc-preflight-collect"
PLANNED = f"{NAME}-plan-namespaces"
SECRETS = f"{NAME}-secrets"
OWN = "mtc-preflight"
"""The namespace and the service account of the service, as deploy/base has them."""
ACCOUNT = {"kind": "ServiceAccount", "name": OWN, "namespace": OWN}
_API = "rbac.authorization.k8s.io"
_DISCOVERY = ("/api", "/api/*", "/apis", "/apis/*", "/version", "/version/*")


def manifests(reads: Iterable[Read[Any]]) -> list[dict[str, Any]]:
    """A namespace, a service account, its roles and their bindings, in the order to apply them.

    ``mtc-preflight-collect``: a ClusterRole for what is read of the whole cluster, and a Role in
    each namespace of which only some objects are read. ``…-plan-namespaces``: a ClusterRole to
    bind in each namespace of the plan, for what is read there only.
    """
    known = tuple(reads)
    wanted = needs(known)
    found: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OWN}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": OWN, "namespace": OWN},
            "automountServiceAccountToken": False,
        },
        _role("ClusterRole", _cluster_rules(wanted, known)),
        _binding("ClusterRoleBinding", "ClusterRole"),
    ]
    for namespace in sorted({item for need in wanted for item in _fixed(need)}):
        rules = list(_rules(need for need in wanted if namespace in _fixed(need)))
        found += [_role("Role", rules, namespace), _binding("RoleBinding", "Role", namespace)]
    planned = [need for need in wanted if need.planned and not need.everywhere]
    role = _role("ClusterRole", list(_rules(planned)))
    role["metadata"]["name"] = PLANNED
    return [*found, role]


def secrets() -> list[dict[str, Any]]:
    """The rights to secrets: their names, and those that MTC's resources refer to.

    The API server has no right to the metadata alone. Names of secrets are chosen by whoever adds
    a cluster, so `get` cannot be limited to them; they are listed in MTC's namespace only.
    """
    found = []
    for namespace in NAMESPACES:
        verbs = ["get", "list"] if namespace == MTC_NAMESPACE else ["get"]
        role = _role("Role", [_rule("", ["secrets"], verbs)], namespace)
        binding = _binding("RoleBinding", "Role", namespace)
        role["metadata"]["name"] = binding["metadata"]["name"] = SECRETS
        binding["roleRef"]["name"] = SECRETS
        found += [role, binding]
    return found


def _fixed(need: ResourceNeed) -> set[str]:
    """The namespaces in which something is read, where it is not read everywhere anyhow."""
    if need.everywhere:
        return set()
    return {*need.namespaces, *(namespace for namespace, _ in need.names if namespace)}


def _cluster_rules(
    wanted: Iterable[ResourceNeed], reads: Iterable[Read[Any]]
) -> list[dict[str, Any]]:
    rules = list(_rules(need for need in wanted if need.everywhere))
    special = specials(reads)
    if USER in special:
        # Who one is oneself; every user of OpenShift may ask it.
        rules.append(_rule(USER.group, [USER.plural], ["get"], ["~"]))
    if ACCESS_REVIEW in special:
        rules.append(_rule(ACCESS_REVIEW.group, [ACCESS_REVIEW.plural], ["create"]))
    rules.append({"nonResourceURLs": list(_DISCOVERY), "verbs": ["get"]})
    return rules


def _rules(wanted: Iterable[ResourceNeed]) -> Iterator[dict[str, Any]]:
    lists: dict[str, set[str]] = {}
    single: dict[Resource[Any], set[str]] = {}
    for need in wanted:
        if need.listed:
            lists.setdefault(need.resource.group, set()).add(need.resource.plural)
        else:
            single.setdefault(need.resource, set()).update(name for _, name in need.names)
    for group, plurals in sorted(lists.items()):
        yield _rule(group, sorted(plurals), ["list"])
    for resource, names in sorted(single.items(), key=lambda row: str(row[0])):
        yield _rule(resource.group, [resource.plural], ["get"], sorted(names))


def _rule(
    group: str, plurals: list[str], verbs: list[str], names: list[str] | None = None
) -> dict[str, Any]:
    limited = {"resourceNames": names} if names else {}
    return {"apiGroups": [group], "resources": plurals, **limited, "verbs": verbs}


def _role(kind: str, rules: list[dict[str, Any]], namespace: str = "") -> dict[str, Any]:
    return {
        "apiVersion": f"{_API}/v1", "kind": kind, "metadata": _metadata(namespace), "rules": rules,
    }  # fmt: skip


def _binding(kind: str, role: str, namespace: str = "") -> dict[str, Any]:
    return {
        "apiVersion": f"{_API}/v1",
        "kind": kind,
        "metadata": _metadata(namespace),
        "roleRef": {"apiGroup": _API, "kind": role, "name": NAME},
        "subjects": [dict(ACCOUNT)],
    }


def _metadata(namespace: str = "") -> dict[str, str]:
    return {"name": NAME, **({"namespace": namespace} if namespace else {})}
