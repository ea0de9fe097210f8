"""The parts of the input by cluster, and how to collect them again."""

from __future__ import annotations

from service.core.facts.reach import cluster_of
from service.core.facts.release import major_or
from service.core.migration import Cluster, Migration, Part
from service.kinds.ref import Subject

"""What the command to collect again depends on."""

IMAGE = "registry.redhat.io/rhmtc/openshift-migration-must-gather-rhel8"


def collect_command(cluster: Cluster) -> str:
    """The command that gathers everything of a cluster again."""
    if major_or(cluster) == 3:
        return f"oc adm must-gather --image={IMAGE}:v1.7  # on the host, which logs in here"
    return f"oc adm must-gather --image-stream=openshift/must-gather --image={IMAGE}:v1.8"


def parts_of(migration: Migration, cluster: Cluster) -> list[Part]:
    """The parts of the input that are about a cluster."""
    return [part for part in migration.parts if cluster_of(migration, part.role) is cluster]


def parts_of_none(migration: Migration) -> list[Part]:
    """The parts that name no cluster: plan, storage, probes."""
    return [part for part in migration.parts if not part.role]


def whole(migration: Migration) -> Subject:
    """The migration as the subject of a finding about no single cluster."""
    plan = migration.given_plan
    return plan.ref.subject if plan else Subject(kind="Migration")
