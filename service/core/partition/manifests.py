"""MigPlan manifests for the plans of a partition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from service.core.partition.model import Portion
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
    found = []
    for number, plan in enumerate(listed, 1):
        name = f"{prefix}-{plan.wave}-{number:0{width}}"
        found.append(_manifest(name, plan, spec, _namespace(template)))
    return found


def _manifest(name: str, plan: Portion, spec: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    kept = {key: deepcopy(value) for key, value in spec.items() if key not in DROPPED}
    made: dict[str, Any] = {**kept, "namespaces": list(plan.texts)}
    sources = {text.partition(":")[0] for text in plan.texts}
    volumes = [deepcopy(item) for item in spec.get("persistentVolumes") or () if _in(item, sources)]
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


def _in(item: object, sources: set[str]) -> bool:
    claim = item.get("pvc") if isinstance(item, Mapping) else None
    return isinstance(claim, Mapping) and claim.get("namespace") in sources


def _namespace(template: Mapping[str, Any]) -> str:
    metadata = template.get("metadata")
    found = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    return found if isinstance(found, str) and found else MTC_NAMESPACE
