"""The current manifest: which object is meant, and whether it can be patched at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.core.outcome import Severity
from service.core.patch.patch_model import PatchReason
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE

KIND = MIGRATION_CONTROLLER.kind


def unwrap(given: Any) -> tuple[Mapping[str, Any] | None, str, list[PatchReason]]:
    """The manifest, its pointer in the request, and what speaks against it.

    `oc get migrationcontroller -o json` prints a List: one of a single MigrationController is
    taken for it.
    """
    pointer = "/controller"
    if isinstance(given, list):
        given = {"kind": "List", "items": given}
    if isinstance(given, Mapping) and str(given.get("kind", "")).endswith("List"):
        items = given.get("items")
        items = items if isinstance(items, list) else []
        if len(items) != 1:
            text = f"the list holds {len(items)} objects: send the one MigrationController"
            return None, pointer, [_reason("not-one", text, f"{pointer}/items")]
        given, pointer = items[0], f"{pointer}/items/0"
    if not isinstance(given, Mapping):
        return None, pointer, [_reason("not-an-object", "the manifest is not an object", pointer)]
    reasons = [*_identity(given, pointer), *_form(given, pointer)]
    return given, pointer, reasons


def _identity(given: Mapping[str, Any], pointer: str) -> list[PatchReason]:
    kind, version = given.get("kind"), given.get("apiVersion")
    if kind != KIND:
        found = kind if isinstance(kind, str) else "no kind"
        text = f"the manifest is not a {KIND}"
        return [_reason("wrong-kind", text, f"{pointer}/kind", found[:60], KIND)]
    wanted = MIGRATION_CONTROLLER.api_version
    if version != wanted:
        found = version if isinstance(version, str) else "no apiVersion"
        text = "the apiVersion is not the one that the operator serves"
        return [_reason("wrong-api-version", text, f"{pointer}/apiVersion", found[:60], wanted)]
    return []


def _form(given: Mapping[str, Any], pointer: str) -> list[PatchReason]:
    reasons = []
    metadata, spec = given.get("metadata"), given.get("spec")
    if not isinstance(metadata, Mapping):
        text = "the manifest has no metadata"
        reasons.append(_reason("no-metadata", text, f"{pointer}/metadata"))
    elif not isinstance(metadata.get("name"), str) or not metadata["name"]:
        text = "the manifest has no name"
        reasons.append(_reason("no-name", text, f"{pointer}/metadata/name"))
    if spec is not None and not isinstance(spec, Mapping):
        text = "the spec is no mapping"
        reasons.append(_reason("wrong-spec", text, f"{pointer}/spec"))
    return reasons


def namespace_of(given: Mapping[str, Any]) -> str:
    """The namespace of the object; a manifest that names none is for MTC's own."""
    namespace = given["metadata"].get("namespace")
    return namespace if isinstance(namespace, str) and namespace else MTC_NAMESPACE


def of_other_namespace(given: Mapping[str, Any], pointer: str) -> list[PatchReason]:
    """A warning where the object is in a namespace that the operator does not read."""
    namespace = namespace_of(given)
    if namespace == MTC_NAMESPACE:
        return []
    text = (
        f"the operator reads MigrationControllers of namespace {MTC_NAMESPACE} only: the patch "
        "has no effect there; create the object in that namespace"
    )
    at = f"{pointer}/metadata/namespace"
    return [
        PatchReason("", "namespace", Severity.WARNING, text, at, str(namespace)[:60], MTC_NAMESPACE)
    ]


def _reason(code: str, text: str, pointer: str, found: str = "", wanted: str = "") -> PatchReason:
    return PatchReason("", code, Severity.BLOCKER, text, pointer, found, wanted)
