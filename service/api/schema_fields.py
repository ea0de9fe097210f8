"""Marshmallow fields of our own."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields

from service.core.values.versions import Version
from service.intake.options import MOST_HOURS

_LABEL = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
NAME = f"(?:{_LABEL}/)?{_LABEL}"
VERSION = r"v?\d{1,9}\.\d{1,9}(?:\.\d{1,9})?(?:-[0-9A-Za-z.-]{1,60})?"
"""What the API document says of a version; the reader takes build metadata too."""


MOMENT = (
    r"^(?:197[1-9]|19[89]\d|[2-8]\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d))?$"
)
"""What it says of a date or time; the reader takes more of ISO 8601."""


class Moment(fields.Field[str]):
    """A date (its start in UTC) or a time with an offset, ISO 8601."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError(
                "expected a date or a time such as 2026-01-31T12:00:00Z"
            ) from None
        if moment.tzinfo is None and len(value) > len("2026-01-31"):
            raise ValidationError("expected an offset from UTC: end the time with Z")
        if not 1970 < moment.year < 9000:
            raise ValidationError("expected a year between 1971 and 8999")
        return str(value)


class Hours(fields.Float):
    """A number of hours above 0."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        try:
            hours = float(value)
        except (TypeError, ValueError):
            hours = 0
        if not 0 < hours <= MOST_HOURS:
            raise ValidationError("expected a number of hours above 0")
        return hours


class VersionName(fields.Field[str]):
    """An OpenShift or MTC version such as ``4.16.3``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            if len(value) > 100:
                raise ValueError("too long")
            return Version.parse(value).text
        except (TypeError, ValueError, AttributeError):
            raise ValidationError("expected a version such as 4.16.3") from None


class ObjectName(fields.Field[str]):
    """``namespace/name`` or ``name`` of a Kubernetes object."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(NAME, value, re.ASCII):
            raise ValidationError("expected NAMESPACE/NAME or NAME of a Kubernetes object")
        return value
