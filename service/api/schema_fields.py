"""Marshmallow fields of our own."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields

from service.core.values.versions import Version

_LABEL = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
NAME = f"(?:{_LABEL}/)?{_LABEL}"
VERSION = r"v?\d{1,9}\.\d{1,9}(?:\.\d{1,9})?(?:-[0-9A-Za-z.-]{1,60})?"
"""What the API document says of a version; the reader takes build metadata too."""


class Moment(fields.Field[str]):
    """A date (its start in UTC) or a time with an offset, ISO 8601."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError("wanted a date or a time such as 2026-01-31T12:00:00Z") from None
        if moment.tzinfo is None and len(value) > len("2026-01-31"):
            raise ValidationError("wanted an offset from UTC: end the time with Z")
        if not 1970 < moment.year < 9000:
            raise ValidationError("wanted a year between 1971 and 8999")
        return str(value)


class VersionName(fields.Field[str]):
    """An OpenShift or MTC version such as ``4.16.3``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            if len(value) > 100:
                raise ValueError("too long")
            return Version.parse(value).text
        except (TypeError, ValueError, AttributeError):
            raise ValidationError("wanted a version such as 4.16.3") from None


class ObjectName(fields.Field[str]):
    """``namespace/name`` or ``name`` of a Kubernetes object."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(NAME, value, re.ASCII):
            raise ValidationError("wanted NAMESPACE/NAME or NAME of a Kubernetes object")
        return value
