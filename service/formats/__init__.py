"""Reports as bytes: one module per format, each with a ``FORMAT``."""

from __future__ import annotations

from collections.abc import Mapping

from service.formats import (
    github,
    html,
    json_report,
    junit,
    markdown,
    policy_report,
    sarif,
    text,
)
from service.formats.base import Context, Format

_MODULES = (json_report, sarif, junit, markdown, html, text, github, policy_report)

FORMATS: Mapping[str, Format] = {module.FORMAT.name: module.FORMAT for module in _MODULES}
"""Every format by its name; the first is the default."""

__all__ = ["FORMATS", "Context", "Format"]
