"""What a choice of policies looks like in plain data: a query, an envelope, or a file.

Every field is a text with commas, as on a command line, or the same as a list or an object.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from service.core.outcome import Severity
from service.core.selection import (
    MOST_WORDS,
    Allowed,
    BadChoice,
    Choice,
    ParameterSetting,
    Profile,
    SelectionFault,
    Skip,
    nearest,
)
from service.kinds.redact import redact

FIELDS = ("profile", "only", "skip", "severities", "parameters")
_REQUESTS = {
    "skipBlockers": "skip_blockers",
    "lowerBlockers": "lower_blockers",
    "setParameters": "set_parameters",
}
_LONGEST = 500


class _Form:
    """The fields of one choice, and every fault that they have."""

    def __init__(self, raw: object, by: str, known: tuple[str, ...], at: str = "") -> None:
        self.by, self.at = by, at
        self.faults: list[SelectionFault] = []
        self.raw: Mapping[Any, Any] = raw if isinstance(raw, Mapping) else {}
        if not isinstance(raw, Mapping):
            self.fault("", f"expected an object with some of {', '.join(known)}")
        for key in self.raw:
            if key not in known:
                hint = nearest(str(key), known) or f"there are {', '.join(known)}"
                self.fault(str(key)[:80], "there is no such key", hint)

    def fault(self, field: str, message: str, hint: str = "") -> None:
        """Note a fault."""
        self.faults.append(SelectionFault(self.by, f"{self.at}{field}".rstrip("."), message, hint))

    def text(self, field: str) -> str:
        value = self.raw.get(field)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
            self.fault(field, f"expected a text of at most {_LONGEST} characters")
            return ""
        return value.strip()

    def rows(self, field: str) -> Iterator[Any]:
        """The items of a list, or of a text with commas."""
        value = self.raw.get(field)
        if value is None:
            return
        rows = value.split(",") if isinstance(value, str) else value
        if not isinstance(rows, list) or len(rows) > MOST_WORDS:
            self.fault(field, f"expected a list of at most {MOST_WORDS}")
            return
        for row in rows:
            if row == "" or (isinstance(row, str) and (not row.strip() or len(row) > _LONGEST)):
                self.fault(field, "one of the words is empty or too long")
            else:
                yield row.strip() if isinstance(row, str) else row

    def pairs(self, field: str, wanted: str) -> Iterator[tuple[str, Any]]:
        """Names and values of an object, or of a text NAME=VALUE with commas."""
        value = self.raw.get(field)
        if isinstance(value, Mapping):
            yield from ((str(key), item) for key, item in value.items())
            return
        for row in self.rows(field):
            name, equals, text = row.partition("=") if isinstance(row, str) else ("", "", "")
            if not equals or not name.strip():
                self.fault(field, f"wanted {wanted}")
            else:
                yield name.strip(), text.strip()

    def only(self) -> tuple[str, ...]:
        rows = list(self.rows("only"))
        if any(not isinstance(row, str) for row in rows):
            self.fault("only", "expected ids, names or areas of policies, or globs")
            return ()
        return tuple(dict.fromkeys(rows))

    def skips(self, *, reasoned: bool) -> Iterator[Skip]:
        for row in self.rows("skip"):
            word, reason = "", ""
            if isinstance(row, str):
                word, _, reason = (item.strip() for item in row.partition("="))
            elif isinstance(row, Mapping) and set(row) <= {"policy", "reason"}:
                word, reason = row.get("policy", ""), row.get("reason", "")
            if not (isinstance(word, str) and word and isinstance(reason, str)):
                self.fault("skip", "wanted {policy: ID, reason: TEXT}, or ID=REASON")
            elif reasoned and not reason:
                self.fault("skip", f"{word[:80]} has no reason", "add reason: why it is skipped")
            else:
                yield Skip(word, redact(reason[:_LONGEST]))

    def severities(self) -> Iterator[tuple[str, Severity]]:
        wanted = f"NAME=SEVERITY, where SEVERITY is one of {', '.join(Severity)}"
        for word, value in self.pairs("severities", wanted):
            if value in set(Severity):
                yield word, Severity(value)
            else:
                self.fault("severities", f"{word[:80]}: expected one of {', '.join(Severity)}")

    def settings(self) -> Iterator[ParameterSetting]:
        for name, value in self.pairs("parameters", "ID.PARAMETER=NUMBER"):
            if isinstance(value, Mapping):
                for parameter, item in value.items():
                    yield from self._setting(name, str(parameter), item)
                continue
            word, dot, parameter = name.rpartition(".")
            if dot:
                yield from self._setting(word, parameter, value)
            else:
                self.fault("parameters", f"{name[:80]}: wanted ID.PARAMETER=NUMBER")

    def _setting(self, word: str, parameter: str, value: object) -> Iterator[ParameterSetting]:
        try:
            number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            yield ParameterSetting(word, parameter, number)
        else:
            self.fault("parameters", f"{word[:80]}.{parameter[:80]}: expected a number")

    def flags(self) -> dict[str, bool]:
        found = {}
        for key, name in _REQUESTS.items():
            value = self.raw.get(key)
            if isinstance(value, bool):
                found[name] = value
            elif value is not None:
                self.fault(key, "expected true or false")
        return found


def _raise(faults: list[SelectionFault]) -> None:
    if faults:
        raise BadChoice(dict.fromkeys(faults))


def choice(
    raw: object, by: str, *, known: tuple[str, ...] = FIELDS, reasoned: bool = False, file: str = ""
) -> Choice:
    """A choice from plain data; ``by`` is who makes it, ``reasoned`` asks for reasons of skips.

    Raises BadChoice with every fault.
    """
    form = _Form(raw, by, known)
    made = _choice(form, reasoned, file)
    _raise(form.faults)
    return made


def _choice(form: _Form, reasoned: bool, file: str = "") -> Choice:
    return Choice(
        by=form.by,
        profile=form.text("profile"),
        only=form.only(),
        skip=tuple(form.skips(reasoned=reasoned)),
        severities=tuple(form.severities()),
        parameters=tuple(form.settings()),
        file=file,
    )


def configuration(raw: object, by: str) -> tuple[dict[str, Profile], Choice, Allowed]:
    """The operator's own profiles, choice and permissions. Raises BadChoice with every fault."""
    form = _Form(raw, by, ("profile", "profiles", *FIELDS[2:], "requests"))
    operator = _choice(form, reasoned=True, file=by)
    faults = form.faults
    profiles = {} if form.raw.get("profiles") is None else form.raw["profiles"]
    if not isinstance(profiles, Mapping):
        form.fault("profiles", "expected an object with a profile for each name")
        profiles = {}
    made: dict[str, Profile] = {}
    for name, value in profiles.items():
        each = _Form(value, by, ("title", *FIELDS[1:]), f"profiles.{name}.")
        own = _choice(each, reasoned=True)
        title, only = each.text("title"), own.only or ("*",)
        made[str(name)] = Profile(title, only, own.skip, own.severities, own.parameters)
        faults += each.faults
    may = {} if form.raw.get("requests") is None else form.raw["requests"]
    requests = _Form(may, by, tuple(_REQUESTS), "requests.")
    allowed = Allowed(**requests.flags())
    _raise([*faults, *requests.faults])
    return made, operator, allowed
