"""POST /v1/admission/validate: a validating admission webhook for MTC's resources."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

from flask import Blueprint, Response, request
from marshmallow import ValidationError

from service.api.answers.problems import Refused, RequestFault, encode
from service.api.contract import Contract, Success, operation
from service.api.runtime import Runtime, runtime
from service.api.schemas.admission_schemas import (
    API_VERSION,
    KIND,
    AdmissionAnswerSchema,
    AdmissionQuery,
    AdmissionReviewSchema,
)
from service.core.admission import AdmissionDecision, decide, field_of
from service.core.migration import Migration
from service.core.report import Finding
from service.intake.limits import MIB
from service.intake.parts import read_pieces
from service.intake.pieces import BadInput, Piece
from service.intake.texts.json import load_json
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN, MIG_STORAGE, MIGRATION_CONTROLLER
from service.kinds.ref import Origin

blueprint = Blueprint("admission", __name__)

MOST_BYTES = 8 * MIB
"""A review holds an object and its predecessor; etcd takes objects of 1.5 MiB."""
_GROUP = MIG_PLAN.api_version.rpartition("/")[0]
# MTC's objects live on the cluster that runs the controller, by default the destination.
_PARTS = {
    MIG_PLAN.kind: "plan",
    MIG_STORAGE.kind: "storage",
    MIGRATION_CONTROLLER.kind: "controller",
    MIG_CLUSTER.kind: "destination",
}
_NEWEST = "9" * 20
"""A resource version above that of every copy of the object among what is known around it."""
_MOST_WARNINGS = 20
_MOST_CAUSES = 50
# The API server cuts longer ones.
_WARNING_LENGTH = 256
_UNPROCESSABLE = 422

_REVIEW = AdmissionReviewSchema()
_CONTRACT = Contract(
    "validateAdmission",
    "Say whether an object of MTC may be written",
    Success(
        "The review with a response; a denial is also 200.",
        {"application/json": AdmissionAnswerSchema},
    ),
    query=AdmissionQuery(),
    problems=("empty-body", "body-too-large", "unsupported-media-type", "invalid-input"),
    tag="admission",
    scope="admission",
    description="For a ValidatingWebhookConfiguration. MigrationController, MigPlan, MigCluster "
    "and MigStorage are evaluated by the object alone: blockers deny, everything "
    "else that is wrong is a warning, and what cannot be known without other "
    "evidence is neither. A file named in the settings provides the objects around "
    "it, which adds warnings. What was already wrong before an update, and what "
    "MTC's own service accounts write, is never denied.",
    body=True,
    document=AdmissionReviewSchema,
    media_types=("application/json",),
)


@blueprint.post("/v1/admission/validate")
@operation(_CONTRACT)
def post_admission(query: Mapping[str, Any]) -> Response:
    """Judge the object of the review."""
    asked = _read()["request"]
    answer: dict[str, Any] = {"uid": asked["uid"], "allowed": True}
    if _concerns(asked):
        # Malformed fields are left to the schema of the API server.
        with suppress(BadInput):
            answer |= _answer(_judged(asked, runtime()), asked)
    body = encode({"apiVersion": API_VERSION, "kind": KIND, "response": answer})
    return Response(body, mimetype="application/json")


def _read() -> Mapping[str, Any]:
    """The review of the body. Raises Refused."""
    if request.mimetype != "application/json":
        raise Refused(
            "unsupported-media-type",
            "Send an AdmissionReview as application/json.",
            headers={"Accept": "application/json"},
        )
    request.max_content_length = MOST_BYTES
    data = request.get_data()
    if not data:
        raise Refused("empty-body", "Send an AdmissionReview of admission.k8s.io/v1.")
    try:
        document = load_json(data, runtime().settings.limits)
        if not isinstance(document, dict):
            raise ValidationError("expected an AdmissionReview")
        return cast(Mapping[str, Any], _REVIEW.load(document))
    except ValidationError as error:
        text = error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}
        faults = list(_faults(text))
        raise Refused("invalid-input", "This is not an AdmissionReview.", errors=faults) from None


def _faults(messages: Mapping[str, Any], where: str = "") -> Iterator[RequestFault]:
    for name, text in messages.items():
        pointer = where if name == "_schema" else f"{where}/{name}"
        if isinstance(text, dict):
            yield from _faults(text, pointer)
        else:
            yield RequestFault("invalid-value", "; ".join(map(str, text)), pointer=pointer)


def _concerns(asked: Mapping[str, Any]) -> bool:
    """Whether this is a write of one of our kinds, and not of an object on its way out."""
    kind, written = asked["kind"], asked["object"]
    if asked["operation"] not in ("CREATE", "UPDATE") or asked["sub_resource"]:
        return False
    if kind["group"] != _GROUP or kind["kind"] not in _PARTS or not written:
        return False
    metadata = written.get("metadata")
    return not (isinstance(metadata, dict) and metadata.get("deletionTimestamp"))


def _judged(asked: Mapping[str, Any], now: Runtime) -> AdmissionDecision:
    old = asked["old_object"] if asked["operation"] == "UPDATE" else None
    state = now.state.pieces()
    return decide(
        _migration(asked, asked["object"], now),
        now.policies,
        partial(_before, asked, old, now) if old else None,
        lenient=_is_mtc(asked),
        around=partial(_migration, asked, asked["object"], now, state) if state else None,
        own=Origin(_PARTS[asked["kind"]["kind"]]),
    )


def _is_mtc(asked: Mapping[str, Any]) -> bool:
    """Whether MTC itself writes: a denial would stop its controller, not a mistake."""
    own = f"system:serviceaccount:{asked['namespace']}:"
    return bool(asked["namespace"]) and str(asked["user_info"]["username"]).startswith(own)


def _before(asked: Mapping[str, Any], old: Mapping[str, Any], now: Runtime) -> Migration:
    """The migration before the update; nothing is known of a malformed object."""
    try:
        return _migration(asked, old, now)
    except BadInput:
        return _migration(asked, {}, now)


def _migration(
    asked: Mapping[str, Any], written: Mapping[str, Any], now: Runtime, around: Sequence[Piece] = ()
) -> Migration:
    """The migration of which this object, and the evidence around it, is all that is known."""
    kind = asked["kind"]
    metadata = written.get("metadata")
    # With generateName there is no name yet, and the namespace may be only in the request.
    named = {
        "namespace": asked["namespace"],
        **(metadata if isinstance(metadata, dict) else {}),
    }
    named["name"] = named.get("name") or asked["name"] or named.get("generateName") or "unnamed"
    named["resourceVersion"] = _NEWEST
    whole = {
        **written,
        "apiVersion": f"{kind['group']}/{kind['version']}",
        "kind": kind["kind"],
        "metadata": named,
    }
    piece = Piece(_PARTS[kind["kind"]], io.BytesIO(encode(whole)))
    options = {"plan": f"{named['namespace']}/{named['name']}"} if piece.name == "plan" else {}
    return read_pieces([piece, *around], options, now.settings.limits, now.reads).migration


def _answer(decision: AdmissionDecision, asked: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"allowed": decision.allowed}
    if decision.warnings:
        answer["warnings"] = _warnings(decision)
    if not decision.allowed:
        answer["status"] = _status(decision, asked)
    return answer


def _status(decision: AdmissionDecision, asked: Mapping[str, Any]) -> dict[str, Any]:
    reasons = [_sentence(item) for item in decision.denials[:_MOST_CAUSES]]
    more = len(decision.denials) - len(reasons)
    if more:
        reasons.append(f"and {more} more")
    return {
        "code": _UNPROCESSABLE,
        "reason": "Invalid",
        "message": "; ".join(reasons),
        "details": {
            "name": asked["name"],
            "group": asked["kind"]["group"],
            "kind": asked["kind"]["kind"],
            "causes": [
                {
                    "reason": "FieldValueInvalid",
                    "message": _sentence(item),
                    "field": field_of(item),
                }
                for item in decision.denials[:_MOST_CAUSES]
            ],
        },
    }


def _warnings(decision: AdmissionDecision) -> list[str]:
    shown = [_cut(_sentence(item)) for item in decision.warnings[:_MOST_WARNINGS]]
    more = len(decision.warnings) - len(shown)
    return [*shown, f"mtc-preflight: {more} more warnings"] if more else shown


def _cut(text: str) -> str:
    return text if len(text) <= _WARNING_LENGTH else f"{text[: _WARNING_LENGTH - 2]} …"


def _sentence(finding: Finding) -> str:
    """A finding as one line of text; a control character would make the warning invalid."""
    found = f" (found {finding.found}; wanted {finding.wanted})" if finding.found else ""
    text = f"{finding.policy}: {finding.message}{found}"
    return "".join(letter if letter.isprintable() else " " for letter in text)
