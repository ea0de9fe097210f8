"""Health, metrics, and the page or pointer at the root."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema, fields
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.answers.negotiation import choose
from service.api.answers.problems import Refused, encode
from service.api.contract import Contract, Success, operation
from service.api.page import security, start_page
from service.api.runtime import runtime
from service.api.schemas.schema_base import text

blueprint = Blueprint("operations", __name__)


class HealthSchema(Schema):
    """That the service is well."""

    status = text(enum=["ok"])
    version = text()


class ReadySchema(HealthSchema):
    """That the service takes requests, and with which policies."""

    policies = fields.Integer(required=True)
    policySet = text("digest of the policies as they are written")


class RootSchema(Schema):
    """Where to go from here."""

    name = text()
    version = text()
    evaluate = text("POST evidence here")
    policies = text()
    evidence = text()
    documentation = text()
    openapi = text()


def _json(document: Mapping[str, Any]) -> Response:
    return Response(encode(dict(document)), mimetype="application/json")


def _health(name: str, summary: str) -> Contract:
    return Contract(
        name, summary, Success("The service is well.", {"application/json": HealthSchema})
    )


def _alive() -> Response:
    return _json({"status": "ok", "version": runtime().context.version})


@blueprint.get("/livez")
@operation(_health("live", "Does the process answer?"))
def live(query: Mapping[str, Any]) -> Response:
    return _alive()


@blueprint.get("/healthz")
@operation(_health("health", "The same as /livez"))
def health(query: Mapping[str, Any]) -> Response:
    return _alive()


@blueprint.get("/readyz")
@operation(
    Contract(
        "ready",
        "Can the service accept requests?",
        Success("It can.", {"application/json": ReadySchema}),
        problems=("storage-unavailable",),
        description="Not ready where no policy is installed, or where uploads cannot be stored.",
    )
)
def ready(query: Mapping[str, Any]) -> Response:
    """Uploads that do not fit into memory need a folder; without one half of them would fail."""
    now = runtime()
    try:
        usable = os.access(tempfile.gettempdir(), os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        raise Refused("storage-unavailable", "The temporary folder cannot be written to.")
    return _json(
        {
            "status": "ok",
            "version": now.context.version,
            "policies": len(now.policies),
            "policySet": now.policy_set,
        }
    )


@blueprint.get("/metrics")
@operation(
    Contract(
        "metrics",
        "Prometheus metrics",
        Success("The metrics of all workers.", {"text/plain": None}),
        scope="metrics",
    )
)
def metrics(query: Mapping[str, Any]) -> Response:
    return Response(runtime().metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


@blueprint.get("/")
@operation(
    Contract(
        "root",
        "Where to go from here",
        Success("A pointer.", {"application/json": RootSchema, "text/html": None}),
        problems=("not-acceptable",),
    )
)
def root(query: Mapping[str, Any]) -> Response:
    if choose(("application/json", "text/html")) == "text/html":
        response = Response(start_page(request.host_url), mimetype="text/html")
        response.headers["Content-Security-Policy"] = security()
    else:
        response = _json(
            {
                "name": "mtc-preflight",
                "version": runtime().context.version,
                "evaluate": "/v1/evaluations",
                "policies": "/v1/policies",
                "evidence": "/v1/evidence",
                "documentation": "/docs",
                "openapi": "/openapi.yaml",
            }
        )
    response.vary.add("Accept")
    return response
