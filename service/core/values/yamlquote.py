"""What becomes of a text that a template puts between the double quotes of a YAML scalar.

mig-operator writes ``STUNNEL_TCP_PROXY: "{{ stunnel_tcp_proxy }}"`` without escaping
(roles/migrationcontroller/templates/controller_config.yml.j2), so YAML 1.1's rules for
double-quoted scalars apply to the user's text.
"""

from __future__ import annotations

import re

_SIMPLE = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f",
    "r": "\r", "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0",
    "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_BREAK = r"(?:\r\n|[\r\n\x85\u2028\u2029])"
_RUN = rf"({_BREAK}(?:[ \t]*{_BREAK})*)[ \t]*"
_BREAKS = re.compile(rf"(?<![ \t])[ \t]*+{_RUN}")
_ESCAPE = re.compile(
    rf"\\(?:x([0-9A-Fa-f]{{2}})|u([0-9A-Fa-f]{{4}})|U([0-9A-Fa-f]{{8}})|{_RUN}|(.))", re.DOTALL
)
_JINJA = re.compile(r"\{\{|\{%|\{#")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


class TemplateBroken(ValueError):
    """The rendered template is no YAML, so the operator's reconcile fails."""


def between_double_quotes(text: str) -> str:
    """The text as YAML gives it back. Raises TemplateBroken, which quotes nothing."""
    if _JINJA.search(text):
        raise TemplateBroken("'{{', '{%' and '{#' are Ansible's own: it evaluates what they open")
    if _UNPRINTABLE.search(text):
        raise TemplateBroken("a control character that YAML cannot hold breaks the operator")
    parts: list[str] = []
    place = 0
    while True:
        at = text.find("\\", place)
        parts.append(_plain(text[place:] if at < 0 else text[place:at]))
        if at < 0:
            return "".join(parts)
        match = _ESCAPE.match(text, at)
        if match is None:
            raise TemplateBroken("a backslash at the end breaks the operator's template")
        parts.append(_escaped(match))
        place = match.end()


def _plain(text: str) -> str:
    if '"' in text:
        raise TemplateBroken("a double quote breaks the operator's template")
    return _BREAKS.sub(_folded, text)


def _folded(match: re.Match[str]) -> str:
    """One line break is a space, each further one stays; U+2028 and U+2029 stay themselves."""
    first, *others = _breaks(match[1])
    if first != "\n":
        return "".join([first, *others])
    return "".join(others) or " "


def _breaks(text: str) -> list[str]:
    return [part if part in "\u2028\u2029" else "\n" for part in re.findall(_BREAK, text)]


def _escaped(match: re.Match[str]) -> str:
    number = match[1] or match[2] or match[3]
    if number:
        code = int(number, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise TemplateBroken("a backslash is followed by a character that YAML does not know")
        return chr(code)
    if match[4]:
        return "".join(_breaks(match[4])[1:])
    if match[5] not in _SIMPLE:
        raise TemplateBroken("a backslash that starts no escape of YAML breaks the template")
    return _SIMPLE[match[5]]
