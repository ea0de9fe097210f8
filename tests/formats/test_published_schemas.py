"""SARIF and JUnit of real reports, by the schemas that OASIS and Jenkins publish.

The schemas are beside the repository (``../shared/data/schemas``): where they are missing, these
tests are skipped and say so; test_sarif.py holds the parts that we use in any case.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema_rs
import policy_cases
import pytest
import samples
import xmlschema
from elsewhere import files

from policies import catalogue
from service.core.assess import assess
from service.core.decision import delta
from service.core.decision.gate import Gate
from service.core.engine import evaluate
from service.core.report import Report
from service.formats import junit, sarif
from service.formats.format_base import Context, Options
from service.intake.parts import read_pieces
from service.intake.pieces import Piece

POLICIES = catalogue()
CONTEXT = Context(POLICIES, "0.1.0", url="https://preflight.example.com/")
EXAMPLES = Path(__file__).parents[2] / "examples"
REAL = {
    "a must-gather of Azure": ("openshift/must-gather-clean/test/files/must-gather-azure.tar.xz",),
    "dumps of OpenShift 3": ("migtools/cpma/pkg/transform/testdata/*.yaml",),
    "MTC's own resources": ("migtools/mig-controller/config/samples/*.yaml",),
}


def read(*given: tuple[str, Path]) -> Report:
    pieces = [Piece(part, path.open("rb")) for part, path in given]
    bundle = read_pieces(pieces, {})
    return bundle.sources.add_lines(assess(bundle.migration, POLICIES, Gate()))


@cache
def made() -> dict[str, Report]:
    """Reports of samples, of the examples, and of the first case of each policy."""
    found = {
        "sample full": samples.full(),
        "sample ready": samples.ready(),
        "sample empty": samples.empty(),
        "sample hostile": samples.hostile("a\x00\ud800]]>\u2028b"),
    }
    for path in sorted(EXAMPLES.glob("*.yaml")):
        found[path.name] = read(("envelope", path))
    for policy in POLICIES:
        migration = policy_cases.given(policy_cases.cases_of(policy.id)[0])
        found[policy.id] = evaluate(migration, POLICIES)
    return found


def compared(report: Report) -> Report:
    """The same with what another report had and it has not."""
    before = delta.baseline(made()["MTC601"].findings)
    return delta.compare(report, delta.parse(before))


def real(name: str) -> Report:
    paths = files(*REAL[name])
    return read(*(("source", path) for path in paths))


@cache
def oasis() -> Any:
    (path,) = files("schemas/sarif-schema-2.1.0.json")
    return jsonschema_rs.Draft4Validator(json.loads(path.read_text()), validate_formats=True)


@cache
def jenkins() -> Any:
    (path,) = files("schemas/junit-10.xsd")
    return xmlschema.XMLSchema(str(path))


def faults_of_sarif(report: Report) -> Iterator[str]:
    for alerts in (False, True):
        context = Context(POLICIES, "0.1.0", Options(alerts=alerts), url=CONTEXT.url)
        log = json.loads(sarif.render(report, context))
        yield from (error.message for error in oasis().iter_errors(log))


def faults_of_junit(report: Report) -> Iterator[str]:
    text = junit.render(report, CONTEXT).decode()
    yield from (str(error.reason) for error in jenkins().iter_errors(text))


CHECKS = [faults_of_sarif, faults_of_junit]
Faults = Callable[[Report], Iterator[str]]


@pytest.mark.parametrize("faults", CHECKS)
@pytest.mark.parametrize("change", [lambda report: report, compared], ids=["alone", "compared"])
def test_reports_are_valid(faults: Faults, change: Callable[[Report], Report]) -> None:
    found = {name: list(faults(change(report))) for name, report in made().items()}
    assert {name: row for name, row in found.items() if row} == {}


@pytest.mark.parametrize("faults", CHECKS)
@pytest.mark.parametrize("name", REAL)
def test_reports_of_real_evidence_are_valid(faults: Faults, name: str) -> None:
    assert list(faults(real(name))) == []


def test_the_schemas_refuse_what_is_wrong() -> None:
    log = json.loads(sarif.render(samples.full(), CONTEXT))
    log["runs"][0]["results"][0]["verdict"] = "fail"
    assert [item for item in oasis().iter_errors(log)]
    assert list(jenkins().iter_errors('<testsuites skipped="1"/>'))


def test_no_two_cases_of_junit_have_one_name_and_each_names_its_cluster() -> None:
    clusters = {"source", "destination", "host"}
    for name, report in made().items():
        root = ElementTree.fromstring(junit.render(report, CONTEXT))
        names = Counter((item.get("classname"), item.get("name")) for item in root.iter("testcase"))
        assert [item for item, count in names.items() if count > 1] == [], name
        known = clusters | {item.name for item in report.clusters}
        for finding in report.findings:
            assert finding.identity[0].cluster in known | {""}, name
        marks = Counter(item.fingerprint for item in report.findings)
        assert max(marks.values(), default=1) == 1, name


def test_each_rule_links_to_a_section_of_its_own_page() -> None:
    log = json.loads(sarif.render(samples.ready(), CONTEXT))
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules if "#" not in rule.get("helpUri", "")} == set()
    assert {rule["properties"]["security-severity"] for rule in rules} <= {"8.0", "5.0", "2.0"}


def test_the_alerts_are_what_needs_action_with_a_place() -> None:
    report = samples.full()
    context = Context(POLICIES, "0.1.0", Options(alerts=True))
    (run,) = json.loads(sarif.render(report, context))["runs"]
    verdicts = Counter(item.verdict.value for item in report.findings)
    shown = Counter(item["properties"]["verdict"] for item in run["results"])
    assert shown == {key: verdicts[key] for key in ("fail", "unknown", "error")}
    for result in run["results"]:
        assert result["kind"] == "fail"
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
        if result["properties"]["verdict"] != "fail":
            assert result["level"] == "warning"
            assert result["message"]["text"].startswith(result["properties"]["verdict"])
