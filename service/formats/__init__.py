"""Reports as bytes: one module per format, each with a ``FORMAT``."""

from __future__ import annotations

from collections.abc import Mapping

from service.formats import (
    azure,
    baseline,
    codequality,
    csv_format,
    gather_format,
    github,
    html,
    jira,
    json_report,
    junit,
    markdown,
    policy_report,
    sarif,
    servicenow,
    tap,
    text,
    tickets_format,
)
from service.formats.format_base import Context, Format

_MODULES = (
    json_report,
    sarif,
    junit,
    markdown,
    html,
    text,
    github,
    codequality,
    azure,
    tap,
    csv_format,
    policy_report,
    tickets_format,
    jira,
    servicenow,
    baseline,
    gather_format,
)

FORMATS: Mapping[str, Format] = {module.FORMAT.name: module.FORMAT for module in _MODULES}
"""Every format by its name; the first is the default."""

__all__ = ["FORMATS", "Context", "Format"]
