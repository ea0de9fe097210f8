"""The validated patch of a MigrationController: refuse with every reason, or answer with it all.

Nothing here reads or writes anything: manifest and settings in, patch or reasons out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.core.outcome import Severity
from service.core.patch.build import Forms, forms, new_spec
from service.core.patch.commands import commands
from service.core.patch.manifest import namespace_of, of_other_namespace, unwrap
from service.core.patch.merge import apply_merge, same
from service.core.patch.patch_model import (
    DEFAULT_NAME,
    PatchReason,
    PatchRefused,
    PatchRequest,
    PatchResult,
    SpecChange,
)
from service.core.patch.secret_masks import redacted
from service.core.patch.wanted_settings import (
    SETTINGS_POLICY,
    is_masked,
    masked,
    of_spec_remark,
    resolve,
)
from service.core.patch.whatif import (
    EVIDENCE,
    current,
    installed,
    judged,
    needless,
    of_findings,
    of_other_cluster,
    patched,
    several,
)
from service.core.policy import Policy
from service.core.report import Finding
from service.core.settings.setting_checks import check_spec
from service.core.settings.table import SETTINGS, snake_case, spellings
from service.core.values import stunnel
from service.core.values.versions import Version
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.ref import pointer_step

__all__ = [
    "PatchReason",
    "PatchRefused",
    "PatchRequest",
    "PatchResult",
    "SpecChange",
    "make_patch",
    "redacted",
]

POLICIES = ("MTC301", "MTC302", "MTC303", "MTC801")
"""The policies that a patch is held against where evidence is given."""


def make_patch(request: PatchRequest, policies: Sequence[Policy[Any]] = ()) -> PatchResult:
    """The patch for a request. Raises PatchRefused with every reason at once.

    ``policies`` judge the evidence as it would be afterwards; only those of ``POLICIES`` count.
    """
    manifest, at, reasons = _manifest(request)
    usable = not reasons
    release = installed(request.migration, manifest if usable else None)
    values, notes = resolve(request.settings, release)
    reasons += notes
    sets_proxy = bool(values.get(stunnel.SETTING))
    findings: tuple[Finding, ...] = ()
    if usable:
        reasons += _of_manifest(request, manifest, at, values, release)
    if usable and not _blocked(notes) and request.migration is not None:
        findings = _findings(request, manifest, values, policies)
        reasons += of_findings(findings, sets_proxy=sets_proxy)
        reasons += several(request.migration, manifest)
    if _blocked(reasons):
        raise PatchRefused(tuple(reason for reason in reasons if reason.severity is _BLOCKER))
    made = forms(manifest, values)
    name = str(manifest["metadata"]["name"]) if manifest else DEFAULT_NAME
    namespace = namespace_of(manifest) if manifest else MTC_NAMESPACE
    return PatchResult(
        name=name,
        changed=bool(made.changes),
        merge_patch=made.merge_patch,
        json_patch=made.json_patch,
        manifest=made.manifest,
        undo=made.undo,
        changes=made.changes,
        commands=commands(name, namespace, whole=manifest is not None, undo=bool(made.undo))
        if made.changes
        else {},
        warnings=(
            *reasons,
            *_advice(request, manifest, values),
            *_lost(manifest, at, made),
            *_unchanged(made.changes),
        ),
        findings=findings,
    )


_BLOCKER = Severity.BLOCKER


def _blocked(reasons: Sequence[PatchReason]) -> bool:
    return any(reason.severity is _BLOCKER for reason in reasons)


def _manifest(request: PatchRequest) -> tuple[Mapping[str, Any] | None, str, list[PatchReason]]:
    """The current manifest: the one given, else the evidence's."""
    if request.controller is not None:
        return unwrap(request.controller)
    if request.migration is None:
        return None, "/controller", []
    return current(request.migration), EVIDENCE, []


def _of_manifest(
    request: PatchRequest,
    manifest: Mapping[str, Any] | None,
    at: str,
    values: Mapping[str, Any],
    release: Version | None,
) -> Iterator[PatchReason]:
    """What speaks against the spec as it would be, where the request itself is not the cause."""
    if manifest is None:
        yield from _required_removed(values)
        return
    yield from of_other_namespace(manifest, at)
    if request.migration is not None and request.controller is not None:
        yield from of_other_cluster(request.migration, manifest, at)
    spec = manifest.get("spec") or {}
    result = new_spec(spec, values)
    asked = {snake_case(key) for key in values}
    for item in check_spec(result, release):
        if item.remark.code != "missing-key" and (item.setting in asked or item.key in values):
            continue  # already reported for the request
        yield of_spec_remark(item, f"{at}/spec", strict=False)
    for key in spellings(result, stunnel.SETTING):
        if stunnel.SETTING not in asked and is_masked(stunnel.read(result[key])):
            yield masked(f"{at}/spec/{pointer_step(key)}")
    if values.get(stunnel.SETTING) and result.get("migration_controller") is False:
        text = "no controller runs on this cluster: stunnel_tcp_proxy has no effect here"
        found = "migration_controller: false"
        yield PatchReason(
            "MTC303", "not-host", _BLOCKER, text, f"{at}/spec/migration_controller", found
        )


def _required_removed(values: Mapping[str, Any]) -> Iterator[PatchReason]:
    for name, value in values.items():
        setting = SETTINGS.get(name)
        if value is None and setting is not None and setting.required:
            text = f"{name} has no default: without it the operator cannot reconcile"
            yield PatchReason("MTC801", "missing-key", _BLOCKER, text, f"/settings/{name}")


def _findings(
    request: PatchRequest,
    manifest: Mapping[str, Any] | None,
    values: Mapping[str, Any],
    policies: Sequence[Policy[Any]],
) -> tuple[Finding, ...]:
    assert request.migration is not None
    judging = [policy for policy in policies if policy.id in POLICIES]
    if manifest is None:
        # The rest of its spec is not known, so MTC801 has nothing to evaluate.
        judging = [policy for policy in judging if policy.id != SETTINGS_POLICY]
        blank = {"kind": MIGRATION_CONTROLLER.kind, "metadata": {"name": DEFAULT_NAME}}
        manifest = {"apiVersion": MIGRATION_CONTROLLER.api_version, **blank, "spec": {}}
    spec = new_spec(manifest.get("spec") or {}, values)
    after = patched(request.migration, {**manifest, "spec": spec})
    return judged(after, judging)


def _lost(manifest: Mapping[str, Any] | None, at: str, made: Forms) -> Iterator[PatchReason]:
    spec = manifest.get("spec") if manifest else None
    if made.changes and spec and not same(apply_merge(made.spec, made.undo["spec"]), spec):
        text = "an old value holds null, which a merge patch cannot set: the undo leaves it out"
        yield PatchReason("", "undo-without-null", Severity.WARNING, text, f"{at}/spec")


def _unchanged(changes: Sequence[SpecChange]) -> Iterator[PatchReason]:
    if not changes:
        text = "no change is needed: the spec already has these values"
        yield PatchReason("", "no-change", Severity.INFO, text, "/settings")


def _advice(
    request: PatchRequest, manifest: Mapping[str, Any] | None, values: Mapping[str, Any]
) -> Iterator[PatchReason]:
    """What is to be known of a patch that nothing speaks against."""
    if manifest is None:
        text = (
            "without the current manifest only the given settings were checked, an old value "
            "or another spelling of its key (snake_case, camelCase) is not seen, and there is no "
            "undo: send it as `controller`"
        )
        yield PatchReason("", "no-manifest", Severity.WARNING, text, "/controller")
    reading = stunnel.read(values.get(stunnel.SETTING))
    at = f"/settings/{stunnel.SETTING}"
    if reading.authenticates:
        text = (
            "MTC keeps the proxy's password in clear text: in the MigrationController, in "
            "ConfigMap migration-controller, in the controller's log, and in a ConfigMap of each "
            "migrated namespace on the source; use an account for the migration only"
        )
        yield PatchReason("", "clear-text", Severity.INFO, text, at)
    if reading.usable and request.migration is not None:
        base = manifest or {"metadata": {"name": DEFAULT_NAME}, "spec": {}}
        spec = new_spec(base.get("spec") or {}, values)
        yield from needless(patched(request.migration, {**base, "spec": spec}))
