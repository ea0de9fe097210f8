"""What Go makes of ``http_proxy``, ``https_proxy`` and ``no_proxy``, as the controller reads them.

The operator writes them into the environment of the controller's containers (templates/
controller.yml.j2). Go's httpproxy package parses the value, tries it again with ``http://`` in
front if that does not work, and silently uses no proxy where neither is a URL; net/http then
connects to host and port alone. ``no_proxy`` is a list of names, addresses and networks.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from service.core.outcome import Severity
from service.core.values import gourl
from service.core.values.stunnel_login import Remark, endpoint_remarks, split_endpoint
from service.kinds.redact import MASK

FORM = "http://host:port"
SCHEMES = ("http", "https", "socks5", "socks5h")
"""What net/http's Transport takes; any other scheme fails each request."""

_ESCAPES = {"/": "%2F", "#": "%23", "?": "%3F"}
_PAC = re.compile(r"(?i)\.(?:pac|dat)(?:[?#]|$)|/(?:wpad|pac)(?:[/?#.]|$)")


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """A value as Go reads it: ``endpoint`` is ``host:port``, "" where no proxy is used."""

    endpoint: str
    remarks: tuple[Remark, ...] = ()
    shown: str = ""


def read(value: str) -> HttpProxy:
    """Follow a proxy URL from the environment into Go's HTTP client."""
    if not value:
        return HttpProxy("")
    raw = raw_characters(value)
    if raw:
        return HttpProxy("", (_blocker("cut-short", raw),))
    if value != value.strip() or re.search(r"\s", value):
        return HttpProxy("", (_blocker("blank", "a blank in the value: Go refuses such a URL"),))
    remarks: list[Remark] = []
    url = _parsed(value)
    if "://" not in value:
        url = _parsed(f"http://{value}")
        text = f"the scheme is missing, so Go assumes http://; write {FORM}"
        remarks.append(Remark("no-scheme", Severity.INFO, text))
    if url is None or not url.host:
        text = f"Go finds no proxy in the value and connects directly or not at all; write {FORM}"
        return HttpProxy("", (_blocker("parse", text),))
    return _followed(url, remarks)


def _parsed(text: str) -> gourl.GoUrl | None:
    try:
        return gourl.parse(text)
    except gourl.GoUrlError:
        return None


def _followed(url: gourl.GoUrl, remarks: list[Remark]) -> HttpProxy:
    host, port = split_endpoint(url.host)
    if url.scheme not in SCHEMES:
        text = f"the HTTP client of Go does not support proxies with this scheme; write {FORM}"
        remarks.append(_blocker("scheme", text))
    if is_pac(url.rest):
        text = "the URL is that of a PAC file, not of a proxy: name the proxy that the file names"
        remarks.append(_blocker("pac-file", text))
    elif url.rest not in ("", "/"):
        text = "path, query and fragment are ignored: only host and port count"
        remarks.append(_warning("rest-ignored", text))
    if not port:
        default = {"https": "443", "http": "80"}.get(url.scheme, "1080")
        text = (
            f"the port is missing, so Go connects to port {default}; most proxies use another port"
        )
        remarks.append(_warning("no-port", text))
        port = default
    bracketed = host.startswith("[")
    remarks += endpoint_remarks("ipv6.example" if bracketed else host, port)
    login = f"{url.username or ''}:{MASK}@" if url.password else ""
    return HttpProxy(f"{host}:{port}", tuple(remarks), f"{url.scheme}://{login}{host}:{port}")


def is_pac(rest: str) -> bool:
    """Whether the path of a URL is that of a proxy auto-configuration file."""
    return bool(_PAC.search(rest))


def raw_characters(value: str) -> str:
    """What to write for a raw ``/``, ``#`` or ``?`` in user name or password; "" without one.

    Each of them ends the host for every reader of URLs, so that a part of the password is taken
    for the host.
    """
    rest = value.partition("://")[2] or value
    userinfo, at, _ = rest.rpartition("@")
    found = [char for char in _ESCAPES if char in userinfo] if at and ":" in userinfo else []
    if not found:
        return ""
    written = ", ".join(f"{_ESCAPES[char]} for {char}" for char in found)
    return f"a raw {' and '.join(found)} in user name or password ends the host; write {written}"


def no_proxy_remarks(value: str) -> list[Remark]:
    """What keeps entries of a ``no_proxy`` list from covering any host."""
    if re.search(r"[;\s]", value.strip().replace(", ", ",")):
        text = "separate entries with commas: with spaces or semicolons they match no host"
        return [_warning("separator", text)]
    odd = [item for item in value.split(",") if item.strip() and not _covers(item.strip())]
    if not odd:
        return []
    text = (
        f"entry {odd[0][:60]!r} matches no host: an entry is a name, a domain, an address or a "
        "network, without scheme, path or inner wildcard"
    )
    return [_warning("entry", text)]


def _covers(entry: str) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
        return True
    return "*" not in entry.removeprefix("*.")


def _blocker(code: str, message: str) -> Remark:
    return Remark(code, Severity.BLOCKER, message)


def _warning(code: str, message: str) -> Remark:
    return Remark(code, Severity.WARNING, message)
