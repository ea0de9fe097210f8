"""`mtc-preflight check`: what it reads, what it prints, how it ends."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from running import BAD, EARLY, GOOD, run, verdicts

VERSION = {
    "apiVersion": "config.openshift.io/v1",
    "kind": "ClusterVersion",
    "metadata": {"name": "version"},
    "spec": {"clusterID": "c1", "channel": "stable-4.8"},
    "status": {"history": [{"state": "Completed", "version": "4.8.11"}]},
}


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path / "good.json", GOOD)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return write(tmp_path / "bad.json", BAD)


def test_a_failing_blocker_is_status_1(bad: Path) -> None:
    done = run("check", bad)
    assert done.status == 1
    assert done.out.startswith("NOT READY")
    assert done.err == ""


def test_only_unknowns_are_status_2(good: Path) -> None:
    done = run("check", good, *EARLY)
    assert (done.status, done.out.split(":")[0]) == (2, "UNKNOWN")


def test_unknowns_can_be_ignored(good: Path) -> None:
    assert run("check", good, *EARLY, "--unknown", "ignore").status == 0


def test_a_fail_stays_a_fail_where_unknowns_are_ignored(bad: Path) -> None:
    assert run("check", bad, "--unknown", "ignore").status == 1


def test_a_bundle_from_standard_input_compressed() -> None:
    done = run("check", "-", "--format", "json", stdin=gzip.compress(json.dumps(BAD).encode()))
    assert done.status == 1
    assert verdicts(done, "MTC101") == ["fail", "pass"]


def test_each_cluster_by_its_own_file(tmp_path: Path) -> None:
    source = write(tmp_path / "a.json", BAD["clusters"][0]["facts"])
    destination = write(tmp_path / "b.json", BAD["clusters"][1]["facts"])
    done = run("check", "--source", source, "--destination", destination, "--format", "json")
    assert verdicts(done, "MTC101") == ["fail", "pass"]


def test_several_formats_at_once(bad: Path, tmp_path: Path) -> None:
    outputs = {name: tmp_path / f"report.{name}" for name in ("sarif", "junit", "html")}
    words = [word for name, path in outputs.items() for word in ("-o", f"{name}={path}")]
    done = run("check", bad, "-q", *words)
    assert (done.status, done.out) == (1, "")
    assert json.loads(outputs["sarif"].read_text())["version"] == "2.1.0"
    assert "<testsuite" in outputs["junit"].read_text()
    assert "<html" in outputs["html"].read_text()


def test_waivers_and_a_baseline(bad: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    run("check", bad, *EARLY, "-q", "-o", f"json={before}")
    waiver = {
        "policy": "MTC101",
        "subject": {"cluster": "source"},
        "reason": "rights come on the day",
        "owner": "ops",
        "expires": "2023-12-01",
    }
    waivers = write(tmp_path / "waivers.json", {"waivers": [waiver]})
    done = run(
        "check", bad, *EARLY, "--waivers", waivers, "--baseline", before, "--format", "json",
        "--unknown", "ignore",
    )  # fmt: skip
    assert done.status == 0
    assert verdicts(done, "MTC101") == ["waived", "pass"]
    again = run("check", bad, *EARLY, "--baseline", before, "--new-only")
    assert again.status == 0


def test_new_only_without_a_baseline_is_wrong_usage(bad: Path) -> None:
    done = run("check", bad, "--new-only")
    assert (done.status, done.out) == (3, "")
    assert "--baseline" in done.err


@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        (("check",), b"", "nothing to evaluate"),
        (("check", "nowhere.json"), b"", "no such file or directory: nowhere.json"),
        (("check", "-", "-"), b"", "can be given once"),
        (("check", "-"), b"[1, 2", "envelope:1:5"),
        (("check", "-"), b'{"clusters": [{"role": "left"}]}', "envelope:/clusters/0/role"),
        (("check", "-"), b'{"kind": "Pod", "apiVersion": "v1"}', "--source"),
        (("check", "-", "--as-of", "soon"), b'{"clusters":[{"role":"source"}]}', "--as-of"),
        (("check", "-", "--format", "pdf"), b"{}", "no format 'pdf'"),
        (("check", "-", "--outputt", "x"), b"{}", "--outputt"),
        (("check", "-", "-o", "x.json"), b"{}", "FORMAT=FILE"),
        (("chekc",), b"", "chekc"),
        (("serve", "--bind", "8080"), b"", "ADDRESS:PORT"),
    ],
)
def test_wrong_input_and_usage_are_status_3(
    arguments: tuple[str, ...], stdin: bytes, told: str
) -> None:
    done = run(*arguments, stdin=stdin)
    assert (done.status, done.out) == (3, "")
    assert told in done.err
    assert "Traceback" not in done.err


def test_the_waivers_and_limits_of_the_settings_hold_here_too(bad: Path, tmp_path: Path) -> None:
    waiver = {"policy": "MTC101", "subject": {"cluster": "source"}, "reason": "later"}
    kept = write(tmp_path / "w.json", [{**waiver, "owner": "ops", "expires": "2023-12-01"}])
    arguments = ("check", bad, *EARLY, "--format", "json")
    done = run(*arguments, MTC_PREFLIGHT_WAIVERS_FILE=str(kept))
    assert verdicts(done, "MTC101") == ["waived", "pass"]
    gone = run(*arguments, MTC_PREFLIGHT_WAIVERS_FILE=str(tmp_path / "gone"))
    assert gone.status == 3
    assert "MTC_PREFLIGHT_WAIVERS_FILE: no document to read" in gone.err
    two = tmp_path / "two.yaml"
    two.write_text("---\nkind: Node\napiVersion: v1\nmetadata: {name: a}\n" * 2)
    many = run("check", "--source", two, MTC_PREFLIGHT_DOCUMENTS="1")
    assert many.status == 3
    assert "documents" in many.err


def test_every_fault_of_the_waivers_is_told(bad: Path, tmp_path: Path) -> None:
    waivers = write(tmp_path / "w.json", [{"policy": "MTC101"}, {"policy": "MTC1"}])
    done = run("check", bad, "--waivers", waivers)
    assert done.status == 3
    assert "waivers/0/subject" in done.err
    assert "waivers/1/policy" in done.err


def test_a_limit_names_its_variable(bad: Path) -> None:
    done = run("check", bad, MTC_PREFLIGHT_KEPT_BYTES="10")
    assert done.status == 3
    assert "MTC_PREFLIGHT_KEPT_BYTES" in done.err


def test_an_unpacked_must_gather_is_read_by_path_like_its_archive(tmp_path: Path) -> None:
    root = tmp_path / "must-gather" / "quay-io-image"
    write(
        root / "cluster-scoped-resources/config.openshift.io/clusterversions/version.yaml", VERSION
    )
    (root / "namespaces/shop/pods/web/logs.txt").parent.mkdir(parents=True)
    (root / "namespaces/shop/pods/web/logs.txt").write_text("no evidence")
    archive = tmp_path / "must-gather.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "must-gather", "must-gather")
    folded = run("check", "--source", tmp_path / "must-gather", *EARLY, "--format", "json")
    packed = run("check", "--source", archive, *EARLY, "--format", "json")
    assert folded.report["findings"] == packed.report["findings"]
    assert folded.report["clusters"][0]["openshift"] == "4.8.11"


def test_a_directory_of_parts(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    write(folder / "source.json", VERSION)
    write(folder / "destination" / "a.json", VERSION)
    write(folder / "notes.json", {})
    done = run("check", folder, "--format", "json")
    assert [part["name"] for part in done.report["parts"]] == ["destination", "source"]
    assert [item["openshift"] for item in done.report["clusters"]] == ["4.8.11", "4.8.11"]


def test_links_out_of_a_directory_are_not_followed(tmp_path: Path) -> None:
    secret = write(tmp_path / "elsewhere.json", {**VERSION, "metadata": {"name": "version"}})
    folder = tmp_path / "gathered"
    write(folder / "..data" / "real.json", VERSION)
    (folder / "inside.json").symlink_to(Path("..data") / "real.json")
    (folder / "outside.json").symlink_to(secret)
    done = run("check", "--source", folder, "--format", "json")
    assert done.report["parts"][0]["documents"] == 2


def test_a_pipe_in_a_directory_is_never_opened(tmp_path: Path) -> None:
    """Opening it would wait for a writer that never comes."""
    folder = tmp_path / "gathered"
    write(folder / "version.json", VERSION)
    os.mkfifo(folder / "a.json")
    done = run("check", "--source", folder, "--format", "json")
    assert done.report["parts"][0]["documents"] == 1


@pytest.mark.parametrize("name", ["source.json", "destination"])
def test_a_directory_of_parts_with_a_pipe_or_a_link_out_of_it_is_refused(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "evidence"
    write(folder / "host.json", VERSION)
    os.mkfifo(folder / name)
    piped = run("check", folder)
    (folder / name).unlink()
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (folder / name).symlink_to(outside)
    linked = run("check", folder)
    for done in (piped, linked):
        assert done.status == 3
        assert f"{name} is no regular file or directory within" in done.err
        assert f"--{name.partition('.')[0]} PATH" in done.err


def test_links_within_a_directory_of_parts_are_followed(tmp_path: Path) -> None:
    """As in a mounted ConfigMap."""
    folder = tmp_path / "evidence"
    write(folder / "..data" / "source.json", VERSION)
    (folder / "source.json").symlink_to(Path("..data") / "source.json")
    done = run("check", folder, "--format", "json")
    assert [part["name"] for part in done.report["parts"]] == ["source"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "folder" / "version.json", VERSION)
    path.chmod(0)
    done = run("check", "--source", path.parent)
    assert done.status == 3
    assert "version.json" in done.err


def test_a_reader_that_stops_early_is_no_verdict(bad: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "service.cli", "check", str(bad), "--format", "json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 141
    assert errors == b""


def test_each_of_several_files_of_a_cluster_keeps_its_lines(tmp_path: Path) -> None:
    first = write(tmp_path / "first.json", {"kind": "Pod", "apiVersion": "v1", "metadata": {}})
    second = tmp_path / "second.json"
    second.write_text(f"\n\n{json.dumps(VERSION, indent=1)}")
    done = run("check", "--source", first, "--source", second, "--format", "json")
    (found,) = [row for row in done.report["findings"] if row["policy"] == "MTC401"]
    place = found["evidence"][0]
    line = second.read_text().splitlines()[place["line"] - 1]
    assert (place["member"], line.strip()) == ("second.json", '"version": "4.8.11"')


def test_tickets_by_policy_for_a_project(bad: Path) -> None:
    done = run("check", bad, "--format", "jira", "--group", "policy", "--project", "OPS")
    assert done.status == 1
    assert "MTC101" in done.out
    assert '"OPS"' in done.out


def test_the_help_names_every_format() -> None:
    from service.formats import FORMATS

    words = set(re.findall(r"\w+", run("check", "--help").out))
    assert set(FORMATS) <= words


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    from service.cli.progress import Progress, Watched

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    watched, quiet = Terminal(), io.StringIO()
    for stream in (watched, quiet):
        with Progress(stream) as progress:
            Watched(io.BytesIO(b"x" * 10), "evidence.tar", progress).read()
    assert "reading evidence.tar" in watched.getvalue()
    assert watched.getvalue().endswith("\r\x1b[K")
    assert quiet.getvalue() == ""


def test_archives_that_need_seeking_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "evidence.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("version.json", json.dumps(VERSION))
    done = run("check", "--source", path, "--format", "json")
    assert done.report["clusters"][0]["openshift"] == "4.8.11"


def test_a_refusal_quotes_no_password(tmp_path: Path) -> None:
    option = "x http://admin:hunter2@proxy.example.com/"
    file = write(tmp_path / "in.json", {"clusters": [{"role": "source"}], "options": {option: 1}})
    status, out, err = run("check", str(file))
    assert status == 3
    assert "x http://admin:****@proxy.example.com/" in err
    assert "hunter2" not in out + err
