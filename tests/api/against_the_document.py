"""How schemathesis holds the service against its own API document."""

from __future__ import annotations

import gzip
import json
from typing import Any

import schemathesis
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

# The service takes text of any media type by its bytes, so "wrong" bodies may well be right, and
# a form is given as bytes: whether a body is good is tested elsewhere, here that all is answered.
EXCLUDED = [positive_data_acceptance, negative_data_rejection]


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.serializer("application/gzip")
def _gzip(_: Any, value: Any) -> bytes:
    return gzip.compress(_bytes(value))


@schemathesis.serializer(
    "application/x-ndjson", "application/x-tar", "application/x-xz", "application/zip",
    "application/octet-stream", "application/x-yaml", "text/yaml",
)  # fmt: skip
def _plain(_: Any, value: Any) -> bytes:
    return _bytes(value)


def errors(report: Any) -> list[dict[str, Any]]:
    """The findings of a JSON report (or baseline) of policies that failed on their own account."""
    findings = report.get("findings", []) if isinstance(report, dict) else []
    return [item for item in findings if item["verdict"] == "error"]
