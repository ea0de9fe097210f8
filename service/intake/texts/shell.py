"""Texts out of a terminal: the output of commands, with the lines of the shell between them."""

from __future__ import annotations

import re

_TOOL = rb"(?:sudo +)?(?:oc|kubectl|cat|type|more|Get-Content|ssh|curl|for|echo|export)\b"
_SHELL = re.compile(
    rb"[ \t]*(?:"
    rb"\[[^\]\n]{1,80}\][#$%>](?:[ \t][^\n]*)?"  # [user@host ~]$ oc …
    rb"|[\w.-]{1,60}@[\w.-]{1,80}:[^\s$#]{0,80}[$#](?:[ \t][^\n]*)?"  # user@host:~$ oc …
    rb"|(?:PS )?[A-Za-z]:\\[^>\n]{0,100}>[^\n]*"  # PS C:\> oc …
    rb"|(?:[\w.~/-]{1,30}[ \t]?)?[$%][ \t][^\n]+"  # $ oc …, sh-4.4$ oc …
    rb"|[$%]"
    rb"|(?:>|\xe2\x9d\xaf|\xe2\x9e\x9c)[^\n:]{0,40}?[ \t]" + _TOOL + rb"[ \t][^\n]+"
    rb"|(?:oc|kubectl)[ \t]+[a-z][^\n:]*"
    rb"|cat[ \t][^\n:]+"
    rb")[ \t\r]*"
)
_END_OF_HERE_DOCUMENT = re.compile(rb"(?:EOF|EOT|END)[ \t\r]*")
_DESCRIBE = re.compile(rb"\b(?:oc|kubectl)[ \t]+describe[ \t]+([^\n]*)")
_START = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t\r]*(?:#[^\n]*)?\n)*+")

DESCRIBED = b"--- # oc describe "
"""What takes the place of a command that describes; the words of the command follow."""


def without_shell(data: bytes) -> tuple[bytes, tuple[int, ...]]:
    """A text without its shell prompts and commands, and the lines that they are on.

    Only a text whose first line, but for comments, is one has any. Each becomes a document
    marker, so that all other lines keep their numbers and each output is read on its own.
    """
    start = _START.match(data)
    begin = 0 if start is None else start.end()
    stop = data.find(b"\n", begin)
    if not _SHELL.fullmatch(data, begin, len(data) if stop < 0 else stop):
        return data, ()
    lines, found = data.split(b"\n"), []
    continued = False
    for index, line in enumerate(lines):
        is_shell = continued or _SHELL.fullmatch(line) or _END_OF_HERE_DOCUMENT.fullmatch(line)
        continued = bool(is_shell) and line.rstrip().endswith(b"\\")
        if is_shell:
            found.append(index + 1)
            described = _DESCRIBE.search(line)
            lines[index] = DESCRIBED + described[1] if described else b"---"
    return b"\n".join(lines), tuple(found)
