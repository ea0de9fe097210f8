"""The page: valid, self-contained, usable without eyes, mouse or script."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from itertools import pairwise

import html5lib
import pytest
import samples

from service.core.outcome import Command
from service.formats import html, html_matrix, html_view
from service.formats.words import headed

MAKES = [samples.full, samples.ready, samples.empty]


def page(report):
    return html.render(report, samples.CONTEXT).decode()


def tree(report):
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(page(report))


def words(node):
    return " ".join("".join(node.itertext()).split())


@pytest.mark.parametrize("make", MAKES)
def test_valid_html_with_the_basics_of_accessibility(make):
    root = tree(make())
    assert root.get("lang") == "en"
    assert root.find("head/title").text
    assert [words(node) for node in root.iter("h1")] != []
    assert len(list(root.iter("h1"))) == len(list(root.iter("main"))) == 1
    levels = [int(node.tag[1]) for node in root.iter() if re.fullmatch(r"h[1-6]", str(node.tag))]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = Counter(node.get("id") for node in root.iter() if node.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    for node in root.iter():
        for key in ("aria-labelledby", "href"):
            target = node.get(key) or ""
            if key == "href" and not target.startswith("#"):
                continue
            if target:
                assert target.lstrip("#") in ids
    for node in root.iter("a"):
        assert words(node)
    for table in root.iter("table"):
        assert words(table.find("caption"))
        assert all(node.get("scope") for node in table.iter("th"))
    for image in (node for node in root.iter() if str(node.tag).endswith("svg")):
        assert image.get("role") == "img"
        assert image.get("aria-label")


@pytest.mark.parametrize("make", MAKES)
def test_nothing_is_loaded_and_nothing_runs(make):
    root = tree(make())
    assert {str(node.tag) for node in root.iter()} & {
        "script", "img", "link", "iframe", "object", "embed", "form", "base", "audio", "video"
    } == set()  # fmt: skip
    for node in root.iter():
        assert not [key for key in node.attrib if str(key).startswith("on") or key == "style"]
        assert node.get("src") is None
    style = root.find("head/style").text
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [
        node.get("content")
        for node in root.iter("meta")
        if node.get("http-equiv") == "Content-Security-Policy"
    ]
    seal = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{seal}'")


def test_the_matrix_says_what_the_report_says():
    root = tree(samples.full())
    (table,) = root.iter("table")
    heads = [words(node) for node in table.find("thead").iter("th")]
    assert heads == [
        "Prerequisite",
        "legacy-eusource",
        "prod-eudestination, runs MTC",
        "Planmigration",
    ]
    rows = {
        words(row.find("th")): [words(cell) for cell in row.iter("td")]
        for row in table.iter("tr")
        if row.find("td") is not None
    }
    none = "nothing to check"
    assert list(rows.values()) == [
        ["✓pass", "✓pass", none],
        ["✓pass", "–not applicable", none],
        ["✓pass", none, none],
        ["–not applicable", none, none],
        [none, none, "✗fail"],
        ["~waived", "✓pass", none],
        [none, none, "✓pass"],
        ["?unknown", none, none],
        ["✓pass", "✓pass", none],
        ["✗2fail, 2 findings", none, none],
        ["✓pass", none, none],
        [none, "✓pass", "!error"],
        ["▲fail, warning only", none, none],
    ]
    areas = [words(row) for row in table.iter("tr") if row.get("class") == "area"]
    assert areas == [
        "Access", "Images", "Proxies", "Versions", "Network", "Volumes", "Controller", "Evidence"
    ]  # fmt: skip


def test_every_cell_leads_to_its_findings():
    root = tree(samples.full())
    cards = {node.get("id"): words(node) for node in root.iter() if node.get("id")}
    links = [node.get("href")[1:] for table in root.iter("table") for node in table.iter("a")]
    assert len(links) == 18
    for link in links:
        assert link.split("-")[0] in cards[link]


def test_a_card_lists_so_many_and_says_how_many_more():
    many = [samples.volume(f"pv-{place:05}", "Failed") for place in range(1000)]
    made = samples.report(*samples.GOOD, *many)
    (card,) = html_view.cards(
        headed(made.findings), samples.POLICIES, [item.verdict for item in many[:1]]
    )
    assert (len(card.items), card.more) == (200, 800)
    assert len(html.render(made, samples.CONTEXT)) < 400_000


def test_a_command_that_all_share_is_told_once():
    shared = [
        samples.finding(
            "MTC601",
            "fail",
            samples.Subject("legacy-eu", "v1", "PersistentVolume", "", name),
            commands=(Command("oc get pv", "source"), Command(f"oc describe pv {name}", "source")),
        )
        for name in ("a", "b")
    ]
    (card,) = html_view.cards(headed(shared), samples.POLICIES, [shared[0].verdict])
    assert card.commands == (Command("oc get pv", "source"),)
    assert [item.commands for item in card.items] == [
        (Command("oc describe pv a", "source"),),
        (Command("oc describe pv b", "source"),),
    ]


def test_the_bar_fills_its_length():
    parts = html_matrix.bar(samples.full())
    assert [(part.look, part.count) for part in parts] == [
        ("fail", 3),
        ("error", 1),
        ("unknown", 1),
        ("fail-minor", 1),
        ("waived", 1),
        ("pass", 10),
    ]
    assert abs(sum(part.width for part in parts) - 1000) < 1
    assert all(part.width >= 10 for part in parts)


def luminance(color):
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    "ink, paper",
    [
        ("ink", "paper"), ("ink", "card"), ("soft", "paper"), ("soft", "card"), ("ink", "code"),
        ("soft", "dark-tint"), ("on-fail", "fail"), ("on-warn", "warn"), ("on-dark", "dark"),
        ("on-pass", "pass"), ("on-waive", "waive"), ("link", "card"), ("ink", "warn-tint"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_the_contrast_that_wcag_wants(ink, paper, theme):
    style, _ = html._style()
    light, dark = re.split(r"@media \(prefers-color-scheme: dark\)", str(style))[:2]
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    if theme == "dark":
        inner = dark[: dark.index("\n}\n")]
        colors.update(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", inner))
    assert contrast(colors[ink], colors[paper]) >= 4.5


def test_a_command_for_two_clusters_is_shown_with_each():
    findings = [
        samples.finding("MTC201", "fail", subject=subject, commands=(Command("oc patch x", role),))
        for role, subject in (("source", samples.SOURCE), ("destination", samples.DESTINATION))
    ]
    (card,) = html_view.cards(headed(findings), samples.POLICIES, [findings[0].verdict])
    assert card.commands == ()
    assert [item.commands for item in card.items] == [item.commands for item in findings]
