"""Problem details (RFC 9457): every error answer of the service is made here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
from flask import Response, request

from service.core.evidence import Problem
from service.formats import FORMATS, Format
from service.formats.words import line
from service.kinds.redact import redact
from service.observability import request_id

MEDIA_TYPE = "application/problem+json"
TEXT = "text/plain"
_JSON = (MEDIA_TYPE, "application/json")
_PLACES = ("policy", "parameter", "part", "member", "document", "line", "column", "pointer")
DOCUMENTATION = "/docs/problems"
MOST_ERRORS = 100
"""More single errors than this are counted, not listed."""


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem: its HTTP status, its title and what a caller should know of it."""

    status: int
    title: str
    meaning: str


KINDS: Mapping[str, ProblemKind] = {
    "bad-request": ProblemKind(
        400, "The request is wrong", "It has parts or options that do not exist; see errors[]."
    ),
    "empty-body": ProblemKind(
        400, "The request has no body", "Send evidence in the body, as a document or a form."
    ),
    "body-truncated": ProblemKind(
        400,
        "The body ended early",
        "The body is incomplete, or its chunks are malformed; send it again.",
    ),
    "body-timeout": ProblemKind(
        408,
        "The body did not arrive in time",
        "No data arrived for MTC_PREFLIGHT_IDLE_TIMEOUT seconds.",
    ),
    "body-damaged": ProblemKind(
        400, "The body cannot be decoded", "It does not match its Content-Encoding."
    ),
    "multipart-malformed": ProblemKind(
        400, "The form cannot be read", "The multipart/form-data body breaks RFC 7578."
    ),
    "invalid-parameter": ProblemKind(
        400, "A query parameter is wrong", "A name or a value is not known; errors[] has each."
    ),
    "unauthenticated": ProblemKind(
        401, "Authentication is required", "Send a bearer token that the service knows."
    ),
    "forbidden": ProblemKind(
        403, "Not allowed", "The token is valid, but lacks the required scope."
    ),
    "not-found": ProblemKind(404, "There is no such page", "The service has no such path."),
    "policy-not-found": ProblemKind(404, "There is no such policy", "GET /v1/policies lists them."),
    "method-not-allowed": ProblemKind(
        405, "The method is not allowed here", "The Allow header lists the methods."
    ),
    "not-acceptable": ProblemKind(
        406, "No acceptable format", "The Accept header rules out every format of the answer."
    ),
    "body-too-large": ProblemKind(
        413, "The input is too large", "A limit on sizes or numbers is exceeded; errors[] names it."
    ),
    "unsupported-media-type": ProblemKind(
        415, "The media type is not supported", "The detail lists the Content-Types that are."
    ),
    "unsupported-content-encoding": ProblemKind(
        415, "The content encoding is not supported", "Send the body plain or with gzip."
    ),
    "invalid-input": ProblemKind(
        422,
        "The input does not have the right form",
        "It can be read, but its content is not valid.",
    ),
    "patch-refused": ProblemKind(
        422, "The patch is refused", "MTC could not use these settings; errors[] has every reason."
    ),
    "limit-exceeded": ProblemKind(
        422, "The input is too complex", "A limit on structure is exceeded; errors[] names it."
    ),
    "busy": ProblemKind(
        429, "Too much at a time", "The service is busy; try again after Retry-After seconds."
    ),
    "deadline-exceeded": ProblemKind(
        503, "It took too long", "The work was stopped after MTC_PREFLIGHT_DEADLINE seconds."
    ),
    "internal-error": ProblemKind(
        500,
        "The service made an error",
        "This is a defect of the service. Report it with the request_id.",
    ),
    "authentication-unavailable": ProblemKind(
        503, "Tokens cannot be checked", "The cluster's API server does not answer; try again."
    ),
    "cluster-unavailable": ProblemKind(
        503, "The cluster does not answer", "The service cannot reach the cluster it runs on."
    ),
    "storage-unavailable": ProblemKind(
        503,
        "The service cannot store the upload",
        "Its temporary folder is missing, read-only or full; in a container mount an emptyDir "
        "at /tmp.",
    ),
}
"""Every problem code that the service itself gives. Other HTTP errors are ``http-<status>``."""

_BY_STATUS = {400: "bad-request", 404: "not-found", 405: "method-not-allowed"} | {
    413: "body-too-large",
    415: "unsupported-media-type",
    406: "not-acceptable",
    500: "internal-error",
}


@dataclass(frozen=True, slots=True)
class RequestFault:
    """One single error of a request: what is wrong, where, and what to do.

    ``parameter`` names a query parameter; the other places are as in ``Problem``. ``policy``,
    ``severity``, ``found`` and ``wanted`` are those of a finding, where the error is one.
    """

    code: str
    detail: str
    hint: str = ""
    parameter: str = ""
    part: str = ""
    member: str = ""
    document: int | None = None
    line: int | None = None
    column: int | None = None
    pointer: str = ""
    policy: str = ""
    severity: str = ""
    found: str = ""
    wanted: str = ""

    @classmethod
    def of(cls, problem: Problem) -> RequestFault:
        """The fault that a problem of the input is."""
        return cls(
            problem.code,
            problem.message,
            problem.hint,
            part=problem.part,
            member=problem.member,
            document=problem.document,
            line=problem.line,
            column=problem.column,
            pointer=problem.pointer,
        )

    def as_dict(self) -> dict[str, Any]:
        """The fields that are set; every text is redacted."""
        texts = {
            "code": self.code,
            "detail": self.detail,
            "parameter": self.parameter,
            "part": self.part,
            "member": self.member,
            "document": self.document,
            "line": self.line,
            "column": self.column,
            "pointer": self.pointer,
            "policy": self.policy,
            "severity": self.severity,
            "found": self.found,
            "wanted": self.wanted,
            "hint": self.hint,
        }
        return {
            key: redact(value) if isinstance(value, str) else value
            for key, value in texts.items()
            if value not in ("", None)
        }


class Refused(Exception):
    """The request cannot be answered; becomes a problem answer.

    ``code`` is a key of ``KINDS``; ``detail`` says what was wrong with this request and must
    not quote it, beyond names that are harmless.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Iterable[RequestFault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def answer(refused: Refused) -> Response:
    """The answer for a refused request."""
    return _build(problem_of(refused), refused)


def problem_of(refused: Refused) -> dict[str, Any]:
    """The problem document for a refused request."""
    kind = KINDS[refused.code]
    return _document(kind.status, kind.title, refused)


def answer_status(status: int, title: str, detail: str, headers: Mapping[str, str]) -> Response:
    """The answer for an HTTP error that some other layer found."""
    code = _BY_STATUS.get(status, f"http-{status}")
    known = KINDS.get(code)
    refused = Refused(code, detail, headers=headers)
    return _build(_document(status, known.title if known else title, refused), refused)


def _document(status: int, title: str, refused: Refused) -> dict[str, Any]:
    code, detail = refused.code, refused.detail
    errors = [fault.as_dict() for fault in refused.errors[:MOST_ERRORS]]
    more = len(refused.errors) - len(errors)
    if more:
        detail = f"{detail} ({more} further errors are not listed)"
    return {
        "type": f"{DOCUMENTATION}#{code}" if code in KINDS else "about:blank",
        "title": title,
        "status": status,
        "detail": redact(detail),
        "instance": quote(redact(request.path)[:200], safe="/"),
        "code": code,
        "request_id": request_id.get(),
        "errors": errors,
    }


def _build(document: Mapping[str, Any], refused: Refused) -> Response:
    """A problem document as a response."""
    written, media_type = encode(document), MEDIA_TYPE
    if _wants_text():
        text = "\n".join(map(line, _lines(document))) + "\n"
        written, media_type = text.encode("utf-8", "replace"), TEXT
    response = Response(written, document["status"], mimetype=media_type)
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(refused.headers)
    return response


def _wants_text() -> bool:
    """Whether the caller reads text and no JSON, by the formats of the query or by Accept.

    An Accept header that names JSON gets it, whatever the format of the report.
    """
    accepted = request.accept_mimetypes
    asked = [FORMATS[name] for name in request.args.getlist("format") if name in FORMATS]
    if asked and not any(kind in _JSON for kind, _ in accepted):
        return all(_is_text(item) for item in asked)
    texts = [item.media_type for item in FORMATS.values() if _is_text(item)]
    best = accepted.best_match((*_JSON, TEXT, *texts))
    return best is not None and best not in _JSON


def _is_text(item: Format) -> bool:
    return not item.media_type.endswith("json")


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    """A problem document as lines of text."""
    yield f"{document['status']} {document['title']} ({document['code']})"
    yield document["detail"]
    for error in document["errors"]:
        place = ", ".join(f"{key} {error[key]}" for key in _PLACES if key in error)
        yield f"- {place}: {error['detail']}" if place else f"- {error['detail']}"
        if "found" in error or "wanted" in error:
            yield f"  found {error.get('found', '')}; wanted {error.get('wanted', '')}"
        if "hint" in error:
            yield f"  {error['hint']}"
    if document["request_id"]:
        yield f"request {document['request_id']}"


def encode(document: Any) -> bytes:
    """JSON as UTF-8; a lone surrogate, which JSON can spell and UTF-8 cannot, is replaced."""
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(document))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
