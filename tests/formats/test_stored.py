"""A stored JSON report in another form: the same bytes, and nothing of it trusted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import samples

from service.core.decision.gate import Gate, decide
from service.core.report import Readiness
from service.formats import FORMATS, json_report, stored
from service.formats.stored import MalformedReport

CANARY = "hunter2-canary"


def kept(report):
    return json.loads(json_report.render(report, samples.CONTEXT))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("report", [samples.full(), samples.ready(), samples.empty()])
def test_every_format_is_the_same_from_the_stored_report(form, report):
    report = decide(report, Gate())
    again = decide(stored.read(kept(report)), Gate())
    # Texts of findings are redacted when a report is made; the samples' are made by hand.
    assert FORMATS[form].render(again, samples.CONTEXT) == FORMATS[form].render(
        report, samples.CONTEXT
    )


def test_the_verdict_is_computed_anew():
    document = kept(samples.full())
    document["verdict"] = "ready"
    document["counts"] = {"fail": 0}
    assert stored.read(document).verdict is Readiness.NOT_READY


def test_secrets_are_masked_again():
    document = kept(samples.ready())
    proxy = f"http://u:{CANARY}@proxy:3128"
    for finding in document["findings"]:
        finding |= {"message": proxy, "found": proxy, "title": proxy}
        finding["remediation"] = {"text": proxy, "commands": [f"oc x {proxy}"]}
        finding["missing"] = [{"fact": proxy, "command": proxy, "cluster": "source"}]
        finding["evidence"] = [{"part": "p", "pointer": "/x", "value": proxy}]
    document["problems"] = [{"code": "x", "message": proxy, "hint": proxy}]
    report = stored.read(document)
    for form in FORMATS.values():
        assert CANARY not in form.render(report, samples.CONTEXT).decode()


def test_a_report_of_release_0_1_is_read():
    document = kept(samples.full())
    del document["next"]
    for finding in document["findings"]:
        del finding["identifiedBy"]
        for missing in finding["missing"]:
            del missing["fetch"]
    again = stored.read(document)
    assert [item.fingerprint for item in again.findings] == [
        item.fingerprint for item in samples.full().findings
    ]


@pytest.mark.parametrize(
    "change, pointer",
    [
        (lambda report: [], ""),
        (lambda report: {"findings": []}, ""),
        (lambda report: report | {"findings": {}}, "/findings"),
        (lambda report: report | {"findings": [3]}, "/findings/0"),
        (lambda report: report | {"asOf": "yesterday"}, "/asOf"),
        (lambda report: report | {"clusters": [{"objects": "3"}]}, "/clusters/0/objects"),
        (lambda report: report | {"delta": {"counts": {}, "resolved": [1]}}, "/delta/resolved/0"),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(change, pointer):
    with pytest.raises(MalformedReport) as refused:
        stored.read(change(kept(samples.ready())))
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    "key, value",
    [
        ("verdict", "good"),
        ("severity", None),
        ("fingerprint", "x"),
        ("subject", None),
        ("docs", [{"title": "t", "url": "javascript:alert(1)"}]),
        ("missing", [{"fact": "f", "fetch": {"resource": "x; rm -rf /"}}]),
    ],
)
def test_a_malformed_finding_is_refused(key, value):
    document = kept(samples.ready())
    document["findings"][-1][key] = value
    with pytest.raises(MalformedReport) as refused:
        stored.read(document)
    assert refused.value.pointer.startswith(f"/findings/{len(document['findings']) - 1}/{key}")


def test_a_report_can_be_stored_and_read_again():
    once = stored.read(kept(samples.full()))
    assert stored.read(kept(once)) == once == replace(once)
