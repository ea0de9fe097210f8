"""Answers with an ETag, and 304 where the client has them."""

from __future__ import annotations

from flask import Response, request


def cached(body: bytes, media_type: str) -> Response:
    """The answer with a digest of its bytes as its ETag, 304 where that is what was asked for."""
    response = Response(body, mimetype=media_type)
    response.add_etag()
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept")
    response.make_conditional(request.environ)
    return response
