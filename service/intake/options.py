"""What to assume, and what is asked: the options of an envelope and of a query."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.core.evidence import Problem, Role
from service.core.migration import Requested
from service.core.values.versions import parse_or_none
from service.intake.pieces import BadInput

OPTIONS = {
    "asOf": "as_of",
    "targetOpenshift": "target_openshift",
    "targetMtc": "target_mtc",
    "maxAgeHours": "max_age_hours",
    "planName": "plan_name",
    "controllerOn": "controller_on",
    "profile": "profile",
    "only": "only",
    "skip": "skip",
    "severities": "severities",
    "parameters": "parameters",
    "plan": "plan_name",
    "host": "controller_on",
}
"""Options of an envelope, and what the query calls them; the last two are older names."""


MOST_HOURS = 1_000_000
"""More than a century: evidence of any age; dates cannot be reckoned with much more."""


def requested_by(options: Mapping[str, Any]) -> Requested:
    problems = []
    as_of = now()
    if options.get("as_of") is not None:
        given = moment(options["as_of"])
        if given is None:
            problems.append(_bad_option("asOf", "an ISO 8601 date or time"))
        as_of = given or as_of
    versions = {}
    for key, name in (("target_openshift", "targetOpenshift"), ("target_mtc", "targetMtc")):
        text = options.get(key)
        versions[key] = parse_or_none(str(text)) if text is not None else None
        if text is not None and versions[key] is None:
            problems.append(_bad_option(name, "a version such as 4.14.9"))
    hours = options.get("max_age_hours")
    try:
        age = None if hours is None else float(hours)
    except (TypeError, ValueError):
        age = -1.0
    if age is not None and not 0 < age <= MOST_HOURS:
        problems.append(_bad_option("maxAgeHours", "a number of hours above 0, at most 1000000"))
    host = options.get("controller_on")
    if host is not None and host not in tuple(Role):
        problems.append(_bad_option("controllerOn", "one of source, destination, host"))
    if problems:
        raise BadInput("bad-request", *problems)
    return Requested(as_of, versions["target_openshift"], versions["target_mtc"], age)


def _bad_option(name: str, wanted: str) -> Problem:
    return Problem("bad-option", f"{name} is not {wanted}", pointer=f"/options/{name}")


def moment(value: Any) -> datetime | None:
    """An ISO 8601 date or time; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def now() -> datetime:
    """The current minute, in UTC: within it, the same evidence gets the same report."""
    return datetime.now(UTC).replace(second=0, microsecond=0)
