"""What a plain YAML scalar means to Kubernetes.

The API server, ``oc`` and ``kubectl`` read YAML with sigs.k8s.io/yaml: goyaml v2 resolves plain
scalars by YAML 1.1 words and Go number syntax, then everything becomes JSON. The rules here are
those of ``resolve.go`` and ``convertToJSONableObject`` in that module, seen from the outside:

* ``y yes on true`` and ``n no off false`` in their three spellings are booleans;
* ``0x``, ``0o``, ``0b`` and a leading ``0`` select a base, underscores are dropped;
* decimal integers beyond 64 bits are floats, as is ``08``, which is no octal number;
* times stay strings; ``.nan`` and ``.inf`` have no JSON form and are refused;
* integer, boolean and float keys become strings, null keys are refused.
"""

from __future__ import annotations

import re
import struct

from service.intake.intake_errors import Unreadable

Scalar = str | int | float | bool | None

_TRUE = "y Y yes Yes YES true True TRUE on On ON"
_FALSE = "n N no No NO false False FALSE off Off OFF"
_NULL = "~ null Null NULL"
_NOT_FINITE = ".nan .NaN .NAN .inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF"

WORDS: dict[str, bool | None] = {
    "": None,
    **dict.fromkeys(_TRUE.split(), True),
    **dict.fromkeys(_FALSE.split(), False),
    **dict.fromkeys(_NULL.split()),
}
NOT_FINITE = frozenset(_NOT_FINITE.split())

# Only a scalar that begins with one of these can be anything but a string.
_HINTS = frozenset("+-.0123456789yYnNtTfFoO~")

_BASED = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+))", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_POINT_FLOAT = re.compile(r"\.[0-9]+(?:[eE][-+]?[0-9]+)?", re.ASCII)

_INT64 = range(-(1 << 63), 1 << 63)
_UINT64 = range(1 << 64)
# The interpreter converts no more digits than this in one go, and neither does the JSON reader.
_DIGITS = 4300
# From here on a 32-bit float is infinite.
_BEYOND_SINGLE = (2 - 2**-24) * 2.0**127


def resolve(text: str) -> Scalar:
    """The value of a plain, untagged scalar. Raises ``Unreadable`` for ``.nan`` and ``.inf``."""
    if text and text[0] not in _HINTS:
        return text
    if text in WORDS:
        return WORDS[text]
    if text in NOT_FINITE:
        raise Unreadable("yaml-number", "infinity and not-a-number have no JSON form")
    if text[0] == ".":
        return _float(text) if _POINT_FLOAT.fullmatch(text) else text
    if text[0] in "+-0123456789":
        return _number(text)
    return text


def _number(text: str) -> Scalar:
    digits = text.replace("_", "")
    integer = _integer(digits)
    if integer is not None and integer in _INT64:
        return integer
    # An unsigned 64-bit reading and a big one are tried only without a sign.
    unsigned = digits[:1] not in "+-"
    if integer is not None and unsigned and integer in _UINT64:
        return integer
    if _FLOAT.fullmatch(digits):
        value = _float(digits)
        if isinstance(value, float):
            return value
    if integer is not None and unsigned:
        return integer
    return text


def _integer(digits: str) -> int | None:
    if len(digits) > _DIGITS:
        if _DECIMAL.fullmatch(digits) or _BASED.fullmatch(digits):
            raise Unreadable("yaml-number", f"a number has more than {_DIGITS} digits")
        return None
    if _DECIMAL.fullmatch(digits):
        return int(digits)
    based = _BASED.fullmatch(digits)
    if based is None:
        return None
    sign, hexadecimal, octal, binary = based.groups()
    if hexadecimal is not None:
        value = int(hexadecimal, 16)
    elif octal is not None:
        value = int(octal, 8)
    else:
        value = int(binary, 2)
    return -value if sign == "-" else value


def _float(digits: str) -> Scalar:
    """A float, or the text itself where Go reports a value out of range."""
    value = float(digits)
    return digits if value in (float("inf"), float("-inf")) else value


def tagged(kind: str, text: str) -> Scalar:
    """The value of a scalar with one of the core tags ``str int bool float null``."""
    if kind == "str":
        return text
    value = resolve(text)
    wanted = {"int": int, "bool": bool, "float": float, "null": type(None)}[kind]
    if kind == "float" and type(value) is int and value in _INT64:
        return float(value)
    if type(value) is not wanted:
        raise Unreadable("yaml-tag", f"a scalar is tagged as {kind} but is none")
    return value


def key_text(value: Scalar) -> str:
    """The JSON object key for a scalar key."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value in _INT64:
        return str(value)
    if isinstance(value, float):
        return _short_float(value)
    raise Unreadable("yaml-key", "a mapping key is null or too large a number")


def _short_float(value: float) -> str:
    """The fewest digits that give the same 32-bit float, in Go's ``%g``."""
    if abs(value) >= _BEYOND_SINGLE:
        raise Unreadable("yaml-key", "a mapping key is null or too large a number")
    single = struct.unpack("f", struct.pack("f", value))[0]
    mantissa = exponent = ""
    for precision in range(9):
        mantissa, _, exponent = f"{single:.{precision}e}".partition("e")
        if struct.unpack("f", struct.pack("f", float(f"{mantissa}e{exponent}")))[0] == single:
            break
    if -4 <= int(exponent) < 6:
        return f"{single:.{max(0, precision - int(exponent))}f}"
    return f"{mantissa}e{int(exponent):+03d}"
