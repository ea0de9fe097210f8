"""What MTC's namespace held when somebody last wrote it down, for admission reviews.

The file can change at any time (a mounted ConfigMap does), and is read again when it has.
"""

from __future__ import annotations

import io
import logging
from pathlib import Path

from service.api.server.changing import stamp
from service.intake.intake_errors import Unreadable
from service.intake.limits import MIB, Limits
from service.intake.parts import read_pieces
from service.intake.pieces import BadInput, Piece

log = logging.getLogger("service.admission")

MOST_BYTES = 2 * MIB
"""A ConfigMap holds 1 MiB; every review reads all of it, within milliseconds."""
PART = "destination"
"""MTC runs on the destination by default; an envelope says itself which cluster is which."""


class NamespaceState:
    """The file of a setting; without a path, or while the file is of no use, nothing is known."""

    def __init__(self, path: str, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._seen: tuple[int, ...] = ()
        self._data = b""

    def pieces(self) -> list[Piece]:
        """The state as evidence: one piece, or none."""
        seen = stamp(self._path) if self._path else ()
        if seen != self._seen:
            # Two threads may read at a time; both read the same or a newer file.
            self._data = self._read()
            self._seen = seen
        return [Piece(PART, io.BytesIO(self._data), "state")] if self._data else []

    def _read(self) -> bytes:
        """The file, if it is evidence; the log quotes nothing of it."""
        try:
            with Path(self._path).open("rb") as file:
                data = file.read(MOST_BYTES + 1)
            if len(data) > MOST_BYTES:
                raise ValueError("too large")
            if not read_pieces([Piece(PART, io.BytesIO(data))], {}, self._limits).objects:
                raise ValueError("no objects")
        except (OSError, ValueError, BadInput, Unreadable) as error:
            fields = {"error": type(error).__name__}
            log.warning("the admission state cannot be read: evaluated without it", extra=fields)
            return b""
        log.info("admission state read")
        return data
