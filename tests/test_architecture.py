"""The house rules that a machine can hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from policies import links
from service.core.link import Link

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
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if pattern.search(line) and path != Path(__file__)
    ]
    assert found == []


def test_a_search_by_name_finds_one_place() -> None:
    """No two modules and no two classes of the product share a name."""
    places: dict[str, list[str]] = defaultdict(list)
    for folder in ("policies", "service"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            place = str(path.relative_to(ROOT))
            if not path.stem.startswith("__"):
                places[path.name].append(place)
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef) and node.name != "Meta":  # marshmallow's own
                    places[f"class {node.name}"].append(place)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_every_page_of_documentation_is_written_down_once() -> None:
    """All are in policies/links.py, those of Red Hat's books of one release."""
    pages = {name: page for name, page in vars(links).items() if isinstance(page, Link)}
    texts = {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for path in sorted((ROOT / "policies").rglob("*.py"))
        if path.name != "links.py"
    }
    assert [name for name, text in texts.items() if re.search(r"\bLink\(|docs\.redhat", text)] == []
    used = {name for text in texts.values() for name in re.findall(r"\blinks\.([A-Z\d_]+)", text)}
    assert used == set(pages)
    urls = [page.url for page in pages.values()]
    assert len(set(urls)) == len(urls)
    releases = re.findall(r"openshift_container_platform/([\d.]+)/", " ".join(urls))
    assert sorted(set(releases)) == ["3.11", "4.20"]  # OpenShift 3's own update
