"""A Job that tries the connections from inside a cluster and prints them as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from service.collect.probe_targets import ProbeTarget, as_rows
from service.core.evidence import NotGathered
from service.core.facts.proxy import proxy_use
from service.core.facts.release import major_or
from service.core.migration import Cluster
from service.kinds.config import PROXY
from service.kinds.mtc import MTC_NAMESPACE

NAME = "mtc-preflight-probe"


def manifest(
    cluster: Cluster, targets: Sequence[ProbeTarget], image: str, namespace: str = MTC_NAMESPACE
) -> dict[str, Any]:
    """The Job for one cluster. It needs no rights and mounts no token.

    In MTC's namespace the same network policies hold as for Velero and the controller. The
    cluster's proxy is given by the environment, without credentials: a proxy that wants them
    answers 407, which the result shows.
    """
    mine = tuple(target for target in targets if target.start == cluster.role)
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": _security(cluster),
        "containers": [
            {
                "name": "probe",
                "image": image,
                "command": ["mtc-preflight", "probe", "--vantage", "cluster", "--targets"],
                "args": [json.dumps(as_rows(mine), separators=(",", ":"))],
                "env": _environment(cluster),
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"},
                              "limits": {"memory": "256Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }  # fmt: skip
    labels = {"app.kubernetes.io/name": NAME}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": 300,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def commands(role: str, namespace: str = MTC_NAMESPACE) -> tuple[str, ...]:
    """How to run the Job of a cluster and fetch what it prints."""
    return (
        f"oc apply -f probe-{role}.yaml",
        f"oc wait --for=condition=complete --timeout=300s job/{NAME} -n {namespace}",
        f"oc logs job/{NAME} -n {namespace} > probes-{role}.json",
        f"oc delete job {NAME} -n {namespace}",
    )


def _security(cluster: Cluster) -> dict[str, Any]:
    found: dict[str, Any] = {"runAsNonRoot": True}
    if major_or(cluster) > 3:  # the API of OpenShift 3 does not know the field
        found["seccompProfile"] = {"type": "RuntimeDefault"}
    return found


def _environment(cluster: Cluster) -> list[dict[str, str]]:
    try:
        endpoints = proxy_use(cluster).value.endpoints
    except NotGathered:
        return []
    if not endpoints:
        return []
    found = [{"name": "HTTPS_PROXY", "value": f"http://{endpoints[-1]}"}]
    excepted = [item.no_proxy for item in cluster.known(PROXY) if item.no_proxy]
    return [*found, *({"name": "NO_PROXY", "value": text} for text in excepted[:1])]
