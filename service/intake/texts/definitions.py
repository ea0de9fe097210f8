"""Reading the definition of a custom kind without its schemas, which no policy reads.

They are nearly all of its text: those of the 99 definitions of a must-gather take half as long
to read as the whole archive takes to decompress; without them, a twentieth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from service.intake.intake_errors import LimitExceeded
from service.intake.limits import Limits
from service.intake.texts.load import load
from service.intake.texts.loaded import Loaded

# At the columns where `oc` writes the schemas (v1: of each version, v1beta1: of all of them):
# the key, and every line that is indented below it.
_SCHEMA = re.compile(
    rb"^(    schema:)\n(?:(?:     [^\n]*)?\n)*+|^(  validation:)\n(?:(?:   [^\n]*)?\n)*+",
    re.MULTILINE,
)
_LEFT_OUT = "left out"


def load_definition(data: bytes, limits: Limits) -> Iterator[Loaded]:
    """As :func:`load` for YAML, but without the schemas of a CustomResourceDefinition.

    A short word takes the place of each, and what is left is believed only if every such word is
    found again where a definition has its schemas: then the lines that were cut held nothing
    else. Otherwise (lines of a text that look like a schema, several documents) all is read.
    """
    rest, cuts = _SCHEMA.subn(rb"\1\2 " + _LEFT_OUT.encode() + rb"\n", data)
    if cuts:
        try:
            documents = list(load(rest, limits, yaml_claimed=True))
        except LimitExceeded:
            documents = []  # reported with the place in the whole text
        if len(documents) == 1 and _left_out(documents[0].value) == cuts:
            yield documents[0]
            return
    yield from load(data, limits, yaml_claimed=True)


def _left_out(value: Any) -> int:
    """How many schemas of a definition are not there."""
    spec = value.get("spec") if isinstance(value, dict) else None
    if not isinstance(spec, dict):
        return 0
    versions = spec.get("versions")
    rows = [row for row in versions if isinstance(row, dict)] if isinstance(versions, list) else []
    schemas = [*(row.get("schema") for row in rows), spec.get("validation")]
    return schemas.count(_LEFT_OUT)
