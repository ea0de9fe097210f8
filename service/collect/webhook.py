"""Outgoing webhooks: notify a system that an evaluation is done.

Targets come only from the settings, never from a request, and redirects are not followed, so a
caller cannot make the service connect to a system that its operator did not choose.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import requests

SIGNATURE = "X-MTC-Preflight-Signature-256"
TIMESTAMP = "X-MTC-Preflight-Timestamp"
DELIVERY = "X-MTC-Preflight-Delivery"
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT = 30.0

log = logging.getLogger("service.webhook")


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where to send reports: ``format`` is the name of the format that it gets.

    ``secret`` signs what is sent; ``headers`` go with it (an Authorization header, say). Neither
    is ever shown, nor the address, for a path or a query may hold a token.
    """

    name: str
    url: str = field(repr=False)
    format: str
    secret: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a delivery may take: ``seconds`` in all, ``attempts`` at most.

    ``connect`` and ``read`` are the timeouts of one attempt, ``first`` the pause after the first;
    each further pause is twice as long, with up to as much again by chance, so that many senders
    do not come back at once.
    """

    seconds: float = 15.0
    attempts: int = 4
    connect: float = 3.0
    read: float = 5.0
    first: float = 0.5


class DeliveryState(StrEnum):
    """How a delivery ended."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of it: ``detail`` is a status or the kind of error, never a secret."""

    target: str
    state: DeliveryState
    attempts: int
    detail: str


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature: HMAC-SHA-256 over the timestamp, a full stop and the body, in hex.

    The receiver computes the same, compares in constant time, and refuses old timestamps.
    """
    message = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def deliver(
    target: WebhookTarget,
    body: bytes,
    media_type: str,
    patience: Patience = Patience(),
    *,
    session: requests.Session | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Delivery:
    """Send a body to a target; never raises for what the network does.

    A 2xx answer is ``delivered``. Other answers but the passing ones (408, 425, 429, 5xx) are
    ``refused`` and not repeated. The delivery id is that of the content, so a receiver can
    recognize the second of two attempts.
    """
    with session or requests.Session() as given:
        return _deliver(given, target, body, media_type, patience, clock, sleep)


def _deliver(
    given: requests.Session,
    target: WebhookTarget,
    body: bytes,
    media_type: str,
    patience: Patience,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Delivery:
    deadline = clock() + patience.seconds
    detail, attempt = "no time left", 0
    while attempt < patience.attempts:
        left = deadline - clock()
        if left <= 0:
            break
        attempt += 1
        answer = _attempt(given, target, body, media_type, patience, left)
        if isinstance(answer, str):
            detail, wait = answer, None
        elif 200 <= answer.status_code < 300:
            return _done(target, DeliveryState.DELIVERED, attempt, str(answer.status_code))
        elif answer.status_code not in _PASSING:
            return _done(target, DeliveryState.REFUSED, attempt, str(answer.status_code))
        else:
            detail, wait = str(answer.status_code), _asked(answer)
        pause = patience.first * 2 ** (attempt - 1) if wait is None else wait
        pause += random.uniform(0, patience.first * 2 ** (attempt - 1))  # noqa: S311
        if attempt == patience.attempts or clock() + pause >= deadline:
            break
        sleep(pause)
    return _done(target, DeliveryState.FAILED, attempt, detail)


def _attempt(
    session: requests.Session,
    target: WebhookTarget,
    body: bytes,
    media_type: str,
    patience: Patience,
    left: float,
) -> requests.Response | str:
    timestamp = str(int(time.time()))
    headers = {
        **target.headers,
        "Content-Type": media_type,
        "User-Agent": "mtc-preflight",
        TIMESTAMP: timestamp,
        DELIVERY: hashlib.sha256(target.name.encode() + b"\0" + body).hexdigest()[:32],
        SIGNATURE: sign(target.secret, timestamp, body),
    }
    timeout = (min(patience.connect, left), min(patience.read, left))
    found: list[requests.Response | str] = ["Timeout"]

    def post() -> None:
        try:
            # The answer's body is of no interest, and could be endless.
            with session.post(
                target.url,
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                found.append(answer)
        except requests.RequestException as error:
            # The text of the error holds the URL, which may hold a token.
            found.append(type(error).__name__)

    # The timeouts are between two bytes: who answers a byte at a time is left by the clock.
    worker = threading.Thread(target=post, daemon=True, name=f"webhook-{target.name}")
    worker.start()
    worker.join(left)
    return found[-1]


def _asked(answer: requests.Response) -> float | None:
    """The pause that the receiver asks for, in seconds, at most half a minute."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else None


def _done(target: WebhookTarget, state: DeliveryState, attempts: int, detail: str) -> Delivery:
    level = logging.INFO if state is DeliveryState.DELIVERED else logging.WARNING
    log.log(
        level,
        "webhook",
        extra={"target": target.name, "state": state.value, "tries": attempts, "detail": detail},
    )
    return Delivery(target.name, state, attempts, detail)
