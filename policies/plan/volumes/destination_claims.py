"""Where the claims of a plan arrive on the destination, and what is there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.core.evidence import NotGathered
from service.core.facts.volumes import Volume
from service.core.migration import Migration
from service.kinds.cluster import NAMESPACE
from service.kinds.mtc import MigPlan
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM, PersistentVolumeClaim

OURS = "migration.openshift.io/migrated-by-"
"""Labels that MTC puts on what it has migrated begin so (api/labels.go)."""


@dataclass(frozen=True, slots=True)
class DestinationClaims:
    """The known claims of the plan's destination namespaces; ``missing`` by namespace."""

    by_key: Mapping[tuple[str, str], PersistentVolumeClaim]
    missing: Mapping[str, NotGathered]
    namespaces: frozenset[str]

    def find(self, namespace: str, name: str) -> PersistentVolumeClaim | None:
        """One claim; None only where it is known to be absent. Raises NotGathered."""
        found = self.by_key.get((namespace, name))
        if found is None and namespace in self.missing:
            raise self.missing[namespace]
        return found

    def unseen(self, namespace: str) -> bool:
        """Whether nothing at all is known of the claims of a namespace."""
        return namespace in self.missing and namespace not in self.namespaces


def destination_claims(migration: Migration) -> DestinationClaims:
    """What is in the plan's destination namespaces. Raises NotGathered without a plan."""
    return migration.derive(_claims)


def namespace_map(migration: Migration) -> Mapping[str, str]:
    """Source namespace to destination namespace, as the plan maps them."""
    return migration.derive(_mapped)


def arrival(migration: Migration, volume: Volume) -> tuple[str, str]:
    """Namespace and name of a volume's claim on the destination; ("", "") where unknown."""
    namespace, _, name = volume.hold.partition("/")
    if volume.planned is not None and volume.planned.pvc_target:
        name = volume.planned.pvc_target
    return namespace_map(migration).get(namespace, namespace), name


BY_PLAN = f"{OURS}migplan"


def other_plan(claim: PersistentVolumeClaim, plan: MigPlan) -> str:
    """The uid of the plan that made the claim, where that is known to be another one."""
    uid = claim.labels.get(BY_PLAN, "")
    return uid if plan.ref.uid and uid != plan.ref.uid else ""


def is_ours(claim: PersistentVolumeClaim) -> bool:
    """Whether an earlier run of MTC made the claim."""
    return any(key.startswith(OURS) for key in claim.labels)


def absent_namespace(migration: Migration, name: str) -> bool:
    """Whether a namespace is known not to exist on the destination."""
    try:
        return migration.destination.find(NAMESPACE, name) is None
    except NotGathered:
        return False


def _mapped(migration: Migration) -> Mapping[str, str]:
    return {item.source: item.destination for item in migration.plan.namespaces}


def _claims(migration: Migration) -> DestinationClaims:
    destination = migration.destination
    names = tuple(dict.fromkeys(namespace_map(migration).values()))
    missing = {}
    for name in names:
        try:
            destination.all(PERSISTENT_VOLUME_CLAIM, (name,))
        except NotGathered as reason:
            if not absent_namespace(migration, name):
                missing[name] = reason
    known = destination.known(PERSISTENT_VOLUME_CLAIM, names)
    by_key = {(item.ref.namespace, item.ref.name): item for item in known}
    return DestinationClaims(by_key, missing, frozenset(namespace for namespace, _ in by_key))
