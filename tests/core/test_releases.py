"""The release data: what the built-in file says, and what a file of an operator must be."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from policies.versions.known_bugs import CONDITIONS
from policies.versions.pairing import NEW_TO_NEW, OLD_TO_NEW, fit
from service.core.outcome import Severity
from service.core.releases import Releases, parse
from service.core.values.versions import Version
from service.intake.release_data import BadReleases, built_in, from_file
from service.kinds.ref import Malformed

V = Version.parse
TODAY = date(2026, 9, 1)


@pytest.fixture
def data() -> Any:
    return json.loads(files("policies.data").joinpath("releases.json").read_text("utf-8"))


def test_every_stream_has_a_newest_release_with_source_and_date() -> None:
    known = built_in()
    for newest in (*known.ended.values(), *known.mtc.values()):
        assert newest.source
        assert newest.published <= known.taken
    for minor in [f"4.{number}" for number in range(1, 23)]:
        assert known.openshift(V(f"{minor}.0"), "", TODAY) is not None, minor
    assert known.mtc["1.8"].version == V("1.8.16")
    assert known.mtc["1.7"].version == V("1.7.19")


def test_every_row_names_its_source_and_conditions_that_are_known() -> None:
    known = built_in()
    assert all(row.source for row in (*known.limits, *known.bugs))
    assert len({bug.id for bug in known.bugs}) == len(known.bugs)
    assert {word for bug in known.bugs for word in bug.when} <= set(CONDITIONS)


@pytest.mark.parametrize(
    ("running", "channel", "newest"),
    [
        ("4.14.9", "stable-4.14", "4.14.58"),
        ("4.14.9", "eus-4.14", "4.14.71"),
        ("4.14.9", "eus-4.16", "4.14.70"),
        ("4.13.61", "eus-4.14", "4.13.69"),
        ("4.15.59", "eus-4.16", "4.15.67"),
        ("4.14.60", "stable-4.14", "4.14.71"),
        ("4.14.9", "our-own-channel", "4.14.58"),
        ("4.22.5", "", "4.22.9"),
    ],
)
def test_the_channel_decides(running: str, channel: str, newest: str) -> None:
    found = built_in().openshift(V(running), channel, TODAY)
    assert found is not None
    assert str(found.version) == newest


def test_the_data_say_nothing_of_the_time_before_them() -> None:
    known = built_in()
    assert known.openshift(V("4.14.9"), "", date(2026, 8, 20)) is None
    assert known.openshift(V("4.99.1"), "", TODAY) is None
    assert known.newest_mtc(V("1.8.1"), date(2026, 7, 15)) is None


@pytest.mark.parametrize(
    ("mtc", "openshift", "way", "severity"),
    [
        ("1.7.19", "3.11.1159", OLD_TO_NEW, None),
        ("1.7.19", "4.17.1", OLD_TO_NEW, None),
        ("1.7.19", "4.18.1", OLD_TO_NEW, Severity.BLOCKER),
        ("1.7.19", "3.10.1", OLD_TO_NEW, Severity.BLOCKER),
        ("1.7.19", "4.14.1", NEW_TO_NEW, Severity.WARNING),
        ("1.8.16", "3.11.1159", OLD_TO_NEW, Severity.BLOCKER),
        ("1.8.16", "4.12.1", NEW_TO_NEW, None),
        ("1.8.13", "4.12.1", NEW_TO_NEW, Severity.BLOCKER),
        ("1.8.16", "4.20.1", NEW_TO_NEW, None),
        ("1.8.16", "4.21.1", NEW_TO_NEW, Severity.BLOCKER),
        ("1.6.6", "4.10.1", NEW_TO_NEW, None),
        ("1.6.6", "4.11.1", NEW_TO_NEW, Severity.BLOCKER),
    ],
)
def test_the_support_matrix(mtc: str, openshift: str, way: str, severity: Severity | None) -> None:
    assert fit(built_in(), V(mtc), V(openshift), way).severity is severity


def test_a_file_of_an_operator_in_yaml(tmp_path: Path, data: Any) -> None:
    data["date"] = "2027-01-01"
    data["mtc"]["streams"]["1.8"]["newest"] = "1.8.20"
    path = tmp_path / "ours.yaml"
    path.write_text(json.dumps(data))
    known = from_file(str(path))
    assert str(known) == "2027-01-01 (ours.yaml)"
    assert known.mtc["1.8"].version == V("1.8.20")


def _without(data: Any, *path: Any) -> Any:
    changed = copy.deepcopy(data)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return changed


def _with(data: Any, value: Any, *path: Any) -> Any:
    changed = copy.deepcopy(data)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def test_what_is_malformed_is_named_with_its_place(data: Any) -> None:
    cases = [
        ([], ""),
        (_without(data, "date"), "/date"),
        (_without(data, "openshift", "channels"), ""),
        (_with(data, "4.14", "openshift", "channels", "eus-4.14", "4.14"),
         "/openshift/channels/eus-4.14/4.14"),
        (_with(data, "1.9.1", "mtc", "streams", "1.8", "newest"), "/mtc/streams/1.8/newest"),
        (_with(data, "sideways", "mtc", "books", 0, "direction"), "/mtc/books/0/direction"),
        (_with(data, ["3.11"], "mtc", "books", 0, "openshift"), "/mtc/books/0/openshift"),
        (_with(data, "fatal", "bugs", 0, "severity"), "/bugs/0/severity"),
        (_with(data, 7, "bugs", 0, "title"), "/bugs/0/title"),
    ]  # fmt: skip
    for value, place in cases:
        with pytest.raises(Malformed) as caught:
            parse(value, "test")
        assert caught.value.pointer == place


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadReleases, match="No such file"):
        from_file(str(tmp_path / "none.json"))
    broken = tmp_path / "broken.json"
    broken.write_text('{"date": ')
    with pytest.raises(BadReleases):
        from_file(str(broken))


def test_without_any_data_nothing_is_known() -> None:
    assert Releases().openshift(V("4.14.9"), "", TODAY) is None
    assert fit(Releases(), V("1.8.16"), V("4.14.9"), "").severity is Severity.BLOCKER


def test_the_script_makes_the_file_from_graph_data(tmp_path: Path, data: Any) -> None:
    folder = tmp_path / "channels"
    folder.mkdir()
    (folder / "eus-4.98.yaml").write_text("name: eus-4.98\nversions:\n- 4.98.1\n- 4.98.10+amd64\n")
    (folder / "notes.yaml").write_text("name: notes\nversions: [4.98.99]\n")
    root = Path(__file__).parents[2]
    made = subprocess.run(
        [
            sys.executable,
            "tools/releases.py",
            str(tmp_path),
            "--date",
            "2027-01-01",
            "--source",
            "s",
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root)},
    )
    found = json.loads(made.stdout)
    assert found["date"] == found["openshift"]["date"] == "2027-01-01"
    assert found["openshift"]["channels"] == {"eus-4.98": {"4.98": "4.98.10"}}
    assert found["mtc"] == data["mtc"]
    assert parse(found, "made").channels["eus-4.98"]["4.98"] == V("4.98.10")
