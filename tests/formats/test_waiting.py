"""A blocker that others wait for is shown once, with how many policies do; they are not."""

from __future__ import annotations

import json
import re

import pytest
import samples

from service.core.evidence import Missing
from service.formats import FORMATS

LINE = "and 2 more policies wait for this: MTC601, MTC602"

IN_TICKET = "and 1 more policy waits for this: MTC601"
"""What lacks evidence has a ticket of its own."""


def made():
    root = samples.finding("MTC101", "fail", message="no administrator")
    behind = [
        samples.finding(policy, verdict, message=f"because of it: {policy}")._replace(
            waits_for=(root.fingerprint,)
        )
        for policy, verdict in (("MTC601", "fail"), ("MTC602", "unknown"))
    ]
    lacking = [
        samples.finding(
            policy,
            "unknown",
            message="not gathered: every Pod",
            missing=(Missing("every Pod", "source", "oc get pods"),),
        )._replace(key="not-gathered")
        for policy in ("MTC201", "MTC202")
    ]
    return samples.report(root, *behind, *lacking)


def shown(name: str) -> str:
    text = FORMATS[name].render(made(), samples.context(project="OPS", group="owner")).decode()
    return json.dumps(json.loads(text), ensure_ascii=False) if name in JSON else text


JSON = ("tickets", "jira", "servicenow")


@pytest.mark.parametrize("name", ["text", "markdown", "html", "github", "azure", *JSON])
def test_a_blocker_says_what_waits_for_it(name: str) -> None:
    text = shown(name)
    wanted = IN_TICKET if name in JSON else LINE
    assert len(re.findall(wanted, text, re.IGNORECASE)) == 1
    if name != "html":  # the page has them in a section of their own
        assert "because of it" not in text


def test_the_page_has_what_waits_in_a_section_of_its_own() -> None:
    text = shown("html")
    section = text.partition('<section id="waiting"')[2].partition("</section>")[0]
    assert section.count("because of it") == text.count("because of it") == 2


def test_the_page_groups_what_is_unknown_by_what_is_missing() -> None:
    text = shown("html")
    section = text.partition('<section id="unknown"')[2].partition("</section>")[0]
    assert section.count("Missing: every Pod of the source cluster") == 1
    assert [word for word in ("MTC201-unknown", "MTC202-unknown") if f'id="{word}"' in section] == [
        "MTC201-unknown",
        "MTC202-unknown",
    ]


def test_junit_says_what_a_case_waits_for() -> None:
    assert shown("junit").count("waits for MTC101 legacy-eu: Cluster legacy-eu") == 2


def test_json_has_the_fingerprint_of_what_a_finding_waits_for() -> None:
    read = json.loads(shown("json"))["findings"]
    (root,) = (item["fingerprint"] for item in read if item["policy"] == "MTC101")
    assert [item["waitsFor"] for item in read] == [[], [root], [root], [], []]
