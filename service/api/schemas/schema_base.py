"""What all schemas share."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, pre_dump, pre_load

from service.core.deadline import check


def camel_case(name: str) -> str:
    """``api_version`` as ``apiVersion``."""
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


class CamelSchema(Schema):
    """A schema whose keys are camelCase outside; a key that is none of its own is refused."""

    class Meta:
        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        if field_obj.data_key is None:
            field_obj.data_key = camel_case(field_name)

    @pre_load
    @pre_dump
    def _look_at_the_clock(self, data: Any, **_: Any) -> Any:
        check()
        return data


def text(description: str = "", **more: Any) -> fields.String:
    """A string that is always there, "" where there is nothing to say."""
    return fields.String(required=True, metadata={"description": description, **more})


def number(description: str = "", *, nullable: bool = False) -> fields.Integer:
    """A whole number that is always there."""
    return fields.Integer(required=True, allow_none=nullable, metadata={"description": description})


def flag(description: str) -> fields.Boolean:
    """A boolean that is always there."""
    return fields.Boolean(required=True, metadata={"description": description})


def one_of(choices: Any, description: str = "") -> fields.String:
    """A string out of a few, always there."""
    return text(description, enum=[str(item.value) for item in choices])


def many(schema: type[Schema], description: str = "") -> fields.List[Any]:
    """A list that is always there."""
    return fields.List(fields.Nested(schema), required=True, metadata={"description": description})


def texts(description: str = "") -> fields.List[Any]:
    """A list of strings that is always there."""
    return fields.List(fields.String(), required=True, metadata={"description": description})
