"""The body of a request for a partition: a table of namespaces, or evidence."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError

from service.api.answers.problems import Refused, RequestFault
from service.api.requests.body import Body
from service.api.requests.patch_body import one_document
from service.api.runtime import Runtime
from service.api.schemas.partition_schemas import PartitionRequestSchema
from service.core.partition import Load, Tie, TieKind
from service.core.partition.gathered import READS
from service.intake.intake import Intake
from service.intake.parts import read_body, read_pieces
from service.intake.pieces import Piece
from service.kinds.ref import pointer_step

OWN_PART = "partition"
"""The part of a form that holds the request's own document; every other is evidence."""


def read_partition_request(body: Body, now: Runtime) -> tuple[dict[str, Any], Intake | None]:
    """The request's own document, checked, and the evidence if any came. Raises Refused."""
    if body.is_form:
        own = [piece for piece in body.pieces if piece.name == OWN_PART]
        evidence = [piece for piece in body.pieces if piece.name != OWN_PART]
        if len(own) > 1:
            raise wrong("the part partition is given twice", "send it once", "/partition")
        wanted = checked(one_document(own[0], now) if own else {})
        bundle = read_pieces(evidence, {}, now.settings.limits, READS) if evidence else None
        return wanted, bundle
    wanted = checked(one_document(body.pieces[0], now))
    envelope = dict(wanted.get("evaluation") or {})
    for name in ("plan", "controller"):
        if name in wanted:
            envelope.setdefault(name, wanted[name])
    if not envelope:
        return wanted, None
    # With escapes, so that even what no UTF-8 can hold comes through as it was sent.
    piece = Piece("envelope", io.BytesIO(json.dumps(envelope).encode()))
    return wanted, read_body(piece, {}, now.settings.limits, READS)


def checked(document: Any) -> dict[str, Any]:
    """The document as the schema reads it. Raises Refused with every fault."""
    if not isinstance(document, dict):
        raise wrong("the body is not a mapping", "send {namespaces: […]} or {evaluation: {…}}", "")
    try:
        loaded: dict[str, Any] = PartitionRequestSchema().load(document)
    except ValidationError as error:
        faults = [
            RequestFault("wrong-value", words, "GET /docs shows the form", pointer=pointer)
            for pointer, words in _faults(error.messages_dict)
        ]
        raise Refused("invalid-input", "The request is malformed.", errors=faults) from None
    return loaded


def table(rows: list[dict[str, Any]]) -> tuple[tuple[Load, ...], tuple[Tie, ...]]:
    """A table of namespaces as what is partitioned. Raises Refused where a name comes twice."""
    loads = [Load(row["name"], row.get("pods", 0), row.get("volumes", 0)) for row in rows]
    places: dict[str, int] = {}
    twice = []
    for place, load in enumerate(loads):
        if places.setdefault(load.name, place) != place:
            twice.append(RequestFault("given-twice", f"namespace {load.name} is given twice",
                               "give it once", pointer=f"/namespaces/{place}/name"))  # fmt: skip
    if twice:
        raise Refused("invalid-input", "A namespace is given twice.", errors=twice)
    return tuple(loads), tuple(dict.fromkeys(_ties(rows, loads)))


def _ties(rows: list[dict[str, Any]], loads: list[Load]) -> Iterator[Tie]:
    first: dict[str, str] = {}
    for row, load in zip(rows, loads, strict=True):
        for group in row.get("groups", ()):
            other = first.setdefault(group, load.name)
            if other != load.name:
                yield Tie(other, load.name, TieKind.GROUP, f"group {group}")
        for name in row.get("needs", ()):
            other = name.partition(":")[0]
            if other != load.name:
                yield Tie(load.name, other, TieKind.REFERENCE, f"{load.name} needs {other}")


def _faults(messages: Mapping[Any, Any], at: str = "") -> Iterator[tuple[str, str]]:
    """Pointer and text of every fault, at any depth."""
    for key, value in messages.items():
        step = "" if key == "_schema" else "/" + pointer_step(str(key))[:60]
        if isinstance(value, Mapping):
            yield from _faults(value, at + step)
        else:
            yield at + step, "; ".join(str(item) for item in value)


def wrong(detail: str, hint: str, pointer: str) -> Refused:
    """The refusal of a request for one reason."""
    fault = RequestFault("wrong-form", detail, hint, pointer=pointer)
    return Refused("invalid-input", "The request is malformed.", errors=[fault])
