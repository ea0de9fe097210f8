"""Secrets never leave: the one place that knows how a secret looks in a text."""

from __future__ import annotations

import re

MASK = "****"

# user:password@ after "//": people write raw blanks, quotes, '@' and '/' in a password, so the last
# '@' of the line ends it, where no other URL starts before. What follows the colon is the port
# of a host where only digits stand there; "<password>" stands for one that the reader fills in.
_PORT = r"\d{1,5}(?:[\s/?#\"',;|<>)\]}]|$)"
_URL = re.compile(
    rf"(?P<head>(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^\s:/@\"']*:)(?!{_PORT}|<password>@)"
    r"(?:(?![\s\"',;][A-Za-z][A-Za-z0-9+.-]*://)[^\n]){0,4000}(?P<tail>@)"
)
# The same without a scheme. Blanks and quotes are left out here: in a sentence they are one's own.
_BARE = re.compile(r"(?<![\w/.:-])(?P<head>[\w.%+-]+:)[^\s\"'<>@/]+(?P<tail>@[\w.\[-])")
_BEARER = re.compile(r"(?i)(?P<head>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}")
_TOKEN = re.compile(r"\b(?:sha256~[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)")
_NAMED = re.compile(
    r"(?i)(?P<head>(?:password|passwd|token|secret|access[_-]?key)[\"']?\s*[:=]\s*[\"']?)"
    r"(?!\*{4})[^\s\"',}]{3,}"
)
_LOGIN = re.compile(
    r"(?P<scheme>(?:[A-Za-z][A-Za-z0-9+.-]*:)?/+|)(?P<user>[^\s:/@]*).*@", re.DOTALL
)
_NO_HOST = re.compile(r"(?P<head>//[^\s:/@]*:)(?!\d*(?:[/?#]|$)).+", re.DOTALL)
_DIGEST = re.compile(r"@sha\d+:[0-9a-f]+$")


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


def redact_value(text: str) -> str:
    """A text that is one whole value, such as a setting: it may be a URL, however broken.

    Unlike in a sentence nothing before the last '@' is one's own there, line breaks and blanks
    included, and a URL may have lost its host.
    """
    if "@" in text and not _DIGEST.search(text):
        text = _LOGIN.sub(_login, text, count=1)
    if "//" in text:
        text = _NO_HOST.sub(_hostless, text, count=1)
    return redact(text)


def _login(match: re.Match[str]) -> str:
    user = match["user"]
    rest = match[0][match.end("user") - match.start() : -1]
    if not rest:
        return match[0]  # a user name alone, or a mail address
    return f"{match['scheme']}{user}:{MASK}@" if rest[0] == ":" else f"{match['scheme']}{MASK}@"


def _hostless(match: re.Match[str]) -> str:
    return match[0] if "@" in match[0] else f"{match['head']}{MASK}"
