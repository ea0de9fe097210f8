"""Texts out of a terminal: the output of commands, with the lines of the shell between them."""

from __future__ import annotations

import re

_CLIENT = rb"(?:(?:sudo|time|watch)[ \t]+)*(?:[\w./\\:~-]*[/\\])?(?:oc|kubectl)(?:\.exe)?"
_TOOL = rb"(?:" + _CLIENT + rb"|(?:cat|type|more|Get-Content|ssh|curl|for|echo|export)\b)"
_SHELL = re.compile(
    rb"(?:"
    rb"\[[^\]\n]{1,80}\][#$%>](?:[ \t][^\n]*)?"  # [user@host ~]$ oc …
    rb"|[\w.-]{1,60}@[\w.-]{1,80}:[^\s$#]{0,80}[$#](?:[ \t][^\n]*)?"  # user@host:~$ oc …
    rb"|(?:PS )?[A-Za-z]:\\[^>\n]{0,100}>[^\n]*"  # PS C:\> oc …
    rb"|(?:[\w.~/-]{1,30}[ \t]?)?[$%][ \t][^\n]+"  # $ oc …, sh-4.4$ oc …
    rb"|[$%]"
    rb"|(?:>|\xe2\x9d\xaf|\xe2\x9e\x9c)[^\n:]{0,40}?[ \t]" + _TOOL + rb"[ \t][^\n]+"
    rb"|(?![#\s-])(?:(?!: )[^\n]){1,100}?[#$%>+][ \t]+" + _CLIENT + rb"[ \t][^\n]+"  # any other
    rb"|\+[ \t]+" + _CLIENT + rb"[ \t][^\n]+"  # set -x
    rb"|" + _CLIENT + rb"[ \t]+[a-z][^\n:]*"
    rb"|cat[ \t][^\n:]+"
    rb")[ \t\r]*"
)
_ENDS = re.compile(rb"(?:EOF|EOT|END|exit|logout)[ \t\r]*")
"""The end of a here document, and of a session."""
_DESCRIBE = re.compile(rb"\b(?:oc|kubectl)[ \t]+describe[ \t]+([^\n]*)")
_START = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t\r]*(?:#[^\n]*)?\n)*+([ \t]*)([^\n]*)")

DESCRIBED = b"--- # oc describe "
"""What takes the place of a command that describes; the words of the command follow."""


def without_shell(data: bytes) -> tuple[bytes, tuple[int, ...]]:
    """A text without its shell prompts and commands, and the lines that they are on.

    Only a text whose first line, but for comments, or whose last line is one has any, and all of
    them are indented alike: a deeper one is text of an object. Each becomes a document marker, so
    that all other lines keep their numbers and each output is read on its own.
    """
    start = _START.match(data)
    indent = start[1] if start and _SHELL.fullmatch(start[2]) else None
    if indent is None and _ends_with_prompt(data):
        indent = b""
    if indent is None:
        return data, ()
    lines, found = data.split(b"\n"), []
    continued = False
    for index, line in enumerate(lines):
        text = line[len(indent) :] if line.startswith(indent) else b" "
        is_shell = continued or _SHELL.fullmatch(text) or _ENDS.fullmatch(text)
        continued = bool(is_shell) and line.rstrip().endswith(b"\\")
        if is_shell:
            found.append(index + 1)
            described = _DESCRIBE.search(line)
            lines[index] = DESCRIBED + described[1] if described else b"---"
    return b"\n".join(lines), tuple(found)


def _ends_with_prompt(data: bytes) -> bool:
    """Whether somebody copied the next prompt too, or that and the end of the session."""
    tail = data[-1000:].rstrip().rpartition(b"\n")
    if _ENDS.fullmatch(tail[2]):
        tail = tail[0].rstrip().rpartition(b"\n")
    return bool(tail[1] and _SHELL.fullmatch(tail[2]))
