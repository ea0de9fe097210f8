"""Every way in which a request can end badly, as a problem answer."""

from __future__ import annotations

import logging

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.routing import MapAdapter

from service.api.answers.problems import KINDS, Refused, RequestFault, answer, answer_status
from service.api.requests.body import too_large
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.pieces import BadInput
from service.metrics import Metrics
from service.observability import place_of
from service.settings import Settings

log = logging.getLogger("service.error")

# Limits on the amount of input; the others are limits on its structure.
_AMOUNTS = frozenset(
    {
        "body_bytes",
        "decompressed_bytes",
        "compression_ratio",
        "members",
        "member_bytes",
        "kept_bytes",
    }
)
_BAD_INPUT = {"bad-request": "bad-request", "unprocessable": "invalid-input"}


def install(app: Flask, settings: Settings, metrics: Metrics) -> None:
    """Register the handlers."""

    def refuse(refused: Refused) -> Response:
        metrics.problem(refused.code)
        return answer(refused)

    @app.errorhandler(Refused)
    def _refused(error: Refused) -> Response:
        return refuse(error)

    @app.errorhandler(BadInput)
    def _bad_input(error: BadInput) -> Response:
        return refuse(of_bad_input(error))

    @app.errorhandler(Unreadable)
    def _unreadable(error: Unreadable) -> Response:
        return refuse(of_unreadable(error))

    @app.errorhandler(RequestEntityTooLarge)
    def _too_large(error: RequestEntityTooLarge) -> Response:
        return refuse(too_large(settings))

    @app.errorhandler(ClientDisconnected)
    def _disconnected(error: ClientDisconnected) -> Response:
        detail = "The body has fewer bytes than announced in Content-Length; send it again."
        return refuse(Refused("body-truncated", detail))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        return _of_http(error, metrics)

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        # The text of an exception may quote input: only its type and place are logged.
        g.error, g.at = type(error).__name__, place_of(error)
        log.error("unexpected", extra={"error": g.error, "at": g.at})
        detail = "This is a defect of the service. Please report it with the request_id."
        return refuse(Refused("internal-error", detail))


def of_bad_input(error: BadInput) -> Refused:
    """The refusal for input of which nothing can be evaluated."""
    faults = [RequestFault.of(problem) for problem in error.problems]
    first = error.problems[0].message if error.problems else "no part of it can be used"
    return Refused(_BAD_INPUT.get(error.kind, "invalid-input"), _sentence(first), errors=faults)


def of_unreadable(error: Unreadable) -> Refused:
    """The refusal for input that cannot be read, or that is beyond a limit."""
    fault = RequestFault(
        error.code,
        error.message,
        error.hint,
        line=error.line,
        column=error.column,
        pointer=error.pointer or "",
    )
    code = "invalid-input"
    if isinstance(error, LimitExceeded):
        code = "body-too-large" if error.setting in _AMOUNTS else "limit-exceeded"
    return Refused(code, _sentence(error.message), errors=[fault])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _of_http(error: HTTPException, metrics: Metrics) -> Response:
    status = error.code or 500
    headers = {key: value for key, value in error.get_headers() if key in ("Allow", "Retry-After")}
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
    detail = error.description or ""
    if status == 404:
        detail = _where_instead()
    elif status == 405:
        detail = f"Use {headers.get('Allow', 'another method')}."
    response = answer_status(status, error.name, detail, headers)
    code = (response.get_json(silent=True) or {}).get("code", "")
    if code in KINDS:
        metrics.problem(code)
    return response


def _where_instead() -> str:
    path = request.path
    bare = "/" + "/".join(step for step in path.split("/") if step)
    if bare != path and _leads_somewhere(current_app.url_map.bind(""), bare):
        return f"The path has an extra slash: use {bare}."
    return "GET / lists the paths; /docs describes them."


def _leads_somewhere(adapter: MapAdapter, path: str) -> bool:
    try:
        adapter.match(path, method="GET")
    except HTTPException as error:
        return error.code == 405
    return True
