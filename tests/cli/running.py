"""Run the command line as a user does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from service.cli.run import run as command

ADMIN = {"clusterAdmin": True, "user": "system:admin", "openshiftVersion": "4.14.9"}
GOOD: dict[str, Any] = {
    "clusters": [
        {"role": "source", "facts": ADMIN},
        {"role": "destination", "facts": ADMIN},
    ]
}
"""Nothing of it fails, and most is unknown."""
BAD: dict[str, Any] = {
    "clusters": [
        {"role": "source", "facts": {**ADMIN, "clusterAdmin": False}},
        {"role": "destination", "facts": ADMIN},
    ]
}
"""One blocker fails: MTC101."""
EARLY = ("--as-of", "2023-11-01")
"""Before there was a newer release than the one of the facts."""


class Ran(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


def run(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> Ran:
    """Run `mtc-preflight` with these arguments.

    In the process of the tests, which has what the command line imports; that a process of its own
    gives the same is seen where a test starts one.
    """
    words = [str(item) for item in arguments]
    streams = CliRunner().isolation(input=stdin, env=environment)
    with streams as (out, err, _):
        try:
            status = command(words)
        except SystemExit as end:  # of completion
            status = int(end.code or 0)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        return Ran(status, out.getvalue().decode(), err.getvalue().decode())


def verdicts(ran: Ran, policy: str) -> list[str]:
    """The verdicts of a policy in a JSON report."""
    return [row["verdict"] for row in ran.report["findings"] if row["policy"] == policy]
