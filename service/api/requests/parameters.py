"""Query parameters: known names and values, each once unless it is a list; else it is a 400."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar

from flask import request
from marshmallow import RAISE, Schema, ValidationError, fields

from service.api.answers.problems import Refused, RequestFault


class Query(Schema):
    """Base of all parameter schemas; on its own, of an endpoint that takes none."""

    ALIASES: ClassVar[Mapping[str, str]] = {}
    """Older names that are understood too, with the present ones."""

    class Meta:
        unknown = RAISE


def read_query(schema: Query) -> Mapping[str, Any]:
    """The query of the current request as the schema's values. Raises Refused (400)."""
    if not request.query_string:
        return {}
    given: dict[str, list[str]] = {}
    for name, texts in request.args.lists():
        given.setdefault(schema.ALIASES.get(name, name), []).extend(texts)
    known = {field.data_key or name: field for name, field in schema.fields.items()}
    lists = {name for name, field in known.items() if isinstance(field, fields.List)}
    faults = [
        RequestFault(
            "repeated-parameter", "given more than once", "give it once", parameter=_shown(name)
        )
        for name, texts in given.items()
        if len(texts) > 1 and name not in lists
    ]
    faults += [_unknown(name, known) for name in given if name not in known]
    values: Mapping[str, Any] = {}
    try:
        values = schema.load(
            {
                name: texts if name in lists else texts[0]
                for name, texts in given.items()
                if name in known
            }
        )
    except ValidationError as error:
        faults += _invalid(error.messages_dict, known, given)
    if faults:
        names = ", ".join(dict.fromkeys(fault.parameter for fault in faults))
        raise Refused("invalid-parameter", f"Invalid in the query: {names}.", errors=faults)
    return values


def _unknown(name: str, known: Mapping[str, Any]) -> RequestFault:
    near = get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else _listed("known are", known)
    return RequestFault(
        "unknown-parameter", "there is no such parameter", hint, parameter=_shown(name)
    )


def _invalid(
    messages: Mapping[str, Any], known: Mapping[str, Any], given: Mapping[str, list[str]]
) -> Iterable[RequestFault]:
    for name, found in messages.items():
        choices = known[name].metadata.get("choices", ()) if name in known else ()
        # Of a list, the messages are by the place of the value.
        for place, texts in found.items() if isinstance(found, dict) else [(0, found)]:
            near = get_close_matches(given[name][place], choices, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else _listed("known are", choices)
            yield RequestFault("invalid-value", "; ".join(texts), hint, parameter=name)


def _listed(head: str, names: Iterable[str]) -> str:
    joined = ", ".join(names)
    return f"{head} {joined}" if joined else ""


def _shown(name: str) -> str:
    """A name from the request, harmless to repeat."""
    short = name if len(name) <= 40 else name[:40] + "…"
    return short if short.isprintable() else ascii(short)[1:-1]
