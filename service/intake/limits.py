"""What one request may cost. Every limit is a setting; none is hidden in a loader."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds for what is read from one request.

    Sizes are bytes. A real must-gather compresses about 25:1, hence the ratio. The depth is
    what the JSON parser bounds itself to: a lower one costs a copy of every text.
    """

    body_bytes: int = 512 * MIB
    decompressed_bytes: int = 4096 * MIB
    compression_ratio: int = 200
    members: int = 200_000
    member_bytes: int = 64 * MIB
    kept_bytes: int = 256 * MIB
    depth: int = 201
    documents: int = 200_000
    alias_nodes: int = 100_000
    nested_archives: int = 2


DEFAULT_LIMITS = Limits()
