"""JUnit XML: what a reader makes of it."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
import samples
from junitparser import Error, Failure, JUnitXml, Skipped

from service.core.decision import delta
from service.core.decision.gate import Gate, decide
from service.core.outcome import Severity
from service.formats import junit


def read(report):
    return JUnitXml.fromstring(junit.render(report, samples.CONTEXT))


def outcome(case):
    (result,) = case.result or (None,)
    return None if result is None else (type(result), result.type, result.message)


def test_every_verdict_as_a_reader_sees_it():
    seen = {
        (case.classname, case.name): outcome(case)[:2] if case.result else None
        for suite in read(samples.full())
        for case in suite
    }
    plan = "MigPlan openshift-migration/shop"
    assert seen == {
        ("mtc-preflight.input", "source.tar.gz › namespaces/shop/core/pods.yaml"): (
            Error,
            "yaml-syntax",
        ),
        ("mtc-preflight.MTC101", "legacy-eu: Cluster legacy-eu"): None,
        ("mtc-preflight.MTC101", "prod-eu: Cluster prod-eu"): None,
        ("mtc-preflight.MTC201", "legacy-eu: Cluster legacy-eu"): None,
        ("mtc-preflight.MTC201", "prod-eu: Cluster prod-eu"): (Skipped, "not_applicable"),
        ("mtc-preflight.MTC202", "legacy-eu: Cluster legacy-eu"): None,
        ("mtc-preflight.MTC301", "legacy-eu: Cluster legacy-eu"): (Skipped, "not_applicable"),
        ("mtc-preflight.MTC302", plan): (Failure, "blocker"),
        ("mtc-preflight.MTC401", "prod-eu: Cluster prod-eu"): None,
        ("mtc-preflight.MTC401", "legacy-eu: Cluster legacy-eu"): (Skipped, "waived"),
        ("mtc-preflight.MTC403", plan): None,
        ("mtc-preflight.MTC504", "legacy-eu: Cluster legacy-eu [443]"): (Error, "unknown"),
        ("mtc-preflight.MTC506", "legacy-eu: Cluster legacy-eu"): None,
        ("mtc-preflight.MTC506", "prod-eu: Cluster prod-eu"): None,
        ("mtc-preflight.MTC601", "legacy-eu: PersistentVolume pv-0007"): (Failure, "blocker"),
        ("mtc-preflight.MTC601", "legacy-eu: PersistentVolume pv-0042"): (Failure, "blocker"),
        ("mtc-preflight.MTC602", "legacy-eu: Cluster legacy-eu"): None,
        ("mtc-preflight.MTC801", "prod-eu: Cluster prod-eu"): None,
        ("mtc-preflight.MTC801", f"{plan} [error]"): (Error, "error"),
        ("mtc-preflight.MTC901", "legacy-eu: Cluster legacy-eu"): (Skipped, "warning-fail"),
    }


def test_the_gate_decides_what_is_a_failure():
    strict = decide(samples.full(), Gate(Severity.WARNING))
    cases = [case for suite in read(strict) for case in suite if case.classname.endswith("901")]
    assert [outcome(case)[:2] for case in cases] == [(Failure, "warning")]


def test_the_counts_are_those_of_the_cases():
    whole = read(samples.full())
    written = (whole.tests, whole.failures, whole.errors)
    whole.update_statistics()
    assert written == (whole.tests, whole.failures, whole.errors) == (20, 3, 3)


def test_a_failure_says_what_to_do():
    root = ElementTree.fromstring(junit.render(samples.full(), samples.CONTEXT))
    (text,) = [item.text for item in root.iter("failure") if "pv-0042" in (item.text or "")]
    assert text.splitlines() == [
        "MTC601 Every volume of the plan is valid",
        "found Released; wanted Bound",
        "see source.tar.gz › cluster-scoped-resources/core/persistentvolumes/pv-0042.yaml:41 "
        "/status/phase",
        "Change it as the documentation says, and run the preflight again.",
        "source $ oc describe pv pv-0042",
        f"fingerprint {samples.volume('pv-0042', 'Released').fingerprint}",
    ]


@pytest.mark.parametrize("code", [*range(0x20), 0x7F, 0x85, 0x2028, 0xD800, 0xFFFE, 0xFFFF])
def test_a_control_character_in_a_message_stays_valid_xml(code):
    report = samples.hostile(f"a{chr(code)}b")
    root = ElementTree.fromstring(junit.render(report, samples.CONTEXT))
    failure = next(root.iter("failure"))
    assert failure.get("message", "").startswith("a\\")
    assert chr(code) not in failure.get("message", "")


def test_what_is_resolved_is_a_passed_case_of_the_same_name():
    old = [samples.volume("pv-0001", "Failed"), samples.volume("pv-0007", "Failed")]
    met = samples.finding("MTC601", "pass", samples.Subject(kind="Migration"))
    before, name = samples.report(*samples.GOOD, *old), "legacy-eu: PersistentVolume pv-0001"
    cases = {case.name: case for suite in read(before) for case in suite}
    assert cases[name].result
    kept = delta.parse(json.loads(json.dumps(delta.baseline(old))))
    fixed = delta.compare(samples.report(*samples.GOOD, met), kept)
    cases = {case.name: case for suite in read(fixed) for case in suite}
    assert cases[name].result == []
    # Still a finding of the same policy: what is gone may be gone with its object.
    gone = delta.compare(samples.report(*samples.GOOD, old[1]), kept)
    cases = {case.name: case for suite in read(gone) for case in suite}
    assert outcome(cases[name])[:2] == (Skipped, "not-found")
