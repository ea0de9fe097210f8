"""Evidence in a bundle is named by its object, and not only by its number in a list."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policies import catalogue
from service.core.assess import assess
from service.core.decision.gate import Gate, decide
from service.core.report import Report
from service.formats import FORMATS, stored
from service.formats.format_base import Context, Options
from service.intake.parts import read_body
from service.intake.pieces import Piece

EXAMPLE = Path(__file__).parents[2] / "examples" / "migration-3-to-4.yaml"
CONTEXT = Context(catalogue(), "0.1.0", Options(group="finding"))
AT = "/clusters/0/objects/5/spec/template/spec/containers"
NAMED = f"Deployment openshift-migration/migration-operator {AT}"


@pytest.fixture(scope="module")
def report() -> Report:
    """The release of MTC on the source is no longer supported at that time."""
    later = {"as_of": datetime(2031, 1, 1, tzinfo=UTC).isoformat()}
    bundle = read_body(Piece("envelope", EXAMPLE.open("rb")), later)
    return bundle.sources.add_lines(assess(bundle.migration, CONTEXT.policies, Gate()))


def test_the_json_report_has_the_object_beside_the_pointer(report: Report) -> None:
    findings = json.loads(FORMATS["json"].render(report, CONTEXT))["findings"]
    places = [place for item in findings for place in item["evidence"]]
    (found,) = {json.dumps(item["object"]) for item in places if item["pointer"] == AT}
    assert json.loads(found) == {
        "cluster": "ocp3",
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "openshift-migration",
        "name": "migration-operator",
    }
    of_objects = [item for item in places if "/objects/" in item["pointer"]]
    assert [item for item in of_objects if not item["object"]] == []


@pytest.mark.parametrize(
    "name", ["text", "markdown", "html", "junit", "sarif", "tickets", "jira", "servicenow"]
)
def test_every_format_that_shows_evidence_names_the_object(report: Report, name: str) -> None:
    again = decide(stored.read(json.loads(FORMATS["json"].render(report, CONTEXT))), Gate())
    for one in (report, again):
        assert NAMED in FORMATS[name].render(one, CONTEXT).decode().replace("\\", "")
