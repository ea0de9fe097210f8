"""The cases of policies in short, as documentation: what passes, and what fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from service.core.policy import Policy

SUMMARY = "summary.json"
"""The file of the policies' package that contains the product's own cases in short."""


class Summary(NamedTuple):
    """A case in short: the most important verdict that it expects, and the situation."""

    verdict: str
    name: str


def summaries_of(policy: Policy[Any]) -> tuple[Summary, ...]:
    """The cases of a policy in short, () where there are none that can be read."""
    package = sys.modules[type(policy).__module__.partition(".")[0]]
    folder = Path(next(iter(package.__path__))) / "cases"
    if not policy.pack:
        return _own(folder / SUMMARY).get(policy.id, ())
    from service.case_harness import BadCases, read_cases, summaries

    try:
        return summaries(read_cases(folder / f"{policy.id}.yaml"))
    except BadCases:
        return ()


@cache
def _own(file: Path) -> Mapping[str, tuple[Summary, ...]]:
    if not file.is_file():
        return {}
    raw = json.loads(file.read_text("utf-8"))
    return {id: tuple(Summary(*row) for row in rows) for id, rows in raw.items()}
