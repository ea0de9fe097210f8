"""What policies of a pack cost beside ours, and what a selection saves, as ratios within one run.

    python benchmarks/own_policies.py

Prints, over a generated `List` of volumes, claims and pods:

- 50 of our policies as those of a pack against the same 50 as ours: what the guard of reads costs,
- 50 generated policies of a pack that read objects by pointer against 50 of ours,
- each half of the policies against all of them, and a tenth,
- a whole evaluation with ``only=access`` against one of all policies.

CPU time of the process is measured, the best of several runs: machines are noisy.
"""

from __future__ import annotations

import gc
import io
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation import EVERY, best, dump

from policies import catalogue
from service.core.engine import judge
from service.core.policy import CrossCheck, Policy
from service.core.selection import Catalogue, Choice
from service.intake.intake import Intake
from service.intake.parts import read_pieces
from service.intake.pieces import Piece
from service.packs import load_packs

VOLUMES = 300
COUNT = 50
RULE = """
from service.pack import *

{kind} = kind("{name}")


class Rule{number}({base}):
    '''Every object of a kind has a name of its own.'''

    id = "ACME{number:03}"
    name = "rule-{number}"
    title = why = remedy = source = "generated"
    docs = ()
    reads = (Read({kind}),)

    def check(self, migration, subject):
        bad = [item for item in migration.source.known({kind}) if not item.text("/metadata/name")]
        for item in bad:
            yield failed(item.subject, "no name", item.at("/metadata/name"), found="", wanted="one")
        if not bad:
            yield passed(migration.plan.ref.subject, "all have names")
"""
KINDS = ("PersistentVolume", "PersistentVolumeClaim", "Pod")


def evidence() -> bytes:
    """The list that is judged."""
    return dump(VOLUMES)


def read(data: bytes, policies: Sequence[Policy[Any]], planned: bytes = EVERY) -> Intake:
    """The evidence as a migration, for what these policies read."""
    reads = [item for policy in policies for item in policy.reads]
    pieces = [Piece("source", io.BytesIO(data)), Piece("plan", io.BytesIO(planned))]
    return read_pieces(pieces, {}, reads=reads)


def judged(
    data: bytes,
    policies: Sequence[Policy[Any]],
    every: Sequence[Policy[Any]],
    *,
    fresh: bool = True,
) -> float:
    """CPU seconds of judging; unless ``fresh``, without reading objects, which policies share."""
    spent = []
    for _ in range(7):
        bundle = read(data, every)
        for cluster in () if fresh else bundle.migration.clusters:
            for shelf in cluster.inventory.shelves():
                cluster.known(shelf.resource)
        gc.collect()
        before = time.process_time()
        for policy in policies:
            list(judge(bundle.migration, policy))
        spent.append(time.process_time() - before)
        bundle.release()
    return min(spent)


def as_pack(policies: Sequence[Policy[Any]]) -> list[Policy[Any]]:
    """The same policies, as if they came from a pack."""
    return [type(type(item).__name__, (type(item),), {"pack": "bench"})() for item in policies]


def generated() -> tuple[Policy[Any], ...]:
    """Policies of a pack that read every object of a kind by pointer."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(100, 100 + COUNT):
            name = KINDS[number % len(KINDS)]
            text = RULE.format(kind=name.upper(), name=name, number=number, base="MigrationPolicy")
            (Path(folder) / f"rule{number}.py").write_text(text)
        return load_packs([folder], catalogue(), installed=False)


def main() -> None:
    ours = [policy for policy in catalogue() if not isinstance(policy, CrossCheck)]
    data = evidence()
    # Every second one, so that all areas are there.
    some = ours[::2][:COUNT]
    base = judged(data, some, ours)
    packed = judged(data, as_pack(some), ours)
    own = generated()
    print(f"{COUNT} policies over {3 * VOLUMES} objects")
    print(f"  the same as a pack / as ours:        {packed / base:5.2f}   (at most 1.15)")
    pointed = judged(data, own, ours)
    print(f"  generated, by pointer / ours:        {pointed / base:5.2f}   (at most 2)")
    whole = judged(data, ours, ours, fresh=False)
    print(f"of {len(ours)} policies, judging")
    for title, part in (
        ("the first half", ours[: len(ours) // 2]),
        ("the second half", ours[len(ours) // 2 :]),
        ("every tenth", ours[::10]),
    ):
        share = len(part) / len(ours)
        spent = judged(data, part, ours, fresh=False) / whole
        most = f"(at most {share + 0.15:.2f})"
        print(f"  {title:<16} ({share:4.2f} of them):    {spent:5.2f}   {most}")
    known = Catalogue.of(ours)
    only = known.select(Choice("the benchmark", only=("access",)))

    def all_of_it() -> None:
        bundle = read(data, ours)
        for policy in ours:
            list(judge(bundle.migration, policy))

    def access() -> None:
        bundle = read(data, only.policies)
        for policy in only.policies:
            list(judge(bundle.migration, policy))

    one, every = best(access, all_of_it)
    print(f"  only=access / all, with reading:     {one / every:5.2f}   (at most 0.5)")


if __name__ == "__main__":
    main()
