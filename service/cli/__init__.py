"""The command line, `mtc-preflight`: the same engine as the service."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the console script; ends the process with the exit status."""
    from service.cli.run import run

    sys.exit(run(sys.argv[1:]))
