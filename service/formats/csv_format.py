"""Comma-separated values (RFC 4180): a row for each finding, for spreadsheets."""

from __future__ import annotations

import csv
import io

from service.core.deadline import paced
from service.core.report import Report
from service.formats import words
from service.formats.format_base import Context, Format

COLUMNS = (
    "policy", "verdict", "severity", "cluster", "kind", "namespace", "name", "title", "message",
    "found", "wanted", "remediation", "commands", "change", "fingerprint",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report, context: Context) -> bytes:
    """The findings as UTF-8 text, the most urgent first."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(COLUMNS)
    for item in paced(words.by_urgency(report.findings)):
        subject = item.subject
        row = (
            item.policy, item.verdict.value, item.severity.value, subject.cluster, subject.kind,
            subject.namespace, subject.name, item.title, item.message, item.found, item.wanted,
            item.remedy, "\n".join(words.prompted(item)),
            item.change.value if item.change else "", item.fingerprint,
        )  # fmt: skip
        table.writerow([_cell(text) for text in row])
    for text in words.limits(report):
        # No finding, but a reader of the table must not take its rows for all that there is.
        table.writerow(["", "not evaluated", *[""] * 6, _cell(text), *[""] * 6])
    return written.getvalue().encode("utf-8", "replace")


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    shown = words.safe(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


FORMAT = Format("csv", "text/csv", "report.csv", render, "a table for spreadsheets")
