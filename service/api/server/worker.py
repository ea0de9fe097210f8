"""gunicorn's threaded worker, held against clients that send slowly and memory that grows."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import Any

from gunicorn import util
from gunicorn.workers import gthread

_END = b"\r\n\r\n"
_LONGEST_HEAD = 64 * 1024
_LINGER = 0.2
"""Seconds for which a client that still sends is listened to, so that it reads its answer."""
_DRAIN = 0.05
"""Seconds for the rest of a body that nobody read."""
_LOOK_EVERY = 32
"""Requests between two looks at the memory."""


class Worker(gthread.ThreadWorker):  # type: ignore[misc]
    """A thread is taken by a request once its head is there, not when its first byte is.

    ``head_seconds`` is how long the head may take, ``memory_bytes`` the memory beyond which the
    worker finishes its requests and is replaced; 0 for no bound. gunicorn_conf.py sets them.
    """

    alive: bool
    head_seconds = 30.0
    memory_bytes = 0

    def handle(self, conn: Any) -> Any:
        """Handle a connection that has something to read. Runs in a thread."""
        if not self.alive:
            # The poller is about to end: what was accepted is waited for here.
            conn.data_ready = True
            _wake_at(conn.sock, 1)
        elif not self.cfg.is_ssl and not conn.is_http2 and not self._has_head(conn):
            if time.monotonic() - conn.head_since < self.head_seconds:
                # Back to the poller, which waits without a thread for one byte more.
                return gthread._DEFER
            return False
        conn.head_since = None
        result = super().handle(conn)
        if result is False:
            _part(conn)
        return result

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Take note that a thread is done with a connection. Runs in the main thread."""
        done = not fs.cancelled() and fs.exception() is None
        if not self.alive and done and fs.result() is gthread._DEFER:
            self.enqueue_req(conn)  # gunicorn would drop it
            return
        super().finish_request(conn, fs)

    def _has_head(self, conn: Any) -> bool:
        """Whether a whole head, or too much of one, or the end of it all is there to be read."""
        if getattr(conn, "head_since", None) is None:
            conn.head_since, conn.head_seen = time.monotonic(), -1
        if conn.parser is not None and conn.parser.unreader.buf.getvalue():
            return True  # the rest of the last read; only the parser knows
        try:
            seen = conn.sock.recv(_LONGEST_HEAD, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            seen = None
        except OSError:
            return True
        count = -1 if seen is None else len(seen)
        whole = seen is not None and (not seen or _END in seen or count >= _LONGEST_HEAD)
        # Woken up with nothing new: the client has closed its side, and no more will come.
        if whole or (count == conn.head_seen and count >= 0):
            _wake_at(conn.sock, 1)
            return True
        conn.head_seen = count
        # Without this the poller would find the same bytes readable again and again.
        _wake_at(conn.sock, max(count, 0) + 1)
        return False

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Whether the connection stays: only without much of an unread body."""
        drained = keepalive and conn.parser.finish_body(deadline=time.monotonic() + _DRAIN)
        return bool(drained)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Handle a request, and look at the memory now and then."""
        result = super().handle_request(req, conn)
        if self.memory_bytes and self.nr % _LOOK_EVERY == 0 and self.alive:
            used = _resident()
            if used > self.memory_bytes:
                self.log.info("renewing the worker: it holds %d MiB", used >> 20)
                self.alive = False
        return result


def _part(conn: Any) -> None:
    """Close a connection in this thread.

    gunicorn does it in the one thread that accepts connections, and lingers there for a client
    that goes on sending: a few of those would stop the worker.
    """
    util.close_graceful(conn.sock, timeout=_LINGER)
    conn.close = _nothing


def _nothing(graceful: bool = False) -> None:
    """Stands for the closing of what is closed."""


def _wake_at(sock: Any, count: int) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)


def _resident() -> int:
    """The bytes that this process holds in memory."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
