"""Objects as nobody would write them: readers and policies keep their word on each."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policy_cases import envelopes_of

from policies import catalogue
from service.core.engine import evaluate
from service.core.outcome import Verdict
from service.intake.parts import read_body
from service.intake.pieces import BadInput, Piece
from service.kinds.ref import Malformed, Origin, Ref
from service.kinds.registry import RESOURCES
from service.kinds.resource import Resource

POLICIES = catalogue()
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WORDS = st.sampled_from(
    ["", "0", "true", "v1", "a/b", "x" * 300, "\ud800", "\x00", "1Gi", "-1", "http://[", "null"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    WORDS,
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


ENVELOPES = [envelope for policy in POLICIES for envelope in envelopes_of(policy.id)]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    """Put something else in a place, unless an earlier change has taken the place away."""
    for step in path[:-1]:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return
    place = path[-1]
    fits = isinstance(place, int) and isinstance(value, list) and place < len(value)
    if isinstance(value, dict) or fits:
        value[place] = new


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A case of a policy with a few values replaced by others."""
    envelope = copy.deepcopy(draw(st.sampled_from(ENVELOPES)))
    found = list(places(envelope))
    for path in draw(st.lists(st.sampled_from(found), min_size=1, max_size=3)):
        put(envelope, path, draw(VALUES))
    return envelope


@pytest.mark.parametrize("resource", sorted(RESOURCES, key=str), ids=str)
@settings(max_examples=25, deadline=None)
@given(spec=VALUES, status=VALUES, metadata=VALUES, more=st.dictionaries(WORDS, VALUES, max_size=3))
def test_a_reader_reads_or_says_malformed(
    resource: Resource[Any], spec: Any, status: Any, metadata: Any, more: dict[str, Any]
) -> None:
    ref = Ref("source", resource.api_version, resource.kind, "n", "name", Origin("p"))
    whole = {**more, "metadata": metadata, "spec": spec, "status": status}
    malformed = None
    value = None
    try:
        value = resource.reader(whole, ref)
    except Malformed as error:
        malformed = error
    if malformed is None:
        assert isinstance(value, get_type_hints(resource.reader)["return"])
    else:
        assert isinstance(malformed.pointer, str)
        assert malformed.wanted


@SLOW
@given(envelope=spoilt())
def test_no_evidence_makes_a_policy_fail_on_its_own_account(envelope: dict[str, Any]) -> None:
    """Whatever stands in the evidence: a verdict on it, never an error; or a refusal of it all."""
    body = json.dumps(envelope).encode()
    try:
        migration = read_body(Piece("envelope", io.BytesIO(body)), {}).migration
    except BadInput:
        return
    report = evaluate(migration, POLICIES)
    wrong = [
        (item.policy, item.message) for item in report.findings if item.verdict is Verdict.ERROR
    ]
    assert wrong == []
    assert {item.policy for item in report.findings} == {policy.id for policy in POLICIES}
