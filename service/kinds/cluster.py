"""Nodes, namespaces, config maps and secrets."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from service.kinds.certificates import NOT_AFTER, moment_of
from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import (
    Object,
    conditions,
    flag,
    inner,
    metadata,
    quantities,
    rows,
    scalar,
    strings,
    table,
    text,
)

_SECRET = (
    '- {apiVersion: v1, kind: Secret, metadata: {name: {{printf "%q" .metadata.name}}, '
    'namespace: {{printf "%q" .metadata.namespace}}, '
    'labels: { {{range $key, $value := .metadata.labels}}{{printf "%q" $key}}: '
    '{{printf "%q" $value}}, {{end}}}, '
    "annotations: { {{range $key, $value := .metadata.annotations}}"
    f'{{{{if eq $key "{NOT_AFTER}"}}}}{{{{printf "%q" $key}}}}: {{{{printf "%q" $value}}}}'
    "{{end}}{{end}}}}, "
    'data: { {{range $key, $_ := .data}}{{printf "%q" $key}}: "", {{end}}}}{{"\\n"}}'
)
SECRET_TEMPLATE = (
    'apiVersion: v1{{"\\n"}}kind: SecretList{{"\\n"}}items:{{"\\n"}}'
    f"{{{{range .items}}}}{_SECRET}{{{{end}}}}"
)
"""Prints secrets without their values, as a go-template for `oc get secrets`: only the names of
their keys are read, so the values do not leave the cluster."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node; ``provider`` is the scheme of spec.providerID (aws, azure, gce …).

    ``ready`` is the status of condition Ready, ``pressure`` names the conditions of pressure that
    hold, ``cordoned`` whether no new pod comes. ``taints`` are those that keep pods away, as
    ``key=value:effect``; ``allocatable`` quantities as written. ``attached`` is the number of
    attached volumes by CSI driver.
    """

    ref: Ref
    region: str
    zone: str
    kubelet: str
    provider: str
    ready: str
    labels: Mapping[str, str] = field(default_factory=dict)
    pressure: tuple[str, ...] = ()
    cordoned: bool = False
    taints: tuple[str, ...] = ()
    allocatable: Mapping[str, str] = field(default_factory=dict)
    attached: Mapping[str, int] = field(default_factory=dict)
    reported: str = ""
    """When the kubelet last reported condition Ready, as written."""

    @property
    def takes_pods(self) -> bool:
        """Whether a pod without tolerations can be scheduled there."""
        return not self.cordoned and not self.taints and self.ready in ("True", "")


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace with its annotations and labels."""

    ref: Ref
    phase: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """A config map's data; only those of the MTC namespace and the API server are read."""

    ref: Ref
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says of itself: when it ends, and whose it is; nothing else of it is kept.

    ``readable`` is False for one that is no JSON Web Token, and says nothing. ``ends`` is None
    where it names no end.
    """

    readable: bool
    ends: datetime | None = None
    account: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret's labels and key names. Of its values only the token's end and owner are read.

    ``token`` is None where the value of ``saToken`` was not gathered; ``metadata_only`` says that
    the names of the keys were not. ``ends`` is when its
    certificate ends, as OpenShift writes it beside one that it made.
    """

    ref: Ref
    keys: frozenset[str]
    labels: Mapping[str, str]
    token: Token | None = None
    metadata_only: bool = False
    ends: datetime | None = None


CSI = "kubernetes.io/csi/"
"""What the names of attached volumes begin with, before the driver and ``^``."""
REGION_LABELS = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
ZONE_LABELS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")


def node(value: Object, ref: Ref) -> Node:
    """Node."""
    labels = strings(metadata(value), "labels", "/metadata")
    spec, status = table(value, "spec", ""), table(value, "status", "")
    info = table(status, "nodeInfo", "/status")
    reported = conditions(status, "/status")
    ready = reported.get("Ready")
    return Node(
        ref=ref,
        region=first(labels, REGION_LABELS),
        zone=first(labels, ZONE_LABELS),
        kubelet=text(info, "kubeletVersion", "/status/nodeInfo"),
        provider=text(spec, "providerID", "/spec").partition(":")[0],
        ready=ready.status if ready else "",
        labels=labels,
        pressure=tuple(
            kind for kind, item in reported.items() if item.status == "True" and "Pressure" in kind
        ),
        cordoned=flag(spec, "unschedulable", "/spec"),
        taints=tuple(
            f"{text(row, 'key', '/spec/taints')}={text(row, 'value', '/spec/taints')}:{effect}"
            for row in rows(spec, "taints", "/spec")
            if (effect := text(row, "effect", "/spec/taints")) in ("NoSchedule", "NoExecute")
        ),
        allocatable=quantities(status, "allocatable", "/status"),
        attached=Counter(
            text(row, "name", "/status/volumesAttached").removeprefix(CSI).partition("^")[0]
            for row in rows(status, "volumesAttached", "/status")
        ),
        reported=_reported(status),
    )


def _reported(status: Object) -> str:
    at = "/status/conditions"
    for row in rows(status, "conditions", "/status"):
        if row.get("type") == "Ready":
            return text(row, "lastHeartbeatTime", at)
    return ""


def first(labels: Object, names: tuple[str, ...]) -> str:
    """The first of these labels that is set, else ""."""
    for name in names:
        value = labels.get(name)
        if value:
            return str(value)
    return ""


def namespace(value: Object, ref: Ref) -> Namespace:
    """Namespace."""
    meta = metadata(value)
    return Namespace(
        ref=ref,
        phase=text(table(value, "status", ""), "phase", "/status"),
        labels=strings(meta, "labels", "/metadata"),
        annotations=strings(meta, "annotations", "/metadata"),
    )


def config_map(value: Object, ref: Ref) -> ConfigMap:
    """ConfigMap. Numbers that somebody wrote unquoted are kept as text."""
    data = table(value, "data", "")
    return ConfigMap(ref, {key: scalar(data, key, "/data") for key in data})


TOKEN = "saToken"
"""The key under which a MigCluster's secret holds the token."""


def secret(value: Object, ref: Ref) -> Secret:
    """Secret: key names only. Other values are not looked at, so they cannot leak.

    ``data: null`` is how a collector writes a secret of which it read the metadata alone.
    """
    data, plain = table(value, "data", ""), table(value, "stringData", "")
    return Secret(
        ref,
        frozenset({*data, *plain}),
        strings(metadata(value), "labels", "/metadata"),
        _token(data.get(TOKEN), plain.get(TOKEN)),
        metadata_only="data" in value and value["data"] is None and not plain,
        ends=moment_of(strings(metadata(value), "annotations", "/metadata").get(NOT_AFTER, "")),
    )


_MASKED = re.compile(r"(.)\1+|[<(\[]*(redacted|masked|removed|hidden)[>)\]]*", re.IGNORECASE)
"""What people and tools write in place of a secret."""
_LENGTH_ALONE = re.compile(r"\d+ bytes long")
"""What `oc adm inspect` writes in the place of a value, in base64 too."""


def decoded(encoded: object) -> str:
    """A value of a secret's ``data``, "" where it was left out or masked."""
    try:
        text = base64.b64decode(encoded, validate=True).decode("ascii")  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return ""
    return "" if _LENGTH_ALONE.fullmatch(text) else text


def _token(encoded: object, plain: object) -> Token | None:
    """What a token says of itself; None where it is absent or masked."""
    text = plain if isinstance(plain, str) and plain else decoded(encoded)
    if not text or _MASKED.fullmatch(text.strip()):
        return None
    parts = text.strip().split(".")
    if len(parts) != 3:
        return Token(False)
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        end, account = claims.get("exp"), claims.get("sub")
        ends = None if end is None else datetime.fromtimestamp(end, UTC)
    except (ValueError, AttributeError, TypeError, OverflowError, OSError, RecursionError):
        return Token(False)
    return Token(True, ends, account[:300] if isinstance(account, str) else "")


NODE = Resource("Node", "nodes", node, title="regions, zones and kubelet versions of the nodes")
NAMESPACE = Resource("Namespace", "namespaces", namespace, title="namespaces and their labels")
CONFIG_MAP = Resource(
    "ConfigMap", "configmaps", config_map, namespaced=True, title="MTC's effective settings"
)


def _unsigned(token: Token) -> str:
    """A token that says when it ends and whose it is, and nothing else; it opens nothing."""
    if not token.readable:
        return "-"
    claims: dict[str, object] = {"sub": token.account}
    if token.ends is not None:
        claims["exp"] = int(token.ends.timestamp())
    return f".{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}."


def _keys_only(value: dict[str, Any]) -> None:
    token = _token(inner(value, "data", TOKEN), inner(value, "stringData", TOKEN))
    for key in ("data", "stringData"):
        if isinstance(value.get(key), dict):
            value[key] = dict.fromkeys(value[key], "")
    if token is not None:
        value["stringData"] = {TOKEN: _unsigned(token)}


SECRET = Resource(
    "Secret",
    "secrets",
    secret,
    namespaced=True,
    title="names of secrets and of their keys",
    trim=_keys_only,
    templates=(_SECRET, SECRET_TEMPLATE),
)
