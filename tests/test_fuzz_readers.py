"""What the fuzzer starts from is read as the readers promise, and every reader has some of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
READ_ALL = """
import corpus, readers
found = set()
for data in corpus.inputs():
    found.add(readers.READERS[data[0]])
    readers.read(data)
left = [reader.__name__ for reader in readers.READERS if reader not in found]
assert not left, left
"""


def test_every_reader_has_inputs_and_keeps_its_promise() -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL], cwd=ROOT / "fuzz", capture_output=True, check=False,
        timeout=600, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'fuzz'}", "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
