"""What all schemas share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import RAISE, Schema, fields, pre_dump, pre_load

from service.core.allowance import OBJECT, spend
from service.core.deadline import check

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
"""Bytes, in the API document: a file, whatever it holds."""


def one_type_of(types: Sequence[str], items: Any = "string") -> dict[str, Any]:
    """JSON schema of a value that has one of a few types; ``items`` are the types in a list.

    Generators of clients make code that does not compile of a choice with lists or objects in it,
    so such a value is left without a type; its description has to say what it is.
    """
    if len(types) > 1 and ("object" in types or {"array"} < set(types) - {"null"}):
        return {}
    inside: dict[str, Any] = {}
    if "array" in types:
        inside = {"items": {"type": items}}
    elif "object" in types:
        inside = {"additionalProperties": True}
    return {"type": types[0] if len(types) == 1 else list(types), **inside}


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
        spend(OBJECT)
        return data

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """A value to dump. A list is looked at whole before any of it is: so also here."""
        check()
        return super().get_attribute(obj, attr, default)


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
