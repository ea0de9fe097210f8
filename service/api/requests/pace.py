"""Clients that send a body too slowly: found by a watch beside the threads that wait for them.

A thread that reads a body waits until it has all it asked for, so it cannot notice by itself
that a byte comes now and then. The kernel counts what has been received; too little of it within
a window ends the connection.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LEAST_RATE = 4096
"""Bytes per second, on average over a window; a tenth of what the slowest of lines gives."""

# Where the Linux kernel's tcp_info has tcpi_bytes_received (since 4.1).
_RECEIVED = 128
_LENGTH = 136


@dataclass(slots=True, eq=False)
class Receiving:
    """A body that is being received; ``slow`` says that the watch has ended it."""

    sock: Any
    window: float
    since: float
    count: int
    slow: bool = False


_under_way: set[Receiving] = set()
_lock = threading.Lock()
_watch: threading.Thread | None = None


@contextlib.contextmanager
def receiving(sock: Any, window: float) -> Iterator[Receiving]:
    """Watch over a body on this socket; windows are seconds. Where there is no socket (in tests
    without a server), or the kernel does not count, nothing is watched.
    """
    count = _received(sock)
    entry = Receiving(sock, window, time.monotonic(), count or 0)
    if count is None:
        yield entry
        return
    with _lock:
        _under_way.add(entry)
        _start()
    try:
        yield entry
    finally:
        with _lock:
            _under_way.discard(entry)


def _received(sock: Any) -> int | None:
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LENGTH)
    except (AttributeError, OSError):
        return None
    return int(struct.unpack_from("=Q", info, _RECEIVED)[0]) if len(info) >= _LENGTH else None


def _start() -> None:
    global _watch
    if _watch is None or not _watch.is_alive():
        _watch = threading.Thread(target=_run, name="pace", daemon=True)
        _watch.start()


def _run() -> None:
    while True:
        time.sleep(0.5)
        now = time.monotonic()
        with _lock:
            for entry in _under_way:
                if now - entry.since >= entry.window:
                    _judge(entry, now)


def _judge(entry: Receiving, now: float) -> None:
    count = _received(entry.sock)
    if count is None:
        return
    if count - entry.count < LEAST_RATE * (now - entry.since):
        entry.slow = True
        with contextlib.suppress(OSError):
            # Of the plain socket, also under TLS: the thread that reads sees the end.
            socket.socket.shutdown(entry.sock, socket.SHUT_RD)
    entry.since, entry.count = now, count
