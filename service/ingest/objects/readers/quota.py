"""Reader of resource quotas."""

from __future__ import annotations

from collections.abc import Mapping

from service.core.evidence import Ref, pointer_step
from service.core.objects.storage import ResourceQuota
from service.core.resources import RESOURCE_QUOTA
from service.ingest.objects.readers.registry import reads
from service.ingest.objects.readers.shape import Object, scalar, table


@reads(RESOURCE_QUOTA)
def resource_quota(value: Object, ref: Ref) -> ResourceQuota:
    """ResourceQuota. What is in force is status.hard; before the first count, spec.hard."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    return ResourceQuota(
        ref=ref,
        hard=_quantities(status, "/status", "hard") or _quantities(spec, "/spec", "hard"),
        used=_quantities(status, "/status", "used"),
        scoped=bool(spec.get("scopes") or spec.get("scopeSelector")),
    )


def _quantities(of: Object, at: str, key: str) -> Mapping[str, str]:
    amounts = table(of, key, at)
    return {name: scalar(amounts, name, f"{at}/{pointer_step(key)}") for name in amounts}
