"""How Go's net/url reads a URL: the reader that mig-controller hands its proxy string to.

Models ``url.Parse`` as a module of ``go 1.24`` runs it (mig-controller's go.mod), as far as
scheme, user information and host go; only odd zone names of bracketed IPv6 addresses, which
stunnel cannot use anyway, are refused where Go takes them. A test compares it with real Go.
"""

from __future__ import annotations

import ipaddress
import re
import string
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

_USERINFO = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_PORT = re.compile(r"(?::[0-9]*)?")
_HOST_RAW = frozenset(string.ascii_letters + string.digits + "-_.~!$&'()*+,;=:[]<>\"")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")


class GoUrlError(ValueError):
    """What Go answers with an error. The text quotes nothing of the URL: it may hold a secret."""


@dataclass(frozen=True, slots=True)
class GoUrl:
    """A URL as Go sees it.

    ``host`` is ``host:port`` as written (Go does not take it apart here). ``username`` and
    ``password`` are None where the URL has none; both are percent-decoded, bytes that are not UTF-8
    become surrogates. ``rest`` is the path, query and fragment that follow, as written.
    """

    scheme: str
    host: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    rest: str = field(default="", repr=False)


def parse(text: str) -> GoUrl:
    """Read a URL as Go does. Raises GoUrlError where Go answers with an error."""
    before, hashed, fragment = text.partition("#")
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in before):
        raise GoUrlError("a control character (a line break, a tab) in the URL")
    if before == "*":
        unescape(fragment)
        return GoUrl("", "", rest=text)
    scheme, rest = _scheme(before)
    rest, question, query = rest.partition("?")
    after = question + query + hashed + fragment
    if not rest.startswith("/"):
        if not scheme and ":" in rest.partition("/")[0]:
            raise GoUrlError("the first path segment contains a colon: the scheme is missing")
        if not scheme:
            unescape(rest)
        unescape(fragment)
        return GoUrl(scheme, "", rest=rest + after)
    authority, path = "", rest
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, tail = rest[2:].partition("/")
        path = slash + tail
    username, password, host = _authority(authority)
    unescape(path)
    unescape(fragment)
    return GoUrl(scheme, host, username, password, path + after)


def _scheme(text: str) -> tuple[str, str]:
    if text.startswith(":"):
        raise GoUrlError("the scheme before the colon is missing")
    match = _SCHEME.match(text)
    if match is None or not text.startswith(":", match.end()):
        return "", text
    return match[0].lower(), text[match.end() + 1 :]


def _authority(authority: str) -> tuple[str | None, str | None, str]:
    userinfo, at, host = authority.rpartition("@")
    host = _host(host)
    if not at:
        return None, None, host
    if not _USERINFO.fullmatch(userinfo):
        raise GoUrlError("a character in user name or password that must be percent-encoded")
    username, colon, password = userinfo.partition(":")
    return unescape(username), unescape(password) if colon else None, host


def _host(host: str) -> str:
    if "[" in host:
        return _literal(host)
    colon = host.rfind(":")
    if colon >= 0 and not _PORT.fullmatch(host[colon:]):
        raise GoUrlError("the text after the last colon of the host is not a port number")
    return _unescape_host(host)


def _literal(host: str) -> str:
    opening, closing = host.rfind("["), host.rfind("]")
    if opening > 0 or closing < 0:
        raise GoUrlError("the host has a bracket without an IPv6 address")
    if not _PORT.fullmatch(host[closing + 1 :]):
        raise GoUrlError("the text after the bracketed host is not a port number")
    address = _unescape_host(host[1:closing])
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        raise GoUrlError("the brackets contain no IPv6 address") from None
    return f"[{address}]{host[closing + 1 :]}"


def _unescape_host(host: str) -> str:
    for match in _ESCAPE.finditer(host):
        if not match[1] or (int(match[1], 16) < 0x80 and match[0] != "%25"):
            raise GoUrlError("a percent-encoded character in the host")
    if any(char not in _HOST_RAW and ord(char) < 0x80 and char != "%" for char in host):
        raise GoUrlError("the host has an invalid character")
    return unescape(host)


def unescape(text: str) -> str:
    """Percent-decode as Go does. Raises GoUrlError where ``%`` is followed by no two digits."""
    if any(not match[1] for match in _ESCAPE.finditer(text)):
        raise GoUrlError("a '%' that is not followed by two hexadecimal digits")
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode(
        "utf-8", "surrogateescape"
    )
