"""POST /v1/evaluations: evidence in, a verdict out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g

from service.api.answers.negotiation import report_formats
from service.api.answers.problems import Refused, RequestFault
from service.api.contract import OF_A_BODY, ApiLink, Contract, Form, Success, operation
from service.api.requests.body import Body, read_request
from service.api.requests.by_reference import resolved
from service.api.requests.judging import (
    context_of,
    gate_of,
    input_options,
    judge,
    reads_of,
    status_of,
)
from service.api.runtime import Runtime, runtime
from service.api.schemas.format_schemas import SCHEMAS
from service.api.schemas.judging_schemas import JudgingQuery
from service.api.schemas.schema_base import BINARY
from service.collect.webhook import WebhookTarget, deliver
from service.core.decision.gate import CLOSED_STATUS
from service.core.report import Report
from service.formats import FORMATS, several
from service.intake.intake import Intake
from service.intake.parts import read_body, read_pieces
from service.intake.texts.loaded import gc_paused

NOTIFIED = "X-MTC-Preflight-Notified"
blueprint = Blueprint("evaluations", __name__)


def answers() -> dict[str, Form]:
    """What a report may be answered as: every format by its media type, and several as a zip."""
    single = {item.media_type: SCHEMAS.get(item.name) for item in FORMATS.values()}
    return {**single, several.MEDIA_TYPE: BINARY}


_CONTRACT = Contract(
    "evaluate",
    "Evaluate a migration",
    Success(
        "The report, whatever it found: a finished evaluation is 200.",
        answers(),
        also={CLOSED_STATUS: "The report of a closed gate, where gate=status asks for it."},
        links={
            "next": ApiLink(
                "evaluate",
                "What has changed since: new evidence, together with this report (format json "
                "or baseline).",
                body={"baseline": "$response.body"},
            ),
            "policy": ApiLink(
                "getPolicy",
                "The policy of a finding, here the first: why it matters and where it comes from.",
                {"policy_id": "$response.body#/findings/0/policy"},
            ),
            "patch": ApiLink(
                "patchMigrationController",
                "Settings that a finding requires, checked against the same evidence.",
                body={"evaluation": "$request.body"},
            ),
            "partition": ApiLink(
                "partitionMigPlans",
                "The same evidence as plans that keep MTC's limits.",
                body={"evaluation": "$request.body"},
            ),
        },
    ),
    query=JudgingQuery(),
    problems=(*OF_A_BODY, "storage-unavailable", "cluster-unavailable"),
    tag="evaluations",
    scope="evaluate",
    description="Send a form with a part per cluster or resource, one envelope document, or the "
    "objects or the archive of one cluster with ?role=. YAML, JSON, NDJSON; tar, "
    "tar.gz, tar.xz, tar.bz2 and zip of must-gather, inspect and Insights. What "
    "cannot be read is listed under problems, and the verdict is then not ready. "
    "Send waivers and a previous report as the parts (or keys) waivers and "
    "baseline. Where the service is set up for it, "
    '{"migPlan": {"namespace": …, "name": …}} names a plan of the cluster that it '
    "runs on, and the service collects from both clusters by itself.",
    body=True,
)


@blueprint.post("/v1/evaluations")
@operation(_CONTRACT)
def post_evaluation(query: Mapping[str, Any]) -> Response:
    """Judge the evidence of the body."""
    now = runtime()
    chosen = report_formats(query.get("format", ()))
    target = _target(query, now)
    with (
        read_request(now) as sent,
        resolved(sent, now) as body,
        now.turns,
        gc_paused(),
    ):
        report = judge(_read(body, query, now), gate_of(query), now)
        rendered, media_type = several.render(chosen, report, context_of(query, now))
        sent_on = FORMATS[target.format].render(report, now.context) if target else b""
    _note(report, now)
    response = Response(rendered, status_of(report), mimetype=media_type)
    response.vary.add("Accept")
    if target is not None:
        response.headers[NOTIFIED] = _notify(target, sent_on)
    return response


def _read(body: Body, query: Mapping[str, Any], now: Runtime) -> Intake:
    options, reads = input_options(query), reads_of(query, now)
    if body.is_form:
        return read_pieces(body.pieces, options, now.settings.limits, reads)
    return read_body(body.pieces[0], options, now.settings.limits, reads)


def _target(query: Mapping[str, Any], now: Runtime) -> WebhookTarget | None:
    """The webhook target that a query names. Raises Refused (400)."""
    name = query.get("notify")
    if name is None:
        return None
    if name not in now.targets:
        fault = RequestFault(
            "invalid-value",
            "the settings have no such webhook target",
            "targets are listed in the file of MTC_PREFLIGHT_WEBHOOKS_FILE",
            parameter="notify",
        )
        raise Refused("invalid-parameter", "Invalid in the query: notify.", errors=[fault])
    return now.targets[name]


def _notify(target: WebhookTarget, body: bytes) -> str:
    """Send the rendered report to a target, and say in a header what became of it."""
    result = deliver(target, body, FORMATS[target.format].media_type)
    return f"{result.target}; {result.state}; detail={result.detail}"


def _note(report: Report, now: Runtime) -> None:
    """Tell log and metrics what came out."""
    g.verdict, g.counts = report.verdict.value, report.counts
    now.metrics.evaluation(
        g.verdict,
        g.get("bytes_in", 0),
        Counter((item.policy, item.verdict.value) for item in report.findings),
        Counter(item.code for item in report.problems),
    )
