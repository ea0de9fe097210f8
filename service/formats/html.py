"""The report as one self-contained page: no script, no other file, readable on paper.

Jinja2 escapes every value; the page's own Content-Security-Policy allows its one style sheet (by
hash) and nothing else, so that even an escape that failed could run nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from service.core.deadline import paced
from service.core.next_steps import next_steps
from service.core.outcome import Verdict
from service.core.report import Report
from service.formats import html_matrix, html_view, words
from service.formats.format_base import Context, Format

_TEMPLATES = Path(__file__).parent / "templates"


def render(report: Report, context: Context) -> bytes:
    """The report as a UTF-8 HTML page."""
    style, seal = _style()
    delta = report.delta
    ordered = words.by_urgency(report.findings)
    heads = words.headed(ordered)
    told = [row for row in heads if row[1] or not words.only_missing(row[0])]
    unknown = html_view.cards(told, context.policies, (Verdict.UNKNOWN,))
    waiting = [(item, "") for item in ordered if item.waits_for]
    pieces = _template().generate(
        style=style,
        seal=seal,
        report=report,
        version=context.version,
        headline=words.headline(report),
        limits=list(words.limits(report)),
        summary=words.summary(report),
        plan=words.line(report.plan),
        what_if=words.what_if(report),
        time=words.short_time(report),
        clusters=report.clusters,
        columns=html_matrix.columns(report),
        areas=html_matrix.areas(report, context.policies),
        bar=html_matrix.bar(report),
        problems=html_view.problems(report),
        failures=html_view.cards(heads, context.policies, (Verdict.FAIL, Verdict.ERROR)),
        next=html_view.steps(report),
        script=words.one_script(next_steps(report), context.again),
        waived=html_view.cards(heads, context.policies, (Verdict.WAIVED,)),
        lacked=html_view.lacked(report, heads, (card.anchor for card in unknown)),
        quiet=[
            ("unknown", "Unknown", unknown),
            (
                "waiting",
                "Waiting",
                html_view.cards(waiting, context.policies, (Verdict.FAIL, Verdict.UNKNOWN)),
            ),
            ("met", "Met", html_view.cards(heads, context.policies, (Verdict.PASS,))),
            (
                "not-applicable",
                "Not applicable",
                html_view.cards(heads, context.policies, (Verdict.NOT_APPLICABLE,)),
            ),
        ],
        resolved=html_view.gone(delta.resolved) if delta else (),
        unconfirmed=html_view.gone(delta.unconfirmed) if delta else (),
        line=words.line,
    )
    return "".join(paced(pieces)).encode("utf-8", "replace")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["paced"] = paced
    return environment.get_template("report.html")


@cache
def _style() -> tuple[Markup, str]:
    """The style sheet of the page, and its hash for the page's policy."""
    text = (_TEMPLATES / "report.css").read_text("utf-8")
    seal = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), seal  # noqa: S704 -- our own file, no value of a report


def style_seal() -> str:
    """The hash of the page's style sheet, for a policy that has to let it in."""
    return _style()[1]


FORMAT = Format("html", "text/html", "report.html", render, "one self-contained page for people")
