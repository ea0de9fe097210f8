"""What pods are allowed to be: security context constraints, and the accounts that may use them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.kinds.apis import api_object
from service.kinds.rbac import LEGACY_RBAC, RBAC, cluster_role_binding
from service.kinds.ref import Malformed, Ref
from service.kinds.resource import Resource
from service.kinds.shape import Object, table, text, texts

SECURITY = "security.openshift.io"
STRATEGIES = ("runAsUser", "seLinuxContext", "fsGroup", "supplementalGroups")
SWITCHES = (
    "allowHostDirVolumePlugin",
    "allowHostIPC",
    "allowHostNetwork",
    "allowHostPID",
    "allowHostPorts",
    "allowPrivilegedContainer",
    "readOnlyRootFilesystem",
)
LISTS = ("allowedCapabilities", "defaultAddCapabilities", "requiredDropCapabilities", "volumes")


@dataclass(frozen=True, slots=True)
class SecurityContextConstraints:
    """Security context constraints; ``users`` and ``groups`` may use them.

    ``settings`` are what they allow, each as text that can be compared: types of strategies, true
    or false, sorted lists. What an object leaves out is not there.
    """

    ref: Ref
    users: tuple[str, ...]
    groups: tuple[str, ...]
    settings: Mapping[str, str]


def security_context_constraints(value: Object, ref: Ref) -> SecurityContextConstraints:
    """SecurityContextConstraints."""
    settings = {key: text(table(value, key, ""), "type", f"/{key}") for key in STRATEGIES}
    for key in SWITCHES:
        if value.get(key) is not None:
            if not isinstance(value[key], bool):
                raise Malformed(f"/{key}", "true or false")
            settings[key] = json.dumps(value[key])
    for key in LISTS:
        if value.get(key) is not None:
            settings[key] = ", ".join(sorted(texts(value, key, "")))
    return SecurityContextConstraints(
        ref=ref,
        users=texts(value, "users", ""),
        groups=texts(value, "groups", ""),
        settings={key: item for key, item in settings.items() if item},
    )


def _keep_name(value: dict[str, Any]) -> None:
    """Of an account only its existence is read; its list of secrets is not read."""
    for key in ("secrets", "imagePullSecrets"):
        value.pop(key, None)


SCC = Resource(
    "SecurityContextConstraints", "securitycontextconstraints", security_context_constraints,
    (SECURITY, ""), title="what pods are allowed to do, and which accounts can use this",
)  # fmt: skip
SERVICE_ACCOUNT = Resource(
    "ServiceAccount", "serviceaccounts", api_object, namespaced=True, title="service accounts",
    trim=_keep_name,
)  # fmt: skip
ROLE_BINDING = Resource(
    "RoleBinding", "rolebindings", cluster_role_binding, (RBAC, LEGACY_RBAC, ""), namespaced=True,
    title="who has which role in a namespace",
)  # fmt: skip
