"""What is built of the repository holds all that it needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from policies import catalogue
from service.core.engine import digest

ROOT = Path(__file__).parents[1]
ENVELOPE = {"clusters": [{"role": "source", "facts": {"openshiftVersion": "4.14.9"}}]}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a wheel, built from a copy so that nothing is left in the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("setup.cfg", "setup.py", "README.md"):
        shutil.copy(ROOT / name, folder)
    for name in ("policies", "service"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    program = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    build = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "dist").iterdir()
    zipfile.ZipFile(wheel).extractall(folder / "unpacked")
    return folder / "unpacked"


def test_every_file_is_in_the_wheel(unpacked: Path) -> None:
    def files(root: Path) -> set[str]:
        found = [path for name in ("policies", "service") for path in (root / name).rglob("*")]
        return {
            str(path.relative_to(root))
            for path in found
            if path.is_file() and "__pycache__" not in path.parts
        }

    assert files(unpacked) == files(ROOT)


def test_what_is_in_the_wheel_judges_and_renders(unpacked: Path, tmp_path: Path) -> None:
    """Without the repository: its code comes from the wheel, its dependencies from here."""
    (tmp_path / "given.json").write_text(json.dumps(ENVELOPE))
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    answers = []
    for form in ("json", "html"):
        command = [sys.executable, "-m", "service.cli", "check", "given.json", "--format", form]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode in (1, 2), done.stderr
        answers.append(done.stdout)
    assert json.loads(answers[0])["policySet"] == digest(catalogue())
    assert "</html>" in answers[1]
