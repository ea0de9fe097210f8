"""How a command shows a report: the options for its formats and its gate, and what they print."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from service.cli.exits import Refusal

if TYPE_CHECKING:
    from service.core.decision.gate import Gate
    from service.core.report import Report
    from service.formats import Context
    from service.formats.format_base import Options

C = TypeVar("C", bound=Callable[..., Any])


class FormatName(click.ParamType[str]):
    """A format of the report; the formats are loaded when one is named or listed."""

    name = "format"

    def names(self) -> list[str]:
        """All formats."""
        from service.formats import FORMATS

        return list(FORMATS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, if there is such a format."""
        names = self.names()
        if value not in names:
            self.fail(
                f"there is no format {value!r}; the formats are: {', '.join(names)}", param, ctx
            )
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        """The formats that begin like this."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self.names() if name.startswith(incomplete)]


class Output(click.ParamType[tuple[str, Path]]):
    """FORMAT=FILE: a format and the file that gets the report in it."""

    name = "output"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """Both, if there is such a format."""
        form, _, path = value.partition("=")
        if not path:
            self.fail(f"{value!r} is not FORMAT=FILE", param, ctx)
        return FormatName().convert(form, param, ctx), Path(path)


def _priorities(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Three names, or none."""
    if value == "none" or (value.count(",") == 2 and all(value.split(","))):
        return value
    raise click.BadParameter("expected three names such as High,Medium,Low, or none")


_OPTIONS = (
    click.option(
        "--format",
        "form",
        default="text",
        show_default=True,
        type=FormatName(),
        help="Format of the report on standard output: text, json, sarif, junit, markdown, "
        "html, github, policyreport, tickets, jira, servicenow, baseline, codequality, azure, "
        "tap, csv, gather.",
    ),
    click.option(
        "-o",
        "--output",
        multiple=True,
        type=Output(),
        metavar="FORMAT=FILE",
        help="Write the report to a file too; may be given several times.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing: only files and exit status."),
    click.option(
        "--fail-on",
        default="blocker",
        show_default=True,
        type=click.Choice(["blocker", "warning", "info"]),
        help="The lowest severity of a failed finding that closes the gate.",
    ),
    click.option(
        "--unknown",
        default="fail",
        show_default=True,
        type=click.Choice(["fail", "ignore"]),
        help="Whether unknown findings close the gate.",
    ),
    click.option(
        "--alerts", is_flag=True, help="In SARIF, only what needs action, for GitHub's view."
    ),
    click.option(
        "--group",
        type=click.Choice(["finding", "policy", "owner"]),
        default="owner",
        show_default=True,
        help="What one ticket is about (tickets, jira, servicenow).",
    ),
    click.option("--project", default="", metavar="KEY", help="The Jira project of tickets."),
    click.option("--issue-type", default="Task", show_default=True, help="Of Jira tickets."),
    click.option(
        "--jira-api",
        type=click.Choice(["2", "3"]),
        default="2",
        show_default=True,
        help="Version of Jira's REST API: 2 uses wiki markup, 3 uses ADF.",
    ),
    click.option(
        "--priorities",
        default="High,Medium,Low",
        show_default=True,
        callback=_priorities,
        help="The names of the three priorities in Jira, or none.",
    ),
    click.option(
        "--table",
        default="incident",
        show_default=True,
        metavar="NAME",
        help="The ServiceNow table.",
    ),
    click.option("--assignment-group", default="", metavar="NAME", help="Of ServiceNow records."),
    click.option("--caller", default="", metavar="NAME", help="Of ServiceNow records."),
    click.option(
        "--for",
        "gather_for",
        type=click.Choice(["all", "source", "destination", "host"]),
        default="all",
        show_default=True,
        help="The cluster that --format gather writes a script for.",
    ),
    click.option(
        "--limit",
        type=click.IntRange(500, 1_000_000),
        default=60_000,
        show_default=True,
        metavar="CHARACTERS",
        help="The most of a Markdown report.",
    ),
    click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
    ),
)


def showing(command: C) -> C:
    """The options for the formats and the gate."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def rules(given: dict[str, Any]) -> Gate:
    """The gate that the options ask for."""
    from service.core.decision.gate import Gate
    from service.core.outcome import Severity

    ignored = given["unknown"] == "ignore"
    return Gate(Severity(given["fail_on"]), ignored, given.get("new_only", False))


def show(given: dict[str, Any], report: Report, context: Context) -> None:
    """Print the report and write its files, as the options ask. Raises Refusal."""
    shown = _shown(given)
    if not given["quiet"]:
        data = _rendered(given["form"], report, context, replace(shown, color=_color(given)))
        sys.stdout.buffer.write(data if data.endswith(b"\n") else data + b"\n")
        sys.stdout.buffer.flush()
    for form, path in given["output"]:
        try:
            path.write_bytes(_rendered(form, report, context, shown))
        except OSError as error:
            raise Refusal(f"{path}: {error.strerror or 'cannot be written'}") from None


def _shown(given: dict[str, Any]) -> Options:
    from service.formats.format_base import Options

    names = {item.name for item in fields(Options)} - {"color"}
    return Options(**{name: given[name] for name in names})


def _rendered(form: str, report: Report, context: Context, shown: Options) -> bytes:
    from service.formats import FORMATS

    return FORMATS[form].render(report, replace(context, options=shown))


def _color(given: dict[str, Any]) -> bool:
    if given["color"] != "auto":
        return bool(given["color"] == "always")
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
