"""A small must-gather of OpenShift 4.18 and later, with all that its gather script writes.

The layout is that of openshift/must-gather (release-4.18) and `oc adm must-gather`: an outer folder
of the client, the image's folder with the trees of `oc adm inspect`, and beside them the output of
tools, archives of the Insights operator and of sysinfo. Names and values are made up.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import yaml

from service.kinds.registry import BY_GROUP_KIND, RESOURCES

OUTER = "must-gather.local.4567890123456789012"
IMAGE = f"{OUTER}/quay-io-openshift-release-dev-ocp-v4-0-art-dev-sha256-{'0' * 64}"
CLUSTER_ID = "3f2a1b4c-0000-4000-8000-000000000418"
CONFIG = "config.openshift.io/v1"
NODE = "ip-10-0-1-2.us-east-2.compute.internal"


def obj(api_version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"uid-{kind}-{name}", "resourceVersion": "7"}
    namespace = more.pop("namespace", "")
    if namespace:
        metadata["namespace"] = str(namespace)
    metadata |= more.pop("metadata", {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def listed(api_version: str, kind: str, *items: dict[str, object]) -> dict[str, object]:
    return {"apiVersion": api_version, "kind": f"{kind}List", "items": list(items)}


def text(value: object) -> bytes:
    return b"---\n" + yaml.safe_dump(value, sort_keys=False).encode()


def archive(members: Mapping[str, bytes], form: str = "tar.gz") -> bytes:
    """The members packed as tar, tar.gz, tar.xz, tar.bz2 or zip."""
    stream = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in members.items():
                packed.writestr(name, data)
        return stream.getvalue()
    mode = "w" if form == "tar" else f"w:{form.removeprefix('tar.')}"
    with tarfile.open(fileobj=stream, mode=mode) as packed:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_795_000_000
            packed.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def insights(
    region: str = "xxxxxxxxx",
    name: str = "xxxx-xxxxx",
    version: str = "4.18.20",
    obfuscated: bool = False,
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """An archive of the Insights operator: no kinds, and masked."""
    labels = {
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": "us-east-2c",
    }
    proxy = {"httpProxy": "xxxx://xxxxx.xxxxxxx.xxx:xxxx", "noProxy": "xxxxxxxxxx,xxxx"}
    files = {
        "insights-operator/gathers.json": {
            "status_reports": [],
            "is_global_obfuscation_enabled": obfuscated,
        },
        "config/version.json": {
            "metadata": {"name": "version", "resourceVersion": "7"},
            "spec": {"clusterID": CLUSTER_ID},
            "status": {
                "desired": {"version": version},
                "history": [{"state": "Completed", "version": version}],
            },
        },
        "config/infrastructure.json": {
            "metadata": {"name": "cluster", "resourceVersion": "7"},
            "status": {
                "infrastructureName": name,
                "platformStatus": {"type": "AWS", "aws": {"region": region}},
            },
        },
        "config/proxy.json": {"metadata": {"name": "cluster"}, "spec": proxy, "status": proxy},
        f"config/node/{NODE}.json": {"metadata": {"name": NODE, "labels": labels}},
        **(more or {}),
    }
    packed = {path: json.dumps(value).encode() for path, value in files.items()}
    return archive({"config/id": CLUSTER_ID.encode(), **packed})


def sysinfo(files: int = 3) -> bytes:
    """What gather_sysinfo writes of a node: a file of its own form, and much of /proc and /sys."""
    machine = json.dumps({"timestamp": "2026-11-27T08:00:00Z", "num_cores": 8}).encode()
    return archive({"machineinfo.json": machine, **{f"sys/{n}": b"1\n" for n in range(files)}})


def one_cluster(version: str = "4.18.20", name: str = "shop-x7k2p") -> list[dict[str, Any]]:
    """The objects of a small cluster."""
    cluster_version = obj(
        CONFIG,
        "ClusterVersion",
        "version",
        spec={"clusterID": CLUSTER_ID, "channel": f"stable-{version.rpartition('.')[0]}"},
        status={
            "desired": {"version": version},
            "history": [{"state": "Completed", "version": version}],
            "conditions": [{"type": "RetrievedUpdates", "status": "True"}],
            "availableUpdates": None,
        },
    )
    infrastructure = obj(
        CONFIG,
        "Infrastructure",
        "cluster",
        status={
            "infrastructureName": name,
            "apiServerURL": f"https://api.{name}.example.com:6443",
            "platformStatus": {"type": "AWS", "aws": {"region": "us-east-2"}},
        },
    )
    node = obj(
        "v1",
        "Node",
        NODE,
        metadata={"labels": {"topology.kubernetes.io/region": "us-east-2"}},
        status={
            "nodeInfo": {"kubeletVersion": "v1.31.0"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    )
    storage_class = obj(
        "storage.k8s.io/v1",
        "StorageClass",
        "gp3-csi",
        metadata={"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        provisioner="ebs.csi.aws.com",
    )
    return [
        cluster_version,
        infrastructure,
        obj(CONFIG, "Proxy", "cluster", spec={}, status={}),
        node,
        storage_class,
        obj("storage.k8s.io/v1", "CSINode", NODE),
        obj("rbac.authorization.k8s.io/v1", "ClusterRole", "admin", rules=[]),
        obj("v1", "Namespace", "kube-system"),
        obj("v1", "Namespace", "default"),
        obj("operators.coreos.com/v1alpha1", "ClusterServiceVersion", "x.v1", namespace="shop"),
    ]


def image(
    objects: Iterable[Mapping[str, Any]] | None = None, version: str = "4.18.20"
) -> dict[str, bytes]:
    """What the default image leaves of a cluster, by the paths below its folder.

    Of the application, and of MTC, it takes nothing but what OLM keeps.
    """
    files = _objects(one_cluster(version) if objects is None else objects, version)
    stream = version.rpartition(".")[0]
    return {
        "version": f"openshift/must-gather\n{stream}.0-202611270000.p0\n".encode(),
        "timestamp": b"2026-11-27 09:00:00.1 +0000 UTC m=+0.8\n" * 2,
        "event-filter.html": b"<html></html>",
        **{path: text(value) for path, value in files.items()},
        "etcd_info/member_list.json": b'{"members": []}',
        "host_service_logs/masters/kubelet_service.log": b"log\n",
        **(_TOOLS_OF_TODAY if since(version, 4, 14) else _TOOLS_OF_4_9),
    }


def since(version: str, major: int, minor: int) -> bool:
    """Whether a release is this one or later."""
    return tuple(map(int, version.split(".")[:2])) >= (major, minor)


_GROUP_CALL = (
    "nodes", "persistentvolumes", "storageclasses", "volumeattachments", "csidrivers",
    "csinodes", "volumesnapshotclasses", "certificatesigningrequests",
)  # fmt: skip
"""What the script takes in its first call."""
_RELATED = (
    "customresourcedefinitions", "securitycontextconstraints", "machineconfigpools",
    "validatingwebhookconfigurations", "mutatingwebhookconfigurations",
)  # fmt: skip
"""What a ClusterOperator names without an object."""
_OF_A_NAMESPACE = (
    "pods", "services", "deployments", "daemonsets", "statefulsets", "replicationcontrollers",
    "jobs", "cronjobs", "routes", "configmaps", "persistentvolumeclaims", "endpoints",
    "secrets", "ingresscontrollers",
)  # fmt: skip
"""What `oc adm inspect` takes of a namespace, each kind as a list."""


def _objects(objects: Iterable[Mapping[str, Any]], version: str) -> dict[str, object]:
    files: dict[str, object] = {}
    lists: dict[str, list[Mapping[str, Any]]] = {}
    for item in objects:
        group, name = item["apiVersion"].rpartition("/")[0], item["metadata"]["name"]
        namespace = item["metadata"].get("namespace", "")
        resource = BY_GROUP_KIND[group, item["kind"]]
        scoped = f"cluster-scoped-resources/{group or 'core'}/{resource.plural}"
        within = f"namespaces/{namespace}/{group or 'core'}/{resource.plural}"
        if group == "config.openshift.io":
            lists.setdefault(f"{scoped}.yaml", []).append(item)
            if item["kind"] in ("ClusterVersion", "ClusterOperator"):
                files[f"{scoped}/{name}.yaml"] = item
            elif item["kind"] == "Proxy" and since(version, 4, 19):
                files[f"{scoped}/{name}.yaml"] = _without_password(item)
        elif item["kind"] == "Namespace" and _is_inspected(name):
            files[f"namespaces/{name}/{name}.yaml"] = item
            for plural in ("pods", "persistentvolumeclaims", "configmaps"):
                lists.setdefault(f"namespaces/{name}/core/{plural}.yaml", [])
        elif group == "operators.coreos.com":
            files[f"{within}/{name}.yaml"] = item
        elif resource.plural in (*_GROUP_CALL, *_RELATED, "configs", "clusterroles"):
            files[f"{scoped}/{name}.yaml"] = item
        elif resource.plural == "networkpolicies" and not since(version, 4, 11):
            files[f"{within}/{name}.yaml"] = item
        elif _is_inspected(namespace) and resource.plural in _OF_A_NAMESPACE:
            lists.setdefault(f"{within}.yaml", []).append(_without_values(item))
    if since(version, 4, 18):
        files |= discovery()
    return files | {path: _list_at(path, items) for path, items in lists.items()}


def _is_inspected(namespace: str) -> bool:
    """The namespaces of OpenShift's own operators."""
    own = namespace.startswith("openshift-") and namespace != "openshift-migration"
    return own or namespace in ("default", "openshift", "kube-system")


def _without_password(item: Mapping[str, Any]) -> Mapping[str, Any]:
    masked = re.sub(r"(://[^:@/]*):[^@/]*@", r"\1:****@", json.dumps(item))
    found: Mapping[str, Any] = json.loads(masked)
    return found


def _without_values(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A Secret as `oc adm inspect` writes it: the length of each value."""
    if item["kind"] != "Secret":
        return item
    values = item.get("data", {}).items()
    lengths = {name: f"{len(b64decode(data))} bytes long" for name, data in values}
    data = {name: b64encode(text.encode()).decode() for name, text in lengths.items()}
    return {**item, "data": data}


def _list_at(path: str, items: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """A list of the kind that the path names, by its file or its folder."""
    steps = path.removesuffix(".yaml").split("/")
    names = set(pairwise(steps))
    (resource,) = (item for item in RESOURCES if (item.group or "core", item.plural) in names)
    return listed(resource.api_version, resource.kind, *items)


def discovery() -> dict[str, object]:
    """All that the API server serves, of the core group and of the others."""
    served: dict[str, list[dict[str, Any]]] = {}
    for resource in RESOURCES:
        if 4 in resource.releases and resource.group not in NOT_SERVED:
            kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
            row = {"resource": resource.plural, "responseKind": kind, "verbs": ["list"]}
            served.setdefault(resource.group, []).append({**row, "version": resource.version})
    groups = [
        {
            "metadata": {"name": group} if group else {},
            "versions": [
                {"version": version, "resources": [r for r in rows if r["version"] == version]}
                for version in dict.fromkeys(row["version"] for row in rows)
            ],
        }
        for group, rows in served.items()
    ]
    form = {"apiVersion": "apidiscovery.k8s.io/v2", "kind": "APIGroupDiscoveryList"}
    core = [item for item in groups if not item["metadata"]]
    return {
        "aggregated-discovery-api.yaml": {**form, "items": core},
        "aggregated-discovery-apis.yaml": {
            **form,
            "items": [item for item in groups if item["metadata"]],
        },
    }


NOT_SERVED = ("kubevirt.io", "servicecatalog.k8s.io", "network.openshift.io")
"""Groups of operators that are not installed, and of what OpenShift had once."""
_EMPTY_LIST = b"---\napiVersion: v1\nkind: List\nitems: []\n"
_TOOLS_OF_4_9 = {
    "web_hooks/mutatingwebhookconfigurations.yaml": _EMPTY_LIST,
    "monitoring/prometheus/rules.json": b'{"status": "success", "data": {}}',
}
_TOOLS_OF_TODAY = {
    "gather.logs": b"Wrote inspect data to must-gather.\n",
    "pod_network_connectivity_check/podnetworkconnectivitychecks.yaml": _EMPTY_LIST,
    "etcd_info/object_count.json": b'{"etcd_resources": []}',
    "monitoring/prometheus/rules.json": b'{"status": "success", "data": {}}',
    "monitoring/alertmanager/status.json": b'{"cluster": {}}',
    "network_logs/cluster_scale": b"nodes: 1\n",
    "network_logs/ovnk_database_store.tar.gz": archive({"ovnnb_db.db": b"OVSDB JSON"})[:40],
    f"nodes/{NODE}/sysinfo.tgz": sysinfo(),
    f"nodes/{NODE}/podresources.json": b'{"pod_resources": []}',
    f"nodes/{NODE}/cpu_affinities.json": b"[]",
    "nodes/debug": b"{}",
    "static-pods/kube-apiserver/n1-termination.log.gz": b"\x1f\x8b",
    "ingress_controllers/default/r/haproxy.config": b"global\n",
    "insights-data/insights-operator/insights-2026-11-27-080000.tar.gz": insights(),
    "insights-data/insights-operator/insights-2026-11-27-100000.tar.gz": insights(),
}


def outer(files: Mapping[str, bytes], folder: str = IMAGE) -> dict[str, bytes]:
    """The image's files in the outer folder, as the client downloads them."""
    return {
        f"{OUTER}/timestamp": b"2026-11-27 10:00:00.1 +0100 CET m=+0.8\n" * 2,
        f"{OUTER}/must-gather.logs": b"Using must-gather plug-in image: quay.example/mg\n",
        f"{OUTER}/event-filter.html": b"<html></html>",
        **{f"{folder}/{path}": data for path, data in files.items()},
    }


MTC = f"{OUTER}/registry-redhat-io-rhmtc-openshift-migration-must-gather-rhel8-sha256-{'1' * 64}"
MIGRATION = "migration.openshift.io/v1alpha1"
NOT_FOUND = b'Error from server (NotFound): mighooks.migration.openshift.io "h1" not found\n'
NOT_LOGGED_IN = b"error: You must be logged in to the server (Unauthorized)\n"


def mtc(files: Mapping[str, bytes]) -> bytes:
    """What MTC's image leaves: one archive in the image's folder."""
    inner = archive({f"must-gather/{path}": data for path, data in files.items()})
    return archive(outer({"must-gather.tar.gz": inner}, MTC))


def mtc_cluster(folder: str, cluster_id: str, *, host: bool = False) -> dict[str, bytes]:
    """The folder of a cluster: the namespace of MTC, and MTC's own resources in ``crs/``."""
    space = f"{folder}/namespaces/openshift-migration"
    files: dict[str, object] = {
        f"{space}/openshift-migration.yaml": obj("v1", "Namespace", "openshift-migration"),
        f"{space}/core/pods.yaml": listed("v1", "Pod"),
    }
    version = obj(
        "config.openshift.io/v1", "ClusterVersion", "version", spec={"clusterID": cluster_id}
    )
    files[f"{folder}/cluster-scoped-resources/config.openshift.io/clusterversions.yaml"] = listed(
        "config.openshift.io/v1", "ClusterVersion", version
    )
    if host:
        own = obj(MIGRATION, "MigCluster", "host", namespace="openshift-migration")
        own["spec"] = {"isHostCluster": True}
        files[f"{space}/crs/migclusters.migration.openshift.io/host.yaml"] = own
    return {path: text(value) for path, value in files.items()}


def mtc_folder(folder: str, objects: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
    """What MTC's image leaves of one cluster: its namespace, and MTC's and Velero's resources."""
    files: dict[str, object] = {}
    lists: dict[str, list[Mapping[str, Any]]] = {}
    for item in objects:
        group, name = item["apiVersion"].rpartition("/")[0], item["metadata"]["name"]
        namespace = item["metadata"].get("namespace", "")
        plural = BY_GROUP_KIND[group, item["kind"]].plural
        space = f"{folder}/namespaces/{namespace}"
        if item["kind"] == "MigPlan":
            files[f"migplans/migplan-{name}/{name}.yml"] = item
        elif group in ("migration.openshift.io", "velero.io"):
            files[f"{space}/crs/{plural}.{group}/{name}.yaml"] = item
        elif namespace == "openshift-migration" and plural in _OF_A_NAMESPACE:
            path = f"{space}/{group or 'core'}/{plural}.yaml"
            lists.setdefault(path, []).append(_without_values(item))
    packed = {path: _list_at(path, items) for path, items in lists.items()} | files
    return {path: text(value) for path, value in packed.items()}


OADP = f"{OUTER}/registry-redhat-io-oadp-oadp-mustgather-rhel9-sha256-{'2' * 64}"


def oadp(objects: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
    """What OADP's image leaves since 1.3: a folder that is called by the cluster's ID."""
    lists: dict[str, list[Mapping[str, Any]]] = {}
    start = ""
    for item in objects:
        group = item["apiVersion"].rpartition("/")[0]
        plural = BY_GROUP_KIND[group, item["kind"]].plural
        namespace = item["metadata"].get("namespace", "")
        if item["kind"] == "ClusterVersion":
            start = item["spec"]["clusterID"][:8]
            lists[f"cluster-scoped-resources/{group}/{plural}.yaml"] = [item]
        elif plural in ("storageclasses", "csidrivers", "volumesnapshotclasses"):
            path = f"cluster-scoped-resources/{group}/{plural}/{plural}.yaml"
            lists.setdefault(path, []).append(item)
        elif group == "velero.io" or (namespace == "openshift-migration" and plural == "pods"):
            path = f"namespaces/{namespace}/{group or 'core'}/{plural}/{plural}.yaml"
            lists.setdefault(path, []).append(item)
    files = {path: text(_list_at(path, items)) for path, items in lists.items()}
    files["oadp-must-gather-summary.md"] = b"# OADP must-gather summary version\n"
    return {f"clusters/{start}/{path}": data for path, data in files.items()}


def plan(source: str = "src", destination: str = "host") -> bytes:
    """A plan between two MigClusters."""
    space = "openshift-migration"
    spec = {
        "srcMigClusterRef": {"name": source, "namespace": space},
        "destMigClusterRef": {"name": destination, "namespace": space},
        "migStorageRef": {"name": "store", "namespace": space},
        "namespaces": ["shop"],
    }
    return text(obj(MIGRATION, "MigPlan", "shop", namespace=space, spec=spec))
