"""Query parameters: known names, known values, each given once; everything else is a 400."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from flask import request
from marshmallow import RAISE, Schema, ValidationError

from service.api.answers.problems import Refused, RequestFault


class Query(Schema):
    """Base of all parameter schemas; on its own, of an endpoint that takes none."""

    class Meta:
        unknown = RAISE


def read_query(schema: Query) -> Mapping[str, Any]:
    """The query of the current request as the schema's values. Raises Refused (400)."""
    if not request.query_string:
        return {}
    given = request.args
    faults = [
        RequestFault(
            "repeated-parameter", "given more than once", "give it once", parameter=_shown(name)
        )
        for name, values in given.lists()
        if len(values) > 1
    ]
    known = {field.data_key or name: field for name, field in schema.fields.items()}
    faults += [_unknown(name, known) for name in given if name not in known]
    values: Mapping[str, Any] = {}
    try:
        values = schema.load({name: given[name] for name in given if name in known})
    except ValidationError as error:
        faults += _invalid(error.messages_dict, known, given)
    if faults:
        names = ", ".join(dict.fromkeys(fault.parameter for fault in faults))
        raise Refused("invalid-parameter", f"Wrong in the query: {names}.", errors=faults)
    return values


def _unknown(name: str, known: Mapping[str, Any]) -> RequestFault:
    near = get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else _listed("known are", known)
    return RequestFault(
        "unknown-parameter", "there is no such parameter", hint, parameter=_shown(name)
    )


def _invalid(
    messages: Mapping[str, Any], known: Mapping[str, Any], given: Mapping[str, str]
) -> Iterable[RequestFault]:
    for name, texts in messages.items():
        choices = known[name].metadata.get("choices", ()) if name in known else ()
        near = get_close_matches(given[name], choices, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else _listed("known are", choices)
        detail = "; ".join(texts) if isinstance(texts, list) else str(texts)
        yield RequestFault("invalid-value", detail, hint, parameter=name)


def _listed(head: str, names: Iterable[str]) -> str:
    joined = ", ".join(names)
    return f"{head} {joined}" if joined else ""


def _shown(name: str) -> str:
    """A name from the request, harmless to repeat."""
    short = name if len(name) <= 40 else name[:40] + "…"
    return short if short.isprintable() else ascii(short)[1:-1]
