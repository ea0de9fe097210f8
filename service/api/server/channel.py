"""The metrics of all workers, kept by gunicorn's master, which outlives them.

Workers send what they count over a socket. No file holds metrics: a full or missing disk costs no
request, and nothing is lost or left over where a worker is replaced.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading

from service.metrics import Metrics, Row, Store

_LONGEST = 64 * 1024
_PATIENCE = 0.2
"""Seconds for which a worker waits for a master that is behind; then a number is lost."""
_ANSWER = 10.0
# A message is taken whole or not at all, whoever else sends. macOS has datagrams only.
_KIND = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM


class Channel:
    """Many senders, and one thread that keeps the numbers."""

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair(socket.AF_UNIX, _KIND)
        self._sender.settimeout(_PATIENCE)

    def keep(self) -> None:
        """Keep the numbers in a thread of this process; those that it starts only send."""
        os.register_at_fork(after_in_child=self._receiver.close)
        threading.Thread(target=self._run, name="metrics", daemon=True).start()

    def send(self, rows: list[Row]) -> None:
        """Send what was counted."""
        with contextlib.suppress(OSError):
            self._sender.send(json.dumps(rows).encode())

    def exposition(self) -> bytes:
        """The metrics of all workers, with all that was sent before. Raises OSError."""
        # The question brings the socket for its answer.
        ours, theirs = socket.socketpair()
        with ours, theirs:
            socket.send_fds(self._sender, [b"?"], [theirs.fileno()])
            theirs.close()
            ours.settimeout(_ANSWER)
            return b"".join(iter(lambda: ours.recv(_LONGEST), b""))

    def _run(self) -> None:
        store = Store()
        while True:
            data, handles, _, _ = socket.recv_fds(self._receiver, _LONGEST, 1)
            if data == b"?":
                _answer(handles[0], store.exposition())
            else:
                store.add(json.loads(data))


_opened: list[Channel] = []


def opened() -> Channel:
    """The channel of this process and of those that it starts; made where there is none yet."""
    if not _opened:
        _opened.append(Channel())
    return _opened[0]


def metrics() -> Metrics:
    """What counts in this process: through the channel under gunicorn, else by itself."""
    return Metrics(_opened[0].send, _opened[0].exposition) if _opened else Metrics()


def _answer(handle: int, text: bytes) -> None:
    with socket.socket(fileno=handle) as link, contextlib.suppress(OSError):
        link.settimeout(_ANSWER)
        link.sendall(text)
