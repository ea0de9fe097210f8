"""`mtc-preflight check`: judge evidence that is in files."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli import exits
from service.cli.exits import Refusal
from service.cli.loading import settings_of
from service.cli.selecting import Chooser, chosen, selecting

if TYPE_CHECKING:
    from service.core.decision.gate import Gate
    from service.core.migration import Migration
    from service.core.policy import Policy
    from service.core.report import Report
    from service.formats import Context

_FILE = click.Path(allow_dash=True)
_PARTS = (
    ("source", "Evidence of the source cluster: archive, directory, objects or descriptor."),
    ("destination", "Evidence of the destination cluster."),
    ("host", "Evidence of the cluster that runs MTC, if it is a third cluster."),
    ("plan", "The MigPlan."),
    ("storage", "The MigStorage (replication repository)."),
    ("controller", "The MigrationController."),
    ("probes", "Measured connections, as `collect --probe` or its Job prints them."),
    ("graph", "An update graph of the OpenShift update service, or a channel file."),
    ("waivers", "Accepted risks."),
    ("baseline", "A previous JSON report to compare with."),
)


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


def _parts(command: Any) -> Any:
    for name, text in reversed(_PARTS):
        command = click.option(f"--{name}", multiple=True, type=_FILE, metavar="FILE", help=text)(
            command
        )
    return command


def _priorities(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Three names, or none."""
    if value == "none" or (value.count(",") == 2 and all(value.split(","))):
        return value
    raise click.BadParameter("expected three names such as High,Medium,Low, or none")


@click.command()
@click.argument("bundles", nargs=-1, type=_FILE, metavar="[BUNDLE]...")
@_parts
@click.option(
    "--format",
    "form",
    default="text",
    show_default=True,
    type=FormatName(),
    help="Format of the report on standard output: text, json, sarif, junit, markdown, "
    "html, github, policyreport, tickets, jira, servicenow, baseline, codequality, azure, tap, "
    "csv.",
)
@click.option(
    "-o",
    "--output",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Write the report to a file too; may be given several times.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing: only files and exit status.")
@click.option(
    "--fail-on",
    default="blocker",
    show_default=True,
    type=click.Choice(["blocker", "warning", "info"]),
    help="The lowest severity of a failed finding that sets exit status 1.",
)
@click.option(
    "--unknown",
    default="fail",
    show_default=True,
    type=click.Choice(["fail", "ignore"]),
    help="Whether unknown findings set exit status 2.",
)
@click.option(
    "--new-only", is_flag=True, help="Count only findings that are not in the --baseline."
)
@click.option(
    "--updates-from",
    metavar="PLACE",
    help="Where to look up the newest OpenShift release: URL of an update service, public for "
    "Red Hat's, a graph file, or a folder of graph data. Without it, nothing is contacted.",
)
@click.option(
    "--releases",
    type=_FILE,
    metavar="FILE",
    help="Release data of OpenShift, MTC and OADP, instead of the built-in data.",
)
@click.option("--plan-name", metavar="[NAMESPACE/]NAME", help="Which plan, if several are given.")
@click.option(
    "--controller-on",
    type=click.Choice(["source", "destination", "host"]),
    help="Which cluster runs MTC; otherwise the plan defines it.",
)
@selecting
@click.option("--as-of", metavar="TIME", help="Evaluate as of this date or time (ISO 8601).")
@click.option(
    "--target-openshift", metavar="VERSION", help="Evaluate for a destination of this version."
)
@click.option(
    "--target-mtc", metavar="VERSION", help="Evaluate for clusters with this MTC version."
)
@click.option(
    "--max-age-hours", "--max-age", metavar="HOURS", type=float, help="Older evidence is stale."
)
@click.option(
    "--group",
    type=click.Choice(["finding", "policy", "owner"]),
    default="owner",
    show_default=True,
    help="What one ticket is about (tickets, jira, servicenow).",
)
@click.option("--project", default="", metavar="KEY", help="The Jira project of tickets.")
@click.option("--issue-type", default="Task", show_default=True, help="Of Jira tickets.")
@click.option(
    "--jira-api",
    type=click.Choice(["2", "3"]),
    default="2",
    show_default=True,
    help="Version of Jira's REST API: 2 uses wiki markup, 3 uses ADF.",
)
@click.option(
    "--priorities",
    default="High,Medium,Low",
    show_default=True,
    callback=_priorities,
    help="The names of the three priorities in Jira, or none.",
)
@click.option(
    "--table", default="incident", show_default=True, metavar="NAME", help="The ServiceNow table."
)
@click.option("--assignment-group", default="", metavar="NAME", help="Of ServiceNow records.")
@click.option(
    "--for",
    "gather_for",
    type=click.Choice(["all", "source", "destination", "host"]),
    default="all",
    show_default=True,
    help="The cluster that --format gather writes a script for.",
)
@click.option("--caller", default="", metavar="NAME", help="Of ServiceNow records.")
@click.option(
    "--limit",
    type=click.IntRange(500, 1_000_000),
    default=60_000,
    show_default=True,
    metavar="CHARACTERS",
    help="The most of a Markdown report.",
)
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True
)
def check(**given: Any) -> int:
    """Judge a migration by evidence in files.

    BUNDLE is what `collect` writes, an envelope document, a directory whose entries are named
    source, destination, plan …, or - for standard input. Everything else comes by its option.
    JSON, YAML, NDJSON; tar, tar.gz, tar.xz, tar.bz2 and zip of must-gather, inspect, Insights.

    \b
      mtc-preflight check bundle.json.gz
      mtc-preflight check --source must-gather.tar.gz --destination dst.yaml --plan plan.yaml
      oc get migplan shop -n openshift-migration -o json | mtc-preflight check b.json.gz --plan -

    Exit status: 0 ready, 1 not ready, 2 unknown, 3 wrong input or usage.
    """
    from importlib.metadata import version

    from service.cli.progress import Progress
    from service.core.decision.gate import Gate
    from service.core.outcome import Severity
    from service.formats import Context
    from service.formats.format_base import Options

    outputs = [_output(text) for text in given["output"]]
    rules = Gate(Severity(given["fail_on"]), given["unknown"] == "ignore", given["new_only"])
    with Progress() as progress:
        progress.say("reading", now=True)
        report, policies = _judge(given, rules, progress)
    shown = Options(
        limit=given["limit"],
        group=given["group"],
        project=given["project"],
        issue_type=given["issue_type"],
        jira_api=given["jira_api"],
        priorities=given["priorities"],
        table=given["table"],
        assignment_group=given["assignment_group"],
        caller=given["caller"],
        gather_for=given["gather_for"],
    )
    again = "the same command with --format gather"
    plain = Context(policies, version("mtc-preflight"), shown, again)
    if not given["quiet"]:
        colored = replace(plain, options=replace(shown, color=_color(given["color"])))
        _print(given["form"], report, colored)
    for form, path in outputs:
        _write(form, path, report, plain)
    return status_of(report)


def _judge(
    given: dict[str, Any], rules: Gate, progress: Any
) -> tuple[Report, tuple[Policy[Any], ...]]:
    """The report, and all policies that there are. Raises Refusal."""
    from service.cli.inputs import read
    from service.core.assess import assess
    from service.core.decision import delta, gate, waiver_form

    settings = settings_of(given["config"])
    chooser = Chooser(settings)
    parts = [(name, path) for name, _ in _PARTS for path in given[name]]
    parts += [("envelope", path) for path in given["bundles"]]
    options = _options(given)
    bundle = read(parts, options, settings.limits, chooser.reads(options))
    selection = chooser.select(bundle.options)
    migration = bundle.migration
    migration = _with_releases(migration, given["releases"] or settings.releases_file)
    if given["updates_from"]:
        from service.cli.updates_option import with_updates

        progress.say("asking for releases", now=True)
        migration = with_updates(migration, given["updates_from"])
    progress.say("judging", now=True)
    try:
        report = assess(
            migration,
            selection.policies,
            rules,
            bundle.waivers,
            bundle.baseline,
            scope=selection.scope,
        )
    except waiver_form.MalformedWaiver as error:
        faults = [(f"waivers{item.pointer}: {item.message}", "") for item in error.faults]
        raise Refusal(*faults[0], *faults[1:]) from None
    except delta.MalformedPrevious as error:
        raise Refusal(f"baseline{error.pointer}: {error.wanted}") from None
    except gate.NoPrevious:
        raise Refusal("--new-only needs --baseline") from None
    return bundle.sources.add_lines(report), chooser.catalogue.policies


def _options(given: dict[str, Any]) -> dict[str, Any]:
    names = (
        "plan_name",
        "controller_on",
        "as_of",
        "target_openshift",
        "target_mtc",
        "max_age_hours",
    )
    return {name: given[name] for name in names if given[name] is not None} | chosen(given)


def status_of(report: Report) -> int:
    """The exit status: 0 if the gate is open, 1 if a failed finding closes it, 2 if only unknown
    findings do."""
    from service.core.outcome import Verdict

    if report.gate is None or report.gate.passed:
        return exits.READY
    closing = {mark for reason in report.gate.reasons for mark in reason.findings}
    failed = any(
        item.fingerprint in closing and item.verdict is Verdict.FAIL for item in report.findings
    )
    return exits.NOT_READY if failed else exits.UNKNOWN


def _with_releases(migration: Migration, path: str) -> Migration:
    """The migration with the release data of a file, where one is named."""
    from service.intake.release_data import BadReleases, from_file

    if not path:
        return migration
    try:
        return replace(migration, releases=from_file(path))
    except BadReleases as error:
        raise Refusal(str(error)) from None


def _color(choice: str) -> bool:
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _output(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals or not path:
        raise click.BadParameter(f"{text!r} is not FORMAT=FILE", param_hint="--output")
    form = FormatName()
    if name not in form.names():
        known = ", ".join(form.names())
        raise click.BadParameter(
            f"there is no format {name!r}; the formats are: {known}", param_hint="--output"
        )
    return name, Path(path)


def _print(form: str, report: Report, context: Context) -> None:
    from service.formats import FORMATS

    data = FORMATS[form].render(report, context)
    sys.stdout.buffer.write(data if data.endswith(b"\n") else data + b"\n")
    sys.stdout.buffer.flush()


def _write(form: str, path: Path, report: Report, context: Context) -> None:
    from service.formats import FORMATS

    try:
        path.write_bytes(FORMATS[form].render(report, context))
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror or 'cannot be written'}") from None
