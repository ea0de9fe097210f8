"""Reader of resource quotas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service.core.evidence import Ref, pointer_step
from service.core.objects.storage import QuotaScope, ResourceQuota
from service.core.resources import RESOURCE_QUOTA
from service.ingest.objects.readers.registry import reads
from service.ingest.objects.readers.shape import Object, rows, scalar, table, text, texts


@reads(RESOURCE_QUOTA)
def resource_quota(value: Object, ref: Ref) -> ResourceQuota:
    """ResourceQuota. What is in force is status.hard; before the first count, spec.hard."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    return ResourceQuota(
        ref=ref,
        hard=_quantities(status, "/status", "hard") or _quantities(spec, "/spec", "hard"),
        used=_quantities(status, "/status", "used"),
        scopes=tuple(_scopes(spec)),
    )


def _scopes(spec: Object) -> Iterator[QuotaScope]:
    for name in texts(spec, "scopes", "/spec"):
        yield QuotaScope(name, "Exists", ())
    selector, at = table(spec, "scopeSelector", "/spec"), "/spec/scopeSelector"
    for row in rows(selector, "matchExpressions", at):
        yield QuotaScope(
            text(row, "scopeName", at), text(row, "operator", at), texts(row, "values", at)
        )


def _quantities(of: Object, at: str, key: str) -> Mapping[str, str]:
    amounts = table(of, key, at)
    return {name: scalar(amounts, name, f"{at}/{pointer_step(key)}") for name in amounts}
