"""POST /v1/reports: a stored report in another form, without the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from service.api.answers.negotiation import report_formats
from service.api.answers.problems import Refused, RequestFault
from service.api.contract import OF_A_BODY, Contract, Success, operation
from service.api.requests.body import read_request
from service.api.requests.judging import context_of, gate_of, no_previous, status_of
from service.api.requests.patch_body import one_document
from service.api.runtime import runtime
from service.api.schemas.judging_schemas import RenderingQuery
from service.api.schemas.report_schemas import ReportSchema
from service.api.views.evaluations import answers
from service.core.decision import gate
from service.core.report import Report
from service.formats import several, stored
from service.intake.texts.loaded import gc_paused

blueprint = Blueprint("reports", __name__)

_CONTRACT = Contract(
    "renderReport",
    "Render a stored report",
    Success("The report in the requested format.", answers()),
    query=RenderingQuery(),
    problems=OF_A_BODY,
    tag="evaluations",
    scope="evaluate",
    description="Accepts a report from POST /v1/evaluations with format=json. The report is not "
    "trusted: every field is checked, secrets are masked again, and verdict, counts "
    "and gate are computed again.",
    body=True,
    document=ReportSchema,
    media_types=("application/json",),
)


@blueprint.post("/v1/reports")
@operation(_CONTRACT)
def post_report(query: Mapping[str, Any]) -> Response:
    """Render the report of the body."""
    now = runtime()
    chosen = report_formats(query.get("format", ()))
    with read_request(now) as body, now.turns, gc_paused():
        report = _decided(one_document(body.pieces[0], now), query)
        rendered, media_type = several.render(chosen, report, context_of(query, now))
    response = Response(rendered, status_of(report), mimetype=media_type)
    response.vary.add("Accept")
    return response


def _decided(document: object, query: Mapping[str, Any]) -> Report:
    """The stored report with the gate that the query asks for. Raises Refused (422)."""
    try:
        return gate.decide(stored.read(document), gate_of(query))
    except stored.MalformedReport as error:
        fault = RequestFault("invalid-report", f"wanted {error.wanted}", pointer=error.pointer)
        raise Refused("invalid-input", "The body is no report.", errors=[fault]) from None
    except gate.NoPrevious:
        raise no_previous() from None
