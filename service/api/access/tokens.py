"""Bearer tokens of a file, known by their digests only; the file can change at any time.

A line per token: a name for the log, ``sha256:`` and the digest of the token in hex, its scopes,
and if wanted the date on which it ends (UTC)::

    # name     digest                scopes           until
    pipeline   sha256:9f86d0818…     evaluate,patch   2027-01-01

A plain SHA-256 is enough because tokens are made by the service with 256 random bits; there is
nothing to guess that a slow hash would have to protect.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from service.api.server.changing import stamp

log = logging.getLogger("service.auth")

SCOPES = ("evaluate", "patch", "admission", "metrics")
"""The scopes that a token can have."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_MOST_BYTES = 1024 * 1024
_FORM = "NAME sha256:HEX SCOPE[,SCOPE...] [YYYY-MM-DD]"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is known of a token: everything but the token."""

    name: str
    digest: bytes
    scopes: frozenset[str]
    until: date | None = None

    def line(self) -> str:
        """The token as its line in the file."""
        words = [self.name, f"sha256:{self.digest.hex()}", ",".join(sorted(self.scopes))]
        return " ".join([*words, self.until.isoformat()] if self.until else words)


class MalformedToken(ValueError):
    """A line is no token; the text quotes nothing of it."""


def make(name: str, scopes: frozenset[str], until: date | None = None) -> tuple[str, ApiToken]:
    """A new token, and what to keep of it."""
    secret = f"mtcp_{secrets.token_urlsafe(32)}"
    return secret, ApiToken(name, digest_of(secret), scopes, until)


def digest_of(secret: str) -> bytes:
    """The digest of a token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def parse_line(line: str) -> ApiToken | None:
    """The token of a line, None for a comment. Raises MalformedToken."""
    words = line.partition("#")[0].split()
    if not words:
        return None
    if not 3 <= len(words) <= 4:
        raise MalformedToken(f"wanted {_FORM}")
    name, digest, scopes = words[0], _DIGEST.fullmatch(words[1]), words[2].split(",")
    if not _NAME.fullmatch(name):
        raise MalformedToken("the name may have letters, digits, dots, dashes and underscores")
    if digest is None:
        raise MalformedToken("the digest must be sha256: and 64 hexadecimal digits")
    if not set(scopes) <= set(SCOPES):
        raise MalformedToken(f"scopes are {', '.join(SCOPES)}")
    return ApiToken(name, bytes.fromhex(digest[1]), frozenset(scopes), _date(words[3:]))


def _date(words: list[str]) -> date | None:
    try:
        return date.fromisoformat(words[0]) if words else None
    except ValueError:
        raise MalformedToken("the expiry must be a date such as 2027-01-31") from None


class TokenFile:
    """The tokens of a file as it is now.

    A file that is missing, unreadable or too large holds no token; a malformed line is left out
    and logged. Nothing that is wrong with the file ever lets a request in.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._seen: tuple[int, ...] | None = None
        self._tokens: tuple[ApiToken, ...] = ()

    def find(self, secret: str) -> ApiToken | None:
        """The token that this is, unless it has ended. Every token is compared, in full."""
        digest = digest_of(secret)
        found = None
        for token in self.tokens():
            if hmac.compare_digest(token.digest, digest):
                found = token
        if found is None or (found.until and datetime.now(UTC).date() >= found.until):
            return None
        return found

    def tokens(self) -> tuple[ApiToken, ...]:
        """The tokens, read again if the file has changed."""
        seen = stamp(self._path)
        if seen != self._seen:
            # Two threads may read at a time; both read the same or a newer file.
            self._tokens = tuple(self._read()) if seen else ()
            self._seen = seen
            log.info("tokens read", extra={"counts": {"tokens": len(self._tokens)}})
        return self._tokens

    def _read(self) -> Iterator[ApiToken]:
        try:
            if self._path.stat().st_size > _MOST_BYTES:
                raise OSError("too large")
            lines = self._path.read_text("utf-8-sig", "replace").splitlines()
        except OSError as error:
            fields = {"error": type(error).__name__}
            log.warning("the tokens file cannot be read: no token is known", extra=fields)
            return
        for number, line in enumerate(lines, 1):
            try:
                token = parse_line(line)
            except MalformedToken as error:
                message = f"a line of the tokens file is malformed: {error}"
                log.warning(message, extra={"line": number})
                continue
            if token is not None:
                yield token
