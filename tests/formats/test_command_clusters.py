"""Every format says on which cluster each command is run, and does not mix clusters."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
import samples
from junitparser import JUnitXml

from service.core.evidence import Missing
from service.core.outcome import Command
from service.core.report import ClusterSummary
from service.formats import FORMATS
from service.kinds.ref import Subject

ROLES = ("source", "destination", "host")
CLUSTERS = tuple(
    ClusterSummary(role, f"my-{role}", True, role == "host", "4.14.9", "1.8.4", "AWS", 9)
    for role in ROLES
)
WITHOUT = {"codequality", "baseline", "gather"}
"""Formats that show no single command."""


def cluster(role: str) -> Subject:
    return Subject(f"my-{role}", kind="Cluster", name=f"my-{role}")


def made() -> Any:
    """A failure of each cluster, one fixed on another cluster, and a fact that each lacks."""
    failures = [
        samples.finding("MTC101", "fail", cluster(role), commands=(Command("oc fix", role),))
        for role in ROLES
    ]
    elsewhere = samples.finding(
        "MTC601",
        "fail",
        cluster("source"),
        commands=(Command("oc edit migplan", "host"), Command("oc get pv", "source")),
    )
    unknown = [
        samples.finding(
            "MTC504", "unknown", cluster(role),
            missing=(Missing("a list", role, "oc list"), Missing("more", "source", f"oc x {role}")),
        )
        for role in ROLES
    ]  # fmt: skip
    return samples.report(*failures, elsewhere, *unknown, clusters=CLUSTERS)


PLACED = re.compile(
    r"(?:^|\b)(?P<on>source|destination|host) \$ (?P<one>oc [a-z ]+)"
    r"|on the (?P<at>source|destination|host) cluster\n(?P<many>(?:oc [a-z ]+\n?)+)"
)
"""A command after its cluster, or lines of commands below it."""
WANTED = {
    ("source", "oc fix"), ("destination", "oc fix"), ("host", "oc fix"),
    ("host", "oc edit migplan"), ("source", "oc get pv"),
}  # fmt: skip
LACKING = {
    ("source", "oc list"), ("destination", "oc list"), ("host", "oc list"),
    ("source", "oc x source"), ("source", "oc x destination"), ("source", "oc x host"),
}  # fmt: skip


def strings(value: Any) -> list[str]:
    """All texts of a document, each list as one."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ["\n".join(value)]
    return [text for item in value for text in strings(item)] if isinstance(value, list) else []


def shown(name: str) -> str:
    """A report as a reader sees it."""
    text = FORMATS[name].render(made(), samples.context(project="OPS", group="finding")).decode()
    if name in ("sarif", "policyreport", "tickets", "jira", "servicenow"):
        return "\n".join(strings(json.loads(text)))
    if name == "html":
        return html.unescape(re.sub(r"</?(span|code|pre)[^>]*>", "", text))
    if name == "tap":
        return text.replace('"', "\n")
    return html.unescape(text).replace("%0A", "\n")


def placed(text: str) -> list[tuple[str, str]]:
    found = []
    for match in PLACED.finditer(text):
        lines = [match["one"]] if match["one"] else match["many"].splitlines()
        found += [(match["on"] or match["at"], line.strip()) for line in lines]
    return found


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in {*WITHOUT, "json"}])
def test_every_command_is_shown_with_its_cluster(name: str) -> None:
    text = shown(name)
    found = placed(text)
    assert len(re.findall(r"\boc (?:fix|edit|get|list|x) ?", text)) == len(found)
    assert {*found} in (WANTED | LACKING, WANTED)
    if name in ("text", "markdown", "html"):  # each missing fact once, in the next steps
        assert {*found} == WANTED | LACKING


def test_json_has_a_cluster_for_every_command() -> None:
    read = json.loads(FORMATS["json"].render(made(), samples.CONTEXT))
    told = [
        pair
        for item in read["findings"]
        for pair in zip(
            item["remediation"]["clusters"], item["remediation"]["commands"], strict=True
        )
    ]
    assert {*told} == WANTED
    lacking = {(row["cluster"], row["command"]) for item in read["findings"]
               for row in item["missing"]}  # fmt: skip
    assert lacking == LACKING
    steps = {(item["role"], row["command"]) for item in read["next"] for row in item["steps"]}
    assert steps == LACKING


def test_junit_keeps_the_clusters_apart() -> None:
    suites = JUnitXml.fromstring(FORMATS["junit"].render(made(), samples.CONTEXT))
    names = [(case.classname, case.name) for suite in suites for case in suite]
    assert len(names) == len({*names}) == 7
    for suite in suites:
        for case in suite:
            if case.classname.endswith("MTC101"):
                role = case.name.partition(":")[0].removeprefix("my-")
                assert [on for on, _ in placed(case.result[0].text)] == [role]


def test_a_ticket_of_a_finding_has_commands_of_its_own() -> None:
    read = json.loads(FORMATS["tickets"].render(made(), samples.context(group="finding")))
    for ticket in read["tickets"]:
        if ticket["policies"] == ["MTC101"]:
            assert [f"my-{on}" for on, _ in placed(ticket["body"])] == [ticket["owner"]]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "codequality"])
def test_the_verdict_has_its_date(name: str) -> None:
    text = FORMATS[name].render(made(), samples.context(project="OPS")).decode()
    if name not in ("csv", "baseline"):  # these state findings only, and no verdict over all
        day = f"{samples.NOW:%Y-%m-%d}"
        assert day in text or str(int(samples.NOW.timestamp())) in text
