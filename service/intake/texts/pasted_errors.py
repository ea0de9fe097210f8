"""What a collection wrote into a file in the place of an object: the error of a command.

MTC's must-gather sends the errors of `oc` into the file of the object (migtools/must-gather
collection-scripts, ``&>``), and so do people.
"""

from __future__ import annotations

import re

from service.intake.texts.loaded import Loaded
from service.kinds.redact import redact

_WARNINGS = re.compile(
    rb"\A(?:(?:Warning: |Flag --|[IWEF]\d{4} )[^\n]*\n)+(?=---|apiVersion:|kind:)"
)
_WORDS = ("error", "Error from server", "Warning", "Unable to connect to the server")
_MOST = 200


def without_warnings(data: bytes) -> bytes:
    """A text in which the warnings of `oc` above an object are comments."""
    found = _WARNINGS.match(data)
    if found is None:
        return data
    return b"".join(b"# " + line for line in found[0].splitlines(True)) + data[found.end() :]


def error_text(loaded: Loaded, data: bytes) -> str:
    """What a command printed instead of an object, "" where a document is something else."""
    value = loaded.value
    if loaded.error is not None:
        if loaded.error.code != "pasted-oc-error":
            return ""
    elif type(value) is dict:
        if len(value) != 1 or not str(*value).startswith(_WORDS):
            return ""
    elif type(value) is not str:
        return ""
    line = data.strip().partition(b"\n")[0].decode("utf-8", "replace").strip()
    return redact(line[:_MOST])
