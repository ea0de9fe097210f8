"""Files beside the repository: more of what tests/corpus has, of others, for no test alone.

Without them the tests that read them are skipped, each with a reason that names what is missing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

CORPUS = Path(__file__).parent / "corpus"
SHARED = Path(__file__).parents[2] / "shared" / "data"


def files(*patterns: str) -> list[Path]:
    """The files of ``../shared/data`` that match; skips the test where there is none."""
    found = sorted(path for pattern in patterns for path in SHARED.glob(pattern))
    if not found:
        pytest.skip(f"NOT HERE: ../shared/data/{', '.join(patterns)}")
    return found
