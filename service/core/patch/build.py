"""From a current manifest and wanted values to the patch in its three forms, and its undoing."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from service.core.deadline import paced
from service.core.patch.merge import diff_merge, same
from service.core.patch.patch_model import SpecChange
from service.core.patch.secret_masks import shown_text
from service.core.settings.table import find, spellings
from service.core.values import stunnel
from service.kinds.ref import pointer_step

NOT_THE_USERS = ("status",)
"""Left out of a manifest for `oc replace`; metadata.managedFields too."""


@dataclass(frozen=True, slots=True)
class Forms:
    """The same change in every form."""

    spec: Mapping[str, Any] = field(repr=False)
    merge_patch: Mapping[str, Any] = field(repr=False)
    json_patch: tuple[Mapping[str, Any], ...] = field(repr=False)
    manifest: Mapping[str, Any] | None = field(repr=False)
    undo: Mapping[str, Any] = field(repr=False)
    changes: tuple[SpecChange, ...] = ()


def new_spec(spec: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The spec with the values in it; null removes.

    An existing setting keeps its spelling; one with several spellings is kept only under its own
    name.
    """
    result = deepcopy(dict(spec))
    for name, value in paced(values.items()):
        present = spellings(spec, name) or ((name,) if name in spec else ())
        keep = present[0] if len(present) == 1 else name
        for key in present:
            if key != keep or value is None:
                result.pop(key, None)
        if value is not None:
            result[keep] = deepcopy(value)
    return result


def forms(manifest: Mapping[str, Any] | None, values: Mapping[str, Any]) -> Forms:
    """Everything that follows from the values. Without a manifest nothing is known of before."""
    if manifest is None:
        return _blind(values)
    old = manifest.get("spec")
    spec = old if isinstance(old, Mapping) else {}
    new = new_spec(spec, values)
    changes = tuple(_changes(spec, new))
    whole = _whole(manifest, new)
    if not changes:
        return Forms(new, {}, (), whole, {}, ())
    version = _version(manifest)
    merge: dict[str, Any] = {"metadata": {"resourceVersion": version}} if version else {}
    merge["spec"] = diff_merge(spec, new)
    undo = {"spec": diff_merge(new, spec) if isinstance(old, Mapping) else None}
    operations = _operations(manifest, spec, new, changes, version)
    return Forms(new, merge, operations, whole, undo, changes)


def _blind(values: Mapping[str, Any]) -> Forms:
    new = {name: value for name, value in values.items() if value is not None}
    changes = tuple(
        SpecChange(
            name,
            name,
            "remove" if value is None else "replace",
            "(not known)",
            "" if value is None else shown_text(find(name), value),
            _why(name, value),
            {},
        )
        for name, value in values.items()
    )
    operations: list[dict[str, Any]] = [
        {"op": "remove", "path": f"/spec/{pointer_step(name)}"}
        if value is None
        else {"op": "add", "path": f"/spec/{pointer_step(name)}", "value": value}
        for name, value in values.items()
    ]
    return Forms(new, {"spec": dict(values)}, tuple(operations), None, {}, changes)


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[SpecChange]:
    changes = []
    for key in [*(key for key in new), *(key for key in old if key not in new)]:
        if key in old and key in new and same(old[key], new[key]):
            continue
        action = "remove" if key not in new else "replace" if key in old else "add"
        setting = find(key)
        undo = diff_merge(
            {key: new[key]} if key in new else {}, {key: old[key]} if key in old else {}
        )
        changes.append(
            SpecChange(
                key,
                setting.name if setting else key,
                action,
                shown_text(setting, old[key]) if key in old else "",
                shown_text(setting, new[key]) if key in new else "",
                _why(setting.name if setting else key, new.get(key)),
                {"spec": undo},
            )
        )
    return changes


def _why(name: str, value: Any) -> str:
    setting = find(name)
    meaning = setting.meaning if setting else "no setting of the operator"
    if name != stunnel.SETTING:
        return meaning
    reading = stunnel.read(value)
    if not reading.usable:
        return "Rsync's stunnel connects to the destination directly, without a proxy."
    login = f"as user {reading.username}" if reading.authenticates else "without authentication"
    return (
        f"Rsync's stunnel on the source sends CONNECT to {reading.endpoint} {login}; the operator "
        "writes it into ConfigMap migration-controller and restarts the controller."
    )


def _operations(
    manifest: Mapping[str, Any],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    changes: tuple[SpecChange, ...],
    version: str,
) -> tuple[Mapping[str, Any], ...]:
    """JSON patch: first everything that must hold, then the change."""
    operations: list[dict[str, Any]] = []
    if version:
        operations.append({"op": "test", "path": "/metadata/resourceVersion", "value": version})
    if not isinstance(manifest.get("spec"), Mapping):
        return (*operations, {"op": "add", "path": "/spec", "value": deepcopy(dict(new))})
    for change in changes:
        if change.action != "add":
            path = f"/spec/{pointer_step(change.key)}"
            operations.append({"op": "test", "path": path, "value": deepcopy(old[change.key])})
    for change in changes:
        operation: dict[str, Any] = {
            "op": change.action,
            "path": f"/spec/{pointer_step(change.key)}",
        }
        if change.action != "remove":
            operation["value"] = deepcopy(new[change.key])
        operations.append(operation)
    return tuple(operations)


def _version(manifest: Mapping[str, Any]) -> str:
    version = manifest["metadata"].get("resourceVersion")
    return version if isinstance(version, str) else ""


def _whole(manifest: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest for `oc replace`: everything of the user's, nothing of the server's making."""
    whole = {key: deepcopy(value) for key, value in manifest.items() if key not in NOT_THE_USERS}
    whole["metadata"] = {
        key: value for key, value in whole["metadata"].items() if key != "managedFields"
    }
    whole["spec"] = dict(spec)
    return whole
