"""`mtc-preflight token`: make a bearer token for the service."""

from __future__ import annotations

from datetime import datetime

import click

from service.cli.exits import Refusal

_SCOPES = ("evaluate", "patch", "admission", "metrics")


@click.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(_SCOPES),
    multiple=True,
    default=("evaluate",),
    show_default=True,
    help="What it is good for; can be given several times.",
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The date (UTC) from which on it is no longer good.",
)
@click.option(
    "--append",
    "file",
    type=click.Path(dir_okay=False, writable=True),
    help="Append the line to this tokens file instead of showing it.",
)
def token(name: str, scopes: tuple[str, ...], until: datetime | None, file: str | None) -> None:
    """Make a token for the caller NAME.

    The first line is the token, for the caller; it is shown this once. The second is for the file
    that MTC_PREFLIGHT_TOKENS_FILE names, and reveals nothing about the token. A running service
    reads the file again when it changes.
    """
    from service.api.access.tokens import MalformedToken, make, parse_line

    secret, made = make(name, frozenset(scopes), until.date() if until else None)
    try:
        parse_line(made.line())
    except MalformedToken as error:
        raise Refusal(f"NAME: {error}") from None
    click.echo(secret)
    if file is None:
        click.echo(made.line())
        return
    try:
        with open(file, "a", encoding="utf-8") as stream:
            stream.write(made.line() + "\n")
    except OSError as error:
        raise Refusal(f"{file}: {error.strerror}") from None
