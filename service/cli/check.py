"""`mtc-preflight check`: judge evidence that is in files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from service.cli import exits
from service.cli.exits import Refusal
from service.cli.loading import settings_of, waivers
from service.cli.selecting import Chooser, chosen, selecting
from service.cli.showing import rules, show, showing

if TYPE_CHECKING:
    from service.core.decision.gate import Gate
    from service.core.migration import Migration
    from service.core.policy import Policy
    from service.core.report import Report

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


def _parts(command: Any) -> Any:
    for name, text in reversed(_PARTS):
        command = click.option(f"--{name}", multiple=True, type=_FILE, metavar="FILE", help=text)(
            command
        )
    return command


@click.command()
@click.argument("bundles", nargs=-1, type=_FILE, metavar="[BUNDLE]...")
@_parts
@showing
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
    from service.formats import Context

    with Progress() as progress:
        progress.say("reading", now=True)
        report, policies = _judge(given, rules(given), progress)
    again = "the same command with --format gather"
    show(given, report, Context(policies, version("mtc-preflight"), again=again))
    return status_of(report)


def _judge(
    given: dict[str, Any], gate_rules: Gate, progress: Any
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
            gate_rules,
            bundle.waivers,
            bundle.baseline,
            waivers(settings, chooser.catalogue.policies),
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
