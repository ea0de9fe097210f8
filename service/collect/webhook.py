"""Outgoing webhooks: notify a system that an evaluation is done.

Targets come only from the settings, never from a request, and redirects are not followed, so a
caller cannot make the service connect to a system that its operator did not choose.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

SIGNATURE = "X-MTC-Preflight-Signature-256"
TIMESTAMP = "X-MTC-Preflight-Timestamp"
DELIVERY = "X-MTC-Preflight-Delivery"
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

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

    ``connect`` and ``read`` are the timeouts of one attempt. The second attempt follows at once;
    the pauses before further ones are twice and four times ``first`` and so on, with up to
    ``first`` more by chance, so that many senders do not come back together.
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
    detail: str


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature: HMAC-SHA-256 over the timestamp, a full stop and the body, in hex.

    The receiver computes the same, compares in constant time, and refuses old timestamps.
    """
    message = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def deliver(
    target: WebhookTarget, body: bytes, media_type: str, patience: Patience = Patience()
) -> Delivery:
    """Send a body to a target; never raises for what the network does.

    A 2xx answer is ``delivered``. Other answers but the passing ones (408, 425, 429, 5xx) are
    ``refused`` and not repeated. The delivery id is that of the content, so a receiver can
    recognize the second of two attempts.
    """
    found: list[tuple[DeliveryState, str]] = [(DeliveryState.FAILED, "Timeout")]
    # The timeouts are between two bytes: who answers a byte at a time is left by the clock.
    worker = threading.Thread(
        target=lambda: found.append(_post(target, body, media_type, patience)),
        daemon=True,
        name=f"webhook-{target.name}",
    )
    worker.start()
    worker.join(patience.seconds)
    state, detail = found[-1]
    level = logging.INFO if state is DeliveryState.DELIVERED else logging.WARNING
    log.log(level, "webhook", extra={"target": target.name, "state": state.value, "detail": detail})
    return Delivery(target.name, state, detail)


def _post(
    target: WebhookTarget, body: bytes, media_type: str, patience: Patience
) -> tuple[DeliveryState, str]:
    timestamp = str(int(time.time()))
    headers = {
        **target.headers,
        "Content-Type": media_type,
        "User-Agent": "mtc-preflight",
        TIMESTAMP: timestamp,
        DELIVERY: hashlib.sha256(target.name.encode() + b"\0" + body).hexdigest()[:32],
        SIGNATURE: sign(target.secret, timestamp, body),
    }
    adapter = HTTPAdapter(max_retries=_retries(patience))
    with requests.Session() as session:
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        try:
            # The answer's body is of no interest, and could be endless.
            with session.post(
                target.url,
                data=body,
                headers=headers,
                timeout=(patience.connect, patience.read),
                allow_redirects=False,
                stream=True,
            ) as answer:
                return _state(answer.status_code), str(answer.status_code)
        except requests.RequestException as error:
            # The text of the error holds the URL, which may hold a token.
            return DeliveryState.FAILED, type(error).__name__


def _retries(patience: Patience) -> Retry:
    return Retry(
        total=patience.attempts - 1,
        allowed_methods=None,
        status_forcelist=_PASSING,
        raise_on_status=False,
        backoff_factor=patience.first,
        backoff_jitter=patience.first,
        retry_after_max=int(patience.seconds),
    )


def _state(status: int) -> DeliveryState:
    if 200 <= status < 300:
        return DeliveryState.DELIVERED
    return DeliveryState.FAILED if status in _PASSING else DeliveryState.REFUSED
