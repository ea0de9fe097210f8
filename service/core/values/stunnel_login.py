"""Whether stunnel can connect to a proxy and log in there, as far as the text alone shows."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from service.core.outcome import Severity

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NUMERIC = re.compile(r"(?:0[xX][0-9A-Fa-f]*|\d+)")


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark on a value. The message never quotes a secret.

    ``code`` is a stable kebab-case word; severity blocker means that the value does not work.
    """

    code: str
    severity: Severity
    message: str


def split_endpoint(text: str) -> tuple[str, str]:
    """Host and port at the last colon, as stunnel splits them; a bracket stays with the host."""
    if text.endswith("]"):
        return text, ""
    host, colon, port = text.rpartition(":")
    return (host, port) if colon else (text, "")


def endpoint_remarks(host: str, port: str) -> list[Remark]:
    """What keeps stunnel from connecting to this host and port (digits)."""
    return [*_host_remarks(host), *_port_remarks(port)]


def _port_remarks(port: str) -> list[Remark]:
    if not port:
        return [_blocker("no-port", "the port is missing, and stunnel has no default port")]
    if not (port.isascii() and port.isdigit()):
        return [_blocker("port", "the port is not a number")]
    digits = port.lstrip("0")
    if not digits or len(digits) > 5 or int(digits) > 65535:
        return [_blocker("port-range", "the port is not between 1 and 65535")]
    return []


def _host_remarks(host: str) -> list[Remark]:
    if not host:
        return [_blocker("no-host-name", "the host before the port is missing")]
    if "[" in host or "]" in host:
        text = "stunnel cannot resolve an IPv6 address in brackets; use a DNS name"
        return [_blocker("ipv6", text)]
    if ":" in host:
        return [_ipv6(host)]
    if not host.isascii():
        return [_blocker("host", "the host is not a DNS name: write it in its xn-- form")]
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return [_blocker("host", "the host is neither a DNS name nor an IPv4 address")]
    if _NUMERIC.fullmatch(labels[-1]):
        return _ipv4(host)
    if any("_" in label for label in labels):
        return [_warning("underscore", "an underscore in a host name: some resolvers reject it")]
    if labels[-1].lower() == "localhost":
        return [_loopback()]
    return []


def _ipv6(host: str) -> Remark:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return _blocker("host", "the host is neither a DNS name nor an IPv4 address")
    text = "an IPv6 address without brackets is no URL for newer releases of Go; use a DNS name"
    return _warning("ipv6", text)


def _ipv4(host: str) -> list[Remark]:
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        text = "the host is neither an IPv4 address (four numbers from 0 to 255) nor a DNS name"
        return [_blocker("ipv4", text)]
    return [_loopback()] if address.is_loopback or address.is_unspecified else []


def _loopback() -> Remark:
    text = "the host is the pod itself: this works only if a proxy runs in the pod"
    return _warning("loopback", text)


def credential_remarks(username: str | None, password: str | None) -> list[Remark]:
    """The remarks on user name and password (decoded); None where the URL has none."""
    if not username and not password:
        return []
    if not username or not password:
        missing = "password" if username else "user name"
        message = f"without a {missing} stunnel sends no Proxy-Authorization at all"
        return [_blocker("no-auth", message)]
    remarks = []
    for name, text in (("user name", username), ("password", password)):
        if re.search(r"[\r\n\0]", text):
            message = f"a line break in the {name} would end the line in stunnel.conf"
            remarks.append(_blocker("line-break", message))
        elif text != text.strip(" \t\v\f"):
            message = f"stunnel removes spaces at the ends of the {name}"
            remarks.append(_blocker("trimmed", message))
        remarks += _character_remarks(name, text)
    if ":" in username:
        message = "the user name ends at its first colon (RFC 7617)"
        remarks.append(_blocker("colon-in-user", message))
    return remarks


def _character_remarks(name: str, text: str) -> list[Remark]:
    if any(0xDC80 <= ord(char) <= 0xDCFF for char in text):
        message = f"the {name} is not UTF-8: the ConfigMap with stunnel.conf cannot contain it"
        return [_blocker("not-utf-8", message)]
    if re.search(r"[\x01-\x08\x0e-\x1f\x7f]", text):
        return [_warning("control", f"a control character in the {name}")]
    if not text.isascii():
        return [_warning("not-ascii", f"proxies differ in how they read a {name} beyond ASCII")]
    return []


def _blocker(code: str, message: str) -> Remark:
    return Remark(code, Severity.BLOCKER, message)


def _warning(code: str, message: str) -> Remark:
    return Remark(code, Severity.WARNING, message)
