"""The same patch without its secrets, for logs, tickets and a dry run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from service.core.patch.patch_model import PatchResult
from service.core.settings.setting_model import Setting
from service.core.settings.table import find
from service.core.values import stunnel
from service.kinds.redact import MASK, redact_value
from service.kinds.ref import pointer_key

LONGEST = 2000
"""Characters of a value that are shown; no value that anybody writes by hand is longer."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""kubectl's copy of an earlier manifest, as text: it may hold an earlier password."""


def show(setting: Setting | None, value: Any) -> Any:
    """A value of the spec as it may be shown; unknown keys may hold anything."""
    if value is None:
        return None
    if setting is not None and setting.name == stunnel.SETTING:
        understood = stunnel.read(value).usable
        return redact_value(value) if understood else stunnel.shown(value)
    if setting is None and not isinstance(value, bool | int | float):
        return MASK
    if setting is not None and setting.name == "mig_ui_oauth_secret":
        return MASK
    return _masked(value)


def shown_text(setting: Setting | None, value: Any) -> str:
    """As :func:`show`, as a short text for people."""
    shown = show(setting, value)
    if isinstance(shown, bool):
        return str(shown).lower()
    text = json.dumps(shown) if isinstance(shown, list | dict) else str(shown)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text)} characters)"


def redacted(result: PatchResult) -> PatchResult:
    """A copy of the result without secrets; it is not to be applied."""
    return replace(
        result,
        merge_patch=_patch(result.merge_patch),
        json_patch=tuple(map(_operation, result.json_patch)),
        manifest=None if result.manifest is None else _manifest(result.manifest),
        undo=_patch(result.undo),
        changes=tuple(replace(change, undo=_patch(change.undo)) for change in result.changes),
        secrets_shown=False,
    )


def _patch(patch: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _spec(value) if key == "spec" else value for key, value in patch.items()}


def _operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    path = str(operation["path"]).split("/")
    if "value" not in operation or path[1] != "spec":
        return dict(operation)
    value = operation["value"]
    if len(path) == 2:
        return {**operation, "value": _spec(value)}
    key = pointer_key(path[2])
    return {**operation, "value": show(find(key), value)}


def _manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: _spec(value) if key == "spec" else _masked(value) for key, value in
             manifest.items()}  # fmt: skip
    metadata = shown.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict) and LAST_APPLIED in annotations:
        annotations[LAST_APPLIED] = MASK
    return shown


def _spec(spec: Any) -> Any:
    if not isinstance(spec, Mapping):
        return _masked(spec)
    return {key: show(find(str(key)), value) for key, value in spec.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redact_value(value)
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value
