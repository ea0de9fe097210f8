"""`mtc-preflight collect`: read both clusters into one bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from service.cli import exits
from service.cli.exits import Refusal
from service.cli.loading import packs, reads
from service.core.values.wording import plural

if TYPE_CHECKING:
    from service.cli.progress import Progress
    from service.collect.collection import Collected, CollectRequest
    from service.collect.kubeconfig import Connect


@click.command()
@packs
@click.option("--source", metavar="CONTEXT", help="The source cluster's context in the kubeconfig.")
@click.option("--destination", metavar="CONTEXT", help="The destination cluster's context.")
@click.option(
    "--host", metavar="CONTEXT", help="The cluster that runs MTC, if it is a third cluster."
)
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False),
    help="Default: as for kubectl, $KUBECONFIG or ~/.kube/config.",
)
@click.option(
    "-o",
    "--output",
    default="mtc-preflight.json.gz",
    show_default=True,
    type=click.Path(dir_okay=False, allow_dash=True),
    help="The bundle; - for standard output.",
)
@click.option(
    "--namespaces",
    metavar="NAMES",
    help="Namespaces to read, by commas. Default: those of the plan; without a plan, all.",
)
@click.option(
    "--plan",
    type=click.Path(exists=True, dir_okay=False),
    help="A MigPlan that is not on the cluster yet; it is added to the bundle.",
)
@click.option(
    "--plan-name",
    default="",
    metavar="[NAMESPACE/]NAME",
    help="Which plan on the clusters to use, if several are open.",
)
@click.option(
    "--not-migrating-user",
    "reader",
    is_flag=True,
    help="Another user will run the migration: do not review the rights of the current user.",
)
@click.option(
    "--secrets/--no-secrets",
    default=True,
    show_default=True,
    help="Read the names of secrets, and the names of the keys of those that MTC uses. Values are "
    "never kept.",
)
@click.option("--secret-keys", is_flag=True, hidden=True, help="What --secrets does by default.")
@click.option(
    "--probe",
    is_flag=True,
    help="Also test the connections, from this machine; see `mtc-preflight probe`.",
)
@click.option(
    "--updates-from",
    metavar="PLACE",
    help="Put the newest OpenShift releases into the bundle: from the URL of an update service, "
    "public for Red Hat's, a graph file, or a folder of graph data.",
)
@click.option(
    "--timeout",
    default=1800,
    show_default=True,
    type=click.IntRange(5, 86400),
    metavar="SECONDS",
    help="Time allowed for all clusters; the bundle has what was read until then.",
)
def collect(**given: Any) -> int:
    """Read from both clusters what the checks need, into one bundle for `check`.

    Only reads are made (list, get, and the review of the own rights); no secret's value is
    stored. What cannot be read is listed at the end and in the bundle, so that the checks that
    need it are unknown and say why.

    \b
      mtc-preflight collect --source old --destination new -o bundle.json.gz
      mtc-preflight check bundle.json.gz

    Exit status: 0 all was read, 2 something is missing, 3 nothing could be read, wrong usage, or
    several plans are open and --plan-name does not choose one.
    """
    contexts = {role: given[role] for role in ("source", "destination", "host") if given[role]}
    if not contexts:
        raise click.UsageError("name at least one cluster: --source CONTEXT, --destination CONTEXT")
    from service.cli.progress import Progress

    plan = _plan(given["plan"]) if given["plan"] else None
    with Progress() as progress, _writing(given["output"]) as stream:
        done = _collect(given, contexts, plan, stream, progress)
        if len(done.lost) == len(contexts):
            raise Refusal(*_lost(done))
    return _summarize(done, given["output"])


def _collect(
    given: dict[str, Any],
    contexts: dict[str, str],
    plan: dict[str, Any] | None,
    stream: BinaryIO,
    progress: Progress,
) -> Collected:
    from service.collect.collection import ROLES, CollectRequest
    from service.collect.collection import collect as run
    from service.collect.kubeconfig import KubeContext
    from service.collect.plans import namespaces_of
    from service.collect.writer import BundleWriter

    clusters: dict[str, Connect] = {
        role: KubeContext(contexts[role], given["kubeconfig"] or "")
        for role in ROLES
        if role in contexts
    }
    named = tuple(name.strip() for name in (given["namespaces"] or "").split(",") if name.strip())
    meant = plan or _plan_there(clusters, given["plan_name"], asked=not named)
    request = CollectRequest(
        clusters=clusters,
        reads=reads(),
        namespaces=tuple(dict.fromkeys((*named, *namespaces_of(meant)))) or None,
        plan=meant,
        others=frozenset(contexts if given["reader"] else ()),
        seconds=float(given["timeout"]),
        secrets=given["secrets"],
    )
    rest: dict[str, Any] = {"plan": plan}
    if given["plan_name"]:
        rest["options"] = {"planName": given["plan_name"]}
    if given["probe"] or given["updates_from"]:
        return _with_more(given, request, rest, stream, progress)
    writer = BundleWriter(stream)
    done = run(request, writer, progress.say)
    writer.end(rest)
    return done


def _plan_there(clusters: Mapping[str, Connect], name: str, *, asked: bool) -> Mapping[str, Any]:
    """The plan on the clusters, empty where none is open or where other namespaces were named."""
    from service.collect.plans import NoPlan, plan_on

    if not (asked or name):
        return {}
    try:
        plan = plan_on(clusters, name)
    except NoPlan as error:
        raise Refusal(str(error), "name one: --plan-name [NAMESPACE/]NAME") from None
    if plan is None:
        click.echo(
            "no open MigPlan: every namespace is read (--plan FILE or --namespaces limits it)",
            err=True,
        )
    return plan or {}


def _with_more(
    given: dict[str, Any],
    request: CollectRequest,
    rest: dict[str, Any],
    stream: BinaryIO,
    progress: Progress,
) -> Collected:
    """Collect into a temporary file, and add what can only be found out from its contents."""
    from service.cli.updates_option import channel_file
    from service.collect.collection import collect as run
    from service.collect.measure import measure
    from service.collect.probe_targets import targets
    from service.collect.writer import BundleWriter
    from service.intake.parts import read_pieces
    from service.intake.pieces import Piece

    with TemporaryFile() as spool:
        writer = BundleWriter(spool)
        done = run(request, writer, progress.say)
        mark = spool.tell()
        writer.end(rest)
        spool.seek(0)
        migration = read_pieces([Piece("envelope", spool)], {}, reads=request.reads).migration
        more: dict[str, Any] = {}
        if given["probe"]:
            more["probes"] = measure(targets(migration), "workstation", say=progress.say)
        if given["updates_from"]:
            progress.end()
            more["graph"] = channel_file(migration, given["updates_from"])
        spool.seek(mark)
        spool.truncate()
        writer.end({**rest, **more})
        spool.seek(0)
        copyfileobj(spool, stream)
    return done


@contextmanager
def _writing(path: str) -> Iterator[BinaryIO]:
    from service.collect.writer import opened

    try:
        with opened(path) as stream:
            yield stream
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror or 'cannot be written'}") from None


def _plan(path: str) -> dict[str, Any]:
    from service.intake.intake_errors import Unreadable
    from service.intake.limits import DEFAULT_LIMITS
    from service.intake.texts.load import load

    try:
        documents = list(load(Path(path).read_bytes(), DEFAULT_LIMITS, yaml_claimed=True))
    except Unreadable as error:
        raise Refusal(f"{path}: {error.message}", error.hint) from None
    value = documents[0].value if len(documents) == 1 else None
    if not isinstance(value, dict):
        raise Refusal(f"{path} is not one MigPlan", "give `oc get migplan NAME -o json`")
    return value


def _lost(done: Collected) -> tuple[Any, ...]:
    (first, reason), *rest = done.lost.items()
    return (f"{first}: {reason}", "", *((f"{role}: {text}", "") for role, text in rest))


def _summarize(done: Collected, path: str) -> int:
    missing = [(role, text) for role, tally in done.tallies.items() for text in tally.errors]
    missing += [(role, text) for role, text in done.lost.items() if role not in done.tallies]
    for role, tally in sorted(done.tallies.items()):
        click.echo(
            f"{role}: {plural(tally.objects, 'object')} in {plural(tally.lists, 'list')}", err=True
        )
    for role, text in missing:
        click.echo(f"not gathered: {role}: {text}", err=True)
    if path != "-":
        click.echo(f"wrote {path}; check it: mtc-preflight check {path}", err=True)
    return exits.UNKNOWN if missing else exits.READY
