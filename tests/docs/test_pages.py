"""The documentation does what it says: its commands run, its links lead somewhere."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.settings import CLIENTS, VARIABLES, Settings, from_environment

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("docs/*.md"))
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_VARIABLE = re.compile(r"\bMTC_PREFLIGHT_[A-Z_]*[A-Z]\b")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "gunicorn", "--config", "python:service.api.gunicorn_conf",
               "--bind", address, "service.api.app:create_app()"]  # fmt: skip
    environment = {**os.environ, "MTC_PREFLIGHT_WORKERS": "1"}
    log = (tmp_path_factory.mktemp("docs") / "log").open("wb")
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://{address}/readyz", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def test_the_commands_of_the_api_page_run(url: str, tmp_path: Path) -> None:
    blocks = _BLOCK.findall((ROOT / "docs" / "api.md").read_text())
    assert len(blocks) >= 10
    script = "set -eu\n" + "\n".join(f"{block}\necho 'end of block {number}'"
                                      for number, block in enumerate(blocks))  # fmt: skip
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "URL": url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout[-2000:]
    told = ran.stdout
    assert f"end of block {len(blocks) - 1}" in told
    assert "not_ready\n" in told
    assert "closed\n" in told
    assert '"mig_pv_limit":200' in told
    assert '"code":"patch-refused"' in told
    assert told.rstrip().endswith(f"400\nend of block {len(blocks) - 1}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = {link for link in _LINK.findall(page.read_text()) if "://" not in link}
    assert {link for link in links if not (page.parent / link).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_and_folders_that_are_named_exist(page: Path) -> None:
    text = page.read_text()
    known = {item.name for item in VARIABLES} | CLIENTS
    assert set(_VARIABLE.findall(text)) - known == set()
    folders = set(re.findall(r"\bdeploy/(?:overlays|admission)[\w/-]*[\w]", text))
    assert {name for name in folders if not (ROOT / name).exists()} == set()


def test_what_clients_of_the_service_are_told_to_set_is_no_setting() -> None:
    assert from_environment(dict.fromkeys(CLIENTS, "https://mtc.example.com")) == Settings()


def test_the_licences_are_those_of_the_pinned_packages() -> None:
    pinned = {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        for name, _, version in [line.partition("==")]
    }
    rows = re.findall(
        r"^\| ([\w-]+) \| (\S+) \| (.+) \|$", (ROOT / "docs/licences.md").read_text(), re.M
    )
    listed = {name: version for name, version, _ in rows if name != "package"}
    assert len(listed) > 20
    assert {name: version for name, version in listed.items() if pinned.get(name) != version} == {}
