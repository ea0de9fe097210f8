"""The two clusters that the pages speak of, old and new, and a migration between them.

They are those of examples/migration-4-to-4.yaml, and what a cluster tells by itself beside. The
source reaches others through a proxy, and MTC has not been told of it.
"""

from __future__ import annotations

import base64
import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from standin import APPLIED, OUTSIDE

from service.kinds.apis import API_GROUP, API_RESOURCES
from service.kinds.config import SERVER_VERSION
from service.kinds.rbac import ACCESS_REVIEW
from service.kinds.registry import RESOURCES

Object = dict[str, Any]
EXAMPLE = Path(__file__).parents[2] / "examples" / "migration-4-to-4.yaml"
MTC = "openshift-migration"
REACHES = {
    "old": [
        "s3.us-east-1.amazonaws.com:443",
        "squid.example.com:3128",
        "console-openshift-console.apps.new.example.com:443",
        "dvm-shop.apps.new.example.com:443",
        "api.old.example.com:53",
        "api.new.example.com:53",
        "api.new.example.com:6443",
    ],
    "new": [
        "api.new.example.com:53",
        "s3.us-east-1.amazonaws.com:443",
        "api.old.example.com:6443",
        "api.old.example.com:53",
        "default-route-openshift-image-registry.apps.old.example.com:443",
        "console-openshift-console.apps.old.example.com:443",
    ],
}
"""What the pods of a cluster reach."""
PROXY = "http://squid.example.com:3128"
NOT_LISTED = (ACCESS_REVIEW, API_GROUP, API_RESOURCES, SERVER_VERSION)


@cache
def _example() -> Object:
    found: Object = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    return found


def example() -> Object:
    """The example's envelope."""
    return deepcopy(_example())


def plan() -> Object:
    """The MigPlan as `oc get` prints it."""
    return _object("migration.openshift.io/v1alpha1", "MigPlan", "shop", MTC,
                   spec=example()["plan"])  # fmt: skip


def objects(name: str) -> list[Object]:
    """What the cluster of this name holds."""
    (mine,) = (item for item in example()["clusters"] if item["name"] == name)
    found: list[Object] = mine["objects"]
    for item in found:  # an API server keeps what was given as text in data
        for key, value in item.pop("stringData", {}).items():
            item.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()
    found += _told_by(name)
    found += _installed(mine["facts"]["mtcVersion"])
    names = {"default", "kube-system", MTC, "openshift", "openshift-config",
             "openshift-image-registry", "openshift-ingress-operator",
             "openshift-kube-apiserver", "openshift-operators"}  # fmt: skip
    if name == "old":
        names.add("bank")
    else:
        found += [plan(), example()["storage"], example()["controller"]]
        found.append(_object("v1", "ConfigMap", "migration-controller", MTC,
                             data={"STUNNEL_TCP_PROXY": ""}))  # fmt: skip
    found.append(_object("operator.openshift.io/v1", "CloudCredential", "cluster",
                         spec={"credentialsMode": ""}))  # fmt: skip
    there = {item["metadata"]["name"] for item in found if item["kind"] == "Namespace"}
    names |= {item["metadata"].get("namespace", MTC) for item in found}
    return found + [_object("v1", "Namespace", name) for name in sorted(names - there)]


def served() -> list[Object]:
    """The kinds that both clusters serve."""
    rows = [
        {"argument": item.argument, "plural": item.plural, "kind": item.kind,
         "apiVersion": item.api_version, "namespaced": item.namespaced}
        for item in RESOURCES if item not in NOT_LISTED
    ]  # fmt: skip
    have = {(row["apiVersion"], row["kind"]) for row in rows}
    return rows + [
        {"argument": kind.lower(), "plural": f"{kind.lower()}s", "kind": kind,
         "apiVersion": version, "namespaced": kind not in OUTSIDE}
        for version, kinds in APPLIED.items() for kind in kinds.split()
        if (version, kind) not in have
    ]  # fmt: skip


def raw() -> dict[str, str]:
    """What `oc get --raw` prints, by path."""
    rows: dict[str, list[Object]] = {}
    for row in served():
        named = {"name": row["plural"], "kind": row["kind"], "namespaced": row["namespaced"]}
        rows.setdefault(row["apiVersion"], []).append({**named, "verbs": ["get", "list"]})
    lists = {
        f"/{'apis' if '/' in version else 'api'}/{version}": {
            "kind": "APIResourceList", "groupVersion": version, "resources": found
        }
        for version, found in rows.items()
    }  # fmt: skip
    answer = {"major": "1", "minor": "27", "gitVersion": "v1.27.8+4fab27b"}
    return {path: json.dumps(body) for path, body in {"/version": answer, **lists}.items()}


def _object(
    api: str,
    kind: str,
    name: str,
    namespace: str = "",
    labels: dict[str, str] | None = None,
    **body: Any,
) -> Object:
    metadata: Object = {"name": name} | ({"namespace": namespace} if namespace else {})
    metadata |= {"labels": labels} if labels else {}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


def _told_by(name: str) -> list[Object]:
    """What tells of the cluster itself."""
    config = "config.openshift.io/v1"
    proxy = {"httpsProxy": PROXY, "noProxy": ".old.example.com"} if name == "old" else {}
    found = [
        _object(config, "Proxy", "cluster", spec=proxy, status=proxy),
        _object(config, "Ingress", "cluster", spec={"domain": f"apps.{name}.example.com"}),
        _object(
            "storage.k8s.io/v1", "StorageClass", "gp3-csi", provisioner="ebs.csi.aws.com",
        ),
        _object(config, "OAuth", "cluster",
                spec={"identityProviders": [{"name": "corp", "type": "LDAP"}]}),
        _object("v1", "Secret", "etcd-client", "openshift-kube-apiserver"),
        _object("v1", "ConfigMap", "cluster-config-v1", "kube-system",
                data={"install-config": "networking: {networkType: OVNKubernetes}"}),
    ]  # fmt: skip
    (ends,) = (item for item in found if item["kind"] == "Secret")
    ends["metadata"]["annotations"] = {
        "auth.openshift.io/certificate-not-after": "2099-01-01T00:00:00Z"
    }
    (gp3,) = (item for item in found if item["kind"] == "StorageClass")
    gp3["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    if name == "old":
        status = {
            "apiServerURL": "https://api.old.example.com:6443",
            "platformStatus": {"type": "AWS", "aws": {"region": "us-east-1"}},
        }
        found.append(_object(config, "Infrastructure", "cluster", status=status))
    return found


def _installed(version: str) -> list[Object]:
    """MTC's operator, and the catalog that it is from."""
    olm = "operators.coreos.com/v1alpha1"
    csv = f"mtc-operator.v{version}"
    channel = {"name": "release-v1.8", "currentCSV": csv, "currentCSVDesc": {"version": version}}
    account = {"kind": "ServiceAccount", "name": "migration-controller", "namespace": MTC}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    return [
        _object("rbac.authorization.k8s.io/v1", "ClusterRole", "cluster-admin",
                rules=[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]),
        _object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "migration-controller",
                roleRef=role, subjects=[account]),
        _object("v1", "Pod", "velero-5d8c-x2x", MTC,
                spec={"containers": [{"name": "velero", "image": "registry.example.com/velero:1"}]},
                status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
                labels={"app.kubernetes.io/instance": "velero"}),
        _object(olm, "ClusterServiceVersion", csv, MTC,
                spec={"version": version, "displayName": "Migration Toolkit for Containers"},
                status={"phase": "Succeeded"}),
        _object(olm, "Subscription", "mtc-operator", MTC,
                spec={"name": "mtc-operator", "channel": "release-v1.8"},
                status={"installedCSV": csv, "currentCSV": csv, "state": "AtLatestKnown"}),
        _object("packages.operators.coreos.com/v1", "PackageManifest", "mtc-operator", MTC,
                status={"channels": [channel], "defaultChannel": "release-v1.8"}),
        _object("v1", "ConfigMap", "migration-cluster-config", MTC,
                data={"OPERATOR_VERSION": version}),
    ]  # fmt: skip
