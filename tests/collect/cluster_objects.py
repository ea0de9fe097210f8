"""Objects of a small cluster."""

from __future__ import annotations

from typing import Any

from apiserver import Cluster

MTC = "openshift-migration"
EVERYWHERE = (
    "default", "kube-system", "openshift", "openshift-config", "openshift-image-registry",
    "openshift-ingress-operator", "openshift-operators", MTC,
)  # fmt: skip
"""Namespaces of every cluster with MTC of which something is read."""


def obj(api_version: str, kind: str, name: str, namespace: str = "", **body: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def version(cluster_id: str) -> dict[str, Any]:
    return obj(
        "config.openshift.io/v1", "ClusterVersion", "version",
        spec={"clusterID": cluster_id, "channel": "stable-4.14"},
        status={"history": [{"state": "Completed", "version": "4.14.9"}]},
    )  # fmt: skip


def plan(*namespaces: str, name: str = "shop", closed: bool = False) -> dict[str, Any]:
    return obj(
        "migration.openshift.io/v1alpha1", "MigPlan", name, MTC,
        spec={"namespaces": list(namespaces), "closed": closed,
              "srcMigClusterRef": {"name": "src", "namespace": MTC},
              "destMigClusterRef": {"name": "host", "namespace": MTC},
              "migStorageRef": {"name": "repo", "namespace": MTC}},
    )  # fmt: skip


def pod(name: str, namespace: str) -> dict[str, Any]:
    container = {
        "name": "web", "image": "example.com/web:1",
        "env": [{"name": "DB_PASSWORD", "value": "hunter2-in-env"}],
        "command": ["run", "--password=hunter2-in-command"],
    }  # fmt: skip
    return obj("v1", "Pod", name, namespace, spec={"containers": [container]})


def claims(namespace: str, count: int) -> list[dict[str, Any]]:
    return [
        obj("v1", "PersistentVolumeClaim", f"claim-{number:05}", namespace,
            spec={"volumeName": f"pv-{number}"})
        for number in range(count)
    ]  # fmt: skip


def destination() -> Cluster:
    cluster = Cluster()
    cluster.add(version("dst"), plan("shop:boutique"), pod("web-1", "boutique"))
    cluster.add(obj("v1", "Namespace", "boutique"))
    return cluster


def source() -> Cluster:
    cluster = Cluster()
    cluster.add(version("src"), pod("web-1", "shop"), pod("other", "unrelated"))
    cluster.add(*claims("shop", 25), obj("v1", "Namespace", "shop"))
    cluster.add(*(obj("v1", "Namespace", name) for name in EVERYWHERE))
    return cluster
