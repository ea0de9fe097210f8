"""The bytes that evidence came from, kept so that a finding's place can be given as a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from service.core.deadline import paced
from service.core.evidence import Problem
from service.core.outcome import Verdict
from service.core.report import Finding, Report
from service.intake.texts.locate import Locator
from service.kinds.ref import Origin, Pointer

MOST_LINES = 500
"""Lines are computed for this many places of a report; the rest keep document and pointer."""

LARGE = 4 * 1024 * 1024
"""In files with more bytes than this, lines are looked for only where something is to be done."""

Media = Literal["json", "yaml", "ndjson"]


@dataclass(slots=True)
class Sources:
    """Text files by part and member."""

    files: dict[tuple[str, str], tuple[bytes, Media, Sequence[int]]] = field(default_factory=dict)
    _locators: dict[tuple[str, str], Locator] = field(default_factory=dict)

    def keep(self, origin: Origin, data: bytes, media: Media, starts: Sequence[int] = ()) -> None:
        """Remember a file; ``starts``: see :class:`Loaded`."""
        self.files[origin.part, origin.member] = (data, media, starts)

    def line(self, origin: Origin, pointer: str) -> int | None:
        """The line of a value, or None where it cannot be found cheaply.

        A missing value (findings point at those, too) has the line of what should contain it.
        """
        key = (origin.part, origin.member)
        if key not in self.files:
            return None
        if key not in self._locators:
            self._locators[key] = Locator(*self.files[key])
        for _ in range(3):
            found = self._locators[key].line_of(origin.document, pointer)
            if found is not None or not pointer:
                return found
            pointer = pointer.rpartition("/")[0]
        return None

    def add_lines(self, report: Report) -> Report:
        """The report with line numbers, as far as :data:`MOST_LINES` goes."""
        budget = [MOST_LINES]
        return replace(
            report,
            findings=tuple(self._finding(finding, budget) for finding in paced(report.findings)),
            problems=tuple(self._problem(problem, budget) for problem in report.problems),
        )

    def _finding(self, finding: Finding, budget: list[int]) -> Finding:
        if not finding.evidence or budget[0] <= 0:
            return finding
        settled = finding.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE)
        return finding._replace(
            evidence=tuple(
                item if settled and self._size(item.origin) > LARGE else self._pointer(item, budget)
                for item in finding.evidence
            ),
        )

    def _size(self, origin: Origin) -> int:
        data = self.files.get((origin.part, origin.member))
        return len(data[0]) if data else 0

    def _pointer(self, pointer: Pointer, budget: list[int]) -> Pointer:
        if budget[0] <= 0 or pointer.line is not None:
            return pointer
        budget[0] -= 1
        return replace(pointer, line=self.line(pointer.origin, pointer.pointer))

    def _problem(self, problem: Problem, budget: list[int]) -> Problem:
        if problem.line is not None or not problem.pointer or budget[0] <= 0:
            return problem
        budget[0] -= 1
        origin = Origin(problem.part, problem.member, problem.document or 0)
        return replace(problem, line=self.line(origin, problem.pointer))
