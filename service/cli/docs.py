"""`mtc-preflight docs`: the pages of the documentation that are generated from the code."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import exits
from service.cli.loading import packs


@click.command()
@packs
@click.argument("page", required=False)
@click.option(
    "--write",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="ROOT",
    help="Write every page below this folder, normally the root of the repository.",
)
@click.option(
    "--check",
    "against",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="ROOT",
    help="Compare with the files; the exit status is 1 if one differs.",
)
def docs(page: str | None, root: Path | None, against: Path | None) -> int:
    """Print a generated PAGE, or write or compare them all. Without arguments list them."""
    from service.cli.pages import pages

    known = pages()
    if page is not None:
        if page not in known:
            raise click.BadParameter(f"pages are: {', '.join(known)}", param_hint="PAGE")
        click.echo(known[page](), nl=False)
        return exits.READY
    if root is None and against is None:
        click.echo("\n".join(known))
        return exits.READY
    stale = []
    for name, make in known.items():
        path = (root or against or Path()) / name
        text = make()
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        if root is None:
            stale.append(name)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        click.echo(f"wrote {path}", err=True)
    for name in stale:
        click.echo(f"{name} is not what `mtc-preflight docs --write .` makes", err=True)
    return exits.NOT_READY if stale else exits.READY
