"""The house rules that a machine can hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_imports_point_one_way() -> None:
    """The contracts of setup.cfg: a pure core, and no import from a layer above."""
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_no_path_of_a_machine_is_written_down() -> None:
    """Nothing in the tree depends on where somebody keeps it."""
    pattern = re.compile(r"(?:^|[\s\"'(=])/(?:home|root|work|Users)/\w")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("policies", "service", "tests", "benchmarks", "docs", "deploy")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".py", ".md", ".yaml", ".sh", ".cfg", ".toml") and path.is_file()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line) and path != Path(__file__)
    ]
    assert found == []
