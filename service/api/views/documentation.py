"""The API document and the pages that show it; nothing is fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from flask import Blueprint, Flask, Response, current_app

from service.api.answers.caching import cached
from service.api.answers.problems import DOCUMENTATION, KINDS, Refused, encode
from service.api.contract import Contract, Success, operation
from service.api.openapi import document, text

blueprint = Blueprint("documentation", __name__)

# Swagger UI's files come with the flask-swagger-ui wheel; its pages are not used, since they
# hold scripts within the page, which the security policy below forbids.
_WHEEL = "flask_swagger_ui"
_ASSETS: Mapping[str, str] = {
    "swagger-ui.css": "text/css",
    "index.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_START = """\
window.onload = function () {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    requestInterceptor: function (request) {
      // The page sends an empty text for every part without a file; an empty part is an error.
      if (request.body instanceof FormData)
        for (const [name, value] of [...request.body]) if (value === "") request.body.delete(name);
      return request;
    }
  });
};
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><title>mtc-preflight API</title>
<link rel="stylesheet" href="/docs/index.css">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"><noscript>The same as text: <a href="/openapi.yaml">openapi.yaml</a></noscript>
</div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
# Swagger UI sets style attributes and uses data: images; nothing else is let in.
_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_LASTING = "public, max-age=86400"


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


@blueprint.get("/openapi.yaml")
@operation(
    Contract(
        "openapiYaml",
        "This document as YAML",
        Success("OpenAPI 3.1.", {"application/yaml": {"type": "object"}}, cached=True),
    )
)
def openapi_yaml(query: Mapping[str, Any]) -> Response:
    body = _openapi(_app())[0]
    return cached(body, "application/yaml")


@blueprint.get("/openapi.json")
@operation(
    Contract(
        "openapiJson",
        "This document as JSON",
        Success("OpenAPI 3.1.", {"application/json": {"type": "object"}}, cached=True),
    )
)
def openapi_json(query: Mapping[str, Any]) -> Response:
    body = _openapi(_app())[1]
    return cached(body, "application/json")


@cache
def _openapi(app: Flask) -> tuple[bytes, bytes]:
    return text(app).encode(), encode(document(app))


@blueprint.get("/docs")
@operation(Contract("docs", "The API document as a page", Success("A page.", {"text/html": None})))
def docs(query: Mapping[str, Any]) -> Response:
    return _page(_PAGE)


@blueprint.get(DOCUMENTATION)
@operation(
    Contract("problemTypes", "What the problem codes mean", Success("A page.", {"text/html": None}))
)
def problem_types(query: Mapping[str, Any]) -> Response:
    return _page(_problem_page())


@blueprint.get("/docs/<asset>")
def docs_asset(asset: str) -> Response:
    """A file of Swagger UI, or the script that starts it."""
    if asset == "start.js":
        return _asset(_START.encode(), "text/javascript")
    if asset not in _ASSETS:
        raise Refused("not-found", "GET /docs shows the documentation of the API.")
    return _asset(_file(asset), _ASSETS[asset])


@cache
def _file(name: str) -> bytes:
    return (files(_WHEEL) / "dist" / name).read_bytes()


def _asset(body: bytes, media_type: str) -> Response:
    response = Response(body, mimetype=media_type)
    response.headers["Cache-Control"] = _LASTING
    return response


def _page(html: str) -> Response:
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _SECURITY
    response.headers["Referrer-Policy"] = "same-origin"  # without, Origin is null
    return response


@cache
def _problem_page() -> str:
    rows = "".join(
        f'<tr id="{code}"><td><code>{code}</code></td><td>{kind.status}</td>'
        f"<td>{escape(kind.title)}</td><td>{escape(kind.meaning)}</td></tr>\n"
        for code, kind in KINDS.items()
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<title>mtc-preflight problems</title></head>\n<body><h1>Problem codes</h1>\n"
        "<p>Every error answer is <code>application/problem+json</code> (RFC 9457).</p>\n"
        "<table><tr><th>code</th><th>status</th><th>title</th><th>meaning</th></tr>\n"
        f"{rows}</table></body></html>\n"
    )
