"""What walking an archive costs over decompressing it.

    python benchmarks/archive.py [ARCHIVE]

Without an argument a synthetic must-gather of 6,000 members is packed as tar.xz. Both ways run
alternately in one process, and the best of the rounds counts, so that a busy machine distorts
the ratio little. Printed are seconds, the ratio to decompression alone, and for comparison the
ratio of ``tarfile`` in stream mode. Of a zip only the wanted members are decompressed, so there
the ratio is to reading all of it with ``zipfile``.
"""

from __future__ import annotations

import io
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from service.intake.archives.compression import Budget, codec_of, expand, pieces_of
from service.intake.archives.members import Member, read_archive
from service.intake.limits import DEFAULT_LIMITS

ROUNDS = 7


def synthetic() -> bytes:
    """6,000 members like those of a must-gather: mostly manifests, some logs."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:xz") as archive:
        for number in range(6000):
            suffix, lines = ("log", 800) if number % 10 == 0 else ("yaml", 120)
            name = f"must-gather/namespaces/ns-{number % 60}/core/pods/pod-{number}.{suffix}"
            text = "".join(f"key-{line}: value {line * number}\n" for line in range(lines))
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return target.getvalue()


def only_decompress(data: bytes) -> int:
    """Bytes of the archive's plain form."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.testzip()
            return sum(member.file_size for member in archive.infolist())
    budget = Budget(DEFAULT_LIMITS, len(data))
    pieces = pieces_of(io.BytesIO(data), budget)
    codec = codec_of(data[:512])
    if codec is None:
        return sum(map(len, pieces))
    return sum(map(len, expand(codec, pieces, budget)))


def walk_nothing(data: bytes) -> int:
    """Walk the members, keep none."""
    return sum(1 for _ in read_archive(io.BytesIO(data), wanted=lambda path: False))


def walk_manifests(data: bytes) -> int:
    """Walk the members, keep the manifests; the bytes kept."""
    kept = 0
    for member in read_archive(io.BytesIO(data), wanted=lambda path: path.endswith(".yaml")):
        kept += len(member.data) if isinstance(member, Member) else 0
    return kept


def walk_tarfile(data: bytes) -> int:
    """The same by the standard library."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r|*") as archive:
        return sum(1 for _ in archive)


def main(arguments: list[str]) -> None:
    """Print the table."""
    data = Path(arguments[0]).read_bytes() if arguments else synthetic()
    ways: list[Callable[[bytes], int]] = [only_decompress, walk_nothing, walk_manifests]
    if not data.startswith(b"PK"):
        ways.append(walk_tarfile)
    best = dict.fromkeys(ways, float("inf"))
    results = dict.fromkeys(ways, 0)
    for _ in range(ROUNDS):
        for way in ways:
            start = time.perf_counter()
            results[way] = way(data)
            best[way] = min(best[way], time.perf_counter() - start)
    for way in ways:
        ratio = best[way] / best[only_decompress]
        print(f"{way.__name__:16} {best[way]:8.3f} s  {ratio:5.2f} x  result {results[way]}")


if __name__ == "__main__":
    main(sys.argv[1:])
