"""What happens around every request: its id, its log line, its metrics, its headers."""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from flask import Flask, Response, g, request

from service.metrics import Metrics
from service.observability import request_id

HEADER = "X-Request-Id"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
# W3C Trace Context, version 00: the router's or the mesh's id, under which traces are found.
_TRACE = re.compile(r"00-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_FACTS = ("trace_id", "caller", "verdict", "counts", "bytes_in", "error", "at")

log = logging.getLogger("service.request")


def install(app: Flask, metrics: Metrics) -> None:
    """Put the hooks into the app."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        given = request.headers.get(HEADER, "")
        # An id that could break a log or a header is replaced, not repaired.
        request_id.set(given if _ID.fullmatch(given) else uuid4().hex)
        if trace := _TRACE.fullmatch(request.headers.get("traceparent", "")):
            g.trace_id = trace[1]

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        request_id.set("")  # the thread goes on to other requests

    @app.after_request
    def finish(response: Response) -> Response:
        headers = response.headers
        headers[HEADER] = request_id.get()
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "no-store")
        seconds = time.perf_counter() - g.started
        method = request.method if request.method in _METHODS else "OTHER"
        rule = request.url_rule
        route = rule.rule if rule is not None else "unmatched"
        metrics.request(route, method, response.status_code, seconds)
        _record(response, method, route, seconds)
        return response


def _record(response: Response, method: str, route: str, seconds: float) -> None:
    facts = {key: g.get(key) for key in _FACTS if key in g}
    size = None if response.is_streamed else response.content_length
    level = logging.ERROR if response.status_code >= 500 else logging.INFO
    log.log(
        level,
        "request",
        extra={
            "method": method,
            "route": route,
            "status": response.status_code,
            "duration_ms": round(seconds * 1000, 2),
            "bytes_out": size,
            **facts,
        },
    )
