"""`mtc-preflight serve`: the HTTP service."""

from __future__ import annotations

import errno
import os
import re
import socket
import sys

import click

from service.cli.exits import Refusal
from service.cli.loading import loaded, packs

_ADDRESS = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}|unix:.+")


@click.command()
@packs
@click.option(
    "--bind",
    default="127.0.0.1:8080",
    show_default=True,
    metavar="ADDRESS:PORT",
    help="Where to listen; 0.0.0.0:8080 for all addresses.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Processes; default as MTC_PREFLIGHT_WORKERS says, else one per processor, two to eight.",
)
def serve(bind: str, workers: int | None) -> None:
    """Serve evaluations over HTTP; the API is described at /docs.

    Settings are environment variables MTC_PREFLIGHT_*, listed in docs/configuration.md.
    """
    from service.settings import SettingsError, from_environment

    if not _ADDRESS.fullmatch(bind):
        raise click.BadParameter(
            f"{bind!r} is not ADDRESS:PORT such as 0.0.0.0:8080", param_hint="--bind"
        )
    try:
        settings = from_environment()
    except SettingsError as error:
        raise Refusal(str(error)) from None
    if settings.policies or settings.config_file:
        loaded(settings)  # a fault is named here once, and not by each worker
    _check_free(bind)
    words = [
        sys.executable, "-m", "gunicorn",
        "--config", "python:service.api.gunicorn_conf",
        "--bind", bind,
        *(["--workers", str(workers)] if workers else []),
        "service.api.app:create_app()",
    ]  # fmt: skip
    scheme = "https" if settings.tls_cert_file else "http"
    url = f"{scheme}://{bind}"
    click.echo(f"Serving on {url}, try {url}/docs or: curl {url}/v1/policies", err=True)
    sys.stdout.flush()
    # In place of this process, so that signals reach gunicorn.
    os.execv(sys.executable, words)  # noqa: S606


def _check_free(bind: str) -> None:
    """Raises Refusal where no one can listen; gunicorn would try for seconds and log it only."""
    host, _, port = bind.rpartition(":")
    if host == "unix":
        return
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, int(port)), family=family).close()
    except (OSError, OverflowError) as error:
        reason = "another program listens there"
        if getattr(error, "errno", None) != errno.EADDRINUSE:
            reason = getattr(error, "strerror", None) or "no such port"
        raise Refusal(
            f"cannot listen on {bind}: {reason}. Choose another address: --bind 127.0.0.1:8081, or "
            "make run ADDRESS=127.0.0.1:8081"
        ) from None
