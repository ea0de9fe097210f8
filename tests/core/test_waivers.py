"""Waivers: what they cover, when they stop, and what the audit says of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import DESTINATION, NOW, claim, finding, report, volume

from service.core.deadline import DeadlineExceeded, within
from service.core.decision.marks import Waiver, WaiverAudit, WaiverStatus
from service.core.decision.waiver_form import KEYS, MalformedWaiver, WaiverFault, parse
from service.core.decision.waivers import apply
from service.core.outcome import Verdict
from service.core.report import Readiness

POLICIES = {"MTC101": "cluster-admin", "MTC601": "volumes-valid"}
GOOD = {
    "policy": "MTC601",
    "subject": {"cluster": "source", "name": "pv-*"},
    "reason": "scratch data",
    "owner": "storage team",
    "expires": "2026-06-30",
}
DATE = "expected a date (2026-01-31) or a time (2026-01-31T12:00:00Z)"
SELECTOR = (
    "expected an object with at least one of cluster, kind, namespace, name, key "
    '(globs; "*" is everything)'
)
PASS = finding("MTC101", "pass")
BAD = finding("MTC601", "fail", volume("pv-a"), observed=180.0, found="180")


def only(**changes: object) -> Waiver:
    (waiver,) = parse([{**GOOD, **changes}], POLICIES)
    return waiver


def audit(given, *waivers):
    return [(item.status.value, item.detail) for item in apply(given, waivers).waivers]


def test_every_key_is_read():
    assert only(
        policy="volumes-valid",
        subject={"cluster": "s*", "kind": "Pers*", "namespace": "a", "name": "b", "key": "80"},
        atMost=180,
        atLeast=1.5,
        found="180",
        unknown=True,
        ticket="OPS-1",
        id="w1",
    ) == Waiver(
        policy="MTC601",
        reason="scratch data",
        owner="storage team",
        expires=datetime(2026, 7, 1, tzinfo=UTC),
        until="2026-06-30",
        cluster="s*",
        kind="Pers*",
        namespace="a",
        name="b",
        key="80",
        at_most=180.0,
        at_least=1.5,
        found="180",
        unknown=True,
        ticket="OPS-1",
        id="w1",
    )


@pytest.mark.parametrize(
    "written, moment",
    [
        ("2026-06-30", datetime(2026, 7, 1, tzinfo=UTC)),
        (date(2026, 6, 30), datetime(2026, 7, 1, tzinfo=UTC)),
        ("2026-06-30T12:00:00Z", datetime(2026, 6, 30, 12, tzinfo=UTC)),
        ("2026-06-30T12:00:00+02:00", datetime(2026, 6, 30, 10, tzinfo=UTC)),
        ("2026-06-30T12:00:00", datetime(2026, 6, 30, 12, tzinfo=UTC)),
        (datetime(2026, 6, 30, 12), datetime(2026, 6, 30, 12, tzinfo=UTC)),
    ],
)
def test_expiry_forms(written, moment):
    assert only(expires=written).expires == moment


@pytest.mark.parametrize(
    "changes, pointer, message",
    [
        ({"policy": "MTC610"}, "/policy", "there is no policy 'MTC610'; did you mean MTC601?"),
        ({"policy": ""}, "/policy", "missing: every waiver has one"),
        ({"policy": 601}, "/policy", "wanted text"),
        ({"reason": "  "}, "/reason", "missing: every waiver has one"),
        ({"owner": None}, "/owner", "wanted text"),
        ({"expires": None}, "/expires", "missing: every waiver must expire"),
        ({"expires": "never"}, "/expires", DATE),
        ({"expires": "2026-02-30"}, "/expires", DATE),
        ({"expires": 20260630}, "/expires", DATE),
        ({"expires": "9999-12-31"}, "/expires", DATE),
        ({"subject": {}}, "/subject", SELECTOR),
        ({"subject": {"nam": "x"}}, "/subject/nam", "unknown key; did you mean name?"),
        ({"subject": {"name": 1}}, "/subject/name", "wanted text"),
        ({"atMost": "180"}, "/atMost", "expected a number"),
        ({"atMost": True}, "/atMost", "expected a number"),
        ({"atMost": float("nan")}, "/atMost", "expected a number"),
        ({"atMost": 10**400}, "/atMost", "expected a number"),
        ({"atLeast": -(10**400)}, "/atLeast", "expected a number"),
        ({"atMost": [180]}, "/atMost", "expected a number"),
        ({"at_most": 180}, "/at_most", "unknown key; did you mean atMost?"),
        ({"unknown": "yes"}, "/unknown", "expected true or false"),
        ({"reason": "x" * 2001}, "/reason", "longer than 2000 characters"),
        ({"policy": "x" * 2001}, "/policy", "longer than 2000 characters"),
    ],
)  # fmt: skip
def test_a_malformed_waiver_is_named(changes, pointer, message):
    with pytest.raises(MalformedWaiver) as caught:
        parse([GOOD, {**GOOD, **changes}], POLICIES)
    assert caught.value.faults == (WaiverFault(f"/1{pointer}", message),)


def test_two_malformed_waivers_are_both_named_with_every_fault():
    with pytest.raises(MalformedWaiver) as caught:
        parse([{}, GOOD, "MTC601"], POLICIES)
    assert [fault.pointer for fault in caught.value.faults] == [
        "/0/policy",
        "/0/reason",
        "/0/owner",
        "/0/subject",
        "/0/expires",
        "/2",
    ]


def test_looking_for_the_keys_that_were_meant_ends_with_the_time_of_the_request():
    crowded = {**GOOD, **{f"key{number}": "" for number in range(10)}}
    with pytest.raises(DeadlineExceeded), within(0):
        parse([crowded], POLICIES)


@pytest.mark.parametrize("raw", [{}, "MTC601", 3, [GOOD] * 1001])
def test_no_list_of_waivers(raw):
    with pytest.raises(MalformedWaiver):
        parse(raw, POLICIES)


def test_no_waivers_is_no_waivers():
    assert parse(None, POLICIES) == ()
    assert parse([], POLICIES) == ()


def test_a_waived_finding_stays_visible_and_the_verdict_changes():
    waiver = only()
    given = report(PASS, BAD)
    assert given.verdict is Readiness.NOT_READY
    assert apply(given, [waiver]) == replace(
        given,
        verdict=Readiness.READY,
        findings=(
            PASS,
            BAD._replace(verdict=Verdict.WAIVED, original=Verdict.FAIL, waiver=waiver),
        ),
        waivers=(
            WaiverAudit(waiver, WaiverStatus.USED, "waives 1 finding(s)", (BAD.fingerprint,)),
        ),
    )


def test_two_offenders_only_the_selected_one_is_waived():
    other = finding("MTC601", "fail", volume("data-b"))
    waived = apply(report(PASS, BAD, other), [only()])
    assert [item.verdict.value for item in waived.findings] == ["pass", "waived", "fail"]
    assert waived.verdict is Readiness.NOT_READY


@pytest.mark.parametrize(
    "subject, holds",
    [
        ({"cluster": "source"}, True),
        ({"cluster": "destination"}, False),
        ({"kind": "PersistentVolume"}, True),
        ({"kind": "persistentvolume"}, False),
        ({"namespace": "*"}, True),
        ({"namespace": "shop"}, False),
        ({"name": "pv-?"}, True),
        ({"name": "pv"}, False),
        ({"key": ""}, True),
        ({"key": "80"}, False),
        ({"cluster": "source", "name": "pv-b"}, False),
    ],
)
def test_selectors(subject, holds):
    waived = apply(report(PASS, BAD), [only(subject=subject)])
    assert (waived.findings[1].verdict is Verdict.WAIVED) is holds
    assert waived.waivers[0].status.value == ("used" if holds else "unused")


def test_a_namespace_glob():
    inside = finding("MTC601", "fail", claim("shop-eu", "data"))
    waived = apply(report(PASS, inside), [only(subject={"namespace": "shop-*"})])
    assert waived.findings[1].verdict is Verdict.WAIVED


@pytest.mark.parametrize(
    "bounds, detail",
    [
        ({"atMost": 180}, ""),
        ({"atMost": 179}, "observed 180, the waiver holds up to 179"),
        ({"atLeast": 180}, ""),
        ({"atLeast": 181}, "observed 180, the waiver holds from 181"),
        ({"found": "180"}, ""),
        ({"found": "179"}, "found '180', the waiver is for '179'"),
    ],
)
def test_bounds_on_the_observed_value(bounds, detail):
    waived = apply(report(PASS, BAD), [only(**bounds)])
    assert (waived.findings[1].verdict is Verdict.WAIVED) is (not detail)
    wanted = f"source: PersistentVolume pv-a: {detail}" if detail else "waives 1 finding(s)"
    assert waived.waivers[0].detail == wanted
    assert waived.waivers[0].status.value == ("exceeded" if detail else "used")


def test_a_bound_on_a_finding_without_a_number_does_not_hold():
    blank = finding("MTC601", "fail", volume("pv-a"))
    assert audit(report(PASS, blank), only(atMost=10**9)) == [
        (
            "exceeded",
            "source: PersistentVolume pv-a: the finding has no number to compare with the bound "
            "of the waiver",
        )
    ]


@pytest.mark.parametrize(
    "expires, status",
    [
        ("2026-03-01", "used"),
        ("2026-02-28", "expired"),
        ("2026-03-01T12:00:00Z", "expired"),
        ("2026-03-01T12:00:01Z", "used"),
    ],
)
def test_expiry_against_the_date_of_the_report(expires, status):
    waived = apply(report(PASS, BAD), [only(expires=expires)])
    assert waived.as_of == NOW
    assert waived.waivers[0].status.value == status
    assert (waived.findings[1].verdict is Verdict.WAIVED) is (status == "used")


def test_an_expired_waiver_says_what_it_no_longer_covers():
    assert audit(report(PASS, BAD), only(expires="2026-01-31")) == [
        ("expired", "expired on 2026-01-31; 1 finding(s) are no longer waived")
    ]
    assert audit(report(PASS), only(expires="2026-01-31")) == [("expired", "expired on 2026-01-31")]


def test_a_second_waiver_takes_over_from_an_expired_one():
    waived = apply(report(PASS, BAD), [only(expires="2026-01-31"), only(id="again")])
    assert [item.status.value for item in waived.waivers] == ["expired", "used"]
    assert waived.findings[1].waiver.id == "again"


def test_the_first_of_two_that_hold_is_used_and_the_other_unused():
    waived = apply(report(PASS, BAD), [only(id="a"), only(id="b")])
    assert [item.status.value for item in waived.waivers] == ["used", "unused"]


@pytest.mark.parametrize("covers, verdict", [(False, "unknown"), (True, "waived")])
def test_an_unknown_is_waived_only_by_a_waiver_that_says_so(covers, verdict):
    dark = finding("MTC601", "unknown", volume("pv-a"))
    assert apply(report(PASS, dark), [only(unknown=covers)]).findings[1].verdict.value == verdict


@pytest.mark.parametrize("verdict", ["pass", "error", "not_applicable"])
def test_nothing_else_is_ever_waived(verdict):
    given = report(PASS, finding("MTC601", verdict, volume("pv-a")))
    assert apply(given, [only(unknown=True)]).findings == given.findings


def test_another_policy_of_the_same_subject_is_not_touched():
    given = report(PASS, finding("MTC101", "fail", DESTINATION))
    assert apply(given, [only(subject={"cluster": "*"})]).findings == given.findings


def test_secrets_in_a_reason_are_masked():
    assert only(reason="proxy http://u:hunter2@p:3128").reason == "proxy http://u:****@p:3128"


KEY_NAMES = st.sampled_from(sorted({*KEYS, "name", "cluster", "k", "at_most"}))
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False)
    | st.sampled_from(
        ["", " ", "*", "MTC601", "2026-02-30", "9999-12-31", "0001-01-01T00:00+23:59"]
    )
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY_NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(KEY_NAMES, ANYTHING, max_size=4), ANYTHING)
@settings(max_examples=300)
def test_whatever_is_said_to_be_a_waiver_is_one_or_is_told_each_fault(spoilt, other):
    for raw in ([GOOD, {**GOOD, **spoilt}], other, [other]):
        try:
            waivers = parse(raw, POLICIES)
        except MalformedWaiver as malformed:
            faults = malformed.faults
        else:
            faults = ()
            assert all(isinstance(item, Waiver) for item in waivers)
            apply(report(PASS, BAD), waivers)
        if raw == [GOOD, {**GOOD, **spoilt}]:
            named = {fault.pointer.removeprefix("/1/").partition("/")[0] for fault in faults}
            assert named <= {str(key) for key in spoilt}
