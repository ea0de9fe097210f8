"""The exact command that changes one volume's entry of a MigPlan."""

from __future__ import annotations

import json
from shlex import quote

from service.core.objects.mtc import MigPlan, PlanVolume
from service.core.resources import MTC_NAMESPACE


def select(plan: MigPlan, entry: PlanVolume, field: str, value: str) -> str:
    """`oc patch` that sets ``selection.<field>``; it fails rather than hit another volume."""
    at = f"/spec/persistentVolumes/{entry.index}"
    return patch(
        plan,
        [
            {"op": "test", "path": f"{at}/name", "value": entry.name},
            {"op": "add", "path": f"{at}/selection/{field}", "value": value},
        ],
    )


def patch(plan: MigPlan, operations: list[dict[str, object]]) -> str:
    """`oc patch migplan` with a JSON patch, to be run on the host cluster."""
    name = quote(plan.ref.name or "<plan>")
    namespace = quote(plan.ref.namespace or MTC_NAMESPACE)
    body = quote(json.dumps(operations, separators=(",", ":")))
    return f"oc patch migplan {name} -n {namespace} --type=json -p {body}"
