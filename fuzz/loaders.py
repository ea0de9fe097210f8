"""Coverage-guided fuzzing of what reads foreign bytes.

    python fuzz/loaders.py [LIBFUZZER OPTIONS] [CORPUS FOLDER]

Needs atheris (Linux, CPython up to 3.13). The first byte of an input chooses the reader, the rest
is what it reads: JSON, YAML, archives, or a whole body with all policies behind it. A finding is
an exception that the reader does not promise, a policy in error, or a loader that takes longer
than libFuzzer's -timeout. The limits are small, so that inputs stay quick.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["service", "policies"], enable_loader_override=False):
    from policies import catalogue
    from service.core.engine import evaluate
    from service.core.outcome import Verdict
    from service.ingest.archives.members import read_archive
    from service.ingest.bundle import read_body
    from service.ingest.errors import Unreadable
    from service.ingest.limits import Limits
    from service.ingest.pieces import BadInput, Piece
    from service.ingest.texts.json import load_json, load_ndjson
    from service.ingest.texts.yaml.loader import load_yaml

POLICIES = catalogue()
LIMITS = Limits(
    body_bytes=1 << 20,
    decompressed_bytes=4 << 20,
    members=1000,
    member_bytes=1 << 20,
    kept_bytes=2 << 20,
    documents=1000,
    alias_nodes=10_000,
)


def json(data: bytes) -> None:
    load_json(data, LIMITS)


def lines(data: bytes) -> None:
    for _ in load_ndjson(data, LIMITS):
        pass


def yaml(data: bytes) -> None:
    for _ in load_yaml(data, LIMITS):
        pass


def archive(data: bytes) -> None:
    for _ in read_archive(io.BytesIO(data), wanted=lambda _: True, limits=LIMITS):
        pass


def body(data: bytes) -> None:
    migration = read_body(Piece("body", io.BytesIO(data)), {"role": "source"}, LIMITS).migration
    report = evaluate(migration, POLICIES)
    wrong = {item.policy for item in report.findings if item.verdict is Verdict.ERROR}
    if wrong:
        raise AssertionError(f"policies in error: {sorted(wrong)}")


READERS: tuple[Callable[[bytes], None], ...] = (json, lines, yaml, archive, body)


def one_input(data: bytes) -> None:
    """Read one input; what a reader promises to raise is no finding."""
    if not data:
        return
    try:
        READERS[data[0] % len(READERS)](data[1:])
    except (Unreadable, BadInput):
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
