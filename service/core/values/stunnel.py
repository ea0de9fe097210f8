"""What MTC really does with a value of ``stunnel_tcp_proxy``.

The way of the value, in order (each step can lose it):
mig-operator's template puts it between double quotes into ConfigMap migration-controller;
mig-controller reads it with Go's ``url.Parse`` and takes host and user information
(pkg/controller/directvolumemigration/stunnel.go, generateStunnelProxyConfig); crane-lib writes
them into stunnel.conf; stunnel connects to ``host:port`` and sends ``CONNECT`` over plain HTTP.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

from service.core.outcome import Severity
from service.core.values import gourl
from service.core.values.httpproxy import is_pac, raw_characters
from service.core.values.stunnel_login import (
    Remark,
    credential_remarks,
    endpoint_remarks,
    split_endpoint,
)
from service.core.values.yamlquote import TemplateBroken, between_double_quotes
from service.kinds.redact import MASK

SETTING = "stunnel_tcp_proxy"
FORM = "http://[<user>:<password>@]<host>:<port>"
_SAFE = "-._~"
"""Unreserved in a URL, and nothing to any shell, YAML or template on the way."""

_SEVERAL = re.compile(
    r"(?<![,;\s])[,;\s]++(?=[A-Za-z][A-Za-z0-9+.-]*://|[^\s,;@/]+:\d+(?:[,;\s/]|$))"
)


class ValueUse(StrEnum):
    """What becomes of the value."""

    UNSET = "unset"
    USED = "used"
    IGNORED = "ignored"
    """No error anywhere; MTC connects directly, as if nothing were set."""
    REFUSED = "refused"
    """Go's parser answers with an error, and the volume migration fails."""
    BROKEN = "broken"
    """The value is taken, and what stunnel or the proxy then does fails."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value as MTC understands it.

    ``host``, ``port``, ``username`` and ``password`` are what stunnel gets; ``port`` is 0 where
    there is none. A remark of severity blocker says why the value does not work.
    ``suggestion`` is a URL that works in its place, "" where none can be made; it holds the
    password, ``shown`` does not.
    """

    use: ValueUse
    host: str = ""
    port: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    remarks: tuple[Remark, ...] = ()
    suggestion: str = field(default="", repr=False)
    shown: str = ""

    @property
    def usable(self) -> bool:
        """Whether direct volume migration goes through the proxy with this value."""
        return self.use is ValueUse.USED

    @property
    def endpoint(self) -> str:
        """``host:port``; "" where the value names none."""
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def authenticates(self) -> bool:
        """Whether stunnel sends ``Proxy-Authorization``."""
        return bool(self.username and self.password)

    @property
    def blockers(self) -> tuple[Remark, ...]:
        """Why the value does not work; empty where it does."""
        return tuple(item for item in self.remarks if item.severity is Severity.BLOCKER)


def read(value: object) -> Reading:
    """Follow a value of ``stunnel_tcp_proxy`` through the operator, the controller and stunnel."""
    if value is None or value == "":
        return Reading(ValueUse.UNSET)
    if not isinstance(value, str):
        message = f"the value is a {_kind(value)}, not a text of the form {FORM}"
        return Reading(ValueUse.IGNORED, remarks=(_blocker("type", message),))
    reading = _read(value)
    if reading.usable and not reading.remarks:
        return reading
    suggestion = _suggest(value)
    if not suggestion or suggestion == value:
        return reading
    return Reading(
        reading.use,
        reading.host,
        reading.port,
        reading.username,
        reading.password,
        reading.remarks,
        suggestion,
        _masked(suggestion),
    )


def shown(value: object) -> str:
    """A value as it may be shown: where it is not understood, nothing of it but that it is set."""
    reading = read(value)
    if reading.use is ValueUse.UNSET:
        return ""
    if not reading.usable:
        return "(not shown: it may hold a password)"
    login = f"{encode(reading.username)}:{MASK}@" if reading.authenticates else ""
    return f"http://{login}{reading.endpoint}"


def _read(value: str) -> Reading:
    remarks = several_remarks(value)
    try:
        rendered = between_double_quotes(value)
    except TemplateBroken as error:
        return Reading(ValueUse.BROKEN, remarks=(*remarks, _blocker("template", str(error))))
    if rendered != value:
        text = "the operator's template changes the value on its way to the controller"
        remarks.append(_warning("rewritten", text))
    try:
        url = gourl.parse(rendered)
    except gourl.GoUrlError as error:
        message = f"mig-controller refuses the value: {raw_characters(value) or error}"
        return Reading(ValueUse.REFUSED, remarks=(*remarks, _blocker("parse", message)))
    if not url.host:
        message = "MTC finds no host in the value and silently connects without the proxy"
        return Reading(ValueUse.IGNORED, remarks=(*remarks, _blocker("no-host", message)))
    if "@" in url.rest:
        # What Go takes for the host is then the user name and digits of the password.
        text = raw_characters(value) or "an '@' in the path: what comes before it is taken apart"
        return Reading(ValueUse.BROKEN, remarks=(*remarks, _blocker("cut-short", text)))
    return _followed(url, remarks)


def _followed(url: gourl.GoUrl, remarks: list[Remark]) -> Reading:
    remarks += scheme_remarks(url.scheme)
    if is_pac(url.rest):
        text = "the URL is that of a PAC file, not of a proxy: name the proxy that the file names"
        remarks.append(_blocker("pac-file", text))
    elif url.rest not in ("", "/"):
        text = "path, query and fragment are ignored"
        remarks.append(Remark("rest-ignored", Severity.INFO, text))
    host, port = split_endpoint(url.host)
    remarks += endpoint_remarks(host, port)
    remarks += credential_remarks(url.username, url.password)
    broken = any(item.severity is Severity.BLOCKER for item in remarks)
    return Reading(
        ValueUse.BROKEN if broken else ValueUse.USED,
        host,
        int(port) if port and len(port) < 10 else 0,
        url.username or "",
        url.password or "",
        tuple(remarks),
    )


def scheme_remarks(scheme: str) -> list[Remark]:
    """The remarks on the scheme, which MTC ignores."""
    if scheme == "http":
        return []
    if scheme == "https":
        text = "https promises TLS to the proxy, but stunnel uses plain HTTP CONNECT"
    elif scheme.startswith("socks"):
        text = "MTC does not support SOCKS: it ignores the scheme and uses plain HTTP CONNECT"
    else:
        text = "MTC ignores the scheme and uses plain HTTP CONNECT; write http"
    return [_warning("scheme", text)]


def named_proxies(value: object) -> tuple[str, ...]:
    """The proxies that a value names, each apart; more than one is more than MTC can use."""
    if not isinstance(value, str):
        return ()
    return tuple(part for part in _SEVERAL.split(value.strip()) if part)


def several_remarks(value: str) -> list[Remark]:
    """The remark that a value lists more than one proxy, if it does."""
    if len(named_proxies(value)) < 2:
        return []
    return [_blocker("several", "the value lists more than one proxy, but MTC accepts only one")]


def build_url(host: str, port: int, username: str = "", password: str = "") -> str:
    """The URL from which MTC takes exactly these four; no user name and password: none in it.

    Percent-encodes what Go, the operator's YAML template or a shell would read otherwise.
    Raises ValueError, which quotes nothing, where no URL can carry them to stunnel.
    """
    remarks = [
        *endpoint_remarks(host, str(port)),
        *credential_remarks(username or None, password or None),
    ]
    for remark in remarks:
        if remark.severity is Severity.BLOCKER:
            raise ValueError(remark.message)
    if not username:
        return f"http://{host}:{port}"
    return f"http://{encode(username)}:{encode(password)}@{host}:{port}"


def encode(text: str) -> str:
    """Percent-encode a user name or password."""
    return quote(text.encode("utf-8", "surrogateescape"), safe=_SAFE)


def _suggest(value: str) -> str:
    """A URL that means what the value seems to mean, or ""."""
    text = value.strip().strip("'\"").strip()
    if len(named_proxies(text)) > 1:
        return ""
    rest = re.sub(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:/+|https?:|/+)", "", text, count=1)
    userinfo, _, network = rest.rpartition("@")
    username, _, password = userinfo.partition(":")
    if re.search(r"[/?#\s]", username):
        return ""  # more likely a part of the password, which a suggestion would show
    host, port = split_endpoint(re.split(r"[/?#]", network, maxsplit=1)[0].strip())
    if not port.isascii() or not port.isdigit() or len(port) > 5:
        return ""
    try:
        return build_url(host, int(port), _decoded(username), _decoded(password))
    except ValueError:
        return ""


def _decoded(text: str) -> str:
    """As Go decodes it; taken literally where it is not percent-encoded text."""
    try:
        return gourl.unescape(text)
    except gourl.GoUrlError:
        return text


def _masked(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head[: head.rfind(':')]}:{MASK}@{tail}" if at else url


def _kind(value: object) -> str:
    names = {bool: "boolean", int: "number", float: "number", list: "list", dict: "mapping"}
    return names.get(type(value), type(value).__name__)


def _blocker(code: str, message: str) -> Remark:
    return Remark(code, Severity.BLOCKER, message)


def _warning(code: str, message: str) -> Remark:
    return Remark(code, Severity.WARNING, message)
