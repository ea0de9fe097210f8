"""Answers to small requests, remembered for as long as they must be the same.

An evaluation is a pure function of its evidence, its options and the time that it is judged at,
which is the current minute unless the caller names another. Pipelines and bots ask the same
thing again and again: such a request is answered from here. A key is a digest of every byte of
the request that counts, so an answer is only ever given to who sent the same evidence.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from service.core.report import Report
from service.intake.options import now
from service.intake.pieces import Piece

MOST_BYTES = 64 * 1024
"""Requests with more bytes than this are not remembered: hashing them is no longer free."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the log and the metrics are told of an evaluation."""

    verdict: str
    counts: Mapping[str, int]
    findings: Mapping[tuple[str, str], int]
    problems: Mapping[str, int]

    @classmethod
    def of(cls, report: Report) -> Tally:
        """The numbers of a report."""
        return cls(
            report.verdict.value,
            dict(report.counts),
            Counter((item.policy, item.verdict.value) for item in report.findings),
            Counter(item.code for item in report.problems),
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """A finished answer: its bytes, its status, what it counted, and who was told of it."""

    body: bytes
    status: int
    tally: Tally
    notified: str = ""


class Memory:
    """The last answers, at most ``size`` of them; 0 remembers nothing. Safe for threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[bytes, Answered] = OrderedDict()
        self._lock = Lock()

    def key(self, pieces: tuple[Piece, ...], query: Mapping[str, Any], form: str) -> bytes | None:
        """What names a request, or None for one that is not remembered."""
        if self._size == 0:
            return None
        seal = hashlib.sha256()
        left = MOST_BYTES
        for piece in pieces:
            data = piece.stream.read(left + 1)
            piece.stream.seek(0)
            left -= len(data)
            if left < 0:
                return None
            for field in (piece.name, piece.filename, piece.media_type):
                seal.update(f"{len(field)}:{field}".encode("utf-8", "surrogatepass"))
            seal.update(b"%d:" % len(data) + data)
        seal.update(repr((form, sorted(query.items()), now())).encode("utf-8", "surrogatepass"))
        return seal.digest()

    def get(self, key: bytes | None) -> Answered | None:
        """The answer to a request, if it is remembered."""
        if key is None:
            return None
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def put(self, key: bytes | None, answer: Answered) -> None:
        """Remember an answer; the one that was asked for longest ago is forgotten."""
        if key is None or len(answer.body) > 16 * MOST_BYTES:
            return
        with self._lock:
            self._answers[key] = answer
            if len(self._answers) > self._size:
                self._answers.popitem(last=False)
