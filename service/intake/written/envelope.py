"""The envelope: clusters and everything else of a request in one document."""

from __future__ import annotations

from typing import Any

ENVELOPE_KEYS = (
    "clusters",
    "plan",
    "storage",
    "controller",
    "probes",
    "waivers",
    "graph",
    "baseline",
    "options",
    "id",
)


def is_envelope(value: Any) -> bool:
    """Whether a document is an envelope: no Kubernetes object, and it has one of its keys."""
    return (
        isinstance(value, dict)
        and "kind" not in value
        and any(key in value for key in ENVELOPE_KEYS if key != "id")
    )
