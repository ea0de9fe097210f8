"""SARIF: valid by the standard's schema, and it says what the report says."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
import samples
from schemas import SARIF

from service.core.decision import delta
from service.core.migration import Part
from service.formats import sarif

VALIDATOR = jsonschema.Draft202012Validator(
    SARIF, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def run(report):
    log = json.loads(sarif.render(report, samples.CONTEXT))
    VALIDATOR.validate(log)
    (only,) = log["runs"]
    return only


@pytest.mark.parametrize("make", [samples.full, samples.ready, samples.empty])
def test_valid_and_consistent(make):
    made = run(make())
    rules, files = made["tool"]["driver"]["rules"], made["artifacts"]
    assert [rule["id"] for rule in rules] == [policy.id for policy in samples.POLICIES]
    for result in made["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        # Section 3.27.10: a level other than "none" needs the kind "fail".
        assert (result["level"] == "none") is (result["kind"] != "fail")
        for location in result["locations"]:
            # GitHub's code scanning refuses a log in which one result has no such place.
            at = location["physicalLocation"]["artifactLocation"]
            assert files[at["index"]]["location"]["uri"] == at["uri"]
        assert len(result["locations"]) == 1
    for file in files:
        parent = file.get("parentIndex")
        assert parent is None or "parentIndex" not in files[parent]
    # Section 3.27.24: if one result has a baseline state, all have.
    states = {"baselineState" in result for result in made["results"]}
    assert len(states) == 1


def test_every_verdict_has_its_kind():
    kinds = {}
    for result in run(samples.full())["results"]:
        kinds.setdefault(result["properties"]["verdict"], set()).add(
            (result["kind"], result["level"])
        )
    assert kinds == {
        "pass": {("pass", "none")},
        "fail": {("fail", "error"), ("fail", "warning")},
        "waived": {("fail", "error")},
        "unknown": {("open", "none")},
        "error": {("open", "none")},
        "not_applicable": {("notApplicable", "none")},
    }


def test_a_fail_in_an_archive_member_is_found_by_file_and_line():
    (result,) = [
        item
        for item in run(samples.full())["results"]
        if item["message"]["text"].startswith("legacy-eu: PersistentVolume pv-0042")
    ]
    assert result == {
        "ruleId": "MTC601",
        "ruleIndex": 9,
        "kind": "fail",
        "level": "error",
        "message": {
            "text": "legacy-eu: PersistentVolume pv-0042: the volume is Released, and no pod "
            "can mount it (found Released; wanted Bound)"
        },
        "locations": [
            {
                "logicalLocations": [
                    {
                        "fullyQualifiedName": "legacy-eu/PersistentVolume/pv-0042",
                        "kind": "resource",
                        "name": "pv-0042",
                    }
                ],
                "physicalLocation": {
                    "artifactLocation": {
                        "uri": "source.tar.gz/cluster-scoped-resources/core/persistentvolumes/"
                        "pv-0042.yaml",
                        "index": 2,
                    },
                    "region": {"startLine": 41},
                },
            }
        ],
        "partialFingerprints": {
            "mtcPreflight/v1": samples.volume("pv-0042", "Released").fingerprint
        },
        "properties": {
            "verdict": "fail",
            "severity": "blocker",
            "cluster": "legacy-eu",
            "evidence": [
                "source.tar.gz › cluster-scoped-resources/core/persistentvolumes/pv-0042.yaml:41 "
                "/status/phase"
            ],
            "commands": ["source $ oc describe pv pv-0042"],
        },
        "baselineState": "new",
    }


def test_a_waived_finding_is_suppressed_with_its_reason():
    (result,) = [item for item in run(samples.full())["results"] if "suppressions" in item]
    assert result["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "The last z-stream needs a maintenance window",
            "properties": {"owner": "platform team", "ticket": "OPS-1234", "until": "2026-04-30"},
        }
    ]


def test_what_no_evidence_shows_is_placed_in_the_part_about_its_cluster():
    made = samples.report(*samples.GOOD)
    parts = (
        Part("src.tar.gz", "source", "archive", 9, 9),
        Part("more.yaml", "source", "objects", 1, 1),
        Part("dst.yaml", "destination", "objects", 1, 1),
    )
    bare = tuple(item._replace(evidence=()) for item in made.findings)
    results = run(replace(made, parts=parts, findings=bare))["results"]
    places = {
        (item["properties"]["cluster"], at["physicalLocation"]["artifactLocation"]["uri"])
        for item in results
        for at in item["locations"]
    }
    roles = {item.name: item.role for item in made.clusters}
    homes = {"source": "src.tar.gz", "destination": "dst.yaml"}
    assert places == {(name, homes.get(roles.get(name, ""), "src.tar.gz")) for name, _ in places}
    assert {uri for _, uri in places} == {"src.tar.gz", "dst.yaml"}


def test_what_is_resolved_is_absent():
    previous = delta.parse(delta.baseline([samples.volume("pv-0001", "Failed")]))
    met = samples.finding("MTC601", "pass", samples.Subject(kind="Migration"))
    made = run(delta.compare(samples.report(*samples.GOOD, met), previous))
    assert {item["baselineState"] for item in made["results"][:-1]} == {"unchanged"}
    assert made["results"][-1] == {
        "ruleId": "MTC601",
        "ruleIndex": 9,
        "kind": "fail",
        "level": "error",
        "message": {"text": "Every volume of the plan is valid"},
        "locations": [
            {
                "logicalLocations": [
                    {
                        "fullyQualifiedName": "legacy-eu/PersistentVolume/pv-0001",
                        "kind": "resource",
                        "name": "pv-0001",
                    }
                ],
                "physicalLocation": {
                    "artifactLocation": {"uri": "source.tar.gz", "index": 0},
                    "region": {"startLine": 1},
                },
            }
        ],
        "partialFingerprints": {"mtcPreflight/v1": samples.volume("pv-0001", "Failed").fingerprint},
        "baselineState": "absent",
    }


def test_unreadable_input_is_a_notification_with_its_place():
    (invocation,) = run(samples.full())["invocations"]
    assert invocation["executionSuccessful"] is False  # a policy ended in error
    assert invocation["toolConfigurationNotifications"] == [
        {
            "descriptor": {"id": "yaml-syntax"},
            "level": "error",
            "message": {"text": "a tab may not indent. indent with spaces"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {
                            "uri": "source.tar.gz/namespaces/shop/core/pods.yaml",
                            "index": 4,
                        },
                        "region": {"startLine": 12, "startColumn": 3},
                    }
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    "part, member, uri",
    [
        ("plan.yaml", "", "plan.yaml"),
        ("a b#c?.tar", "x/%41/ü.yaml", "a%20b%23c%3F.tar/x/%2541/%C3%BC.yaml"),
        ("../../etc", "/abs/./../x", "etc/abs/x"),
        ("http://evil", "", "http%3A/evil"),
        ("", "", "request"),
        ("..", "", "_"),
    ],
)
def test_uris_are_relative_and_stay_below(part, member, uri):
    place = samples.Origin(part, member)
    assert sarif.Artifacts({"": ""}).locate(place)["uri"] == uri


def test_no_evidence_makes_a_link_in_a_message():
    made = run(samples.hostile("[click](https://evil.example)"))
    texts = json.dumps([result["message"] for result in made["results"]])
    assert "](" not in texts
