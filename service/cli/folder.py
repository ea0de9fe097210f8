"""A directory as the tar stream that it would be, so that folders are read like archives."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tarfile import BLOCKSIZE, GNU_FORMAT, TarInfo
from typing import Any

CHUNK = 1024 * 1024


def members(folder: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """The regular files below a directory whose names end like this, in a stable order.

    Links to files are followed as long as they stay inside the directory (a mounted ConfigMap
    consists of such links); an unpacked archive can so not make its reader read other files.
    Raises OSError where a directory cannot be listed.
    """
    inside = folder.resolve()

    def refuse(error: OSError) -> None:
        raise error

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            if name.endswith(endings) and path.resolve().is_file() and within(path, inside):
                yield path


def within(path: Path, folder: Path) -> bool:
    """Whether a path, links followed, is inside a directory that is named without links."""
    return path.resolve().is_relative_to(folder)


class FolderStream(io.RawIOBase):
    """The files of a directory as an uncompressed tar, made while it is read.

    Reading raises OSError where a file cannot be read, or changes its size meanwhile.
    """

    def __init__(self, folder: Path, endings: tuple[str, ...]) -> None:
        self._chunks = _tar(folder, endings)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken


def _tar(folder: Path, endings: tuple[str, ...]) -> Iterator[bytes]:
    for path in members(folder, endings):
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            info = TarInfo(f"{folder.name or 'folder'}/{path.relative_to(folder).as_posix()}")
            info.size = size
            info.mode = stat.S_IRUSR
            yield info.tobuf(GNU_FORMAT, "utf-8", "surrogateescape")
            left = size
            while left:
                chunk = stream.read(min(CHUNK, left))
                if not chunk:
                    raise OSError(f"{path} became shorter while it was read")
                left -= len(chunk)
                yield chunk
            yield b"\0" * (-size % BLOCKSIZE)
    yield b"\0" * (2 * BLOCKSIZE)
