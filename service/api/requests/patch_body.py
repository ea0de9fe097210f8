"""The body of a patch request: its own parts, and the evidence that comes with them."""

from __future__ import annotations

import io
import json
from typing import Any

from marshmallow import ValidationError

from service.api.answers.problems import Refused, RequestFault
from service.api.requests.body import Body
from service.api.runtime import Runtime
from service.api.schemas.patch_schemas import PatchRequestSchema
from service.intake.archives.compression import codec_of
from service.intake.archives.members import decompress
from service.intake.intake import Intake
from service.intake.intake_errors import LimitExceeded
from service.intake.limits import Limits
from service.intake.parts import read_body, read_pieces
from service.intake.pieces import Piece
from service.intake.streams import gathered, rest
from service.intake.texts.load import load
from service.kinds.ref import pointer_step

OWN_PARTS = ("controller", "settings")
"""Parts of a form that are the patch's own; every other is evidence, as for an evaluation."""

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml")
SNIFFED = 512
"""Bytes that show whether a document is compressed."""


def read_patch_request(body: Body, now: Runtime) -> tuple[dict[str, Any], Intake | None]:
    """The request's own parts, and the evidence if any came."""
    if body.is_form:
        return _read_form(body, now)
    (piece,) = body.pieces
    document = one_document(piece, now)
    if isinstance(document, dict) and "kind" in document and "settings" not in document:
        raise _wrong(
            "the body is only a manifest",
            "send {controller: <manifest>, settings: {…}}; settings are never in the query",
        )
    wanted = _checked(document)
    evaluation = wanted.pop("evaluation", None)
    if evaluation is None:
        return wanted, None
    # With escapes, so that even what no UTF-8 can hold comes through as it was sent.
    piece = Piece("envelope", io.BytesIO(json.dumps(evaluation).encode()))
    return wanted, read_body(piece, {}, now.settings.limits, now.reads)


def _read_form(body: Body, now: Runtime) -> tuple[dict[str, Any], Intake | None]:
    own: dict[str, Any] = {}
    for piece in body.pieces:
        if piece.name not in OWN_PARTS:
            continue
        if piece.name in own:
            raise _wrong(f"the part {piece.name} is given twice", "send it once", piece.name)
        own[piece.name] = one_document(piece, now)
    evidence = [piece for piece in body.pieces if piece.name not in OWN_PARTS]
    wanted = _checked(own)
    if not evidence:
        return wanted, None
    return wanted, read_pieces(evidence, {}, now.settings.limits, now.reads)


def one_document(piece: Piece, now: Runtime) -> Any:
    """The one document of a piece. Raises Refused, Unreadable."""
    limits = now.settings.limits
    data = _bytes(piece, limits)
    documents = list(load(data, limits, yaml_claimed=piece.media_type in YAML_TYPES))
    for document in documents:
        if document.error is not None:
            raise document.error
    if len(documents) != 1:
        found = f"the {piece.name} holds {len(documents)} documents"
        raise _wrong(found, "send one", piece.name)
    return documents[0].value


def _bytes(piece: Piece, limits: Limits) -> bytes:
    """What a piece holds, unpacked where it is compressed. Raises LimitExceeded, Unreadable."""
    head = piece.stream.read(SNIFFED)
    piece.stream.seek(0)
    if codec_of(head) is None:
        data = rest(piece.stream, limits.kept_bytes)
    else:
        data = gathered(decompress(piece.stream, limits), limits.kept_bytes)
    if len(data) > limits.kept_bytes:
        raise LimitExceeded("kept_bytes", f"a document is larger than {limits.kept_bytes} bytes")
    return data


def _checked(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise _wrong("the body is not a mapping", "send {settings: {…}, controller: …}")
    try:
        loaded: dict[str, Any] = PatchRequestSchema().load(document)
    except ValidationError as error:
        faults = [
            RequestFault("unknown-field" if name not in _FIELDS else "wrong-type", _words(texts),
                  f"known keys: {', '.join(_FIELDS)}", pointer=f"/{pointer_step(name)[:60]}")
            for name, texts in sorted(error.messages_dict.items())
        ]  # fmt: skip
        raise Refused("invalid-input", "The request is malformed.", errors=faults) from None
    return loaded


_FIELDS = tuple(PatchRequestSchema().fields)


def _words(texts: Any) -> str:
    """The first words of a validation error; keys of the request may be further in."""
    if isinstance(texts, list):
        return "; ".join(str(text) for text in texts)
    return "; ".join(_words(text) for text in texts.values())


def _wrong(detail: str, hint: str, part: str = "") -> Refused:
    fault = RequestFault("wrong-form", detail, hint, part="" if part == "body" else part)
    return Refused("invalid-input", "The request is malformed.", errors=[fault])
