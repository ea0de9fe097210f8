"""How many processors this process may use, which in a container is seldom what the machine has."""

from __future__ import annotations

import math
import os
from pathlib import Path

MOST_WORKERS = 8
"""More workers than this are a setting: on a large machine, sixty processes would be a surprise."""

_CGROUPS = Path("/sys/fs/cgroup")


def workers_by_default(folder: Path = _CGROUPS) -> int:
    """One worker for each processor, from two (one can be renewed) to :data:`MOST_WORKERS`."""
    return min(max(2, processors(folder)), MOST_WORKERS)


def processors(folder: Path = _CGROUPS) -> int:
    """The processors that the scheduler and the container's CPU limit leave to this process.

    ``folder`` is where the control groups are mounted; a limit is read as version 2 writes it
    (``cpu.max``), else as version 1 does. A part of a processor counts as one.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    usable = allowed or os.cpu_count() or 1
    limit = _limit(folder)
    return usable if limit is None else max(1, min(usable, math.ceil(limit)))


def _limit(folder: Path) -> float | None:
    """Processors per the container's limit; None where there is none."""
    for words in (
        _words(folder / "cpu.max"),
        [*_words(folder / "cpu/cpu.cfs_quota_us"), *_words(folder / "cpu/cpu.cfs_period_us")],
    ):
        if len(words) == 2 and all(word.isdigit() and int(word) for word in words):
            return int(words[0]) / int(words[1])
    return None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text("ascii").split()
    except (OSError, ValueError):
        return []
