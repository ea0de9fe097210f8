"""`mtc-preflight render` and `next`: a stored JSON report in another form, without the evidence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.evidence_command import ROLES
from service.cli.exits import READY, Refusal
from service.cli.loading import packs, policies
from service.cli.showing import rules, show, showing

if TYPE_CHECKING:
    from service.core.decision.gate import Gate
    from service.core.report import Report

_AGAIN = "mtc-preflight next REPORT --for all"


@click.command()
@packs
@click.argument("report")
@showing
def render(report: str, **given: Any) -> int:
    """Print a stored REPORT (check --format json, or - for standard input) in other formats.

    Every field is checked, secrets are masked again, and verdict and gate are computed again.
    """
    from importlib.metadata import version

    from service.formats import Context

    context = Context(policies(), version("mtc-preflight"), again=_AGAIN)
    show(given, _read(report, rules(given)), context)
    return READY


@click.command("next")
@packs
@click.argument("report")
@click.option(
    "--for",
    "role",
    type=click.Choice(("all", *ROLES)),
    help="Print the script for this cluster, or one for all.",
)
def next_command(report: str, role: str | None) -> int:
    """Print what a stored REPORT lacks; with --for as a shell script that gathers it.

    \b
      mtc-preflight check ... --format json > report.json
      mtc-preflight next report.json --for all > gather.sh
      sh gather.sh destination                # on a machine with oc, logged in to the destination
    """
    from service.core.next_steps import next_steps
    from service.formats import Context, gather_format, words
    from service.formats.format_base import Options

    stored = _read(report)
    if role:
        context = Context(policies(), "", Options(gather_for=role), again=_AGAIN)
        click.echo(gather_format.render(stored, context), nl=False)
        return READY
    for cluster in next_steps(stored):
        click.echo(words.lacking(cluster))
        for step in cluster.steps:
            click.echo(f"  - {words.fact(step)}")
    return READY


def _read(path: str, gate: Gate | None = None) -> Report:
    """The report of a file. Raises Refusal."""
    import json

    from service.core.decision.gate import Gate, decide
    from service.formats.stored import MalformedReport, read

    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return decide(read(json.loads(data)), gate or Gate())
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        detail = (
            f"{error.pointer or '/'}: expected {error.wanted}"
            if isinstance(error, MalformedReport)
            else "this is no JSON"
        )
        raise Refusal(f"{path}: {detail}", "give what `check --format json` prints") from None
