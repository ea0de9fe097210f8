"""A small corpus for fuzz/loaders.py, made of the policies' own cases.

    python fuzz/corpus.py FOLDER

Inputs in every form: envelopes as JSON and YAML, single objects, NDJSON, tar, tar.gz and zip.
The first byte names the reader.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parents[1] / "tests" / "cases"
JSON, LINES, YAML, ARCHIVE, BODY = (bytes([number]) for number in range(5))
PER_POLICY = 2


def inputs() -> Iterator[bytes]:
    """Every input, the chooser of its reader first."""
    for file in sorted(CASES.glob("*.yaml")):
        cases = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
        for case in cases[:PER_POLICY]:
            yield from _forms(json.loads(json.dumps(case["given"], default=str)))


def _forms(envelope: dict[str, Any]) -> Iterator[bytes]:
    as_json = json.dumps(envelope).encode()
    as_yaml = yaml.safe_dump(envelope).encode()
    yield JSON + as_json
    yield YAML + as_yaml
    yield BODY + as_json
    objects = [item for row in envelope.get("clusters", []) for item in row.get("objects", [])]
    if not objects:
        return
    yield LINES + b"\n".join(json.dumps(item).encode() for item in objects)
    yield YAML + yaml.safe_dump_all(objects).encode()
    whole = _tar(objects)
    for chooser in (ARCHIVE, BODY):
        yield chooser + whole
        yield chooser + gzip.compress(whole, mtime=0)
        yield chooser + _zip(objects)


def _files(objects: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    for number, item in enumerate(objects):
        folder = "must-gather/cluster-scoped-resources/core"
        yield f"{folder}/{item.get('kind', 'x')}-{number}.yaml", yaml.safe_dump(item).encode()


def _tar(objects: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in _files(objects):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def _zip(objects: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _files(objects):
            archive.writestr(name, data)
    return out.getvalue()


def main() -> None:
    """Write the files."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for data in inputs():
        (folder / f"seed-{count:04d}").write_bytes(data)
        count += 1
    sys.stdout.write(f"{count} inputs in {folder}\n")


if __name__ == "__main__":
    main()
