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


_UNEDITED = "give all that the command printed, unedited"
_ONE_OF_TWO = "keep one of the two: it is not known which is meant"
_HINTS = {
    "json-duplicate-key": _ONE_OF_TWO,
    "yaml-duplicate-key": _ONE_OF_TWO,
    "limit-depth": "no object of a cluster is nested so deeply: leave this document out",
    "limit-documents": "send fewer documents, or one list in place of many objects",
}
"""What to do about what is wrong with a text, where that is not what nearly always helps."""


def problem_of(error: Unreadable, origin: Origin) -> Problem:
    """An unreadable document as a problem of the report."""
    return Problem(
        code=error.code,
        message=error.message,
        hint=error.hint or _HINTS.get(error.code, _UNEDITED),
        part=origin.part,
        member=origin.member,
        document=origin.document,
        line=error.line,
        column=error.column,
        pointer=error.pointer or "",
    )
