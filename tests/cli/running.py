"""Run the command line as a user does: as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

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
    """Run `mtc-preflight` with these arguments."""
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=600,
        check=False,
        env={**os.environ, **environment},
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def verdicts(ran: Ran, policy: str) -> list[str]:
    """The verdicts of a policy in a JSON report."""
    return [row["verdict"] for row in ran.report["findings"] if row["policy"] == policy]
