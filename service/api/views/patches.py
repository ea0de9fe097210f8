"""POST /v1/migrationcontroller/patches: settings in, the one change that is safe to apply out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import yaml
from flask import Blueprint, Response

from service.api.answers.negotiation import choose
from service.api.answers.problems import Refused, RequestFault, encode
from service.api.contract import OF_A_BODY, ApiLink, Contract, Success, operation
from service.api.requests.body import read_request
from service.api.requests.patch_body import YAML_TYPES, read_patch_request
from service.api.runtime import Runtime, runtime
from service.api.schemas.envelope_schemas import form
from service.api.schemas.patch_schemas import (
    FORMATS,
    OperationSchema,
    PatchDocumentSchema,
    PatchQuery,
    PatchSchema,
)
from service.core import patch
from service.core.deadline import paced
from service.core.outcome import Severity
from service.core.report import Finding
from service.core.values.wording import plural
from service.intake.intake import Intake

blueprint = Blueprint("patches", __name__)

_CONTRACT = Contract(
    "patchMigrationController",
    "Make a validated patch of the MigrationController",
    Success(
        "The patch, or that no change is needed.",
        {
            FORMATS["json"]: PatchSchema,
            FORMATS["merge-patch"]: {"type": "object"},
            FORMATS["json-patch"]: OperationSchema(many=True),
            FORMATS["manifest"]: {"type": "object"},
        },
        links={
            "next": ApiLink(
                "patchMigrationController",
                "Further settings of the same object, as this patch leaves it. A dry run stores "
                "nothing: its passwords are masked.",
                body={"controller": "$response.body#/manifest"},
            ),
            "undo": ApiLink(
                "patchMigrationController",
                "The rollback as a separate patch, checked like any other.",
                body={
                    "controller": "$response.body#/manifest",
                    "settings": "$response.body#/undo/spec",
                },
            ),
            "evaluate": ApiLink(
                "evaluate",
                "The evidence, evaluated with this patch in effect.",
                body={"controller": "$response.body#/manifest"},
            ),
        },
    ),
    query=PatchQuery(),
    problems=(*OF_A_BODY, "patch-refused", "storage-unavailable"),
    tag="patches",
    scope="patch",
    description="Send one document with `settings`, and better also with `controller` (the "
    "current manifest) and `evaluation` (the evidence of both clusters); or a form "
    "with the parts settings, controller and those of an evaluation. Nothing is "
    "applied: the answer is a merge patch, a JSON patch with tests, or the manifest "
    "for `oc replace`, by Accept. What MTC would reject, silently ignore or fail on "
    "is rejected here, with every reason at once.",
    body=True,
    document=PatchDocumentSchema,
    form=form(
        "PatchFormSchema",
        "settings",
        settings="wanted settings: a mapping; null removes one",
        controller="the current MigrationController",
    ),
)


@blueprint.post("/v1/migrationcontroller/patches")
@operation(_CONTRACT)
def post_patch(query: Mapping[str, Any]) -> Response:
    """Validate the settings of the body and answer with the patch."""
    now = runtime()
    dry = query.get("dry") == "true"
    shape, media_type = _format(query.get("format"), dry)
    with read_request(now) as body, now.turns:
        wanted, bundle = read_patch_request(body, now)
        rendered = _rendered(_made(wanted, bundle, now), shape, dry)
    response = Response(rendered, mimetype=media_type)
    response.vary.add("Accept")
    return response


def _format(name: str | None, dry: bool) -> tuple[str, str]:
    """The form of the answer and its media type. Raises Refused where something rules it out."""
    if name not in (None, "json") and dry:
        detail, hint = "a dry run is JSON: what it shows cannot be applied", "leave format out"
        fault = RequestFault("invalid-value", detail, hint, parameter="format")
        raise Refused("invalid-parameter", "Invalid in the query: format.", errors=[fault])
    if name is not None:
        return name, FORMATS[name]
    offers = {media_type: form for form, media_type in FORMATS.items()}
    offers |= dict.fromkeys(YAML_TYPES, "manifest")
    chosen = choose([FORMATS["json"]] if dry else offers)
    return offers[chosen], chosen


def _made(wanted: Mapping[str, Any], bundle: Intake | None, now: Runtime) -> patch.PatchResult:
    migration = bundle.migration if bundle else None
    request = patch.PatchRequest(wanted["settings"], wanted.get("controller"), migration)
    try:
        result = patch.make_patch(request, now.policies)
    except patch.PatchRefused as refused:
        raise _refused(refused.reasons) from None
    unread = migration.problems if migration else ()
    told = (
        patch.PatchReason("", problem.code, Severity.WARNING, problem.message, "/evaluation")
        for problem in paced(unread)
    )
    return replace(result, warnings=(*result.warnings, *told))


def _refused(reasons: tuple[patch.PatchReason, ...]) -> Refused:
    faults = [
        RequestFault(
            reason.code,
            reason.message,
            pointer=reason.pointer,
            policy=reason.policy,
            severity=reason.severity.value,
            found=reason.found,
            wanted=reason.wanted,
        )
        for reason in reasons
    ]
    count = plural(len(faults), "reason")
    return Refused("patch-refused", f"{count} to refuse it; see errors[].", errors=faults)


def _rendered(result: patch.PatchResult, form: str, dry: bool) -> bytes:
    if form == "merge-patch":
        return encode(result.merge_patch)
    if form == "json-patch":
        return encode(list(result.json_patch))
    if form == "manifest":
        if result.manifest is None:
            told = "the manifest cannot be completed without the current one: send controller"
            raise _refused(
                (patch.PatchReason("", "no-manifest", Severity.BLOCKER, told, "/controller"),)
            )
        text = yaml.safe_dump(dict(result.manifest), sort_keys=False, allow_unicode=True)
        return text.encode("utf-8", "replace")
    return encode(PatchSchema().dump(_as_dict(patch.redacted(result) if dry else result)))


def _as_dict(result: patch.PatchResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "changed": result.changed,
        "secrets_shown": result.secrets_shown,
        "merge_patch": result.merge_patch,
        "json_patch": result.json_patch,
        "manifest": result.manifest,
        "undo": result.undo,
        "changes": [asdict(change) for change in result.changes],
        "commands": result.commands,
        "warnings": [asdict(reason) for reason in paced(result.warnings)],
        "findings": [_finding(finding) for finding in result.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "policy": finding.policy,
        "title": finding.title,
        "verdict": finding.verdict.value,
        "severity": finding.severity.value,
        "subject": str(finding.subject),
        "message": finding.message,
        "found": finding.found,
        "wanted": finding.wanted,
        "missing": [item.command for item in finding.missing],
    }
