"""POST /v1/evaluations: evidence in, a verdict out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g

from service.api.body import Body, read_request
from service.api.contract import Answer, Contract, Form, operation
from service.api.negotiation import report_format
from service.api.runtime import Runtime, runtime
from service.api.schemas.envelope import EvaluationQuery
from service.api.schemas.report import ReportSchema
from service.core.engine import evaluate
from service.core.report import Report
from service.formats import FORMATS, Format
from service.ingest.bundle import Bundle, read_body, read_pieces

blueprint = Blueprint("evaluations", __name__)


def _form(item: Format) -> Form:
    """What the API document says of an answer in this format."""
    if item.name == "json":
        return ReportSchema
    return {"type": "object"} if item.media_type.endswith(("/json", "+json")) else None


_CONTRACT = Contract(
    "evaluate",
    "Evaluate a migration",
    Answer(
        "The report, whatever it found: a finished evaluation is 200.",
        {item.media_type: _form(item) for item in FORMATS.values()},
    ),
    query=EvaluationQuery(),
    problems=(
        "bad-request",
        "empty-body",
        "not-acceptable",
        "body-too-large",
        "unsupported-media-type",
        "invalid-input",
        "storage-unavailable",
    ),
    tag="evaluations",
    description="Send a form with a part per cluster or resource, one envelope document, or "
    "the objects or the archive of one cluster with ?role=. YAML, JSON, NDJSON; tar, tar.gz, "
    "tar.xz, tar.bz2 and zip of must-gather, inspect and Insights. What cannot be read of it "
    "is listed under problems, and the verdict is then not ready.",
    body=True,
)


@blueprint.post("/v1/evaluations")
@operation(_CONTRACT)
def post_evaluation(query: Mapping[str, Any]) -> Response:
    """Judge the evidence of the body."""
    now = runtime()
    chosen = report_format(query.get("format"))
    with read_request(now.settings) as body, now.turns:
        bundle = _read(body, query, now)
        report = evaluate(bundle.migration, now.policies)
        report = bundle.sources.add_lines(report)
        rendered = chosen.render(report, now.context)
    _note(report, now)
    response = Response(rendered, mimetype=chosen.media_type)
    response.vary.add("Accept")
    return response


def _read(body: Body, query: Mapping[str, Any], now: Runtime) -> Bundle:
    options = {key: value for key, value in query.items() if key != "format"}
    if body.is_form:
        return read_pieces(body.pieces, options, now.settings.limits, now.reads)
    return read_body(body.pieces[0], options, now.settings.limits, now.reads)


def _note(report: Report, now: Runtime) -> None:
    """Tell log and metrics what came out."""
    findings = Counter((item.policy, item.verdict.value) for item in report.findings)
    problems = Counter(item.code for item in report.problems)
    now.metrics.evaluation(report.verdict.value, findings, problems, g.get("bytes_in", 0))
    g.verdict = report.verdict.value
    g.counts = dict(report.counts)
