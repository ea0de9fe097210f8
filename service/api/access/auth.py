"""Authorization: which scopes a caller has. Held at the view that answers, so that no spelling of a
path gets around it."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import NoReturn

from flask import Flask, current_app, g, request

from service.api.access.exposure import Mode, is_loopback, is_own_name, mode_of
from service.api.access.tokens import TokenFile
from service.api.answers.problems import Refused
from service.collect.reviews import Reviews, Unavailable, connect
from service.settings import Settings, SettingsError

log = logging.getLogger("service.auth")
_REALM = 'Bearer realm="mtc-preflight"'
# RFC 6750: what a token may consist of. The server bounds the length of a header.
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
# A request with one of these came by a proxy, whoever wrote them.
_PROXIED = ("forwarded", "x-real-ip", "via", "cf-connecting-ip", "true-client-ip")
# Scopes as permissions in a cluster: verb and resource of the group mtc-preflight.
_PERMISSIONS = {
    "evaluate": ("create", "evaluations"),
    "patch": ("create", "patches"),
    "admission": ("create", "admissionreviews"),
    "metrics": ("get", "metrics"),
}


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets requests in, or refuses them, by the mode of the process."""

    mode: Mode
    open_scopes: frozenset[str]
    tokens: TokenFile | None = None
    reviews: Reviews | None = None

    @classmethod
    def of(cls, settings: Settings) -> Guard:
        """The guard that the settings ask for. Raises SettingsError."""
        mode = mode_of(settings)
        tokens = TokenFile(settings.tokens_file) if settings.tokens_file else None
        if tokens is not None:
            tokens.tokens()
        try:
            reviews = connect() if mode is Mode.KUBERNETES else None
        except Unavailable as error:
            text = f"MTC_PREFLIGHT_AUTH=kubernetes: no cluster is available ({error})"
            raise SettingsError([text]) from None
        return cls(mode, settings.open_scopes, tokens, reviews)

    def admit(self, scope: str) -> str:
        """The name of the caller, "" where none is asked for.

        Raises Refused: ``unauthenticated``, ``forbidden``, ``authentication-unavailable``.
        """
        if self.mode in (Mode.OPEN, Mode.CERTIFICATE) or scope in self.open_scopes:
            return ""
        if self.mode is Mode.LOOPBACK:
            return _local()
        secret = _bearer()
        return self._by_token(secret, scope) or self._by_review(secret, scope)

    def _by_token(self, secret: str, scope: str) -> str:
        """The name of a token of the file, "" where it is none."""
        token = self.tokens.find(secret) if self.tokens is not None else None
        if token is None:
            return ""
        if scope not in token.scopes:
            _forbid(scope, "The token is valid, but lacks the required scope.")
        return token.name

    def _by_review(self, secret: str, scope: str) -> str:
        """The name of a user of the cluster."""
        if self.reviews is None:
            _challenge("The token is not known or has expired.", ' error="invalid_token"')
        verb, resource = _PERMISSIONS[scope]
        try:
            review = self.reviews.review(secret, verb, resource)
        except Unavailable as error:
            log.warning("no review of a token: %s", error)
            raise Refused(
                "authentication-unavailable",
                "The API server of the cluster cannot check the token.",
                headers={"Retry-After": "5"},
            ) from None
        if not review.user:
            _challenge("The cluster does not know the token.", ' error="invalid_token"')
        if not review.allowed:
            _forbid(scope, f"The cluster's RBAC must allow: {verb} {resource}.mtc-preflight.")
        return review.user


def install(app: Flask, settings: Settings) -> None:
    """Guard every view whose contract names a scope."""
    guard = Guard.of(settings)

    @app.before_request
    def admit() -> None:
        rule = request.url_rule
        if rule is None:  # there is no such page, and nothing to guard
            return
        view = current_app.view_functions[rule.endpoint]
        contract = getattr(view, "contract", None)
        scope = contract.scope if contract is not None else ""
        if scope and (caller := guard.admit(scope)):
            g.caller = caller


def _local() -> str:
    """Raises Refused unless the request comes from this machine, and not by a proxy or a web page.

    A page of any site can post to an address of this machine, and with a name that its owner
    lets lead here (DNS rebinding) read the answer too. So the name must be one of this machine's
    own, and the page one of this service's.
    """
    proxied = any(
        name.lower() in _PROXIED or name.lower().startswith("x-forwarded-")
        for name, _ in request.headers
    )
    if proxied or not is_loopback(request.remote_addr or ""):
        _challenge(
            "Without authentication, the service accepts only requests from this machine, and "
            "not through a proxy. To change this, set MTC_PREFLIGHT_AUTH."
        )
    host = request.headers.get("Host", "")
    if not is_own_name(host):
        _challenge(
            "Without authentication, the service accepts only the hosts localhost, 127.0.0.1 "
            "and [::1]; the Host header has another name. To change this, set "
            "MTC_PREFLIGHT_AUTH."
        )
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() != f"{request.scheme}://{host}".lower():
        _challenge(
            "Without authentication, the service accepts no request from a page of another "
            "site. To change this, set MTC_PREFLIGHT_AUTH."
        )
    return ""


def _bearer() -> str:
    given = request.headers.get("Authorization", "")
    if not given:
        _challenge("Send a token: -H 'Authorization: Bearer TOKEN'.")
    match = _BEARER.fullmatch(given)
    if match is None:
        _challenge("Expected: Authorization: Bearer TOKEN.", ' error="invalid_request"')
    return match[1]


def _challenge(detail: str, error: str = "") -> NoReturn:
    separator = "," if error else ""
    headers = {"WWW-Authenticate": f"{_REALM}{separator}{error}"}
    raise Refused("unauthenticated", detail, headers=headers)


def _forbid(scope: str, detail: str) -> NoReturn:
    text = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
    raise Refused(
        "forbidden",
        f"{detail} It requires scope {scope}.",
        headers={"WWW-Authenticate": text},
    )
