"""A small must-gather of OpenShift 4.18 and later, with all that its gather script writes.

The layout is that of openshift/must-gather (release-4.18) and `oc adm must-gather`: an outer folder
of the client, the image's folder with the trees of `oc adm inspect`, and beside them the output of
tools, archives of the Insights operator and of sysinfo. Names and values are made up.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping

import yaml

OUTER = "must-gather.local.4567890123456789012"
IMAGE = f"{OUTER}/quay-io-openshift-release-dev-ocp-v4-0-art-dev-sha256-{'0' * 64}"
CLUSTER_ID = "3f2a1b4c-0000-4000-8000-000000000418"
NODE = "ip-10-0-1-2.us-east-2.compute.internal"


def obj(api_version: str, kind: str, name: str, **more: object) -> dict[str, object]:
    metadata = {"name": name, "uid": f"uid-{kind}-{name}", "resourceVersion": "7"}
    namespace = more.pop("namespace", "")
    if namespace:
        metadata["namespace"] = str(namespace)
    metadata |= more.pop("metadata", {})  # type: ignore[arg-type]
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
    region: str = "xxxxxxxxx", name: str = "xxxx-xxxxx", version: str = "4.18.20"
) -> bytes:
    """An archive of the Insights operator: no kinds, and masked."""
    labels = {
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": "us-east-2c",
    }
    proxy = {"httpProxy": "xxxx://xxxxx.xxxxxxx.xxx:xxxx", "noProxy": "xxxxxxxxxx,xxxx"}
    files = {
        "insights-operator/gathers.json": {"status_reports": []},
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
    }
    packed = {path: json.dumps(value).encode() for path, value in files.items()}
    return archive({"config/id": CLUSTER_ID.encode(), **packed})


def sysinfo(files: int = 3) -> bytes:
    """What gather_sysinfo writes of a node: a file of its own form, and much of /proc and /sys."""
    machine = json.dumps({"timestamp": "2026-11-27T08:00:00Z", "num_cores": 8}).encode()
    return archive({"machineinfo.json": machine, **{f"sys/{n}": b"1\n" for n in range(files)}})


def image(version: str = "4.18.20", name: str = "shop-x7k2p") -> dict[str, bytes]:
    """The files of the image's folder, by their paths below it."""
    config = "config.openshift.io/v1"
    cluster_version = obj(
        config,
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
        config,
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
        status={"nodeInfo": {"kubeletVersion": "v1.31.0"}},
    )
    storage_class = obj(
        "storage.k8s.io/v1",
        "StorageClass",
        "gp3-csi",
        metadata={"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        provisioner="ebs.csi.aws.com",
    )
    csv = obj("operators.coreos.com/v1alpha1", "ClusterServiceVersion", "x.v1", namespace="shop")
    scoped = "cluster-scoped-resources"
    objects: dict[str, object] = {
        f"{scoped}/config.openshift.io/clusterversions.yaml": listed(
            config, "ClusterVersion", cluster_version
        ),
        f"{scoped}/config.openshift.io/clusterversions/version.yaml": cluster_version,
        f"{scoped}/config.openshift.io/infrastructures.yaml": listed(
            config, "Infrastructure", infrastructure
        ),
        f"{scoped}/config.openshift.io/proxies.yaml": listed(
            config, "Proxy", obj(config, "Proxy", "cluster", spec={}, status={})
        ),
        f"{scoped}/core/nodes/{NODE}.yaml": node,
        f"{scoped}/storage.k8s.io/storageclasses/gp3-csi.yaml": storage_class,
        f"{scoped}/storage.k8s.io/csinodes/{NODE}.yaml": obj("storage.k8s.io/v1", "CSINode", NODE),
        f"{scoped}/rbac.authorization.k8s.io/clusterroles/admin.yaml": obj(
            "rbac.authorization.k8s.io/v1", "ClusterRole", "admin", rules=[]
        ),
        "namespaces/kube-system/kube-system.yaml": obj("v1", "Namespace", "kube-system"),
        "namespaces/default/default.yaml": obj("v1", "Namespace", "default"),
        "namespaces/default/core/pods.yaml": listed("v1", "Pod"),
        "namespaces/default/core/persistentvolumeclaims.yaml": listed(
            "v1", "PersistentVolumeClaim"
        ),
        "namespaces/shop/operators.coreos.com/clusterserviceversions/x.v1.yaml": csv,
        "pod_network_connectivity_check/podnetworkconnectivitychecks.yaml": {
            "apiVersion": "v1",
            "kind": "List",
            "items": [],
        },
    }
    return {
        "version": b"openshift/must-gather\n4.18.0-202611270000.p0\n",
        "timestamp": b"2026-11-27 09:00:00.1 +0000 UTC m=+0.8\n" * 2,
        "event-filter.html": b"<html></html>",
        "gather.logs": b"Wrote inspect data to must-gather.\n",
        **{path: text(value) for path, value in objects.items()},
        "etcd_info/member_list.json": b'{"members": []}',
        "monitoring/prometheus/rules.json": b'{"status": "success", "data": {}}',
        "monitoring/alertmanager/status.json": b'{"cluster": {}}',
        "network_logs/cluster_scale": b"nodes: 1\n",
        "network_logs/ovnk_database_store.tar.gz": archive({"ovnnb_db.db": b"OVSDB JSON"})[:40],
        "host_service_logs/masters/kubelet_service.log": b"log\n",
        f"nodes/{NODE}/sysinfo.tgz": sysinfo(),
        f"nodes/{NODE}/podresources.json": b'{"pod_resources": []}',
        f"nodes/{NODE}/cpu_affinities.json": b"[]",
        "nodes/debug": b"{}",
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
