"""A pass for the whole is reported only if nothing was found before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.core.evidence import Missing, NotGathered
from service.core.outcome import (
    Outcome,
    Severity,
    failed,
    not_applicable,
    passed,
    passes_alone,
    passes_beside,
    unknown,
)
from service.kinds.ref import Subject

SUBJECT = Subject(kind="Migration")
PASS = passed(SUBJECT, "all is well")
NOTHING = not_applicable(SUBJECT, "there is nothing to check")
FAULT = failed(SUBJECT, "wrong", found="1", wanted="2")
HINT = failed(SUBJECT, "odd", found="1", wanted="2", severity=Severity.INFO)
DOUBT = unknown(SUBJECT, "cannot be verified")


@pytest.mark.parametrize(
    ("given", "alone", "beside"),
    [
        ([PASS], [PASS], [PASS]),
        ([NOTHING], [NOTHING], [NOTHING]),
        ([PASS, PASS], [PASS, PASS], [PASS, PASS]),
        ([FAULT, PASS], [FAULT], [FAULT]),
        ([FAULT, NOTHING], [FAULT], [FAULT]),
        ([DOUBT, PASS], [DOUBT], [DOUBT]),
        ([HINT, PASS], [HINT], [HINT, PASS]),
        ([HINT, FAULT, PASS], [HINT, FAULT], [HINT, FAULT]),
        ([FAULT, HINT, PASS], [FAULT, HINT], [FAULT, HINT]),
    ],
)
def test_what_was_found_takes_the_place_of_the_pass(
    given: list[Outcome], alone: list[Outcome], beside: list[Outcome]
) -> None:
    def check() -> Iterator[Outcome]:
        yield from given

    assert list(passes_alone(check)()) == alone
    assert list(passes_beside(Severity.INFO)(check)()) == beside


def test_missing_evidence_is_still_raised() -> None:
    @passes_alone
    def check() -> Iterator[Outcome]:
        yield FAULT
        raise NotGathered(Missing("a list", "source", "oc get pods"))

    outcomes = check()
    assert next(outcomes) == FAULT
    with pytest.raises(NotGathered):
        next(outcomes)
