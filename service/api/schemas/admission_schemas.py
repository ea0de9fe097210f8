"""AdmissionReview of admission.k8s.io/v1, as far as it is read and written here.

The API server sends more than this, and more with every release; what is not named is ignored.
"""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields, validate

from service.api.requests.parameters import Query
from service.api.schemas.schema_base import camel_case

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"
OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")


class AdmissionQuery(Query):
    """Query of POST /v1/admission/validate."""

    timeout = fields.String(
        validate=validate.Regexp(r"^[0-9a-z.µ]{1,30}$", error="expected a duration such as 10s"),
        metadata={"description": "how long the API server waits; it always says so"},
    )


class _Lenient(Schema):
    """A schema whose keys are camelCase outside, and that ignores others."""

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field) -> None:  # type: ignore[type-arg]
        if field_obj.data_key is None:
            field_obj.data_key = camel_case(field_name)


class GroupVersionKindSchema(_Lenient):
    """A group, version and kind."""

    group = fields.String(load_default="")
    version = fields.String(load_default="")
    kind = fields.String(required=True, validate=validate.Length(1, 253))


class UserInfoSchema(_Lenient):
    """Who writes."""

    username = fields.String(load_default="")


class AdmissionRequestSchema(_Lenient):
    """What is to be written."""

    uid = fields.String(required=True, validate=validate.Length(1, 253))
    kind = fields.Nested(GroupVersionKindSchema, required=True)
    operation = fields.String(
        required=True,
        validate=validate.OneOf(OPERATIONS, error="expected one of: {choices}"),
    )
    name = fields.String(load_default="")
    namespace = fields.String(load_default="")
    sub_resource = fields.String(load_default="")
    user_info = fields.Nested(UserInfoSchema, load_default=lambda: UserInfoSchema().load({}))
    object = fields.Dict(load_default=None, allow_none=True)
    old_object = fields.Dict(load_default=None, allow_none=True)


class AdmissionReviewSchema(_Lenient):
    """What the API server sends."""

    api_version = fields.String(
        required=True,
        validate=validate.Equal(API_VERSION, error="wanted {other}"),
        metadata={"enum": [API_VERSION]},
    )
    kind = fields.String(
        required=True,
        validate=validate.Equal(KIND, error="wanted {other}"),
        metadata={"enum": [KIND]},
    )
    request = fields.Nested(AdmissionRequestSchema, required=True)


class CauseSchema(Schema):
    """One reason of a denial."""

    reason = fields.String(required=True)
    message = fields.String(required=True)
    field = fields.String(required=True, metadata={"description": "JSON pointer in the object"})


class DetailsSchema(Schema):
    """The reasons of a denial, one by one."""

    name = fields.String()
    group = fields.String()
    kind = fields.String()
    causes = fields.List(fields.Nested(CauseSchema), required=True)


class StatusSchema(Schema):
    """The denial as the API server passes it on."""

    code = fields.Integer(required=True)
    reason = fields.String(required=True)
    message = fields.String(required=True)
    details = fields.Nested(DetailsSchema, required=True)


class AdmissionResponseSchema(Schema):
    """Whether the object may be written."""

    uid = fields.String(required=True)
    allowed = fields.Boolean(required=True)
    status = fields.Nested(StatusSchema)
    warnings = fields.List(fields.String())


class AdmissionAnswerSchema(Schema):
    """What the API server gets."""

    apiVersion = fields.String(required=True, metadata={"enum": [API_VERSION]})
    kind = fields.String(required=True, metadata={"enum": [KIND]})
    response = fields.Nested(AdmissionResponseSchema, required=True)
