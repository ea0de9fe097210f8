"""The other commands: what they print, and how fast they start."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from running import run

from policies import catalogue

HEAVY = ("kubernetes", "flask", "marshmallow", "requests", "urllib3", "yaml", "jiter", "msgspec")
LOADED = "import sys; from service.cli.run import run; run(sys.argv[1:]); print(*sys.modules)"


def test_without_arguments_it_tells_the_next_step() -> None:
    done = run()
    assert done.status == 0
    assert "mtc-preflight check" in done.out


@pytest.mark.parametrize("arguments", [("--help",), ("explain", "MTC302"), ("check", "--help"), ()])
def test_nothing_heavy_is_loaded_to_start(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("policy", catalogue(), ids=lambda policy: policy.id)
def test_every_policy_is_explained(policy: object) -> None:
    from service.cli.policies_command import _page, find

    (found,) = find(policy.name)  # type: ignore[attr-defined]
    text = "\n".join(_page(found))
    assert type(found) is type(policy)
    for part in (found.id, found.title.split()[0], "Reads", "Source of the rule"):
        assert part in text


def test_explain_by_a_condition_of_mtc() -> None:
    done = run("explain", "invalidregistryroute")
    assert done.status == 0
    assert re.findall(r"^(MTC\d+) ", done.out, re.M) == ["MTC202", "MTC203"]


def test_explain_of_what_is_not_there_names_the_nearest() -> None:
    done = run("explain", "singel-proxy")
    assert (done.status, done.out) == (3, "")
    assert "single-proxy" in done.err


def test_policies_as_json_are_those_of_the_api() -> None:
    rows = json.loads(run("policies", "--format", "json").out)["policies"]
    assert [row["id"] for row in rows] == [item.id for item in catalogue()]
    assert run("policies", "no", "such", "words").status == 3


def test_evidence_as_text_and_script() -> None:
    text = run("evidence").out
    assert "oc get clusterversions.config.openshift.io version -o json" in text
    script = run("evidence", "--role", "destination").out
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    assert run("evidence", "--format", "sh").status == 3


def test_generated_pages_are_compared_and_written(tmp_path: Path) -> None:
    assert run("docs", "--check", tmp_path).status == 1
    assert run("docs", "--write", tmp_path).status == 0
    assert run("docs", "--check", tmp_path).status == 0
    index = (tmp_path / "docs" / "policies.md").read_text()
    for item in catalogue():
        page = tmp_path / "docs" / "policies" / f"{item.area()}.md"
        assert f"## {item.id} {item.name}" in page.read_text()
        assert f"(policies/{item.area()}.md#{item.id.lower()}-{item.name})" in index
    assert (
        "`MTC_PREFLIGHT_BODY_BYTES` | 512Mi" in (tmp_path / "docs" / "configuration.md").read_text()
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    assert "_MTC_PREFLIGHT_COMPLETE" in run("completion", shell).out


def test_completion_of_policy_ids() -> None:
    done = run(_MTC_PREFLIGHT_COMPLETE="bash_complete", COMP_WORDS="mtc-preflight explain MTC30",
               COMP_CWORD="2")  # fmt: skip
    assert done.out.split() == ["plain,MTC301", "plain,MTC302", "plain,MTC303"]


def test_serve_answers_and_ends_on_a_signal() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "service.cli", "serve", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert b"ok" in _eventually(f"http://127.0.0.1:{port}/livez").lower()
    finally:
        process.terminate()
    assert process.wait(timeout=600) == 0


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", "--bind", bind)
    assert done.status == 3
    assert f"cannot listen on {bind}: another program listens there." in done.err


@pytest.mark.parametrize("bind", ["127.0.0.1:99999", "192.0.2.1:8080", "no.such.host.invalid:80"])
def test_an_address_that_cannot_be_had_is_named(bind: str) -> None:
    done = run("serve", "--bind", bind)
    assert done.status == 3
    assert f"cannot listen on {bind}: " in done.err


def test_wrong_settings_stop_the_service_with_their_names() -> None:
    done = run("serve", MTC_PREFLIGHT_BODYBYTES="1")
    assert done.status == 3
    assert "MTC_PREFLIGHT_BODY_BYTES" in done.err


def _eventually(url: str) -> bytes:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                found: bytes = answer.read()
                return found
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def test_the_committed_pages_are_the_generated_ones() -> None:
    root = Path(__file__).parents[2]
    done = run("docs", "--check", root)
    assert (done.status, done.err) == (0, ""), "run: mtc-preflight docs --write ."
