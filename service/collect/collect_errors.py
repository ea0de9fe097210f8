"""How reading from a cluster can fail."""

from __future__ import annotations

import msgspec

NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the parser raises for bytes that are no JSON, or none that a server sends."""


class CollectError(Exception):
    """A cluster could not be read; the text is for people and holds no secret."""


class NoConnection(CollectError):
    """There is no way to the API server at all: kubeconfig, name, network or TLS."""


class TimeSpent(CollectError):
    """The time that was allowed for the cluster is over."""


class ApiError(CollectError):
    """The API server answered a request with an error; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Unauthorized(ApiError):
    """401: the credentials are not, or no longer, valid."""


class Forbidden(ApiError):
    """403: the user may not do this."""


class Absent(ApiError):
    """404: the object or the resource does not exist."""


class Expired(ApiError):
    """410: a list's continue token is too old; ``token`` goes on with the list as it is now."""

    def __init__(self, message: str, token: str = "") -> None:
        super().__init__(410, message)
        self.token = token


def of_status(status: int, message: str, token: str = "") -> ApiError:
    """The error of an HTTP status."""
    if status == 410:
        return Expired(message, token)
    kinds: dict[int, type[ApiError]] = {401: Unauthorized, 403: Forbidden, 404: Absent}
    return kinds.get(status, ApiError)(status, message)
