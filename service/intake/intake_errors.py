"""The two ways in which input can be bad."""

from __future__ import annotations

from service.core.evidence import Problem
from service.kinds.ref import Origin


class Unreadable(Exception):
    """One document or member cannot be read; the rest of the input still counts.

    ``code`` is a stable kebab-case word (``yaml-syntax``, ``json-duplicate-key`` …),
    ``message`` says what was wrong without repeating any value of the input,
    ``hint`` says what to do, ``line`` and ``column`` count from 1 within the document's file.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        pointer: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.pointer = pointer
        self.hint = hint


class LimitExceeded(Unreadable):
    """The input would cost more than a limit allows; ``setting`` names the limit."""

    def __init__(self, setting: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"limit-{setting.replace('_', '-')}", message, hint=hint)
        self.setting = setting


def problem_of(error: Unreadable, origin: Origin) -> Problem:
    """An unreadable document as a problem of the report."""
    return Problem(
        code=error.code,
        message=error.message,
        hint=error.hint,
        part=origin.part,
        member=origin.member,
        document=origin.document,
        line=error.line,
        column=error.column,
        pointer=error.pointer or "",
    )
