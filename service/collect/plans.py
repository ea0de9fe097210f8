"""Which plan is meant, which namespaces it takes, and which secrets MTC's resources name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def namespaces_of(plan: Mapping[str, Any]) -> tuple[str, ...]:
    """The namespaces that a MigPlan names, both halves of ``source:destination``."""
    spec = plan.get("spec", plan)
    names = spec.get("namespaces") if isinstance(spec, Mapping) else None
    if not isinstance(names, list):
        return ()
    halves = (half for name in names for half in str(name).split(":")[:2])
    return tuple(dict.fromkeys(half for half in halves if half))


def chosen(plans: Sequence[Mapping[str, Any]], name: str = "") -> Mapping[str, Any] | None:
    """The plan of this name (``[namespace/]name``), else the only one that is still open."""
    if name:
        plans = [plan for plan in plans if name in (_name(plan), f"{_space(plan)}/{_name(plan)}")]
    else:
        plans = [plan for plan in plans if not _closed(plan)]
    return plans[0] if len(plans) == 1 else None


def _closed(plan: Mapping[str, Any]) -> bool:
    spec = plan.get("spec")
    return isinstance(spec, Mapping) and spec.get("closed") is True


def _name(plan: Mapping[str, Any]) -> str:
    return str(plan.get("metadata", {}).get("name", ""))


def _space(plan: Mapping[str, Any]) -> str:
    return str(plan.get("metadata", {}).get("namespace", ""))


_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def secrets_of(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Namespace and name of the secrets that a MigCluster or MigStorage refers to."""
    spec = value.get("spec")
    spec = spec if isinstance(spec, Mapping) else {}
    backup, snapshot = spec.get("backupStorageConfig"), spec.get("volumeSnapshotConfig")
    places = (
        spec.get("serviceAccountSecretRef"),
        backup.get("credsSecretRef") if isinstance(backup, Mapping) else None,
        snapshot.get("credsSecretRef") if isinstance(snapshot, Mapping) else None,
    )
    for reference in places:
        if not isinstance(reference, Mapping):
            continue
        pair = str(reference.get("namespace")), str(reference.get("name"))
        if reference.get("name") and all(_NAME.fullmatch(text) for text in pair):
            yield pair
