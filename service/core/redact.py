"""Secrets never leave: the one place that knows how a secret looks in a text."""

from __future__ import annotations

import re

MASK = "****"

# user:password@ in anything that looks like a URL or a proxy string, also without a scheme.
# A raw '@' or '/' inside the password is what people really write, so the last '@' before
# white space or a quote ends the password.
_URL = re.compile(r"(?P<head>(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^\s:/@\"']*:)[^\s\"'<>]*(?P<tail>@)")
_BARE = re.compile(r"(?<![\w/.:-])(?P<head>[\w.%+-]+:)[^\s\"'<>@/]+(?P<tail>@[\w.\[-])")
_BEARER = re.compile(r"(?i)(?P<head>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}")
_TOKEN = re.compile(r"\b(?:sha256~[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)")
_NAMED = re.compile(
    r"(?i)(?P<head>(?:password|passwd|token|secret|access[_-]?key)[\"']?\s*[:=]\s*[\"']?)"
    r"(?!\*{4})[^\s\"',}]{3,}"
)


def redact(text: str) -> str:
    """The text with every password, token and credential of a URL replaced by ``****``."""
    if "@" in text:
        text = _URL.sub(rf"\g<head>{MASK}\g<tail>", text)
        text = _BARE.sub(rf"\g<head>{MASK}\g<tail>", text)
    # Every text of a report comes by here, and nearly none has a secret: looking for the words
    # first is ten times as fast as the expressions.
    lower = text.lower()
    if "bearer" in lower or "basic" in lower:
        text = _BEARER.sub(rf"\g<head>{MASK}", text)
    if "sha256~" in text or "eyJ" in text:
        text = _TOKEN.sub(MASK, text)
    if "passw" in lower or "token" in lower or "secret" in lower or "access" in lower:
        text = _NAMED.sub(rf"\g<head>{MASK}", text)
    return text
