"""The commands that the pages show to a user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
BLANKS = {"<namespace of the plan>": "shop"}
"""What the pages leave to the reader to fill in, and what is filled in here."""
PROGRAMS = (
    ".venv/bin/mtc-preflight", ".venv/bin/python", "curl", "for", "jq", "kubectl", "kustomize",
    "make", "mtc-preflight", "oc", "pip", "podman", "python", "python3", "sh",
)  # fmt: skip
SHELLS = ("sh", "console")
DATA = ("yaml", "json", "text", "nginx", "")
"""Languages of fenced blocks that are no commands."""


@dataclass(frozen=True)
class Command:
    """What is run at once: a ``sh`` block, a command of a ``console`` block, or one in backticks.

    ``shown`` are the lines that a ``console`` block shows as its output.
    """

    text: str
    shown: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The first line, by which the tests name it."""
        return self.text.splitlines()[0]


@dataclass(frozen=True)
class Page:
    """A page: its blocks of commands, those in backticks within its text, and its YAML."""

    name: str
    blocks: tuple[Command, ...]
    mentions: tuple[Command, ...]
    data: tuple[str, ...]

    @property
    def commands(self) -> tuple[Command, ...]:
        """All commands, in the order in which they run."""
        return self.blocks + self.mentions


def read(path: Path) -> Page:
    """Read a page. Raises AssertionError for a block of which it is not clear what it is."""
    name = str(path.relative_to(ROOT))
    blocks: list[Command] = []
    mentions: dict[str, Command] = {}
    data: list[str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(path.read_text()):
        assert token.type != "code_block", f"{name}: fence this: {token.content}"
        if token.type == "inline":
            found = (item.content for item in token.children or [] if item.type == "code_inline")
            mentions |= {text: Command(_filled(text)) for text in found if _is_command(text)}
        if token.type != "fence":
            continue
        language = token.info.strip()
        assert language in SHELLS + DATA, f"{name}: {language}"
        if language == "sh":
            blocks.append(Command(token.content.rstrip("\n")))
        elif language == "console":
            blocks += _session(name, token.content)
        else:
            # Commands in a block that does not say that it is of commands would not be run.
            lines = (line.strip().removeprefix("$ ") for line in token.content.splitlines())
            assert not any(map(_is_command, lines)), f"{name}: {token.content}"
            data += [token.content] if language == "yaml" else []
    return Page(name, tuple(blocks), tuple(mentions.values()), tuple(data))


def _is_command(text: str) -> bool:
    first, *rest = text.split() or [""]
    return first in PROGRAMS and bool(rest)


def _filled(text: str) -> str:
    for blank, value in BLANKS.items():
        text = text.replace(blank, value)
    return text


def _session(name: str, text: str) -> list[Command]:
    found: list[Command] = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        assert line.startswith("$ "), f"{name}: {line}"
        typed = [line[2:]]
        while typed[-1].endswith("\\"):
            number += 1
            typed.append(lines[number])
        number += 1
        shown = []
        while number < len(lines) and not lines[number].startswith("$ "):
            shown.append(lines[number])
            number += 1
        found.append(Command("\n".join(typed), tuple(shown)))
    return found
