"""Read requests to one API server: authenticated, timed, repeated where that is right."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from service.collect.collect_errors import (
    NO_JSON,
    ApiError,
    CollectError,
    NoConnection,
    TimeSpent,
    Unauthorized,
    of_status,
)
from service.collect.kubeconfig import Connect
from service.kinds.redact import redact

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
ATTEMPTS = 3
BUSY_ATTEMPTS = 6
"""For 429, which promises that it will work later."""
LONGEST_WAIT = 60.0
"""A server that asks for a longer wait than this, in seconds, counts as unavailable."""
LARGEST = 256 * 1024 * 1024
"""An answer larger than this, bytes, is refused; a page of 500 objects is far below."""
JSON = "application/json"
_AGAIN = (429, 500, 502, 503, 504)


class Api:
    """One API server. Only GET, and POST of access reviews, which change nothing.

    ``deadline`` is a ``time.monotonic()`` moment after which TimeSpent is raised.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        deadline: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._connect = connect
        self._client = connect()
        self._deadline = deadline
        self._sleep = sleep
        self._read_seconds = read_seconds
        self.requests = 0

    @property
    def host(self) -> str:
        """The server's URL."""
        return str(self._client.configuration.host)

    def get(self, path: str, query: Mapping[str, str] | None = None, accept: str = JSON) -> Any:
        """The JSON of an answer. Raises ApiError, NoConnection, TimeSpent."""
        whole = path + (f"?{urlencode(query)}" if query else "")
        return self._ask("GET", whole, None, accept)

    def review(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST a review: the answer is computed, nothing is stored. Raises as :meth:`get`."""
        return self._ask("POST", path, msgspec.json.encode(body))

    def close(self) -> None:
        """Drop the connections."""
        self._client.rest_client.pool_manager.clear()

    def _ask(self, method: str, path: str, body: bytes | None, accept: str = JSON) -> Any:
        renewed = False
        attempt = 0
        while True:
            attempt += 1
            status, headers, data = self._try(method, path, body, accept, attempt)
            if status == 200 or status == 201:
                return _parsed(data)
            if status == 401 and not renewed:
                renewed = True
                self._client = self._connect()
                continue
            wait = _wait(status, headers, attempt)
            if wait is None:
                raise _error(status, data)
            self._pause(wait)

    def _try(
        self, method: str, path: str, body: bytes | None, accept: str, attempt: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request; failed connections are tried a second time."""
        from urllib3.exceptions import HTTPError, SSLError
        from urllib3.util import Timeout

        self._left()
        headers = {**self._client.default_headers, "Accept": accept, "User-Agent": _AGENT}
        headers["Accept-Encoding"] = "gzip"
        for setting in self._client.configuration.auth_settings().values():
            headers[setting["key"]] = setting["value"]
        if body is not None:
            headers["Content-Type"] = JSON
        self.requests += 1
        try:
            response = self._client.rest_client.pool_manager.request(
                method,
                self.host + path,
                headers=headers,
                body=body,
                timeout=Timeout(
                    connect=self._bounded(CONNECT_SECONDS), read=self._bounded(self._read_seconds)
                ),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                data = response.read(LARGEST + 1, decode_content=True)
            finally:
                response.release_conn()
        except SSLError as error:
            raise NoConnection(f"TLS with {self.host} fails: {_reason(error)}") from None
        except (HTTPError, OSError) as error:
            if attempt >= 3:
                raise NoConnection(f"{self.host} cannot be reached: {_reason(error)}") from None
            return 503, {}, b""
        if len(data) > LARGEST:
            raise CollectError(f"an answer of {self.host} is larger than {LARGEST} bytes")
        return response.status, response.headers, data

    def _pause(self, seconds: float) -> None:
        if self._deadline is not None and time.monotonic() + seconds > self._deadline:
            raise TimeSpent(f"the time for {self.host} is used up")
        self._sleep(seconds)

    def _left(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise TimeSpent(f"the time for {self.host} is used up")

    def _bounded(self, seconds: float) -> float:
        if self._deadline is None:
            return seconds
        return max(0.1, min(seconds, self._deadline - time.monotonic()))


_AGENT = "mtc-preflight"


def _parsed(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except NO_JSON:
        # A login page or a proxy's notice: not the API.
        raise NoConnection("the answer is not JSON: this is not an API server") from None


def _wait(status: int, headers: Mapping[str, str], attempt: int) -> float | None:
    """Seconds until the next attempt; None where another makes no sense."""
    if status not in _AGAIN or attempt >= (BUSY_ATTEMPTS if status == 429 else ATTEMPTS):
        return None
    asked = _seconds(headers.get("Retry-After", ""))
    if asked is None:
        return float(min(2 ** (attempt - 1), 8))
    return asked if asked <= LONGEST_WAIT else None


def _seconds(text: str) -> float | None:
    """What Retry-After asks for: seconds, or a date."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def _error(status: int, data: bytes) -> ApiError:
    """The error that a Status object describes."""
    message, token = "", ""
    try:
        answer = msgspec.json.decode(data)
    except NO_JSON:
        answer = None
    if isinstance(answer, dict) and answer.get("kind") == "Status":
        message = str(answer.get("message") or "")
        metadata = answer.get("metadata")
        token = str(metadata.get("continue") or "") if isinstance(metadata, dict) else ""
    return of_status(status, redact(message[:300]) or f"HTTP status {status}", token)


def _reason(error: Exception) -> str:
    """The cause of a network error without addresses of objects."""
    cause = error.__cause__ or error.__context__ or error
    text = str(getattr(cause, "reason", "") or cause)
    return redact(text.partition(">: ")[2] or text)[:200]


def denied(error: ApiError) -> bool:
    """Whether the user lacks the right, or is not known."""
    return isinstance(error, Unauthorized) or error.status == 403
