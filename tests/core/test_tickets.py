"""Tickets: opened once, kept while nobody knows, closed when the evidence says so."""

from __future__ import annotations

import pytest
from made import BROKEN, SOURCE, claim, finding, report, volume

from service.core.decision import delta
from service.core.decision.delta import compare, parse
from service.core.decision.tickets import Action, Priority, TicketGroup, owner, tickets
from service.core.decision.waiver_form import parse as parse_waivers
from service.core.decision.waivers import apply
from service.kinds.ref import Subject

PASS = finding("MTC101", "pass")
WHOLE = Subject(kind="Migration")
MET = tuple(finding(policy, "pass", WHOLE) for policy in ("MTC601", "MTC602", "MTC403"))
A = finding("MTC601", "fail", volume("pv-a"))
B = finding("MTC601", "fail", volume("pv-b"))


def since(before, *after, waivers=(), **more):
    given = apply(report(PASS, *after, **more), waivers)
    return compare(given, parse(delta.baseline(before)))


def actions(given, group=TicketGroup.FINDING):
    return [(item.fingerprint, item.action.value, item.changed) for item in tickets(given, group)]


def test_without_a_previous_report_everything_open_is_created_by_its_fingerprint():
    dark = finding("MTC402", "unknown", key="not-gathered")
    broken = finding("MTC403", "error", key="error")
    waived = finding("MTC404", "waived")
    assert actions(report(PASS, A, dark, broken, waived)) == [
        (A.fingerprint, "create", True),
        (dark.fingerprint, "create", True),
        (broken.fingerprint, "create", True),
    ]


def test_create_update_and_close_from_the_delta():
    old, new = finding("MTC402", "fail", found="1.8.3"), finding("MTC402", "fail", found="1.8.4")
    gone = finding("MTC602", "fail", volume("pv-z"))
    cured = finding("MTC403", "pass")
    given = since([A, old, gone, finding("MTC403", "fail")], A, B, new, cured, MET[1])
    assert actions(given) == [
        (A.fingerprint, "update", False),
        (B.fingerprint, "create", True),
        (new.fingerprint, "update", True),
        (cured.fingerprint, "close", True),
        (gone.fingerprint, "close", True),
    ]


@pytest.mark.parametrize(
    "after, more",
    [((finding("MTC601", "unknown"),), {}), ((), {"problems": (BROKEN,)})],
)
def test_what_was_not_looked_at_keeps_its_ticket(after, more):
    marks = {mark for mark, action, _ in actions(since([A], *after, **more)) if action == "close"}
    assert marks == set()


WAIVER = {
    "policy": "MTC601",
    "subject": {"name": "pv-a"},
    "reason": "scratch",
    "owner": "storage",
    "expires": "2026-06-30",
}


def waiver():
    return parse_waivers([WAIVER], {"MTC601": "volumes-valid"})


def test_a_waiver_closes_the_ticket_once():
    first = since([A], A, waivers=waiver())
    assert actions(first) == [(A.fingerprint, "close", True)]
    (ticket,) = tickets(first, TicketGroup.FINDING)
    assert [item.fingerprint for item in ticket.waived] == [A.fingerprint]
    again = compare(apply(report(PASS, A), waiver()), parse(delta.baseline(first.findings)))
    assert actions(again) == []


def test_the_end_of_a_waiver_opens_the_ticket_again():
    waived = apply(report(PASS, A), waiver())
    assert actions(since(waived.findings, A)) == [(A.fingerprint, "create", True)]


def test_a_waived_finding_that_is_mended_had_no_ticket():
    waived = apply(report(PASS, A), waiver())
    assert actions(since(waived.findings)) == []


def test_bare_fingerprints_close_what_is_gone():
    given = compare(report(PASS, A), parse([A.fingerprint, B.fingerprint]))
    assert actions(given) == [(A.fingerprint, "update", False), (B.fingerprint, "close", True)]


def test_groups_by_policy_and_cluster():
    other = finding("MTC601", "fail", volume("pv-a", "destination"))
    made = tickets(report(PASS, A, B, other), TicketGroup.POLICY)
    assert [(item.action, item.title, len(item.findings)) for item in made] == [
        (Action.CREATE, "MTC601 The rule of MTC601 holds: source", 2),
        (Action.CREATE, "MTC601 The rule of MTC601 holds: destination", 1),
    ]
    again = since([A], A, B)
    (ticket,) = tickets(again, TicketGroup.POLICY)
    assert (ticket.fingerprint, ticket.action) == (made[0].fingerprint, Action.UPDATE)
    (closed,) = tickets(since([A, B], *MET), TicketGroup.POLICY)
    assert (closed.fingerprint, closed.action) == (made[0].fingerprint, Action.CLOSE)


def test_a_group_with_something_unconfirmed_is_not_closed():
    dark = finding("MTC602", "unknown", SOURCE)
    lost = finding("MTC602", "fail", volume("pv-z"))
    given = since([lost, A], dark, MET[0])
    assert [(t.policies, t.action) for t in tickets(given, TicketGroup.POLICY)] == [
        (("MTC602",), Action.UPDATE),
        (("MTC601",), Action.CLOSE),
    ]


def test_groups_by_owner():
    shop = finding("MTC601", "fail", claim("shop", "data"))
    also = finding("MTC602", "fail", claim("shop", "logs"))
    system = finding("MTC506", "fail", claim("openshift-migration", "x"))
    made = tickets(report(PASS, shop, A, also, system), TicketGroup.OWNER)
    assert [(item.owner, item.title, item.policies) for item in made] == [
        ("source/shop", "MTC preflight, source/shop: 2 open findings", ("MTC601", "MTC602")),
        ("source", "MTC preflight, source: 2 open findings", ("MTC601", "MTC506")),
    ]


@pytest.mark.parametrize(
    "namespace, wanted",
    [
        ("shop", "source/shop"),
        ("", "source"),
        ("openshift", "source"),
        ("openshift-migration", "source"),
        ("kube-system", "source"),
        ("default", "source"),
        ("openshiftish", "source/openshiftish"),
    ],
)
def test_owners(namespace, wanted):
    assert owner(Subject("source", "v1", "Pod", namespace, "x")) == wanted


@pytest.mark.parametrize(
    "verdict, severity, priority",
    [
        ("fail", "blocker", Priority.HIGH),
        ("unknown", "blocker", Priority.MEDIUM),
        ("error", "blocker", Priority.MEDIUM),
        ("fail", "warning", Priority.MEDIUM),
        ("fail", "info", Priority.LOW),
    ],
)
def test_priorities(verdict, severity, priority):
    (ticket,) = tickets(report(PASS, finding("MTC402", verdict, severity=severity)))
    assert ticket.priority is priority
