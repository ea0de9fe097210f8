"""The bundle as it grows: one envelope document, written while the clusters are read."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

STDOUT = "-"


class BundleWriter:
    """Writes ``{"clusters": [{…, "objects": [", one object after the other, and the rest.

    The order of calls is the order of the document: ``cluster``, within it ``add`` and
    ``gathered``, then ``end``.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._clusters = 0
        self._objects = 0
        self._gathered: list[dict[str, Any]] = []
        self._stream.write(b'{"clusters":[')

    @contextmanager
    def cluster(self, role: str, facts: dict[str, Any]) -> Iterator[None]:
        """A cluster; ``facts`` may still grow until the block ends."""
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        head = _json({"role": role, "collectedAt": moment})[:-1]
        self._stream.write((b",\n" if self._clusters else b"") + head + b',"objects":[')
        self._clusters += 1
        self._objects = 0
        self._gathered = []
        yield
        tail = {"facts": facts, "gathered": self._gathered}
        self._stream.write(b"\n]," + _json(tail)[1:])

    def add(self, value: Mapping[str, Any]) -> None:
        """An object of the current cluster."""
        self._stream.write((b",\n" if self._objects else b"\n") + _json(value))
        self._objects += 1

    def gathered(self, resource: str, namespace: str = "", error: str = "", name: str = "") -> None:
        """Note that a list is whole, or why it could not be read.

        With a name: that this one object was asked for.
        """
        row: dict[str, Any] = {"resource": resource}
        if namespace:
            row["namespace"] = namespace
        if name:
            row["name"] = name
        row |= {"complete": False, "error": error} if error else {"complete": True}
        self._gathered.append(row)

    def end(self, rest: Mapping[str, Any]) -> None:
        """Close the document with the other keys of an envelope."""
        body = _json({key: value for key, value in rest.items() if value})
        self._stream.write(b"]" + (b"," + body[1:] if len(body) > 2 else b"}") + b"\n")


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """A new file that only its owner can read, compressed if its name ends in .gz; "-" is stdout.

    The file appears under its name when the block ends well; an interrupted run leaves the old
    one. The bundle holds settings of MTC, among them a proxy's password. Raises OSError.
    """
    if path == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as raw:
            if target.name.endswith(".gz"):
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=5) as packed:
                    yield packed  # type: ignore[misc]
            else:
                yield raw
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
