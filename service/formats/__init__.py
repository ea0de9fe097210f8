"""Reports as bytes: one module per format, each with a ``FORMAT``."""

from __future__ import annotations

from collections.abc import Mapping

from service.formats import json_report
from service.formats.base import Context, Format

FORMATS: Mapping[str, Format] = {item.name: item for item in (json_report.FORMAT,)}
"""Every format by its name; the first is the default."""

__all__ = ["FORMATS", "Context", "Format"]
