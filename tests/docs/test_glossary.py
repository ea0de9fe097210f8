"""The words of the product: one term for each thing, in plain English (docs/glossary.md)."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from policy_cases import CASES, POLICIES, cases_of, found, given

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted(path for top in ("policies", "service") for path in (ROOT / top).rglob("*.py"))
TEMPLATES = sorted((ROOT / "service").rglob("*.html"))

Text = tuple[int, str]
"""A line number and the prose that begins there."""

SINGULAR = re.compile(
    r"(?<![\w.,:/=-])1 (?!is\b|has\b|was\b|does\b|needs\b|as\b)[A-Za-z]+[^sS\W\d]s\b"
)
"""One of something in the plural. What follows a release (`MTC 1.8.1 needs`) is no count."""


@cache
def banned() -> dict[str, str]:
    """Each banned word, in lower case, and what to write instead of it."""
    found: dict[str, str] = {}
    for line in GLOSSARY.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 2 and cells[1].startswith("`"):
            found |= dict.fromkeys(re.findall("`([^`]+)`", cells[1]), cells[0])
    return found


@cache
def pattern() -> re.Pattern[str]:
    words = sorted(banned(), key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, words))})\b", re.IGNORECASE)


def prose(text: str) -> str:
    """A text without its code: what is in backticks keeps its own words."""
    blank = r"[^\n]"
    for code in (r"```.*?```", r"``.*?``", r"`[^`\n]*`"):
        text = re.sub(code, lambda hit: re.sub(blank, "_", hit[0]), text, flags=re.DOTALL)
    return text


def of_module(path: Path) -> Iterator[Text]:
    """The strings with a space, docstrings and comments of a module.

    A string without a space is a word for machines: a key, a code, an id.
    """
    source = path.read_text("utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    whole = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in whole for part in node.values}
    for node in whole:
        words = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        yield node.lineno, "".join(words)
    for node in nodes:
        text = node.value if isinstance(node, ast.Constant) and id(node) not in parts else None
        if isinstance(text, str) and " " in text.strip():
            yield node.lineno, text
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def of_document(path: Path) -> Iterator[Text]:
    """The descriptions of an OpenAPI document, with the line on which each begins."""
    node = yaml.compose(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, yaml.MappingNode):
            for key, value in item.value:
                waiting.append(value)
                if key.value in ("description", "summary", "title") and value.tag.endswith(":str"):
                    yield value.start_mark.line + 1, value.value
        elif isinstance(item, yaml.SequenceNode):
            waiting += item.value


def texts(path: Path) -> Iterator[Text]:
    if path.suffix == ".py":
        return of_module(path)
    if path.suffix == ".yaml":
        return of_document(path)
    return iter([(1, path.read_text("utf-8"))])


def faults(name: str, found: Iterator[Text]) -> Iterator[str]:
    for line, text in found:
        shown = prose(text)
        for hit in pattern().finditer(shown):
            where = line + shown.count("\n", 0, hit.start())
            words = " ".join(shown[max(0, hit.start() - 30) : hit.end() + 30].split())
            better = banned()[" ".join(hit[0].lower().split())]
            yield (
                f"{name}:{where}: write {better!r} instead of {hit[0]!r} in “{words}” "
                "(docs/glossary.md)"
            )


def faults_of(*paths: Path) -> list[str]:
    return [fault for path in paths for fault in faults(str(path.relative_to(ROOT)), texts(path))]


def test_a_banned_word_is_reported_with_its_line_and_its_replacement(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""One.\n\nIt mends `mend`."""\nX = "mend", f"a {1} stands"  # nobody\n')
    assert list(faults("module.py", of_module(module))) == [
        "module.py:4: write 'is, remains, exists' instead of 'stands' in “a {} stands” "
        "(docs/glossary.md)",
        "module.py:3: write 'fix' instead of 'mends' in “One. It mends ______.” (docs/glossary.md)",
        "module.py:4: write 'no one, or the passive' instead of 'nobody' in “# nobody” "
        "(docs/glossary.md)",
    ]


@pytest.mark.parametrize("folder", sorted({str(path.parent.relative_to(ROOT)) for path in MODULES}))
def test_the_code_uses_the_words_of_the_glossary(folder: str) -> None:
    assert not (wrong := faults_of(*sorted((ROOT / folder).glob("*.py")))), "\n".join(wrong)


@pytest.mark.parametrize(
    "path",
    [*(page for page in PAGES if page != GLOSSARY), *TEMPLATES, ROOT / "openapi.yaml"],
    ids=lambda path: path.name,
)
def test_the_pages_use_the_words_of_the_glossary(path: Path) -> None:
    assert not (wrong := faults_of(path)), "\n".join(wrong)


@pytest.mark.parametrize("policy", sorted(path.stem for path in CASES.glob("*.yaml")))
def test_one_of_something_is_in_the_singular(policy: str) -> None:
    messages = {
        text
        for case in cases_of(policy)
        for finding in found(given(case), POLICIES[policy])
        for text in (finding.message, finding.found, *(item.fact for item in finding.missing))
    }
    assert not (wrong := sorted(text for text in messages if SINGULAR.search(text))), wrong
