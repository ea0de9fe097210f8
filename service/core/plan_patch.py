"""The exact commands that change a MigPlan."""

from __future__ import annotations

import json
from shlex import quote

from service.core.outcome import Command, at_host
from service.kinds.mtc import MTC_NAMESPACE, MigPlan, PlanVolume


def select(plan: MigPlan, entry: PlanVolume, field: str, value: str) -> Command:
    """`oc patch` that sets ``selection.<field>``; it fails rather than hit another volume."""
    at = f"/spec/persistentVolumes/{entry.index}"
    return patch(
        plan,
        [
            {"op": "test", "path": f"{at}/name", "value": entry.name},
            {"op": "add", "path": f"{at}/selection/{field}", "value": value},
        ],
    )


def patch(plan: MigPlan, operations: list[dict[str, object]]) -> Command:
    """`oc patch migplan` with a JSON patch, on the cluster that runs MTC."""
    return _patch(plan, "json", operations)


def merge(plan: MigPlan | None, spec: dict[str, object]) -> Command:
    """`oc patch migplan` with a merge patch of the spec; a plan without a name gets a blank."""
    return _patch(plan, "merge", {"spec": spec})


def _patch(plan: MigPlan | None, kind: str, body: object) -> Command:
    name = quote((plan.ref.name if plan else "") or "<plan>")
    namespace = quote((plan.ref.namespace if plan else "") or MTC_NAMESPACE)
    text = quote(json.dumps(body, separators=(",", ":")))
    return at_host(f"oc patch migplan {name} -n {namespace} --type={kind} -p {text}")
