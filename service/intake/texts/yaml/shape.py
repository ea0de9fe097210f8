"""Proof by shape that a YAML text is plain enough for the fast parser.

The fast parser (yaml-rs) follows YAML 1.2 and has limits of its own; libyaml and goyaml follow
YAML 1.1. On the shapes below all of them agree, whatever stands around them: block mappings and
sequences of one ``- `` per line, keys and plain scalars that no reader takes for anything but
what they are here, quoted scalars with common escapes, ``|`` blocks, ``{}`` and ``[]``. Tags,
anchors, aliases, merge keys, directives, tabs, flow style, odd numbers and words have no place
in this grammar: a text that holds them does not match, and the exact reader takes it.

The expression uses only possessive repeats, so it never goes back and its cost stays linear.
"""

from __future__ import annotations

import re
from typing import Any

import yaml_rs

from service.intake.limits import Limits

NOT_PROVEN: Any = object()

# Deeper columns than this go the exact way: native code shall not recurse without a bound.
_MAX_COLUMN = b"\n" + b" " * 400

_BLOCK_HEADER = re.compile(rb"[|>][-+0-9]*\n")

# Anything but control characters (and, where needed, a few more).
_CONTROL = rb"\x00-\x1f\x7f"
# No text for YAML, or a line break only for YAML 1.1: C1 controls, U+2028, U+2029, U+FEFF, U+FFFE.
_UNSAFE = re.compile(
    rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]", re.DOTALL
)

# Words and numbers that are not the string they look like, for one reader or another. The fast
# parser drops underscores before it looks for a number, and knows numbers such as ``inf``.
_WORD = (
    rb"(?:[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|[tT]rue|TRUE|[fF]alse|FALSE"
    rb"|[nN]ull|NULL|[iInN_][_aAfFiInNtTyY]*+)"
)
_NUMBER = (
    rb"(?:0_*(?:[xX][0-9a-fA-F_]*|[bB][01_]*|[oO][0-7_]*)|[0-9][0-9_]*\.?[0-9_]*(?:[eE][-+0-9_]*)?)"
)
_SURE_NUMBER = rb"(?:0|-?[1-9][0-9]{0,17})"

# A plain key holds no space, so a run up to the next space or line end must end with its colon;
# it stays below the 1024 characters within which libyaml looks for that colon.
_KEY_RUN = rb"[^" + _CONTROL + rb" #]{0,900}+(?<=:)"
_KEYS = (
    rb"[A-EG-HJ-MP-SU-XZa-eg-hj-mp-su-xz/]" + _KEY_RUN,
    rb"f:" + _KEY_RUN,
    rb"(?!" + _WORD + rb":[ \n])[A-Za-z]" + _KEY_RUN,
    rb"\.:",
    rb'"[^' + _CONTROL + rb'"\\]{0,900}+":',
    rb"'[^" + _CONTROL + rb"']{0,900}+':",
)

_RUN = rb"[^" + _CONTROL + rb":#]*+"
# No colon at the end of a word, no number sign at the start of one, no space at the end.
_BODY = _RUN + rb"(?:(?::(?![ \n])|(?<! )#)" + _RUN + rb")*+(?<! )"
_PLAIN = (
    rb"[A-EG-HJ-MP-SU-XZa-eg-hj-mp-su-xz/(;$\\\x80-\xff]" + _BODY,
    rb"(?!" + _WORD + rb"\n)[A-Za-z]" + _BODY,
    rb"(?:true|false|null|" + _SURE_NUMBER + rb")(?=\n)",
    rb"(?!" + _NUMBER + rb"\n)[0-9]" + _BODY,
    rb"-{1,2}(?!" + _WORD + rb"\n)[A-Za-z]" + _BODY,
    rb"<[A-Za-z]" + _BODY,
    rb"[.^](?!" + _WORD + rb"\n)[A-Za-z/(\[$*\\]" + _BODY,
)
_ESCAPE = rb'\\(?:["\\/nrtb0e]|x[0-9a-fA-F]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})'


def _quoted(quote: bytes, pair: bytes, inner: bytes) -> bytes:
    run = rb"[^" + _CONTROL + rb"\\" * (quote == b'"') + quote + rb"]*+"
    fold = rb"(?<! )\n++" + inner + rb" *+(?=[^ \n])"
    return quote + run + rb"(?:(?:" + pair + rb"|" + fold + rb")" + run + rb")*+" + quote


def _values(inner: bytes, group: int) -> tuple[bytes, ...]:
    """Values up to their line end; ``inner`` is the least indentation of their further lines."""
    line = rb"[^\x00-\x08\x0b-\x1f\x7f\n]*+"
    indent = rb"\%d" % group
    block = (
        rb"\|[-+]?\n++("
        + inner
        + rb" *+)(?=[^ \t\n])"
        + line
        + rb"(?:\n"
        + indent
        + line
        + rb"|\n(?=\n))*+"
    )
    more = rb"(?:\n++" + inner + rb" *+(?:-(?! )|[^\x00- \x7f:#?-])" + _BODY + rb")*+"
    return (
        rb"\{\}",
        *(plain + more for plain in _PLAIN),
        _quoted(b'"', _ESCAPE, inner),
        _quoted(b"'", rb"''", inner),
        block,
        rb"\[\]",
    )


def _any(*branches: bytes) -> bytes:
    return rb"(?:" + rb"|".join(branches) + rb")"


def _ended(values: tuple[bytes, ...], inner: bytes) -> bytes:
    # A further line that is indented below a scalar would belong to it, or be an error.
    return _any(*values) + rb"\n(?!\n*+" + inner + rb")"


def _pairs(inner: bytes, group: int) -> bytes:
    return _any(*_KEYS) + _any(rb"\n", rb" " + _ended(_values(inner, group), inner))


_LINE = rb"( *+)" + _any(
    rb"- " + _any(_pairs(rb"\1   ", 2), _ended(_values(rb"\1 ", 3), rb"\1 ")),
    rb"#[^\x00-\x08\x0b-\x1f\x7f\n]*+\n",
    rb"\n",
    _pairs(rb"\1 ", 4),
)
_DOCUMENT = re.compile(rb"(?:" + _LINE + rb")*+")


def fast_value(text: bytes, limits: Limits) -> Any:
    """The value of a document, without its marker line, or ``NOT_PROVEN``."""
    if not text.endswith(b"\n"):
        if _BLOCK_HEADER.search(text):
            # Whether the last line of a block ends with a line break is part of its value.
            return NOT_PROVEN
        text += b"\n"
    if proven_end(text, 0) != len(text) or not is_safe(text):
        return NOT_PROVEN
    return parse_proven(text, limits)


def parse_proven(text: bytes, limits: Limits) -> Any:
    """The value of a text of safe characters and proven shape, or ``NOT_PROVEN``."""
    try:
        value = yaml_rs.loads(text.decode(), parse_datetime=False)
    except Exception:
        # Broken after all, or beyond a limit of the fast parser: the exact reader knows.
        return NOT_PROVEN
    except BaseException as panic:
        # A panic of native code is no Exception, lest it be caught by accident.
        if type(panic).__name__ != "PanicException":
            raise
        return NOT_PROVEN
    if not isinstance(value, dict | list) or _is_too_deep(text, value, limits):
        return NOT_PROVEN
    return value


def proven_end(text: bytes, start: int) -> int:
    """How far from ``start``, the start of a line, the proof reaches."""
    match = _DOCUMENT.match(text, start)
    return start if match is None else match.end()


def is_safe(text: bytes) -> bool:
    """No character that readers disagree about, no column beyond what native code may nest."""
    return _MAX_COLUMN not in text and (text.isascii() or not _UNSAFE.search(text))


def _is_too_deep(text: bytes, value: Any, limits: Limits) -> bool:
    # A level takes a column, or half of one where a sequence starts at the column of its key.
    columns = limits.depth // 2 - 3
    if columns > 0 and b"\n" + b" " * columns not in text:
        return False
    level = [value]
    for _ in range(limits.depth):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
