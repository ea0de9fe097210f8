"""Files that can change while the service runs: mounted Secrets and ConfigMaps, certificates."""

from __future__ import annotations

import os


def stamp(path: str | os.PathLike[str]) -> tuple[int, ...]:
    """What differs once a file has changed; empty where there is no file that can be read.

    A Secret changes by a symbolic link to another folder: the inode shows it.
    """
    try:
        now = os.stat(path)
    except OSError:
        return ()
    return (now.st_mtime_ns, now.st_ino, now.st_size, now.st_dev)
