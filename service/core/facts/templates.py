"""The templates that an application's pods are made from, scaled to zero or not."""

from __future__ import annotations

from collections.abc import Iterator

from service.core.evidence import Missing, NotGathered
from service.core.migration import Cluster
from service.kinds.resource import Read, Resource
from service.kinds.workloads import (
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    DEPLOYMENT_CONFIG,
    JOB,
    REPLICATION_CONTROLLER,
    STATEFUL_SET,
    Workload,
)

TEMPLATES: tuple[Resource[Workload], ...] = (
    DEPLOYMENT,
    DEPLOYMENT_CONFIG,
    STATEFUL_SET,
    DAEMON_SET,
    CRON_JOB,
    JOB,
    REPLICATION_CONTROLLER,
)
READS = tuple(Read(resource, plan_namespaces=True) for resource in TEMPLATES)
"""What :func:`templates` reads; a policy that calls it declares it."""
_KINDS = tuple(f"{resource.kind}/" for resource in TEMPLATES)


def templates(cluster: Cluster, namespaces: tuple[str, ...]) -> Iterator[Workload]:
    """What is known of these namespaces that still makes pods.

    Left out are finished jobs, which Velero does not restore, and what another template controls:
    the earlier revisions of a DeploymentConfig, the jobs of a CronJob.
    """
    for resource in TEMPLATES:
        for made in cluster.known(resource, namespaces):
            if not made.finished and not made.owner.startswith(_KINDS):
                yield made


def require_templates(cluster: Cluster, namespaces: tuple[str, ...]) -> None:
    """Raise NotGathered, naming every list of templates that is not whole."""
    lacking: dict[Missing, None] = {}
    for resource in TEMPLATES:
        try:
            cluster.all(resource, namespaces)
        except NotGathered as gap:
            lacking.update(dict.fromkeys(gap.missing))
    if lacking:
        raise NotGathered(*lacking)
