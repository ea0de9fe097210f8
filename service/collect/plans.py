"""Which plan is meant, which namespaces it takes, and which secrets MTC's resources name."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.collect.api import Api
from service.collect.collect_errors import CollectError, Forbidden
from service.collect.discovery import Discovery
from service.collect.kubeconfig import Connect
from service.collect.listing import objects
from service.kinds.mtc import MIG_PLAN, MTC_NAMESPACE


def namespaces_of(plan: Mapping[str, Any]) -> tuple[str, ...]:
    """The namespaces that a MigPlan names, both halves of ``source:destination``."""
    spec = plan.get("spec", plan)
    names = spec.get("namespaces") if isinstance(spec, Mapping) else None
    if not isinstance(names, list):
        return ()
    halves = (half for name in names for half in str(name).split(":")[:2])
    return tuple(dict.fromkeys(half for half in halves if half))


class NoPlan(CollectError):
    """Which plan is meant is not clear; the text lists those that there are."""


def chosen(plans: Sequence[Mapping[str, Any]], name: str = "") -> Mapping[str, Any] | None:
    """The plan of this name (``[namespace/]name``), else the only one that is still open.

    None where no name is given and no plan is open. Raises NoPlan.
    """
    if name:
        meant = [plan for plan in plans if name in (_name(plan), _full(plan))]
        fault = f"there is no MigPlan {name}"
    else:
        meant = [plan for plan in plans if not _closed(plan)]
        fault = "several MigPlans are open"
    if len(meant) == 1:
        return meant[0]
    if not meant and not name:
        return None
    if meant and name:
        fault = f"several MigPlans have the name {name}"
    there = ", ".join(sorted(_full(plan) for plan in meant or plans)[:20])
    raise NoPlan(f"{fault}: {there or 'there are none on these clusters'}")


def plan_on(
    clusters: Mapping[str, Connect], name: str = "", seconds: float = 60.0
) -> Mapping[str, Any] | None:
    """The plan that is meant among those on any of the clusters; see :func:`chosen`.

    A cluster that cannot be read has none; reading it for the bundle reports why. Raises NoPlan.
    """
    end = time.monotonic() + seconds
    found: dict[str, Mapping[str, Any]] = {}
    for connect in clusters.values():
        try:
            api = Api(connect, deadline=end)
            found |= {_full(plan): plan for plan in _plans(api)}
            api.close()
        except CollectError:
            continue
    return chosen(list(found.values()), name)


def _plans(api: Api) -> Iterator[Mapping[str, Any]]:
    place = Discovery(api).place(MIG_PLAN)
    if place is None:
        return
    try:
        yield from list(objects(api, f"{place[0]}/{MIG_PLAN.plural}"))
    except Forbidden:
        yield from objects(api, f"{place[0]}/namespaces/{MTC_NAMESPACE}/{MIG_PLAN.plural}")


def selects_by_label(plan: Mapping[str, Any]) -> bool:
    """Whether a MigPlan takes only objects with certain labels."""
    spec = plan.get("spec", plan)
    return isinstance(spec, Mapping) and bool(spec.get("labelSelector"))


def _closed(plan: Mapping[str, Any]) -> bool:
    spec = plan.get("spec")
    return isinstance(spec, Mapping) and spec.get("closed") is True


def _name(plan: Mapping[str, Any]) -> str:
    return str(plan.get("metadata", {}).get("name", ""))


def _full(plan: Mapping[str, Any]) -> str:
    return f"{plan.get('metadata', {}).get('namespace', '')}/{_name(plan)}"


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
