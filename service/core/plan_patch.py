"""The exact commands that change a MigPlan."""

from __future__ import annotations

import json
from shlex import quote

from service.kinds.mtc import MTC_NAMESPACE, MigPlan, PlanVolume


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
    return _patch(plan, "json", operations)


def merge(plan: MigPlan | None, spec: dict[str, object]) -> str:
    """`oc patch migplan` with a merge patch of the spec; a plan without a name gets a blank."""
    return _patch(plan, "merge", {"spec": spec})


def _patch(plan: MigPlan | None, kind: str, body: object) -> str:
    name = quote((plan.ref.name if plan else "") or "<plan>")
    namespace = quote((plan.ref.namespace if plan else "") or MTC_NAMESPACE)
    text = quote(json.dumps(body, separators=(",", ":")))
    return f"oc patch migplan {name} -n {namespace} --type={kind} -p {text}"
