"""What this process may use of processors and memory; a container seldom has all of the machine."""

from __future__ import annotations

import math
import os
from pathlib import Path

from service.settings import Settings

MOST_WORKERS = 8
"""More workers than this are a setting: on a large machine, sixty processes would be a surprise."""

_CGROUPS = Path("/sys/fs/cgroup")


IDLE = 128 * 1024 * 1024
"""Bytes of memory that a worker takes beside its requests; benchmarks/soak.py shows what it is."""


def workers_by_default(folder: Path = _CGROUPS, memory: int = Settings().memory) -> int:
    """One worker for each processor, as far as the container's memory goes.

    From two (one can be renewed) to :data:`MOST_WORKERS`, and one where two do not fit: a worker
    may take ``memory`` bytes for its requests, and the process that starts the workers takes some.
    """
    wanted = min(max(2, processors(folder)), MOST_WORKERS)
    limit = memory_limit(folder)
    return wanted if limit is None else max(1, min(wanted, (limit - IDLE) // (memory + IDLE)))


def memory_limit(folder: Path = _CGROUPS) -> int | None:
    """Bytes of memory per the container's limit, of either version; None where there is none."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        words = _words(folder / name)
        if words and words[0].isdigit():
            # Version 1 writes a number near 2**63 where there is no limit.
            return int(words[0]) if int(words[0]) < 2**60 else None
    return None


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
