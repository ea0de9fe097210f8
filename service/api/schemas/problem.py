"""Problem details (RFC 9457), as ``service.api.answers.problems`` writes them."""

from __future__ import annotations

from marshmallow import Schema, fields

from service.api.schemas.schema_base import text


class FaultSchema(Schema):
    """One single error; only what is known is there."""

    code = text("stable, kebab-case")
    detail = text("what is wrong")
    parameter = fields.String(metadata={"description": "name of the query parameter"})
    part = fields.String(metadata={"description": "part of the form, or the body"})
    member = fields.String(metadata={"description": "path within an archive"})
    document = fields.Integer(metadata={"description": "which document of the file, from 0"})
    line = fields.Integer(metadata={"description": "from 1"})
    column = fields.Integer(metadata={"description": "from 1"})
    pointer = fields.String(metadata={"description": "JSON pointer of the place"})
    policy = fields.String(metadata={"description": "id of the policy that holds the rule"})
    severity = fields.String(metadata={"description": "of that finding"})
    found = fields.String(metadata={"description": "what is there, secrets masked"})
    wanted = fields.String(metadata={"description": "what would be right, secrets masked"})
    hint = fields.String(metadata={"description": "what to do"})


class ProblemSchema(Schema):
    """Why a request could not be answered."""

    type = text("where the code is explained", format="uri-reference")
    title = text("the kind of problem")
    status = fields.Integer(required=True)
    detail = text("what was wrong with this request, and what to do")
    instance = text("the path that was asked", format="uri-reference")
    code = text("stable, kebab-case")
    request_id = text("the same as in X-Request-Id and in the log")
    errors = fields.List(fields.Nested(FaultSchema), required=True)
