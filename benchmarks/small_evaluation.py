"""CPU time of a small evaluation within one process, from the body to the report.

    python benchmarks/small_evaluation.py

Prints milliseconds for a body of two cluster descriptors, as the service evaluates it without what
Flask, gunicorn and the log add: for all policies, for half of them, and what each further one
costs. CPU time of the process is measured, the best of many runs: machines are noisy. A loop of
plain Python is measured in between, so that the ratio of both can be compared.
"""

from __future__ import annotations

import gc
import io
import json
import time
from collections.abc import Sequence
from typing import Any

from request_rate import DESCRIPTORS

from policies import catalogue
from service.core.assess import assess
from service.core.decision.gate import Gate
from service.core.policy import Policy, reads_of
from service.formats import Context
from service.formats.json_report import render
from service.intake.limits import DEFAULT_LIMITS
from service.intake.parts import read_body
from service.intake.pieces import Piece
from service.intake.texts.loaded import gc_paused

BODY = json.dumps(DESCRIPTORS).encode()
ROUNDS = 100


def loop() -> None:
    """The plain Python that shows how loaded the machine is."""
    found = {}
    for number in range(20_000):
        found[number % 97] = str(number)


def evaluated(policies: Sequence[Policy[Any]]) -> tuple[float, float]:
    """Milliseconds of one evaluation by these policies, and of the loop."""
    reads, context, rules = reads_of(policies), Context(tuple(policies), "benchmark"), Gate()
    spent, loops = [], []
    for _ in range(ROUNDS):
        before = time.process_time()
        loop()
        loops.append(time.process_time() - before)
        before = time.process_time()
        with gc_paused():
            bundle = read_body(Piece("body", io.BytesIO(BODY)), {}, DEFAULT_LIMITS, reads)
            report = bundle.sources.add_lines(assess(bundle.migration, policies, rules))
            bundle.release()
            render(report, context)
        spent.append(time.process_time() - before)
    return min(spent) * 1000, min(loops) * 1000


def garbage(policies: Sequence[Policy[Any]]) -> int:
    """Objects that an evaluation leaves to the collector of cycles."""
    gc.collect()
    with gc_paused():
        bundle = read_body(Piece("body", io.BytesIO(BODY)), {}, DEFAULT_LIMITS, reads_of(policies))
        render(assess(bundle.migration, policies, Gate()), Context(tuple(policies), "benchmark"))
        bundle.release()
        del bundle
    return gc.collect()


def main() -> None:
    policies = catalogue()
    half = policies[::2]
    (some, _), (every, loops) = evaluated(half), evaluated(policies)
    each = (every - some) / (len(policies) - len(half)) * 1000
    print(f"a small evaluation, {len(policies)} policies: {every:6.2f} ms of CPU")
    print(f"  {len(half)} of them:                       {some:6.2f} ms")
    print(f"  each further policy:              {each:6.1f} us")
    print(f"  the loop of plain Python:         {loops:6.2f} ms")
    print(f"  evaluation / loop:                {every / loops:6.2f}   (at most 6)")
    print(f"  objects left to the collector:    {garbage(policies):6d}   (at most 0)")


if __name__ == "__main__":
    main()
