"""How many workers there are where the settings do not say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.api.server.processors import processors, workers_by_default

V1 = ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")


@pytest.mark.parametrize(
    "files, wanted",
    [
        ({}, 12),
        ({"cpu.max": "max 100000"}, 12),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "250000 100000"}, 3),
        ({"cpu.max": "5000 100000"}, 1),
        ({"cpu.max": "6400000 100000"}, 12),
        ({"cpu.max": "0 0"}, 12),
        ({"cpu.max": "no number"}, 12),
        ({V1[0]: "300000", V1[1]: "100000"}, 3),
        ({V1[0]: "-1", V1[1]: "100000"}, 12),
        ({V1[0]: "300000"}, 12),
    ],
    ids=[
        "no control groups", "no limit", "two", "two and a half", "a twentieth",
        "more than there are", "nothing", "something else", "version 1", "version 1 without limit",
        "half of version 1",
    ],
)  # fmt: skip
def test_the_limit_of_a_container_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], wanted: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert processors(tmp_path) == wanted


@pytest.mark.parametrize("usable, wanted", [(1, 2), (2, 2), (5, 5), (64, 8)])
def test_workers_are_two_to_eight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usable: int, wanted: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(usable)))
    assert workers_by_default(tmp_path) == wanted


@pytest.mark.parametrize(
    "name, text, wanted",
    [
        ("memory.max", str(64 << 30), 8),
        ("memory.max", str(3 << 30), 2),
        ("memory.max", str(1 << 30), 1),
        ("memory.max", "max", 8),
        ("memory/memory.limit_in_bytes", str(4 << 30), 3),
        ("memory/memory.limit_in_bytes", str(2**63 - 4096), 8),
    ],
)
def test_there_are_no_more_workers_than_the_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, wanted: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(f"{text}\n")
    assert workers_by_default(tmp_path, memory=1 << 30) == wanted
