"""Whose token is this, and what may its owner do: asked of the cluster's API server."""

from __future__ import annotations

import hashlib
import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

GROUP = "mtc-preflight"
"""The API group of the permissions; no API server serves it."""

GOOD_FOR = 60.0
BAD_FOR = 10.0
"""Seconds for which an answer is kept; a permission that is taken away ends within them."""

_MOST_KEPT = 1000
_SECONDS = 5


class Unavailable(Exception):
    """The API server cannot be asked; the text says why, and holds no token."""


@dataclass(frozen=True, slots=True)
class Review:
    """The owner of a token ("" where it is no token of the cluster), and whether he may."""

    user: str
    allowed: bool = False


class Reviews:
    """TokenReview and SubjectAccessReview, kept for a short time. Safe for threads."""

    def __init__(self, client: Any) -> None:
        """``client`` is a kubernetes.client.ApiClient."""
        from kubernetes import client as api

        self._api = api
        self._tokens = api.AuthenticationV1Api(client)
        self._access = api.AuthorizationV1Api(client)
        self._kept: OrderedDict[tuple[bytes, str, str], tuple[float, Review]] = OrderedDict()
        self._lock = Lock()

    def review(self, token: str, verb: str, resource: str) -> Review:
        """Whether the token's owner may ``verb`` the ``resource`` of our group.

        Raises Unavailable.
        """
        key = (hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest(), verb, resource)
        now = time.monotonic()
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept[0] > now:
            return kept[1]
        made = self._ask(token, verb, resource)
        with self._lock:
            self._kept[key] = (now + (GOOD_FOR if made.allowed else BAD_FOR), made)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return made

    def _ask(self, token: str, verb: str, resource: str) -> Review:
        try:
            user = self._user(token)
            return Review(user.username, self._may(user, verb, resource)) if user else Review("")
        except Exception as error:
            raise Unavailable(_reason(error)) from None

    def _user(self, token: str) -> Any:
        """The user of a token, None where the token is not good."""
        review = self._api.V1TokenReview(spec=self._api.V1TokenReviewSpec(token=token))
        status: Any = self._tokens.create_token_review(review, _request_timeout=_SECONDS).status
        good = status and status.authenticated and not status.error and status.user
        return status.user if good and status.user.username else None

    def _may(self, user: Any, verb: str, resource: str) -> bool:
        api = self._api
        wanted = api.V1ResourceAttributes(group=GROUP, resource=resource, verb=verb, version="*")
        spec = api.V1SubjectAccessReviewSpec(
            user=user.username,
            uid=user.uid,
            groups=user.groups,
            extra=user.extra,
            resource_attributes=wanted,
        )
        review = api.V1SubjectAccessReview(spec=spec)
        made = self._access.create_subject_access_review(review, _request_timeout=_SECONDS)
        status: Any = made.status
        return bool(status and status.allowed and not status.denied)


def _reason(error: Exception) -> str:
    """Why the API server does not answer. The error's text may quote the request, and with it the
    token, so that only its kind and status are given."""
    status = getattr(error, "status", None)
    if status == 403:
        return (
            "403: the service account cannot create tokenreviews and subjectaccessreviews; bind "
            "ClusterRole system:auth-delegator to it"
        )
    return f"{type(error).__name__} {status}" if status else type(error).__name__


def connect() -> Reviews:
    """Reviews of the cluster that this process runs in, else of the current kubeconfig.

    Raises Unavailable where neither can be used.
    """
    from kubernetes import client, config

    settings = client.Configuration()
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST"):
            config.load_incluster_config(settings)  # type: ignore[no-untyped-call]
        else:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                client_configuration=settings
            )
    except Exception as error:
        raise Unavailable(type(error).__name__) from None
    settings.retries = 1
    return Reviews(client.ApiClient(settings))
