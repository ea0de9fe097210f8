"""MTC's own components, running: what evidence holds of them, and older evidence often lacks."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[1] / "examples"
KINDS = ("Deployment", "DaemonSet", "ClusterServiceVersion", "BackupStorageLocation")
ONE_OF_A_KIND = KINDS[2:]
RUNNING = {"conditions": [{"type": "Running", "status": "True", "reason": "Successful"}]}


def with_machinery(envelope: dict[str, Any]) -> dict[str, Any]:
    """An envelope with the components of the example that is like it, where it has not its own."""
    envelope = copy.deepcopy(envelope)
    legacy = any(named(item).get("gitVersion", "").startswith("v3.") for item in objects(envelope))
    example = yaml.safe_load(
        (EXAMPLES / f"migration-{'3-to-4' if legacy else '4-to-4'}.yaml").read_text("utf-8")
    )
    for cluster, like in zip(envelope["clusters"], example["clusters"], strict=True):
        own = cluster.setdefault("objects", [])
        there = {key(item) for item in own if is_part(item)}
        own += [item for item in like["objects"] if is_part(item) and key(item) not in there]
    for item in (*objects(envelope), named(envelope.get("controller"))):
        if named(item).get("kind") == "MigrationController":
            item.setdefault("status", RUNNING)
    return envelope


def objects(envelope: dict[str, Any]) -> list[Any]:
    return [item for cluster in envelope["clusters"] for item in cluster.get("objects", ())]


def named(item: Any) -> dict[str, Any]:
    return item if isinstance(item, dict) else {}


def is_part(item: Any) -> bool:
    namespace = named(item).get("metadata", {}).get("namespace")
    return namespace == "openshift-migration" and item.get("kind") in KINDS


def key(item: Any) -> tuple[str, str]:
    kind = named(item).get("kind", "")
    return kind, "" if kind in ONE_OF_A_KIND else named(item).get("metadata", {}).get("name", "")
