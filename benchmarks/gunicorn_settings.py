"""Which numbers of workers, threads and evaluations are right? Measured, on this machine.

    python benchmarks/gunicorn_settings.py [--seconds 3] [--rounds 3] [--large-megabytes 8]

One gunicorn for each setting, all running, one loaded at a time, in turn, so that a machine that
slows down slows all of them. The load is what a fleet's pipelines make: clients with small
evaluations, clients that upload a large list, and one that asks for health. Printed are the medians
over the rounds: small evaluations, large ones, the 95th percentile of a small evaluation's time and
the longest health check, as ratios to the first row, and the memory of the workers in MiB at the
end.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from request_rate import DESCRIPTORS, PATH, served

SMALL, LARGE = 6, 2


@dataclass(frozen=True)
class Setting:
    """What the environment of one gunicorn says."""

    workers: int
    threads: int
    evaluations: int

    def __str__(self) -> str:
        return f"{self.workers} workers, {self.threads} threads, {self.evaluations} evaluations"


SETTINGS = (
    Setting(2, 16, 4),  # on two processors, the default
    Setting(1, 16, 4),
    Setting(3, 16, 4),
    Setting(4, 16, 4),
    Setting(2, 4, 4),
    Setting(2, 8, 4),
    Setting(2, 32, 4),
    Setting(2, 16, 1),
    Setting(2, 16, 2),
    Setting(2, 16, 8),
)


@dataclass
class Load:
    """What one round brought."""

    small: float
    large: float
    late: float
    health: float


def large_body(megabytes: float) -> bytes:
    """A list of pods of about so many megabytes, as JSON."""
    items: list[object] = []
    size = 0
    variables = [{"name": f"E{item}", "value": "y" * 30} for item in range(10)]
    while size < megabytes * 1e6:
        number = len(items)
        pod = {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": f"web-{number}", "namespace": f"shop-{number % 40}",
                         "labels": {f"label-{key}": "x" * 20 for key in range(20)}},
            "spec": {"containers": [{"name": f"c{key}", "image": "web", "env": variables}
                                    for key in range(3)]},
            "status": {"phase": "Running"},
        }  # fmt: skip
        items.append(pod)
        size += len(json.dumps(pod))
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()


Done = multiprocessing.Queue


def _client(
    port: int, seconds: float, method: str, path: str, body: bytes, kind: str, done: Done
) -> None:
    """Send one request after the other; tells the times of those that were answered."""
    times = []
    end = time.perf_counter() + seconds
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    while (start := time.perf_counter()) < end:
        try:
            link.request(method, path, body, {"Content-Type": "application/json"})
            answer = link.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            link.close()
            continue
        if answer.status == 200:
            times.append(time.perf_counter() - start)
        elif answer.status != 429:
            raise SystemExit(f"unexpected answer: {answer.status}")
        if kind == "health":
            time.sleep(0.05)
    done.put((kind, times))


def load(port: int, seconds: float, large: bytes) -> Load:
    """One round against one gunicorn."""
    done: Done = multiprocessing.Queue()
    small = json.dumps(DESCRIPTORS).encode()
    rows = [("POST", PATH, small, "small")] * SMALL
    rows += [("POST", f"{PATH}?role=source", large, "large")] * LARGE
    rows += [("GET", "/readyz", b"", "health")]
    clients = [multiprocessing.Process(target=_client, args=(port, seconds, *row, done))
               for row in rows]  # fmt: skip
    for client in clients:
        client.start()
    found: dict[str, list[float]] = {"small": [], "large": [], "health": []}
    for _ in clients:
        kind, times = done.get(timeout=seconds + 240)
        found[kind] += times
    for client in clients:
        client.join()
    ordered = sorted(found["small"])
    return Load(
        len(ordered) / seconds,
        len(found["large"]) / seconds,
        ordered[int(len(ordered) * 0.95)] if ordered else seconds,
        max(found["health"], default=seconds),
    )


def memory(port: int) -> float:
    """MiB of the workers of the gunicorn that listens there, shared pages split among them."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes()
            if f"127.0.0.1:{port}".encode() not in words or b"gunicorn" not in words:
                continue
            for line in (folder / "smaps_rollup").read_text().splitlines():
                total += int(line.split()[1]) if line.startswith("Pss:") else 0
    return total / 1024


def main() -> None:
    """Print the table."""
    reader = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    reader.add_argument("--seconds", type=float, default=3)
    reader.add_argument("--rounds", type=int, default=3)
    reader.add_argument("--large-megabytes", type=float, default=8)
    asked = reader.parse_args()
    large = large_body(asked.large_megabytes)
    with contextlib.ExitStack() as stack:
        ports = []
        for setting in SETTINGS:
            names = {"WORKERS": setting.workers, "THREADS": setting.threads,
                     "EVALUATIONS": setting.evaluations}  # fmt: skip
            os.environ.update({f"MTC_PREFLIGHT_{key}": str(value) for key, value in names.items()})
            ports.append(stack.enter_context(served("service.api.app:create_app()", workers=None)))
        for port in ports:
            load(port, 0.5, large)
        rounds = [[load(port, asked.seconds, large) for port in ports] for _ in range(asked.rounds)]
        held = [memory(port) for port in ports]
    print(f"{'':46}small/s  large/s  small p95  health  MiB")
    for place, setting in enumerate(SETTINGS):
        print(f"{setting!s:46}" + _row(rounds, place) + f"{held[place]:6.0f}")


def _row(rounds: list[list[Load]], place: int) -> str:
    cells = []
    for field in ("small", "large", "late", "health"):
        ratios = [getattr(row[place], field) / (getattr(row[0], field) or 1e-9) for row in rounds]
        cells.append(f"{statistics.median(ratios):7.2f}  ")
    return "".join(cells)


if __name__ == "__main__":
    main()
