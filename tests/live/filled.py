"""Two real clusters, filled as the pages of the documentation have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import clusters
import pytest
import servers
from servers import Cluster

WORKLOADS = ("Deployment", "DaemonSet")


def completed(value: dict[str, Any]) -> dict[str, Any]:
    """An object of the pages with what an API server wants of it besides."""
    spec = value.setdefault("spec", {}) if value["kind"] in ("Infrastructure", *WORKLOADS) else {}
    if value["kind"] in WORKLOADS:
        labels = {"app": value["metadata"]["name"]}
        container = {"name": "main", "image": "registry.example.com/mtc:1"}
        spec.setdefault("selector", {"matchLabels": labels})
        spec.setdefault("template", {"metadata": {"labels": labels}})
        spec["template"].setdefault("spec", {"containers": [container]})
    if value["kind"] == "MigCluster":
        value["spec"].setdefault("isHostCluster", False)
    for owner in value["metadata"].get("ownerReferences", ()):
        owner.setdefault("apiVersion", "apps/v1")
        owner.setdefault("uid", "00000000-0000-4000-8000-000000000000")
    for condition in value.get("status", {}).get("conditions") or ():
        condition.setdefault("category", "Required")
        condition.setdefault("lastTransitionTime", "2026-01-01T00:00:00Z")
    return value


def pod_of(workload: dict[str, Any]) -> dict[str, Any]:
    """The pod that the controllers of a cluster would have made."""
    template = workload["spec"]["template"]
    metadata = {**template["metadata"], "name": f"{workload['metadata']['name']}-1",
                "namespace": workload["metadata"]["namespace"]}  # fmt: skip
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {"name": "main", "ready": True, "restartCount": 0, "image": "mtc:1", "imageID": "",
             "state": {"running": {}}}
        ],
    }  # fmt: skip
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"],
            "status": status}  # fmt: skip


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Cluster]]:
    """The clusters old (source) and new (destination and host)."""
    lacking = servers.missing()
    if lacking:
        pytest.skip(f"no real API server: this machine has no {lacking}")
    if not servers.DATA.is_dir():
        pytest.skip(f"no real API server: {servers.DATA} with the definitions is not there")
    servers.build()
    folder = tmp_path_factory.mktemp("live")
    with servers.running(folder / "old") as old, servers.running(folder / "new") as new:
        for cluster, name in ((old, "old"), (new, "new")):
            found = list(map(completed, clusters.objects(name)))
            found += [pod_of(item) for item in found if item["kind"] in WORKLOADS]
            cluster.create(*sorted(found, key=lambda item: item["kind"] != "Namespace"))
        yield old, new
