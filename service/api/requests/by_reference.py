"""Evaluations of a plan that the request only names: off unless the settings turn them on.

The body is ``{"migPlan": {"namespace": …, "name": …}}``, with waivers, baseline and options if
wanted. What it cannot hold is a credential or an address: see service.collect.reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from tempfile import SpooledTemporaryFile
from threading import BoundedSemaphore
from typing import Any, BinaryIO, cast

from service.api.answers.problems import Refused, RequestFault
from service.api.requests.body import Body
from service.api.runtime import Runtime
from service.collect.collect_errors import CollectError
from service.collect.plans import NoPlan
from service.collect.reference import PlanName, collect_plan
from service.intake.intake_errors import Unreadable
from service.intake.pieces import Piece
from service.intake.texts.load import load

KEY = "migPlan"
BESIDE = ("waivers", "baseline", "options")
LARGEST = 4 * 1024 * 1024
"""A body that only names a plan is small, even with a previous report in it."""
LARGEST_OFF = 64 * 1024
"""Where naming plans is off, only a body this small is looked at, to say so."""
_turn = BoundedSemaphore(1)
RETRY_SECONDS = 15


@contextmanager
def resolved(body: Body, now: Runtime) -> Iterator[Body]:
    """The body, or where it names a plan, the evidence of that plan in its place.

    Raises Refused: ``invalid-input`` where evaluating by name is off, or the plan does not
    exist; ``busy`` while another is collected; ``cluster-unavailable``.
    """
    wanted = _wanted(body, now)
    if wanted is None:
        yield body
        return
    plan, more = _plan(wanted, now)
    with ExitStack() as files:
        spool = cast(BinaryIO, files.enter_context(SpooledTemporaryFile(now.settings.spool_bytes)))
        _collect(plan, more, spool, now)
        spool.seek(0)
        yield Body((Piece("body", spool),), False, files)


def _wanted(body: Body, now: Runtime) -> Mapping[str, Any] | None:
    """The document that names a plan; None for everything else."""
    if body.is_form:
        return None
    stream = body.pieces[0].stream
    most = LARGEST if now.settings.migplans else LARGEST_OFF
    head = stream.read(most + 1)
    stream.seek(0)
    if len(head) > most or KEY.encode() not in head:
        return None
    try:
        with now.turns:  # parsing is work: it waits for its turn, and stops at the deadline
            documents = [item.value for item in load(head, now.settings.limits)]
    except Unreadable:
        return None  # the reader of evidence says what is wrong with it
    value = documents[0] if len(documents) == 1 else None
    return value if isinstance(value, dict) and KEY in value else None


def _plan(wanted: Mapping[str, Any], now: Runtime) -> tuple[PlanName, Mapping[str, Any]]:
    if not now.settings.migplans:
        raise _refused(
            "by-name-off", "this service does not evaluate plans by name",
            "send the evidence, or set MTC_PREFLIGHT_MIGPLANS=on where the service runs",
        )  # fmt: skip
    faults = [
        RequestFault(
            "unknown-field",
            f"only {', '.join(BESIDE)} can be sent next to {KEY}",
            pointer=f"/{key}",
        )
        for key in map(str, wanted)
        if key not in (KEY, *BESIDE)
    ]
    if faults:
        raise Refused("invalid-input", "The request is malformed.", errors=faults)
    name = wanted[KEY]
    if not isinstance(name, dict) or set(name) != {"namespace", "name"}:
        raise _refused("wrong-form", f"{KEY} accepts only namespace and name")
    try:
        plan = PlanName(name["namespace"], name["name"])
    except NoPlan as error:
        raise _refused("wrong-value", str(error)) from None
    return plan, {key: wanted[key] for key in BESIDE if wanted.get(key) is not None}


def _collect(plan: PlanName, more: Mapping[str, Any], spool: BinaryIO, now: Runtime) -> None:
    if not _turn.acquire(blocking=False):
        headers = {"Retry-After": str(RETRY_SECONDS)}
        raise Refused("busy", "Another plan is being collected.", headers=headers)
    try:
        namespaces = now.settings.migplan_namespaces
        seconds = float(now.settings.collect_timeout)
        collect_plan(plan, now.reads, spool, seconds=seconds, namespaces=namespaces, more=more)
    except NoPlan as error:
        raise _refused("no-such-plan", str(error)) from None
    except CollectError as error:
        fault = RequestFault("cluster-unavailable", str(error), pointer=f"/{KEY}")
        raise Refused(
            "cluster-unavailable", "The cluster of this service does not answer.", errors=[fault]
        ) from None
    finally:
        _turn.release()


def _refused(code: str, detail: str, hint: str = "") -> Refused:
    fault = RequestFault(code, detail, hint, pointer=f"/{KEY}")
    return Refused("invalid-input", "The plan cannot be evaluated by name.", errors=[fault])
