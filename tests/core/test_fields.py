"""The file of field names knows what the readers look for today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_reader_looks_for_a_field_that_the_file_takes_for_another() -> None:
    """In a process of its own: the readers are watched, and that cannot be undone."""
    ended = subprocess.run(
        [sys.executable, "tools/fields.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
