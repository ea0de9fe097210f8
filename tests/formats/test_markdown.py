"""Markdown: what a renderer makes of it, and the limit."""

from __future__ import annotations

import re
from html import unescape

import pytest
import samples
from markdown_it import MarkdownIt

from service.formats import markdown

READER = MarkdownIt("gfm-like", {"linkify": False})


def text(report, **options):
    return markdown.render(report, samples.context(**options)).decode()


def test_the_whole_report_reads_as_meant():
    page = READER.render(text(samples.full()))
    headings = re.findall(r"<h[23]>(.*?)</h[23]>", page)
    assert headings == [
        "Not ready: MTC preflight",
        "Input that could not be used (1)",
        "Failures (4)",
        "Errors (1)",
        "Waived (1)",
        "Next: gather what is missing (1)",
        "Unknown (1)",
        "Waivers (4)",
        "Gone, but not looked at this time (2)",
        "Met (10)",
    ]
    assert page.count("<table>") == 2
    assert page.count('<code class="language-sh">') == 4
    assert "3.11.374 is not the newest 3.11" in page


def test_a_remedy_is_told_once_per_policy():
    given = samples.report(*(samples.volume(f"pv-{place}", "Failed") for place in range(5)))
    assert text(given).count("Change it as the documentation says") == 1


@pytest.mark.parametrize("limit", [500, 700, 1000, 2000, 4000, 8000])
def test_the_limit_cuts_between_findings(limit):
    many = [samples.volume(f"pv-{place:04}", "Failed") for place in range(300)]
    written = text(samples.report(*samples.GOOD, *many), limit=limit)
    assert len(written) <= limit
    assert re.search(
        r"\n\n\*… and \d+ more left out here; the JSON report has them all\.\*\n$", written
    )
    assert written.count("```") % 2 == 0
    assert not re.search(r"### [^\n]*\n\n\*…", written)
    shown = len(re.findall(r"✗ MTC601", written))
    left = int(re.search(r"and (\d+) more", written)[1])
    # 300 fails with their heading, and the met ones with theirs.
    assert shown + left == (300 + 1 + 2) - (1 if shown else 0)


def test_what_fits_is_whole():
    written = text(samples.full())
    assert text(samples.full(), limit=len(written)) == written
    assert "left out here" in text(samples.full(), limit=len(written) - 1)


@pytest.mark.parametrize(
    "hostile",
    [
        "a | b | c",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](http://evil.example/p.png)",
        "**bold** _it_ ~~s~~ `c`",
        "# heading",
        "1. item",
        "- item",
        "> quote",
        "a\n\n# heading\n\n```\nx",
        "&lt;b&gt; &copy;",
        "``` fence",
        "\\",
        "a\\|b",
        "| --- |",
        "===",
        "$x^2$",
        "<!-- c -->",
    ],
)
def test_text_shows_exactly_as_it_is(hostile):
    page = READER.render(markdown.escape(hostile))
    (inner,) = re.findall(r"^<p>(.*)</p>\n$", page, re.DOTALL)
    assert "<" not in inner
    assert unescape(inner).replace("\u200b", "") == hostile.replace("\n", "\\n").strip()


@pytest.mark.parametrize("hostile", ["`", "``", "a`b", "`a", "a``b`", "|", "a\nb", "<b>"])
def test_code_shows_exactly_as_it_is(hostile):
    page = READER.render(markdown.code(hostile))
    (inner,) = re.findall(r"^<p><code>(.*)</code></p>\n$", page)
    assert unescape(inner) == hostile.replace("\n", "\\n").replace("|", "¦")


def test_nobody_is_pinged_and_nothing_is_linked():
    written = markdown.escape("@octocat see #12, https://evil.example and www.evil.example")
    shown = READER.render(written)
    assert not re.search(
        r"@\w|#\d|https://|www\.", re.sub(r"&#8203;", "", "") + shown.replace("<p>", "")
    )


def test_a_table_keeps_its_cells():
    page = READER.render(text(samples.hostile("a|b`|c\\|d\n|e")))
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    assert [len(re.findall(r"<t[dh]>", row)) for row in rows] == [4, 4, 4, 4]
