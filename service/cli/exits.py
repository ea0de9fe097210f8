"""What the exit status says, and how a command refuses its input."""

from __future__ import annotations

from typing import Any

import click

from service.kinds.redact import redact

READY = 0
NOT_READY = 1
UNKNOWN = 2
BAD_INPUT = 3
DEFECT = 70
"""EX_SOFTWARE of sysexits.h: the program itself failed, which does not concern the migration."""
INTERRUPTED = 130
BROKEN_PIPE = 141


class Refusal(click.ClickException):
    """The input or its use is wrong; every fault with a hint, all at once. The status is 3."""

    exit_code = BAD_INPUT

    def __init__(self, message: str, hint: str = "", *more: tuple[str, str]) -> None:
        super().__init__(message)
        self.faults = ((message, hint), *more)

    def show(self, file: Any = None) -> None:
        """Print it to stderr, without the secrets of an input that it quotes."""
        for message, hint in self.faults:
            click.echo(f"mtc-preflight: {redact(message)}", err=True)
            for line in redact(hint).splitlines():
                click.echo(f"  {line}", err=True)
