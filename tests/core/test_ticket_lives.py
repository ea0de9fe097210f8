"""Tickets over runs in which evidence comes and goes: each has one life, and an honest end.

The world is a few volumes and clusters that are good, bad or not there; a run sees some of it. A
ticket system is played by a dictionary that does what the tickets ask.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from made import report

from service.core.decision import delta
from service.core.decision.marks import Ending
from service.core.decision.tickets import Action, TicketGroup, ending, tickets
from service.core.engine import NOT_GATHERED
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, Report, fingerprint
from service.kinds.ref import Subject

CLUSTERS = ("source", "destination")
VOLUMES = ("pv-a", "pv-b")

state = st.sampled_from(["good", "bad", "gone", "dark"])
run = st.fixed_dictionaries({name: state for name in (*CLUSTERS, *VOLUMES)})


def root(cluster: str) -> Subject:
    return Subject(cluster, kind="Cluster", name=cluster)


def made(policy: str, verdict: Verdict, subject: Subject, key: str = "", **more: Any) -> Finding:
    about, thing = (more["root"], "") if "root" in more else (subject, key)
    mark = fingerprint(policy, about, thing)
    return Finding(policy, "T", verdict, Severity.BLOCKER, "m", subject, mark, key, **more)


def findings(world: dict[str, str]) -> list[Finding]:
    """What two policies find: a single one of clusters, and one of each volume of the source."""
    found = []
    for cluster in CLUSTERS:
        here, state = root(cluster), world[cluster]
        config = Subject(cluster, "v1", "Config", "", "cluster")
        if state == "dark":
            dark = made("MTC201", Verdict.UNKNOWN, here, NOT_GATHERED, root=here)
            found.append(dark)
        elif state == "bad":
            found.append(made("MTC201", Verdict.FAIL, config, "route", root=here))
        elif state == "good":
            found.append(made("MTC201", Verdict.PASS, here, root=here))
        else:
            found.append(made("MTC201", Verdict.NOT_APPLICABLE, here, root=here))
    whole = Subject(kind="Migration")
    if any(world[name] == "dark" for name in VOLUMES):
        return [*found, made("MTC601", Verdict.UNKNOWN, whole, NOT_GATHERED, root=whole)]
    bad = [name for name in VOLUMES if world[name] == "bad"]
    for name in bad:
        volume = Subject("source", "v1", "PersistentVolume", "", name)
        found.append(made("MTC601", Verdict.FAIL, volume, "phase"))
    if not bad:
        found.append(made("MTC601", Verdict.PASS, whole))
    return found


def play(system: dict[str, set[str]], given: Report, group: TicketGroup) -> None:
    """Do what the tickets ask; ``system`` holds the open findings of each open ticket."""
    for ticket in tickets(given, group):
        if ticket.action is Action.CLOSE:
            system.pop(ticket.fingerprint, None)
        else:
            items = (*ticket.findings, *ticket.unconfirmed)
            system[ticket.fingerprint] = {item.fingerprint for item in items}


@settings(max_examples=300, deadline=None)
@given(st.lists(run, min_size=2, max_size=6), st.sampled_from(list(TicketGroup)))
def test_each_ticket_has_one_life_and_an_honest_end(runs, group):
    system: dict[str, set[str]] = {}
    kept: object = []
    for world in runs:
        given = report(*findings(world))
        given = delta.compare(given, delta.parse(kept))
        verdicts = {item.fingerprint: item.verdict for item in given.findings}
        passed = {item.policy for item in given.findings if item.verdict is Verdict.PASS}
        made = tickets(given, group)
        assert len({item.fingerprint for item in made}) == len(made)
        for ticket in made:
            for item in ticket.closed:
                if ending(item) is Ending.MET:
                    assert verdicts.get(item.fingerprint, Verdict.PASS) is Verdict.PASS
                    assert item.policy in passed
        play(system, given, group)
        waiting = {item.fingerprint for item in given.delta.unconfirmed}
        open_now = {mark for mark, verdict in verdicts.items() if verdict in delta.OPEN}
        assert open_now <= set().union(*system.values(), set())
        assert set().union(*system.values(), set()) <= open_now | waiting
        kept = {"findings": delta.baseline(given.findings, given.delta.unconfirmed)}


@settings(max_examples=100, deadline=None)
@given(run)
def test_no_two_findings_share_a_fingerprint(world):
    marks = [item.fingerprint for item in findings(world)]
    assert len(set(marks)) == len(marks)
