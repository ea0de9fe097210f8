"""PolicyReport: valid by the definition's schema, small enough for etcd."""

from __future__ import annotations

import json

import jsonschema
import pytest
import samples
from schemas import POLICY_REPORT

from service.formats import policy_report

VALIDATOR = jsonschema.Draft202012Validator(POLICY_REPORT)


def read(report):
    made = json.loads(policy_report.render(report, samples.CONTEXT))
    VALIDATOR.validate(made)
    return made


@pytest.mark.parametrize("make", [samples.full, samples.ready, samples.empty])
def test_valid_and_counted(make):
    made = read(make())
    outcomes = [item["result"] for item in made["results"]]
    assert made["summary"] == {
        word: outcomes.count(word) for word in ("pass", "fail", "warn", "error", "skip")
    }


def test_every_verdict():
    seen = {(item["properties"]["verdict"], item["severity"], item["result"], item["scored"])
            for item in read(samples.full())["results"]}  # fmt: skip
    assert seen == {
        ("fail", "high", "fail", True),
        ("fail", "medium", "warn", False),
        ("unknown", "high", "error", True),
        ("error", "high", "error", True),
        ("waived", "high", "skip", True),
        ("pass", "high", "pass", True),
        ("not_applicable", "high", "skip", True),
    }


def test_the_most_urgent_comes_first_and_refers_to_its_object():
    assert read(samples.full())["results"][0] == {
        "source": "mtc-preflight",
        "category": "MTC prerequisites",
        "policy": "MTC601",
        "rule": "volumes-valid",
        "result": "fail",
        "severity": "high",
        "scored": True,
        "message": "the volume is Failed, and no pod can mount it",
        "timestamp": {"seconds": 1772366400, "nanos": 0},
        "properties": {
            "fingerprint": samples.volume("pv-0007", "Failed").fingerprint,
            "verdict": "fail",
            "cluster": "legacy-eu",
            "found": "Failed",
            "wanted": "Bound",
            "change": "unchanged",
            "commands": "source $ oc describe pv pv-0007",
        },
        "resources": [{"apiVersion": "v1", "kind": "PersistentVolume", "name": "pv-0007"}],
    }


def test_ten_thousand_findings_still_fit_into_etcd():
    many = [samples.volume(f"pv-{place:05}", "Failed") for place in range(10_000)]
    given = samples.report(*samples.GOOD, *many)
    written = policy_report.render(given, samples.CONTEXT)
    made = json.loads(written)
    VALIDATOR.validate(made)
    assert len(written) < 1_100_000
    assert made["summary"]["fail"] == 10_000
    left = int(made["metadata"]["annotations"]["mtc-preflight/omitted-results"])
    assert left == len(given.findings) - len(made["results"])
    assert {item["result"] for item in made["results"]} == {"fail"}


@pytest.mark.parametrize(
    "plan, name",
    [
        ("", "mtc-preflight"),
        ("openshift-migration/shop", "mtc-preflight-shop"),
        ("openshift-migration/Shop_1", "mtc-preflight-026a2f0aea"),
        ("openshift-migration/" + "x" * 60, "mtc-preflight-"),
    ],
)
def test_object_names(plan, name):
    made = policy_report.object_name(plan)
    assert made.startswith(name)
    assert len(made) <= 63
    assert made == made.lower()
