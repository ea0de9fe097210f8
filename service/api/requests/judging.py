"""From a request's evidence and query to a decided report, for every endpoint that evaluates."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from flask import request

from service.api.answers.problems import Refused, RequestFault
from service.api.runtime import Runtime
from service.core import choice_form
from service.core.assess import assess
from service.core.decision.delta import MalformedPrevious
from service.core.decision.gate import CLOSED_STATUS, Gate, NoPrevious
from service.core.decision.waiver_form import MalformedWaiver
from service.core.migration import Migration
from service.core.outcome import Severity
from service.core.report import Report
from service.core.selection import BadChoice, Selection
from service.formats import Context
from service.formats.format_base import Options
from service.intake.intake import Intake
from service.kinds.redact import redact
from service.kinds.resource import Read
from service.update_graphs import NoUpdates

log = logging.getLogger("service.update_graphs")

_INPUT = (
    "role", "controller_on", "plan_name", "as_of", "target_openshift", "target_mtc",
    "max_age_hours", *choice_form.FIELDS,
)  # fmt: skip
_OWN = ("waivers", "baseline")
_SHOWN = tuple(item.name for item in fields(Options))


def input_options(query: Mapping[str, Any]) -> dict[str, Any]:
    """What of a query the reader of the input takes."""
    return {key: query[key] for key in _INPUT if key in query}


def reads_of(query: Mapping[str, Any], now: Runtime) -> tuple[Read[Any], ...]:
    """What of the evidence is worth reading for the policies that a query chooses.

    Raises Refused (400). Where the query leaves the choice to the envelope, what all policies read.
    """
    selection = _selection(query, now)
    chosen = "profile" in query or "only" in query
    return selection.reads if chosen else now.reads


def _selection(options: Mapping[str, Any], now: Runtime, *, query: bool = True) -> Selection:
    """The policies that a request chooses. Raises Refused: 400 for a query, 422 for an envelope."""
    given = {key: options[key] for key in choice_form.FIELDS if key in options}
    try:
        return now.catalogue.select(choice_form.choice(given, "the request"))
    except BadChoice as error:
        faults = [
            RequestFault(
                "invalid-value",
                item.message,
                item.hint,
                parameter=item.field if query else "",
                pointer="" if query else f"/options/{item.field}",
            )
            for item in error.faults
        ]
    names = ", ".join(dict.fromkeys(item.parameter or item.pointer for item in faults))
    if query:
        raise Refused("invalid-parameter", f"Invalid in the query: {names}.", errors=faults)
    raise Refused("invalid-input", f"Invalid in the options: {names}.", errors=faults)


def gate_of(query: Mapping[str, Any]) -> Gate:
    """The gate that a query asks for."""
    return Gate(
        fail_on=Severity(query.get("fail_on", Severity.BLOCKER)),
        ignore_unknown=query.get("on_unknown") == "ignore",
        new_only=bool(query.get("new_only", False)),
        status=query.get("gate") == "status",
    )


def context_of(query: Mapping[str, Any], now: Runtime) -> Context:
    """What the formats receive: the catalogue, and how the caller wants the report shown."""
    given = {key: query[key] for key in _SHOWN if key in query}
    return replace(
        now.context,
        options=Options(**given),
        url=request.host_url,
        guarded="Authorization" in request.headers,
    )


def judge(bundle: Intake, rules: Gate, now: Runtime) -> Report:
    """The report of a request, with lines. Raises Refused.

    ``invalid-input`` (422) names each malformed waiver or the place in the previous report, also
    where the part that holds them cannot be read;
    ``new_only`` without a previous report is ``invalid-parameter`` (400).
    """
    _require_own(bundle.migration)
    selection = _selection(bundle.options, now, query=False)
    try:
        report = assess(
            _released(bundle.migration, now),
            selection.policies,
            rules,
            bundle.waivers,
            bundle.baseline,
            now.waivers,
            selection.scope,
        )
    except MalformedWaiver as error:
        faults = [
            RequestFault("waiver-malformed", item.message, part="waivers", pointer=item.pointer)
            for item in error.faults
        ]
        raise Refused("invalid-input", "A waiver is malformed.", errors=faults) from None
    except MalformedPrevious as error:
        fault = RequestFault(
            "baseline-malformed", error.wanted, part="baseline", pointer=error.pointer
        )
        raise Refused("invalid-input", "The baseline is not a report.", errors=[fault]) from None
    except NoPrevious:
        raise no_previous() from None
    report = bundle.sources.add_lines(report)
    bundle.release()
    return report


def _require_own(migration: Migration) -> None:
    """Raise Refused where the caller's own parts could not be read.

    Unlike evidence they are never unknown: without its waivers or its baseline a report would be
    another one than was asked for.
    """
    lost = [item for item in migration.problems if item.part in _OWN and item.blocks]
    if lost:
        names = " and ".join(sorted({item.part for item in lost}))
        detail = f"The part {names} cannot be read."
        raise Refused("invalid-input", detail, errors=[RequestFault.of(item) for item in lost])


def _released(migration: Migration, now: Runtime) -> Migration:
    """The migration with the release data of the settings, and the releases of its source's
    channel, where they are looked up."""
    migration = replace(migration, releases=now.releases)
    if now.updates is None:
        return migration
    try:
        return now.updates.attach(migration)
    except NoUpdates as error:
        log.warning("no update graph", extra={"detail": redact(str(error))})
        return migration


def no_previous() -> Refused:
    """The refusal (400) of new_only for a report that was not compared."""
    fault = RequestFault(
        "invalid-value",
        "there is no previous report to compare with",
        "send it as the part or key baseline of the evaluation, or remove new_only",
        parameter="new_only",
    )
    return Refused("invalid-parameter", "Invalid in the query: new_only.", errors=[fault])


def status_of(report: Report) -> int:
    """200, or the status of a closed gate where the caller asked for one."""
    closed = report.gate is not None and report.gate.status and not report.gate.passed
    return CLOSED_STATUS if closed else 200
