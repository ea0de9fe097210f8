"""`mtc-preflight evidence`: what the policies read, and how to gather it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from service.cli.loading import loaded, packs

if TYPE_CHECKING:
    from service.core.policy import Policy

ROLES = ("source", "destination", "host")


@click.command()
@packs
@click.option("--role", type=click.Choice(ROLES), help="Of which cluster.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "sh", "json"]),
    help="Default: sh with --role, else text.",
)
def evidence(role: str | None, form: str | None) -> None:
    """List what to collect from each cluster; with --role as a shell script that gathers it.

    \b
      mtc-preflight evidence --role source > gather-source.sh
      sh gather-source.sh NAMESPACE...        # on a machine with oc, logged in to the source
    """
    from service.core.policy import reads_of

    known = loaded()
    chosen = form or ("sh" if role else "text")
    if chosen == "sh":
        if role is None:
            raise click.UsageError("a script is for one cluster: add --role")
        from service.formats.gather_script import script

        click.echo(script(role, reads_of(known.policies)), nl=False)
    elif chosen == "json":
        from service.api.views.evidence_view import _json
        from service.core.engine import digest

        roles = (role,) if role else ROLES
        click.echo(_json(known.policies, digest(known.policies), roles))
    else:
        click.echo("\n".join(_text(known.policies)))


def _text(policies: Sequence[Policy[Any]]) -> Iterator[str]:
    readers: dict[str, list[str]] = {}
    for policy in policies:
        for read in policy.reads:
            scope = ("<namespace>",) if read.plan_namespaces else ()
            readers.setdefault(read.command(scope), []).append(policy.id)
    yield "From each cluster (source, destination, and the host of MTC if it is a third one):"
    yield ""
    for command in sorted(readers):
        yield f"  {command}"
        yield f"      # {', '.join(sorted(set(readers[command])))}"
    facts = sorted({name for policy in policies for name in policy.declares})
    yield ""
    yield f"Provided by a descriptor, by `collect` or its probes: {', '.join(facts)}"
    yield "As a script: mtc-preflight evidence --role source"
