"""Workflow commands: escaped so that no text starts one of its own."""

from __future__ import annotations

import pytest
import samples

from service.formats import github


def lines(report):
    return github.render(report, samples.CONTEXT).decode().splitlines()


def test_levels_places_and_order():
    heads = [line.split("::")[1] for line in lines(samples.full())]
    assert heads == [
        "error title=input%3A yaml-syntax",
        "error title=MTC601 fail%3A Every volume of the plan is valid",
        "error title=MTC601 fail%3A Every volume of the plan is valid",
        "error file=plan.yaml,line=7,title=MTC302 fail%3A At most one proxy stands between the "
        "clusters",
        "error title=MTC801 error%3A The controller's settings are valid",
        "error title=MTC504 unknown%3A The ports that MTC needs are open",
        "warning title=MTC901 fail%3A The evidence is fresh",
        "notice title=MTC401 waived%3A OpenShift is on its newest z-stream",
        "error title=mtc-preflight",
    ]


def test_ready_is_one_notice():
    assert lines(samples.ready()) == ["::notice title=mtc-preflight::Ready: 10 checks pass"]


@pytest.mark.parametrize(
    "text",
    [
        "a\n::error::forged",
        "a\r\n::set-output name=x::y",
        "a%0A::error::forged",
        "a\u2028::error::forged",
        "a::stop-commands::x",
        "title,file=/etc/passwd:1",
    ],
)
def test_no_text_starts_a_command_or_a_property(text):
    written = lines(samples.hostile(text))
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in written)
    for line in written:
        head = line.split("::")[1]
        level, _, properties = head.partition(" ")
        keys = [item.partition("=")[0] for item in properties.split(",")]
        assert keys in (["title"], ["file", "title"], ["file", "line", "title"])
        assert level in ("error", "warning", "notice")


def test_the_escapes_are_undone_by_the_runner():
    line = github.command("error", "100% of a\nb", title="x: y, z")
    assert line == "::error title=x%3A y%2C z::100%25 of a%0Ab"
