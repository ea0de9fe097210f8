"""Who can reach the service, and what that asks of authentication."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from typing import Any

from service.settings import EXPOSED, Settings, SettingsError

_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]]+))(?::\d{1,5})?")


class Mode(StrEnum):
    """How the service decides which requests are allowed."""

    OPEN = "open"
    LOOPBACK = "loopback"
    TOKENS = "tokens"
    KUBERNETES = "kubernetes"
    CERTIFICATE = "certificate"


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own; "" and names are not."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return found.is_loopback


def is_own_name(host: str) -> bool:
    """Whether a Host header names this machine: localhost or a loopback address, with any port."""
    match = _HOST.fullmatch(host)
    return match is not None and (
        (match["name"] or "").lower() == "localhost" or is_loopback(match["name"] or match["six"])
    )


def is_exposed(names: Iterable[Any]) -> bool:
    """Whether any listener, by its socket's own name, can be reached from elsewhere.

    A socket in the file system counts: it is there for a proxy, which may be open to anyone.
    """
    found = list(names)
    return not found or any(
        not isinstance(name, tuple) or not is_loopback(str(name[0])) for name in found
    )


def mode_of(settings: Settings, environment: Mapping[str, str] | None = None) -> Mode:
    """The mode of this process. Raises SettingsError where it would be open by accident."""
    given = os.environ if environment is None else environment
    if settings.auth == "none":
        return Mode.OPEN
    if settings.auth == "tokens":
        if not settings.tokens_file and not settings.open_scopes:
            raise SettingsError(["MTC_PREFLIGHT_AUTH=tokens needs MTC_PREFLIGHT_TOKENS_FILE"])
        return Mode.TOKENS
    if settings.auth == "kubernetes":
        return Mode.KUBERNETES
    return _auto(settings, given)


def _auto(settings: Settings, given: Mapping[str, str]) -> Mode:
    if settings.tokens_file:
        return Mode.TOKENS
    if given.get(EXPOSED) != "yes":
        # Held again at every request: it must come from this machine, and not by a proxy.
        return Mode.LOOPBACK
    if settings.tls_client_ca_file:
        return Mode.CERTIFICATE
    if given.get("KUBERNETES_SERVICE_HOST"):
        return Mode.KUBERNETES
    raise SettingsError(
        [
            "the service would be reachable from other machines without authentication: set "
            "MTC_PREFLIGHT_TOKENS_FILE (mtc-preflight token makes one), "
            "MTC_PREFLIGHT_TLS_CLIENT_CA_FILE, MTC_PREFLIGHT_AUTH=kubernetes, or, if a proxy in "
            "front authenticates callers, MTC_PREFLIGHT_AUTH=none; or listen on 127.0.0.1"
        ]
    )
