"""MigPlan manifests for the plans of a partition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from service.core.deadline import check
from service.core.partition.partition_model import Portion
from service.kinds.mtc import MIG_PLAN, MTC_NAMESPACE

DROPPED = ("namespaces", "persistentVolumes", "closed", "refresh")
"""What of a template's spec is not every plan's."""

WAVE = "mtc-preflight.io/wave"


def manifests(
    plans: Iterable[Portion], prefix: str, template: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One manifest per plan, named ``<prefix>-<wave>-<number>``.

    ``template`` is a MigPlan whose clusters, repository, modes and hooks every plan gets; what
    it selects for volumes goes to the plan that has the claim's namespace.
    """
    listed = list(plans)
    width = len(str(len(listed)))
    spec = template.get("spec")
    spec = spec if isinstance(spec, Mapping) else {}
    volumes = _by_namespace(spec.get("persistentVolumes") or ())
    found = []
    for number, plan in enumerate(listed, 1):
        check()
        name = f"{prefix}-{plan.wave}-{number:0{width}}"
        found.append(_manifest(name, plan, spec, volumes, _namespace(template)))
    return found


def common(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What of a template's spec every plan gets."""
    return {key: value for key, value in spec.items() if key not in DROPPED}


def _manifest(
    name: str,
    plan: Portion,
    spec: Mapping[str, Any],
    by_namespace: Mapping[str, list[Any]],
    namespace: str,
) -> dict[str, Any]:
    made: dict[str, Any] = {**deepcopy(common(spec)), "namespaces": list(plan.texts)}
    sources = dict.fromkeys(text.partition(":")[0] for text in plan.texts)
    volumes = [deepcopy(item) for name in sources for item in by_namespace.get(name, ())]
    if volumes:
        made["persistentVolumes"] = volumes
    return {
        "apiVersion": MIG_PLAN.api_version,
        "kind": MIG_PLAN.kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {WAVE: str(plan.wave)},
        },
        "spec": made,
    }


def _by_namespace(volumes: object) -> dict[str, list[Any]]:
    """The volumes that a template selects, by the namespace of their claim."""
    found: dict[str, list[Any]] = {}
    for item in volumes if isinstance(volumes, list | tuple) else ():
        claim = item.get("pvc") if isinstance(item, Mapping) else None
        namespace = claim.get("namespace") if isinstance(claim, Mapping) else None
        if isinstance(namespace, str):
            found.setdefault(namespace, []).append(item)
    return found


def _namespace(template: Mapping[str, Any]) -> str:
    metadata = template.get("metadata")
    found = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    return found if isinstance(found, str) and found else MTC_NAMESPACE
