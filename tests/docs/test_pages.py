"""The links of the pages lead somewhere, and what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from service.formats import FORMATS
from service.settings import CLIENTS, VARIABLES, Settings, from_environment

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md")))
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"\bMTC_PREFLIGHT_[A-Z_]*[A-Z]\b")
_FILE = re.compile(r"(?<![\w/])(?:benchmarks|deploy|examples|tools)/[\w./-]*\w")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    heads = (re.sub(r"[^\w -]", "", text.lower()) for text in _HEADING.findall(page.read_text()))
    return {text.replace(" ", "-") for text in heads}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    links = {link for link in _LINK.findall(page.read_text()) if "://" not in link[0]}
    assert {link for link, _ in links if not (page.parent / link).exists()} == set()
    inside = {(link, anchor) for link, anchor in links if anchor}
    found = {link: anchors(page.parent / link if link else page) for link, _ in inside}
    assert {(link, anchor) for link, anchor in inside if anchor not in found[link]} == set()


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {link for link, _ in _LINK.findall(index.read_text())}
    assert listed == {page.name for page in index.parent.glob("*.md")} - {index.name}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_settings_and_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text()
    known = {item.name for item in VARIABLES} | CLIENTS
    assert set(_VARIABLE.findall(text)) - known == set()
    assert {file for file in _FILE.findall(text) if not (ROOT / file).exists()} == set()


def test_the_readme_names_every_format_and_every_call() -> None:
    text = (ROOT / "README.md").read_text()
    assert [
        name for name in FORMATS if f"`{name}`" not in text and f"format={name}" not in text
    ] == []
    paths = yaml.safe_load((ROOT / "openapi.yaml").read_text())["paths"]
    shown = {path.replace("{policy_id}", "{id}") for path in paths}
    assert sorted(path for path in shown if path not in text) == []


def test_what_clients_of_the_service_are_told_to_set_is_no_setting() -> None:
    assert from_environment(dict.fromkeys(CLIENTS, "https://mtc.example.com")) == Settings()


def test_the_licences_are_those_of_the_pinned_packages() -> None:
    pinned = {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        for name, _, version in [line.partition("==")]
    }
    rows = re.findall(
        r"^\| ([\w-]+) \| (\S+) \| (.+) \|$", (ROOT / "docs/licences.md").read_text(), re.M
    )
    listed = {name: version for name, version, _ in rows if name != "package"}
    assert len(listed) > 20
    assert {name: version for name, version in listed.items() if pinned.get(name) != version} == {}
