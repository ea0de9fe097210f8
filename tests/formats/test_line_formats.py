"""Formats for pipelines, as their readers take them: Code Quality, Azure DevOps, TAP, CSV, zip."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from zipfile import ZipFile

import samples

from service.core.outcome import Verdict
from service.formats import FORMATS, azure, codequality, csv_format, several, tap

OPEN = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR)
HOSTILE = "=1+1 # ] ; %0A\n##vso[task.complete result=Succeeded;]ok 1\r\n  ...\nok 2"


def hostile():
    """The full sample, whose texts try to start commands, lines and formulas."""
    report = samples.full()
    told = tuple(item._replace(message=HOSTILE, found=HOSTILE) for item in report.findings)
    return replace(report, findings=told)


def test_code_quality_has_what_gitlab_needs_of_each_open_finding():
    report = samples.full()
    issues = json.loads(codequality.render(report, samples.CONTEXT))
    assert sorted(item["fingerprint"] for item in issues) == sorted(
        item.fingerprint for item in report.findings if item.verdict in OPEN
    )
    (proxy,) = [item for item in issues if item["check_name"] == "MTC302"]
    assert (proxy["severity"], proxy["location"]) == (
        "blocker",
        {"path": "plan.yaml", "lines": {"begin": 7}},
    )


def test_azure_has_an_issue_for_each_open_finding_and_the_result_last():
    report = samples.full()
    lines = azure.render(report, samples.CONTEXT).decode().splitlines()
    count = sum(item.verdict in OPEN for item in report.findings)
    heads = [re.match(r"##vso\[(\S+) ", line)[1] for line in lines]
    assert heads == ["task.logissue"] * count + ["task.complete"]
    assert any("sourcepath=plan.yaml;linenumber=7;code=MTC302;]" in line for line in lines)


def test_no_text_starts_an_azure_command():
    lines = azure.render(hostile(), samples.CONTEXT).decode().splitlines()
    assert len(lines) == len(azure.render(samples.full(), samples.CONTEXT).splitlines())
    assert all(line.startswith("##vso[task.") for line in lines)


def test_tap_has_its_plan_and_one_point_for_each_finding():
    report = hostile()
    lines = tap.render(report, samples.CONTEXT).decode().splitlines()
    points = [line for line in lines if re.match(r"(not )?ok \d", line)]
    assert lines[:2] == ["TAP version 14", f"1..{len(points)}"]
    assert len(points) == len(report.findings) + len(report.problems)
    assert [int(re.search(r"\d+", line)[0]) for line in points] == list(range(1, len(points) + 1))
    failed = [line for line in points if line.startswith("not ok") and " # TODO" not in line]
    assert len(failed) == 6, failed


def test_csv_has_a_row_for_each_finding_and_no_formula():
    report = hostile()
    rows = list(csv.DictReader(io.StringIO(csv_format.render(report, samples.CONTEXT).decode())))
    assert len(rows) == len(report.findings)
    assert {row["found"][:2] for row in rows} == {"'="}


def test_several_formats_are_a_zip_with_a_file_for_each():
    report = samples.full()
    chosen = tuple(FORMATS.values())
    data, media_type = several.render(chosen, report, samples.CONTEXT)
    with ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [item.file for item in chosen]
        assert len(set(archive.namelist())) == len(chosen)
        assert archive.read("junit.xml") == FORMATS["junit"].render(report, samples.CONTEXT)
    assert media_type == "application/zip"
    assert data == several.render(chosen, report, samples.CONTEXT)[0]
