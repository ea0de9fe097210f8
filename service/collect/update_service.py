"""The OpenShift update service: which releases there are, asked of it or read from its data."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
import requests

from service.collect.collect_errors import NO_JSON, CollectError
from service.kinds.redact import redact

PUBLIC = "https://api.openshift.com/api/upgrades_info/v1/graph"
"""Red Hat's own; a disconnected site has one in a cluster (OpenShift Update Service)."""
TIMEOUTS = (5.0, 20.0)
"""Seconds to connect, and between two pieces of the answer."""
SECONDS = 30.0
"""For the whole answer, however slowly it drips."""
LARGEST = 64 * 1024 * 1024
ATTEMPTS = 3
_AGAIN = (429, 500, 502, 503, 504)


class NoGraph(CollectError):
    """The update service did not give a graph; the text says why."""


def fetch(
    url: str,
    channel: str,
    arch: str = "amd64",
    *,
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """The graph of a channel. Raises NoGraph.

    Proxy and certificate authorities are those of the environment (HTTPS_PROXY, NO_PROXY,
    REQUESTS_CA_BUNDLE).
    """
    for attempt in range(1, attempts + 1):
        try:
            return _once(url, channel, arch)
        except _Busy as busy:
            if attempt == attempts:
                raise NoGraph(str(busy)) from None
            sleep(min(busy.seconds or 2.0 ** (attempt - 1), 10.0))
    raise AssertionError("unreachable")


class _Busy(Exception):
    """The service may answer later; ``seconds`` is when, if known."""

    def __init__(self, text: str, seconds: float = 0.0) -> None:
        super().__init__(text)
        self.seconds = seconds


def _once(url: str, channel: str, arch: str) -> dict[str, Any]:
    shown = redact(url)
    try:
        answer = requests.get(
            url,
            params={"channel": channel, "arch": arch},
            headers={"Accept": "application/json", "User-Agent": "mtc-preflight"},
            timeout=TIMEOUTS,
            stream=True,
        )
        with answer:
            if answer.status_code in _AGAIN:
                asked = answer.headers.get("Retry-After", "")
                seconds = float(asked) if asked.isascii() and asked.isdigit() else 0.0
                raise _Busy(f"{shown} answered {answer.status_code}", seconds)
            if answer.status_code != 200:
                raise NoGraph(f"{shown} answered {answer.status_code} for channel {channel}")
            graph = msgspec.json.decode(_bounded(answer, shown))
    except (requests.ConnectionError, requests.Timeout) as error:
        raise _Busy(f"{shown} cannot be reached ({type(error).__name__})") from None
    except NO_JSON:
        raise NoGraph(f"{shown} did not answer with JSON") from None
    except requests.RequestException as error:
        raise NoGraph(f"{shown} cannot be asked ({type(error).__name__})") from None
    if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), list):
        raise NoGraph(f"{shown} did not answer with an update graph")
    return graph


def _bounded(answer: requests.Response, shown: str) -> bytes:
    """The body, within size and time."""
    start = time.monotonic()
    pieces, size = [], 0
    for piece in answer.iter_content(256 * 1024):
        size += len(piece)
        if size > LARGEST:
            raise NoGraph(f"{shown} answered more than {LARGEST} bytes")
        if time.monotonic() - start > SECONDS:
            raise NoGraph(f"{shown} takes longer than {SECONDS:g} s")
        pieces.append(piece)
    return b"".join(pieces)
