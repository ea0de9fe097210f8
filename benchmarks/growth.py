"""What a request costs as each of its lists grows: CPU time and bytes at n, 2n and 4n items.

    python benchmarks/growth.py [--items 500] [--path /v1/evaluations]

The documents and their lists are those of tests/api/test_growth_of_documents.py, which counts steps
instead and holds them to a bound. Prints for each list the CPU time at n, and that of 2n and 4n as
ratios to it: 2 and 4 where the cost is linear, less where n costs little beside the rest. Exit
status 1 where the last 2n items cost more than four times what the n before them cost, and more
than a fifth of a second.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / name) for name in ("api", "")]

from growing import grown  # noqa: E402 -- the path is set above
from test_growth_of_documents import DOCUMENTS, found, places  # noqa: E402

from service.api.app import create_app  # noqa: E402
from service.settings import Settings  # noqa: E402

ROUNDS = 3
SQUARE, NOISE = 4.0, 0.2


def cost(client: Any, path: str, body: Any) -> tuple[float, int]:
    """The least CPU seconds of a few rounds, and the bytes of the answer."""
    seconds = []
    for _ in range(ROUNDS):
        gc.collect()
        start = time.process_time()
        answer = client.post(path, json=body)
        size = len(answer.data)
        seconds.append(time.process_time() - start)
    return min(seconds), size


def main() -> int:
    """Run it; the exit status."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    reader.add_argument("--items", type=int, default=500)
    reader.add_argument("--path", choices=list(DOCUMENTS))
    asked = reader.parse_args()
    client = create_app(Settings(log_level="CRITICAL", deadline=3600)).test_client()
    steep = []
    for path in [asked.path] if asked.path else DOCUMENTS:
        document = DOCUMENTS[path](client) if callable(DOCUMENTS[path]) else DOCUMENTS[path]
        print(f"{path}\n  {'ms at n':>8} {'2n':>5} {'4n':>5}  {'bytes 4n':>8}  list")
        for pointer in places(path):
            place = found(document, pointer.split("/")[1:])
            if place is None:
                continue
            bodies = [grown(document, place, asked.items * times) for times in (1, 2, 4)]
            (one, size), (two, _), (four, last) = (cost(client, path, body) for body in bodies)
            ratios = f"{two / one:5.2f} {four / one:5.2f}  {last / size:8.2f}"
            print(f"  {one * 1000:8.1f} {ratios}  {pointer}", flush=True)
            if four - two > max(NOISE, SQUARE * (two - one)):
                steep.append(f"{path} {pointer}")
    print("\n".join(f"steep: {item}" for item in steep) or "no list is steep")
    return 1 if steep else 0


if __name__ == "__main__":
    sys.exit(main())
