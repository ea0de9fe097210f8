"""What POST /v1/migrationcontroller/patches takes and gives."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from service.api.requests.parameters import Query
from service.api.schemas.envelope_schemas import EnvelopeSchema
from service.api.schemas.schema_base import (
    CamelSchema,
    flag,
    many,
    one_of,
    one_type_of,
    text,
    texts,
)
from service.core.outcome import Severity, Verdict
from service.core.settings.setting_model import Setting, SettingKind
from service.core.settings.table import SETTINGS

FORMATS = {
    "json": "application/json",
    "merge-patch": "application/merge-patch+json",
    "json-patch": "application/json-patch+json",
    "manifest": "application/yaml",
}
"""The forms of the answer and their media types; the first is the default."""

_TRUTH = {"true": True, "false": False}
_INTEGER = {SettingKind.LIMIT, SettingKind.BANDWIDTH}
_TYPES: dict[SettingKind, Any] = {
    SettingKind.SWITCH: "boolean",
    SettingKind.BOOL: ["boolean", "string"],
    SettingKind.GO_BOOL: ["boolean", "string"],
    SettingKind.LIMIT: ["integer", "string"],
    SettingKind.BANDWIDTH: ["integer", "string"],
    SettingKind.GROUPS: ["string", "integer"],
    SettingKind.GROUP_LIST: "array",
    SettingKind.QUANTITY: ["string", "number"],
    SettingKind.NAMES: "array",
    SettingKind.MAP: "object",
    SettingKind.TEXT: ["string", "number"],
}

_ITEMS: dict[SettingKind, Any] = {
    SettingKind.GROUP_LIST: ["integer", "string"],
}
"""What the lists hold."""


class PatchQuery(Query):
    """Query of POST /v1/migrationcontroller/patches. Settings and secrets are never part of it."""

    format = fields.String(
        validate=validate.OneOf(list(FORMATS), error="expected one of: {choices}"),
        metadata={
            "description": "form of the answer; wins over the Accept header. manifest needs the "
            "current controller",
            "choices": tuple(FORMATS),
        },
    )
    dry = fields.String(
        validate=validate.OneOf(list(_TRUTH), error="expected one of: {choices}"),
        metadata={
            "description": "show the change with every secret masked; only as JSON",
            "choices": tuple(_TRUTH),
        },
    )


_PROXY_PARTS = {
    "type": "object",
    "description": "in parts; user name and password as they are, the service encodes them",
    "properties": {
        "host": {"type": "string", "description": "DNS name or IPv4 address"},
        "port": {"type": ["integer", "string"], "examples": [3128]},
        "username": {"type": ["string", "null"]},
        "password": {"type": ["string", "null"], "format": "password"},
    },
    "required": ["host", "port"],
    "additionalProperties": False,
}


def _setting(setting: Setting) -> fields.Field[Any]:
    kind = _TYPES.get(setting.kind, "string")
    types = [kind] if isinstance(kind, str) else list(kind)
    described = f"{setting.meaning} {setting.wanted.capitalize()}."
    if setting.kind is SettingKind.ANY:
        return fields.Raw(metadata={"description": described})
    return fields.Raw(
        metadata={
            "description": described,
            **one_type_of([*types, "null"], _ITEMS.get(setting.kind, "string")),
        }
    )


def _settings() -> dict[str, fields.Field[Any]]:
    found = {name: _setting(setting) for name, setting in SETTINGS.items()}
    proxy = SETTINGS["stunnel_tcp_proxy"]
    found["stunnel_tcp_proxy"] = fields.Raw(
        metadata={
            "description": f"{proxy.meaning} As a URL or in parts; null removes it.",
            "anyOf": [
                {"type": ["string", "null"]},
                _PROXY_PARTS,
            ],
        }
    )
    return found


SettingsSchema = Schema.from_dict(_settings(), name="ControllerSettingsSchema")


class PatchRequestSchema(CamelSchema):
    """What is wanted, of which object, and the evidence to hold it against."""

    controller = fields.Raw(
        allow_none=True,
        metadata={
            "description": "the current MigrationController as `oc get -o json` prints it",
        },
    )
    settings = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "settings of the spec, in snake_case or camelCase; null removes"},
        error_messages={"required": "the settings are missing", "invalid": "expected a mapping"},
    )
    evaluation = fields.Dict(
        allow_none=True,
        metadata={"description": "the evidence of both clusters, as for an evaluation"},
        error_messages={"invalid": "expected a mapping, as for an evaluation"},
    )


class PatchDocumentSchema(CamelSchema):
    """The request as the API document shows it, with the settings by name."""

    controller = PatchRequestSchema._declared_fields["controller"]
    settings = fields.Nested(
        SettingsSchema, required=True, metadata={"description": "null removes a setting"}
    )
    evaluation = fields.Nested(EnvelopeSchema, allow_none=True)


class PatchReasonSchema(CamelSchema):
    """Something that is to be known of the patch."""

    policy = text("id of the policy that holds the rule, or empty")
    code = text("stable, kebab-case")
    severity = one_of(Severity)
    message = text()
    pointer = text("JSON pointer into the request")
    found = text()
    wanted = text()


class ChangeSchema(CamelSchema):
    """What happens to one key of the spec."""

    key = text("as it is spelt in the spec")
    setting = text("its name in the table of settings")
    action = text("what happens to it", enum=["add", "replace", "remove"])
    before = text("the old value, secrets masked")
    after = text("the new value, secrets masked")
    why = text("what the setting does then")
    undo = fields.Dict(required=True, metadata={"description": "merge patch for this key alone"})


class PatchFindingSchema(CamelSchema):
    """What a policy says of the migration as it would be with the patch."""

    policy = text()
    title = text()
    verdict = one_of(Verdict)
    severity = one_of(Severity)
    subject = text()
    message = text()
    found = text()
    wanted = text()
    missing = texts("commands that fetch what is not known")


class OperationSchema(Schema):
    """One operation of a JSON patch (RFC 6902)."""

    op = text("", enum=["test", "add", "replace", "remove"])
    path = text("JSON pointer")
    value = fields.Raw()


class PatchSchema(CamelSchema):
    """The patch in all its forms, and all that belongs to it."""

    name = text("of the MigrationController")
    changed = flag("whether there is anything to change")
    secrets_shown = flag("false in a dry run: the forms are then not to be applied")
    merge_patch = fields.Dict(required=True, metadata={"description": "RFC 7396"})
    json_patch = many(OperationSchema, "RFC 6902, with tests of the old values")
    manifest = fields.Raw(
        required=True,
        metadata={"description": "for oc replace; null where the current one is not known"},
    )
    undo = fields.Dict(required=True, metadata={"description": "merge patch that takes it back"})
    changes = many(ChangeSchema)
    commands = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "oc commands by purpose; they name files and hold no secret"},
    )
    warnings = many(PatchReasonSchema)
    findings = many(PatchFindingSchema)
