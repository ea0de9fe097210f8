"""`mtc-preflight probe`: try the connections that a migration needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from service.cli import exits
from service.cli.exits import Refusal
from service.cli.loading import packs, reads

if TYPE_CHECKING:
    from service.collect.probe_targets import ProbeTarget
    from service.core.migration import Migration

ROLES = ("source", "destination", "host")
VANTAGES = ("workstation", "cluster", "declared")
_FILE = click.Path(exists=True, allow_dash=True)


@click.command()
@packs
@click.argument("bundles", nargs=-1, type=_FILE, metavar="[BUNDLE]...")
@click.option(
    "--from", "start", type=click.Choice(ROLES), help="Only the connections from this cluster."
)
@click.option(
    "--vantage",
    type=click.Choice(VANTAGES),
    default="workstation",
    show_default=True,
    help="Where this runs: in a pod of the cluster (with --from, or in the Job), or elsewhere; "
    "declared: you confirm that the clusters get the same result.",
)
@click.option(
    "--job",
    "image",
    metavar="IMAGE",
    help="Print a Job for the --from cluster that runs the probes there, in this image.",
)
@click.option("--namespace", default="openshift-migration", show_default=True, help="Of the Job.")
@click.option("--list", "listing", is_flag=True, help="Only print what would be tried.")
@click.option("--targets", metavar="JSON", help="Try these targets, as --list prints them.")
@click.option(
    "--timeout",
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    type=click.FloatRange(0.1, 60),
    help="For each step of a connection.",
)
def probe(**given: Any) -> int:
    """Try the connections that the migration in BUNDLE needs, and print them as probes.

    API servers, routes, registries (GET /v2/_catalog?n=5), the replication repository, DNS, and
    NFS servers of volumes that are moved. What a workstation reaches proves nothing for a
    cluster: such results are shown, and the check stays unknown.

    \b
      mtc-preflight probe bundle.json.gz > probes.json
      mtc-preflight probe bundle.json.gz --from source --job IMAGE | oc apply -f -
      oc logs job/mtc-preflight-probe -n openshift-migration > probes-source.json
      mtc-preflight check bundle.json.gz --probes probes-source.json

    Exit status: 0 it was measured, whatever came out; 3 wrong input or usage.
    """
    migration = None
    if given["targets"] is None:
        migration = _migration(given["bundles"])
    found = _targets(given, migration)
    if given["listing"]:
        from service.collect.probe_targets import as_rows

        click.echo(json.dumps(as_rows(found), indent=1))
    elif given["image"] is not None:
        click.echo(_job(given, migration, found), nl=False)
    else:
        click.echo(_measured(given, found))
    return exits.READY


def _migration(paths: tuple[str, ...]) -> Migration:
    from service.cli.inputs import read
    from service.intake.limits import DEFAULT_LIMITS

    if not paths:
        raise click.UsageError("give a bundle of `collect`, or --targets")
    return read([("envelope", path) for path in paths], {}, DEFAULT_LIMITS, reads()).migration


def _targets(given: dict[str, Any], migration: Migration | None) -> tuple[ProbeTarget, ...]:
    from service.collect.probe_targets import BadTarget, from_rows, targets

    if migration is None:
        try:
            found = from_rows(json.loads(given["targets"]))
        except (BadTarget, json.JSONDecodeError) as error:
            raise Refusal(f"--targets: {error}") from None
    else:
        found = targets(migration)
    start = given["start"]
    chosen = tuple(item for item in found if start in (None, item.start))
    if not chosen:
        raise Refusal(
            "the bundle contains no address to test",
            "it needs the MigClusters and the MigStorage of the host, and Infrastructure and\n"
            "Ingress of the clusters: mtc-preflight collect reads them",
        )
    if given["vantage"] == "cluster" and len({item.start for item in chosen}) > 1:
        raise click.UsageError("a pod is in one cluster: add --from")
    return chosen


def _job(given: dict[str, Any], migration: Migration | None, found: tuple[ProbeTarget, ...]) -> str:
    import yaml

    from service.collect.job import commands, manifest
    from service.core.facts.reach import cluster_of

    start = given["start"]
    cluster = cluster_of(migration, start) if migration and start else None
    if cluster is None:
        raise click.UsageError("a Job is for one cluster: give a BUNDLE and --from")
    body = manifest(cluster, found, given["image"], given["namespace"])
    head = "\n".join(f"#   {line}" for line in commands(start, given["namespace"]))
    text = yaml.safe_dump(body, sort_keys=False, width=100_000)
    return f"# On the {start} cluster:\n{head}\n{text}"


def _measured(given: dict[str, Any], found: tuple[ProbeTarget, ...]) -> str:
    from service.cli.progress import Progress
    from service.collect.measure import measure

    with Progress() as progress:
        probes = measure(found, given["vantage"], seconds=given["timeout"], say=progress.say)
    return json.dumps({"probes": probes}, indent=1)
