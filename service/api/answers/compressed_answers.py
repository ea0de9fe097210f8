"""Answers in gzip for clients that take it: a report of 131 kB becomes 11 kB."""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

LEAST = 1024
"""Bytes below which packing gains nothing."""
MOST = 32 * 1024 * 1024
"""Bytes above which it is left out: packing has no deadline, and takes a second for 80 MiB."""
_LEVEL = 4


def install(app: Flask) -> None:
    """Pack every answer but streams and those with an ETag, which is of their bytes."""

    @app.after_request
    def pack(response: Response) -> Response:
        if response.is_streamed or response.status_code in (204, 304) or "ETag" in response.headers:
            return response
        response.vary.add("Accept-Encoding")
        data = response.get_data()
        if LEAST <= len(data) <= MOST and request.accept_encodings.quality("gzip") > 0:
            response.set_data(gzip.compress(data, _LEVEL, mtime=0))
            response.content_encoding = "gzip"
        return response
