"""Try connections and say what happened; the answer is about the place where this runs."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from service.collect.probe_targets import ProbeTarget
from service.kinds.redact import redact

SECONDS = 5.0
AT_ONCE = 16
CATALOG = "/v2/_catalog?n=5"
"""What mig-controller asks an exposed registry for (migcluster/validation.go)."""
REGISTRY_ANSWERS = (200, 401)
"""It asks with a token and wants 200; a registry that asks for one is there as well."""
_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Measurement:
    """Whether a connection came about, what happened, and an HTTP status if there was one."""

    open: bool
    detail: str
    status: int | None = None


class Failed(Exception):
    """The connection did not come about; the text says at which step."""

    def __init__(self, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status


def measure(
    targets: Sequence[ProbeTarget],
    vantage: str,
    *,
    seconds: float = SECONDS,
    say: Callable[[str], None] = lambda text: None,
) -> list[dict[str, Any]]:
    """Try all targets, several at a time, and return them as the probes of an envelope.

    What is the same connection is tried once, whichever clusters it is about.
    """
    same = {_connection(target): target for target in targets}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tried = pool.map(partial(_measured, say=say, seconds=seconds), same.values())
        results = dict(zip(same, tried, strict=True))
    return [_probe(target, results[_connection(target)], vantage) for target in targets]


def _connection(target: ProbeTarget) -> tuple[str, int, str, bool]:
    return target.host, target.port, target.check, target.proxied


def _measured(target: ProbeTarget, *, say: Callable[[str], None], seconds: float) -> Measurement:
    say(f"trying {target.host}:{target.port}")
    return attempt(target, seconds)


def _probe(target: ProbeTarget, result: Measurement, vantage: str) -> dict[str, Any]:
    row = {
        "from": target.start,
        "vantage": vantage,
        "target": target.kind,
        "cluster": target.cluster,
        "host": target.host,
        "port": target.port,
        "open": result.open,
        "detail": redact(result.detail)[:200],
        "httpStatus": result.status,
        "proxy": "through the proxy" in result.detail or None,
    }
    return {key: value for key, value in row.items() if value not in ("", None)}


def attempt(target: ProbeTarget, seconds: float = SECONDS) -> Measurement:
    """Try one connection."""
    try:
        return _CHECKS[target.check](target, seconds)
    except Failed as error:
        return Measurement(False, str(error), error.status)


def _dns(target: ProbeTarget, seconds: float) -> Measurement:
    return Measurement(True, f"resolves to {', '.join(_addresses(target.host, target.port)[:4])}")


def _tcp(target: ProbeTarget, seconds: float) -> Measurement:
    with _connect(target, seconds):
        return Measurement(True, "TCP connection established")


def _tls(target: ProbeTarget, seconds: float) -> Measurement:
    connection, through = _way(target, seconds)
    with connection, _handshake(connection, target.host) as secured:
        return Measurement(
            True, f"{secured.version()} handshake{through}", 200 if through else None
        )


def _registry(target: ProbeTarget, seconds: float) -> Measurement:
    connection, through = _way(target, seconds)
    with connection, _handshake(connection, target.host) as secured:
        status = _ask(secured, _request("GET", CATALOG, _host(target)))
    found = f"GET {CATALOG} answered {status}{through}"
    if status in REGISTRY_ANSWERS:
        return Measurement(True, found, status)
    return Measurement(False, f"{found}: no working registry answers there", status)


_CHECKS: dict[str, Callable[[ProbeTarget, float], Measurement]] = {
    "dns": _dns,
    "tcp": _tcp,
    "tls": _tls,
    "registry": _registry,
}


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            raise Failed("the name does not exist in DNS") from None
        raise Failed(f"DNS does not answer ({error.strerror})") from None
    except UnicodeError:
        raise Failed("this is no host name") from None
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def _connect(target: ProbeTarget, seconds: float) -> socket.socket:
    return _dial(target.host, target.port, seconds)


def _dial(host: str, port: int, seconds: float) -> socket.socket:
    _addresses(host, port)
    try:
        return socket.create_connection((host, port), timeout=seconds)
    except TimeoutError:
        raise Failed(f"no answer within {seconds:g} s: a firewall drops the packets, or the host "
                     "does not exist")\
            from None  # fmt: skip
    except ConnectionRefusedError:
        raise Failed("refused: nothing listens on the port, or a firewall rejects it") from None
    except OSError as error:
        raise Failed(_why(error)) from None


def _way(target: ProbeTarget, seconds: float) -> tuple[socket.socket, str]:
    """A connection, through the environment's proxy where MTC's client would use it."""
    proxy = proxy_for(target.host, target.port) if target.proxied else None
    if proxy is None:
        return _connect(target, seconds), ""
    host, port = proxy
    try:
        connection = _dial(host, port, seconds)
    except Failed as error:
        raise Failed(f"the proxy {host}:{port}: {error}") from None
    goal = _host(target)
    status = _ask(connection, _request("CONNECT", goal, goal))
    if status != 200:
        connection.close()
        raise Failed(f"the proxy {host}:{port} answered {status} to CONNECT", status)
    return connection, f", through the proxy {host}:{port}"


def proxy_for(host: str, port: int) -> tuple[str, int] | None:
    """The HTTPS proxy of the environment for a host, as host and port; None for none."""
    from requests.utils import get_environ_proxies

    shown = f"[{host}]" if ":" in host else host
    value = get_environ_proxies(f"https://{shown}:{port}").get("https")
    if not value:
        return None
    parts = urlsplit(value if "://" in value else f"http://{value}")
    try:
        return (parts.hostname, parts.port or 80) if parts.hostname else None
    except ValueError:
        return None


def _handshake(connection: socket.socket, host: str) -> ssl.SSLSocket:
    """TLS without a look at the certificate, as MTC does: this is about being reachable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except ssl.SSLError as error:
        raise Failed(f"TCP is open, TLS fails: {error.reason or 'handshake'}") from None
    except TimeoutError:
        raise Failed("TCP is open, the TLS handshake gets no answer") from None
    except OSError as error:
        raise Failed(f"TCP is open, the TLS handshake fails: {_why(error)}") from None


def _host(target: ProbeTarget) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{host}:{target.port}"


def _request(method: str, path: str, host: str) -> bytes:
    lines = (f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: mtc-preflight")
    closing = () if method == "CONNECT" else ("Connection: close",)
    return "\r\n".join((*lines, *closing, "", "")).encode("ascii")


def _ask(connection: socket.socket, request: bytes) -> int:
    """Send a request and return the status of the answer."""
    head = b""
    try:
        connection.sendall(request)
        while b"\r\n\r\n" not in head and len(head) < _HEAD:
            piece = connection.recv(4096)
            if not piece:
                break
            head += piece
    except TimeoutError:
        raise Failed("connected, but there is no answer") from None
    except OSError as error:
        raise Failed(f"connected, but: {_why(error)}") from None
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise Failed("connected, but the answer is not HTTP")
    return int(words[1])


def _why(error: OSError) -> str:
    known = {
        errno.ENETUNREACH: "no route to the network",
        errno.EHOSTUNREACH: "no route to the host",
        errno.ECONNRESET: "the connection was reset",
    }
    number = error.errno or 0
    return known.get(number) or (os.strerror(number) if number else type(error).__name__)
