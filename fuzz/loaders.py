"""Coverage-guided fuzzing of what reads foreign bytes.

    python fuzz/loaders.py [LIBFUZZER OPTIONS] [CORPUS FOLDER]

Needs atheris (Linux, CPython 3.11 to 3.13). A finding is an exception that a reader of readers.py
does not promise, a property of one that does not hold, or an input that takes longer than
libFuzzer's -timeout. `python fuzz/loaders.py FILE` reads one input again.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["service", "policies"], enable_loader_override=False):
    from readers import read

if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
