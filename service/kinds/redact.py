"""Secrets never leave: the one place that knows how a secret looks in a text.

Every text of a report comes by here, with values of whatever length somebody sent. So each
expression passes over a text once, from run to run; where a search could start over within a run
(which costs the square of its length) the run is taken whole, and looked at on its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MASK = "****"

# user:password@ after "//": people write raw blanks, quotes, '@' and '/' in a password, so the last
# '@' of the line ends it, where no other URL starts before. What follows the colon is the port of a
# host where it has only digits; "<password>" is a placeholder that the reader fills in.
_PORT = r"\d{1,5}(?:[\s/?#\"',;|<>)\]}]|$)"
# A path within an archive has lost one of the slashes.
_LOGIN_HEAD = re.compile(rf"(?://|\bhttps?:/(?!/))[^\s:/@\"']*+:(?!{_PORT}|<password>@)")
_LOGIN_END = re.compile(r"\n|[\s\"',;][A-Za-z][A-Za-z0-9+.-]*+://")
_LONGEST_LOGIN = 4000
# The same without a scheme. Blanks and quotes are left out here: in a sentence they are one's own.
_BARE = re.compile(r"([^\s\"'<>@/]++)(?=(@[\w.\[-])?)")
_BARE_HEAD = re.compile(r"([\w.%+-]++)(:)?")
_ENCODED = re.compile(r"[%+][\w.%+-]")
_BEARER = re.compile(r"(?i)(?P<head>\b(?:bearer|basic)\s++)[A-Za-z0-9._~+/=-]{8,}+")
_TOKEN = re.compile(r"\bsha256~[\w-]{20,}+")
_DOTTED = re.compile(r"[\w-]++(?:\.[\w-]*+)*+")
_JWT_HEAD = re.compile(r"\beyJ")
_NAMED = re.compile(
    r"(?i)(?P<head>(?:password|passwd|token|secret|access[_-]?key)[\"']?\s*+[:=]\s*+[\"']?)"
    r"(?!\*{4})[^\s\"',}]{3,}+"
)
# What signs a URL: whoever has it may fetch what it leads to, until it expires.
_SIGNED = re.compile(
    r"(?i)(?P<head>[?&;](?:x-(?:amz|goog)-(?:signature|credential|security-token)|sig|signature"
    r"|awsaccesskeyid|googleaccessid)=)(?!\*{4})[^&\s\"'<>;]++"
)
_LOGIN = re.compile(
    r"(?P<scheme>(?:[A-Za-z][A-Za-z0-9+.-]*:)?/+|)(?P<user>[^\s:/@]*).*@", re.DOTALL
)
_SCHEMES = frozenset({"http", "https", "socks5", "socks5h", "ftp", "ssh", "tcp", "s3", "git"})
_NO_HOST = re.compile(r"(?P<head>//[^\s:/@]*:)(?!\d*(?:[/?#]|$)).+", re.DOTALL)
_DIGEST = re.compile(r"@sha\d+:[0-9a-f]+$")


def redact(text: str) -> str:
    """The text with every password, token and credential of a URL replaced by ``****``."""
    if "@" in text:
        text = "".join(_without_logins(text))
        text = _BARE.sub(_bare, text)
    # Nearly no text has a secret: looking for the words first is ten times as fast.
    lower = text.lower()
    if "bearer" in lower or "basic" in lower:
        text = _BEARER.sub(rf"\g<head>{MASK}", text)
    if "sha256~" in text:
        text = _TOKEN.sub(MASK, text)
    if "eyJ" in text:
        text = _DOTTED.sub(_jwt, text)
    if "passw" in lower or "token" in lower or "secret" in lower or "access" in lower:
        text = _NAMED.sub(rf"\g<head>{MASK}", text)
    if "=" in text and ("sig" in lower or "credential" in lower or "access" in lower):
        text = _SIGNED.sub(rf"\g<head>{MASK}", text)
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


def _without_logins(text: str) -> Iterator[str]:
    """The pieces of a text in which ``//user:password@`` is masked.

    What bounds a login (the end of its line, another URL) is looked up once per bound, not once
    per login that may start before it.
    """
    done = at = bound = 0
    while head := _LOGIN_HEAD.search(text, at):
        at = head.end()
        if bound <= at:
            found = _LOGIN_END.search(text, at)
            bound = found.start() if found else len(text)
        last = text.rfind("@", at, min(bound, at + _LONGEST_LOGIN + 1))
        if last >= 0:
            yield text[done:at] + MASK
            done = at = last
    yield text[done:]


def _bare(run: re.Match[str]) -> str:
    """A run of what a login may hold: masked after its user, if an '@' and a host follow."""
    text = run[1]
    if run[2] is None or ":" not in text:
        return text
    before = run.string[run.start() - 1 : run.start()]
    for head in _BARE_HEAD.finditer(text):
        if head[2] is None or head.end() == len(text):
            continue
        previous = text[head.start() - 1] if head.start() else before
        # Within a path or behind a port no user starts, but for one behind a sign of encoding.
        if previous in ("/", ":") and not _ENCODED.search(head[1]):
            continue
        return text[: head.end()] + MASK
    return text


def _jwt(run: re.Match[str]) -> str:
    """Words with full stops between: masked where three of them are a JSON Web Token."""
    words = run[0].split(".")
    shown: list[str] = []
    place = 0
    while place < len(words):
        head = _JWT_HEAD.search(words[place])
        rest = words[place + 1 : place + 3]
        if head and len(words[place]) - head.end() >= 8 and len(rest) == 2 and len(rest[0]) >= 8:
            shown.append(words[place][: head.start()] + MASK)
            place += 3
        else:
            shown.append(words[place])
            place += 1
    return ".".join(shown)


def _login(match: re.Match[str]) -> str:
    word = match["scheme"].partition(":")[0]
    if word and not word.startswith("/") and word.lower() not in _SCHEMES:
        return f"{word}:{MASK}@"  # no scheme, but a user whose password begins with a slash
    user = match["user"]
    rest = match[0][match.end("user") - match.start() : -1]
    if not rest:
        return match[0]  # a user name alone, or a mail address
    return f"{match['scheme']}{user}:{MASK}@" if rest[0] == ":" else f"{match['scheme']}{MASK}@"


def _hostless(match: re.Match[str]) -> str:
    return match[0] if "@" in match[0] else f"{match['head']}{MASK}"
