"""Answers that change only with the policies: an ETag, and 304 where the client has them."""

from __future__ import annotations

from flask import Response, request


def cached(body: bytes, media_type: str, digest: str) -> Response:
    """The answer with the policy-set digest as its ETag, 304 where that is what was asked for.

    An ETag is per representation (RFC 9110 section 8.8.3): those beside JSON have a suffix.
    """
    response = Response(body, mimetype=media_type)
    form = media_type.rpartition("/")[2]
    response.set_etag(digest if form == "json" else f"{digest}-{form}")
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept")
    response.make_conditional(request.environ)
    return response
