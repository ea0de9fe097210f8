"""POST /v1/evaluations/batch: many evaluations in one request, a line each.

The body is put aside first (in memory up to a bound, then in a temporary file) and read line by
line while the answers are sent, so the memory is that of one line and one report, and a client
that sends everything before it reads anything is served too. Lines and time are bounded; what is
beyond them is one last line that says so.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, BinaryIO

import msgspec
from flask import Blueprint, Response, g, stream_with_context
from marshmallow import fields, validate

from service.api.answers.error_handlers import of_bad_input, of_unreadable
from service.api.answers.problems import Refused, RequestFault, problem_of
from service.api.contract import Contract, Success, operation
from service.api.requests.body import read_request
from service.api.requests.judging import (
    context_of,
    gate_of,
    input_options,
    judge,
    reads_of,
    status_of,
)
from service.api.runtime import Runtime, runtime
from service.api.schemas.judging_schemas import GateQuery
from service.core.deadline import DeadlineExceeded, paced, within
from service.core.report import Report
from service.formats.json_report import document, dumps
from service.intake.archives.compression import CODECS, Budget, expand
from service.intake.intake_errors import Unreadable
from service.intake.parts import read_body
from service.intake.pieces import BadInput, Piece
from service.kinds.resource import Read
from service.observability import place_of, request_id
from service.settings import Settings

MEDIA_TYPE = "application/x-ndjson"
_CHUNK = 64 * 1024
_LONGEST_ID = 200
_SHORT = (
    "verdict",
    "asOf",
    "assumed",
    "policySet",
    "scope",
    "plan",
    "counts",
    "failures",
    "clusters",
    "gate",
)

Reads = tuple[Read[Any], ...]
log = logging.getLogger("service.error")
blueprint = Blueprint("batch", __name__)


class BatchQuery(GateQuery):
    """Query of POST /v1/evaluations/batch."""

    class Meta(GateQuery.Meta):
        exclude = ("format",)

    detail = fields.String(
        validate=validate.OneOf(["full", "summary"], error="expected one of: {choices}"),
        metadata={
            "description": "the whole report per line, or only its verdict, counts and gate",
            "choices": ("full", "summary"),
            "default": "full",
        },
    )


_CONTRACT = Contract(
    "evaluateBatch",
    "Evaluate many migrations",
    Success(
        "One line of JSON per line of the body, in its order: `line`, `id`, `status` and "
        "`report` or `problem`.",
        {MEDIA_TYPE: None},
    ),
    query=BatchQuery(),
    problems=(
        "bad-request",
        "empty-body",
        "body-damaged",
        "body-too-large",
        "unsupported-media-type",
        "storage-unavailable",
    ),
    tag="evaluations",
    scope="evaluate",
    description="Send envelopes as NDJSON (`application/x-ndjson`), one per line, each with "
    "your own `id` if needed. A line that cannot be evaluated gets its own problem "
    "document and status. The other lines are still evaluated. Empty lines are "
    "skipped. Where the batch has too many lines or takes too long, the last line "
    "of the answer says from which line on nothing was evaluated.",
    body=True,
    media_types=(MEDIA_TYPE, "application/octet-stream"),
)


@blueprint.post("/v1/evaluations/batch")
@operation(_CONTRACT)
def post_batch(query: Mapping[str, Any]) -> Response:
    """Judge each line of the body."""
    now = runtime()
    reads = reads_of(query, now)
    files = ExitStack()
    try:
        body = files.enter_context(read_request(now))
        if body.is_form:
            raise Refused("unsupported-media-type", f"Send lines of JSON as {MEDIA_TYPE}.")
        lines = _lines(_plain(body.pieces[0].stream, now), now.settings.batch_line_bytes)
    except BaseException:
        files.close()
        raise
    response = Response(
        stream_with_context(_named(request_id.get(), _answers(lines, query, reads, now, files))),
        mimetype=MEDIA_TYPE,
    )
    response.call_on_close(files.close)
    return response


def _plain(stream: BinaryIO, now: Runtime) -> Iterator[bytes]:
    """The body's bytes in pieces, inflated where they are gzip."""
    head = stream.read(3)
    stream.seek(0)
    pieces = iter(lambda: stream.read(_CHUNK), b"")
    codec = CODECS[0]
    if not head.startswith(codec.magic):
        return pieces
    return expand(codec, pieces, Budget(now.settings.limits))


def _lines(pieces: Iterator[bytes], most: int) -> Iterator[bytes | None]:
    """The lines; None means one that is longer than ``most`` bytes, which is skipped."""
    held = bytearray()
    too_long = False
    for piece in pieces:
        *ended, rest = piece.split(b"\n")
        for part in ended:
            held += part
            yield None if too_long or len(held) > most else bytes(held)
            held.clear()
            too_long = False
        held += rest
        if len(held) > most:
            held.clear()
            too_long = True
    if too_long:
        yield None
    elif held:
        yield bytes(held)


def _named(name: str, answers: Iterator[bytes]) -> Iterator[bytes]:
    """The answers under the id of their request, which is over when they are made."""
    request_id.set(name)
    try:
        yield from answers
    finally:
        request_id.set("")


def _answers(
    lines: Iterator[bytes | None],
    query: Mapping[str, Any],
    reads: Reads,
    now: Runtime,
    files: ExitStack,
) -> Iterator[bytes]:
    number = 0
    try:
        with within(now.settings.batch_deadline):
            for line in paced(lines):
                if number == now.settings.batch_lines:
                    yield _last(number + 1, _too_many(now.settings))
                    return
                number += 1
                if line is None or line.strip():
                    yield dumps({"line": number, **_answer(line, query, reads, now)}) + b"\n"
    except DeadlineExceeded:
        yield _last(number + 1, _too_long(now.settings))
    except Unreadable as error:  # the compression broke: no further line is known
        yield _last(number + 1, of_unreadable(error))
    finally:
        g.lines = number
        files.close()


def _last(number: int, refused: Refused) -> bytes:
    """The line behind which nothing was evaluated."""
    return dumps({"line": number, "id": None, **_problem(refused)}) + b"\n"


def _too_many(settings: Settings) -> Refused:
    fault = RequestFault(
        "limit-batch-lines",
        f"a batch may have {settings.batch_lines} lines",
        "send the rest from this line on, or raise MTC_PREFLIGHT_BATCH_LINES",
    )
    return Refused("body-too-large", "The lines from here on were not evaluated.", errors=[fault])


def _too_long(settings: Settings) -> Refused:
    return Refused(
        "deadline-exceeded",
        f"The batch took more than {settings.batch_deadline} seconds, and the lines from here on "
        "were not evaluated: send them again, or raise MTC_PREFLIGHT_BATCH_DEADLINE.",
    )


def _answer(
    line: bytes | None, query: Mapping[str, Any], reads: Reads, now: Runtime
) -> dict[str, Any]:
    if line is None:
        most = now.settings.batch_line_bytes
        refused = Refused(
            "body-too-large",
            f"The line is longer than {most} bytes (MTC_PREFLIGHT_BATCH_LINE_BYTES).",
        )
        return {"id": None, **_problem(refused)}
    name = _id(line)
    try:
        return {"id": name, **_judged(line, query, reads, now)}
    except Refused as error:
        return {"id": name, **_problem(error)}
    except BadInput as error:
        return {"id": name, **_problem(of_bad_input(error))}
    except Unreadable as error:
        return {"id": name, **_problem(of_unreadable(error))}
    except Exception as error:
        return {"id": name, **_problem(_defect(error))}


def _defect(error: Exception) -> Refused:
    # The text of an exception may quote input: only its type and place are logged.
    log.error("unexpected", extra={"error": type(error).__name__, "at": place_of(error)})
    detail = "This is a defect of the service. Please report it with the request_id."
    return Refused("internal-error", detail)


def _judged(line: bytes, query: Mapping[str, Any], reads: Reads, now: Runtime) -> dict[str, Any]:
    with now.turns:
        piece = Piece("envelope", io.BytesIO(line), "", "application/json")
        bundle = read_body(piece, input_options(query), now.settings.limits, reads)
        report = judge(bundle, gate_of(query), now)
        shown = msgspec.Raw(dumps(_shown(report, query, now)))
        return {"status": status_of(report), "report": shown}


class _Named(msgspec.Struct):
    id: str | int | None = None


def _id(line: bytes) -> str | int | None:
    """The caller's own name for the line, if it is short text or a number; nothing else is kept."""
    try:
        name = msgspec.json.decode(line, type=_Named).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return name[:_LONGEST_ID] if isinstance(name, str) else name


def _shown(report: Report, query: Mapping[str, Any], now: Runtime) -> dict[str, Any]:
    whole = document(report, context_of(query, now))
    if query.get("detail") == "summary":
        return {key: whole[key] for key in _SHORT}
    return whole


def _problem(refused: Refused) -> dict[str, Any]:
    problem = problem_of(refused)
    return {"status": problem["status"], "problem": problem}
