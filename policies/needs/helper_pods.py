"""The pods that MTC makes to move data, as quotas and limit ranges see them."""

from __future__ import annotations

from typing import Any

from service.core.evidence import NotGathered
from service.core.facts.direct import direct_volumes
from service.core.facts.setting_values import setting
from service.core.facts.transfer import rsynced
from service.core.facts.volume_targets import is_copied
from service.core.facts.volumes import volumes
from service.core.migration import Cluster, Migration
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.ref import Origin, Ref
from service.kinds.resource import Read
from service.kinds.workloads import POD, ContainerState, Pod

READS: tuple[Read[Any], ...] = (
    Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    Read(POD, plan_namespaces=True),
)
"""What the functions of this module read in addition to the volumes of the plan."""

DEFAULTS = {
    "cpu_requests": "100m",
    "memory_requests": "1Gi",
    "cpu_limits": "1",
    "memory_limits": "1Gi",
}
"""Of each container of an rsync pod (mig-controller pkg/settings, directvolumemigration/rsync.go);
the books print 400m for cpu, which was so until MTC 1.5."""
STAGE = {"cpu": "100m", "memory": "128Mi"}
"""Of each container of a stage pod (mig-controller migmigration/stage.go)."""


def container(migration: Migration, cluster: Cluster) -> ContainerState:
    """One container of an rsync pod on a cluster, with its requests and limits."""
    side = "source" if cluster is migration.source else "target"
    amounts = {key: _amount(migration, f"{side}_rsync_pod_{key}", key) for key in DEFAULTS}
    return _container(
        {"cpu": amounts["cpu_requests"], "memory": amounts["memory_requests"]},
        {"cpu": amounts["cpu_limits"], "memory": amounts["memory_limits"]},
    )


def _amount(migration: Migration, name: str, key: str) -> str:
    try:
        value = setting(migration, name).value
    except NotGathered:
        return DEFAULTS[key]  # the default; a MigrationController that says otherwise is rare
    return DEFAULTS[key] if value in (None, "") else str(value)


def _container(requests: dict[str, str], limits: dict[str, str]) -> ContainerState:
    return ContainerState("rsync", "", True, "", 0, False, requests, limits)


def helper_pods(migration: Migration, cluster: Cluster, namespace: str) -> list[Pod]:
    """The pods that MTC makes in a namespace of a cluster, all at once.

    Direct: on the source one pod with two containers for each volume, on the destination one for
    the namespace. Through the repository: on both one stage pod for each pod that mounts a
    claim, and for each claim that none mounts. Raises NotGathered without a plan.
    """
    if cluster is migration.source:
        chosen = {namespace}
    else:
        chosen = {one.source for one in migration.plan.namespaces if one.destination == namespace}
    by_namespace = migration.derive(_copied)
    claims = {claim for name in chosen for claim in by_namespace.get(name, ())}
    if not claims:
        return []
    if direct_volumes(migration).value:
        count = len(claims) if cluster is migration.source else 1
        one = container(migration, cluster)
        return [_pod(cluster, namespace, (one, one))] * count
    held = [
        {f"{pod.ref.namespace}/{name}" for name in pod.claims} & claims
        for pod in migration.source.known(POD, chosen)
        if pod.phase == "Running"
    ]
    mounting = [names for names in held if names]
    count = len(mounting) + len(claims - set().union(*mounting))
    return [_pod(cluster, namespace, (_container(STAGE, STAGE),))] * count


def _copied(migration: Migration) -> dict[str, list[str]]:
    """The claims that rsync copies, by their namespace on the source."""
    found: dict[str, list[str]] = {}
    for one in volumes(migration).items:
        if is_copied(one) and (one.planned is None or rsynced(one.planned)):
            claim = one.hold
            found.setdefault(claim.partition("/")[0], []).append(claim)
    return found


def _pod(cluster: Cluster, namespace: str, containers: tuple[ContainerState, ...]) -> Pod:
    ref = Ref(cluster.name, "v1", "Pod", namespace, "rsync", Origin(""))
    return Pod(ref, "Pending", {}, containers, (), {}, False, ())
