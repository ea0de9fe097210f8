"""The licences of everything that the service is made of, as docs/licences.md.

    python tools/licences.py > docs/licences.md

Reads the metadata of the installed packages, from mtc-preflight on along its requirements. Run it
in a clean environment made with constraints.txt. Exit status 1 where a licence is not known or
not one that goes with Apache-2.0.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

ROOT = "mtc-preflight"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_FREE = ("MIT", "BSD", "Apache", "ISC", "PSF", "Python Software Foundation", "MPL", "Unlicense",
         "0BSD", "Zope")  # fmt: skip
_HEAD = """\
# Licences

Made by `python tools/licences.py` in a clean environment with `constraints.txt`; do not edit.
These are the packages that the service needs to run; those for tests are not shipped.

| package | version | licence |
|---|---|---|
"""


def closure(name: str) -> dict[str, Distribution]:
    """A package and all that it requires to run, by normalised name."""
    found: dict[str, Distribution] = {}
    pending = [name]
    while pending:
        current = _normal(pending.pop())
        if current in found:
            continue
        try:
            found[current] = distribution(current)
        except PackageNotFoundError:
            continue  # for another platform or Python
        for line in found[current].requires or []:
            match = _NAME.match(line)
            if match and "extra ==" not in line:
                pending.append(match[0])
    return found


def licence(package: Distribution) -> str:
    """The licence as the package states it, in short."""
    metadata = package.metadata
    stated = str(metadata.get("License-Expression") or "")
    if stated:
        return stated
    kinds = [
        row.rpartition(" :: ")[2]
        for row in metadata.get_all("Classifier") or []
        if row.startswith("License :: ")
    ]
    first = str(metadata.get("License") or "").strip().split("\n")[0]
    return ", ".join(kind for kind in kinds if kind != "OSI Approved") or first[:60]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Print the page; the exit status."""
    packages = closure(ROOT)
    del packages[ROOT]
    sys.stdout.write(_HEAD)
    unclear = []
    for name in sorted(packages):
        text = licence(packages[name])
        if not any(word in text for word in _FREE):
            unclear.append(f"{name}: {text or 'not stated'}")
        sys.stdout.write(f"| {name} | {packages[name].version} | {text} |\n")
    for line in unclear:
        sys.stderr.write(f"look at the licence of {line}\n")
    return 1 if unclear else 0


if __name__ == "__main__":
    sys.exit(main())
