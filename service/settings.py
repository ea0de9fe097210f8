"""Settings of the service: environment variables ``MTC_PREFLIGHT_*``, checked at the start.

Every limit of :class:`service.intake.limits.Limits` is a setting too, by its own name:
``MTC_PREFLIGHT_BODY_BYTES=1Gi``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Any

from service.intake.limits import DEFAULT_LIMITS, MIB, Limits

PREFIX = "MTC_PREFLIGHT_"

# Kubernetes gives every pod variables about the services of its namespace, and ours is likely
# called mtc-preflight: MTC_PREFLIGHT_SERVICE_HOST, MTC_PREFLIGHT_PORT_8080_TCP_ADDR and so on.
_SERVICE_LINK = re.compile(r"(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_\w+)?)")
# What gunicorn_conf.py passes to its workers and itself.
EXPOSED = "MTC_PREFLIGHT_EXPOSED"
"""``yes`` where gunicorn_conf.py found a listener that other machines can reach."""
_INTERNAL = frozenset({EXPOSED})
CLIENTS = frozenset({"MTC_PREFLIGHT_URL", "MTC_PREFLIGHT_TOKEN"})
"""Where a client finds the service, and what it shows: no settings, but often in the same shell."""
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ADDRESS = re.compile(r"(?:[0-9.]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}")
_SIZE = re.compile(r"(\d{1,15})(|Ki|Mi|Gi|k|M|G)")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_AUTH = ("auto", "none", "tokens", "kubernetes")
_SCOPES = ("evaluate", "patch", "admission", "metrics")


class SettingsError(Exception):
    """The settings cannot be used; the text names every wrong variable and what it takes."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("the settings are wrong:\n" + "\n".join(f"  {item}" for item in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Settings:
    """How the service runs. Sizes are bytes, times seconds unless the name says otherwise.

    ``limits``             what one request may cost
    ``spool_bytes``        bytes of a request held in memory; what is beyond goes to a temporary
                           file in ``TMPDIR``, which is deleted with the request
    ``form_parts``         most parts of a multipart form
    ``form_header_bytes``  most bytes of the headers of one part
    ``log_level``          DEBUG, INFO, WARNING or ERROR
    ``workers``            gunicorn worker processes; 0 is one for each processor that the
                           container's limit leaves, from two to eight, and no more than its memory
                           allows
    ``threads``            requests that one worker receives at a time
    ``evaluations``        requests that one worker evaluates at a time; others wait
    ``memory``             bytes of memory that the requests of one worker may take together, as
                           estimated before it is taken; who needs more waits, and a request that
                           alone needs more than this is refused
    ``upload_bytes``       bytes of uploads that one worker holds at a time, in memory and in
                           ``TMPDIR``; a request beyond that is to come again
    ``wait_timeout``       how long a request waits for its turn before the answer is to try
                           again later
    ``deadline``           how long one evaluation may take before it is stopped
    ``health_address``     an additional address for /livez and /metrics, independent of running
                           requests, as ADDRESS:PORT such as 0.0.0.0:8081; in plain HTTP, without a
                           token; no additional address if not set
    ``idle_timeout``       a client that neither sends nor takes anything for this long is left
    ``timeout``            a worker that is stuck for this long is replaced
    ``graceful_timeout``   time to finish running requests at the end
    ``keepalive``          how long an idle connection stays open
    ``max_requests``       a worker is renewed after about so many requests; 0 is never
    ``batch_line_bytes``   most bytes of one line of a batch
    ``batch_lines``        most lines of a batch
    ``batch_deadline``     how long a batch may take, with what its client takes to read the
                           answers
    ``waivers_file``       a YAML or JSON file with waivers that hold for every evaluation
    ``webhooks_file``      a YAML or JSON file with the targets of webhooks
    ``policies``           folders with policies of your own, which run in this process
    ``config_file``        a YAML or JSON file with the operator's profiles, severities, parameters
                           and what requests may change
    ``releases_file``      a JSON or YAML file with the releases of OpenShift, MTC and OADP, in the
                           form and in place of the built-in policies/data/releases.json
    ``auth``               how callers are authenticated: ``auto`` needs no token on a loopback
                           address and does not start unprotected on others; ``none`` checks no one;
                           ``tokens`` are those of the file; ``kubernetes`` lets the cluster decide,
                           and accepts those of the file too
    ``tokens_file``        bearer tokens by their digests, read again when it changes
    ``admission_state_file`` evidence of MTC's namespace (``oc get``, a bundle), for warnings of
                           admission reviews about the objects around; read again when it changes
    ``open_scopes``        scopes that need no token
    ``tls_cert_file``      the server's certificate chain (PEM); with it the service speaks HTTPS
    ``tls_key_file``       its key (PEM)
    ``tls_client_ca_file`` who must have signed the certificate that every client shows (PEM)
    ``update_service``     where to look up the newest OpenShift releases for requests that bring no
                           update graph; nothing is asked where it is not set
    ``migplans``           whether a request may name a MigPlan of the cluster that the service runs
                           on, for the service to collect from both clusters with MTC's credentials
    ``proxies``            IP addresses of proxies whose SCRIPT_NAME and X-Forwarded-Proto are
                           believed; if none is set, no one has these rights
    ``migplan_namespaces`` where a plan that is only named, its MigClusters and the secrets of their
                           tokens must be: who writes there decides where MTC's tokens are sent
    ``collect_timeout``    how long collecting from all clusters may take
    """

    limits: Limits = DEFAULT_LIMITS
    spool_bytes: int = MIB
    form_parts: int = 100
    form_header_bytes: int = 64 * 1024
    log_level: str = "INFO"
    workers: int = 0
    threads: int = 16
    evaluations: int = 4
    memory: int = 1024 * MIB
    upload_bytes: int = 2560 * MIB
    wait_timeout: int = 10
    deadline: int = 90
    health_address: str = ""
    idle_timeout: int = 30
    timeout: int = 120
    graceful_timeout: int = 30
    keepalive: int = 5
    max_requests: int = 20_000
    batch_line_bytes: int = 16 * MIB
    batch_lines: int = 10_000
    batch_deadline: int = 900
    waivers_file: str = ""
    webhooks_file: str = ""
    policies: tuple[str, ...] = ()
    config_file: str = ""
    releases_file: str = ""
    auth: str = "auto"
    tokens_file: str = ""
    admission_state_file: str = ""
    open_scopes: frozenset[str] = frozenset()
    tls_cert_file: str = ""
    tls_key_file: str = ""
    tls_client_ca_file: str = ""
    update_service: str = ""
    migplans: bool = False
    proxies: frozenset[str] = frozenset()
    migplan_namespaces: frozenset[str] = frozenset(("openshift-migration", "openshift-config"))
    collect_timeout: int = 60


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: its name, what it takes, its default and its reader."""

    name: str
    field: str
    takes: str
    default: object
    read: Callable[[str], Any]
    limit: bool = False


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment, by default this process's.

    Raises SettingsError with every fault at once: a value of the wrong form, and a variable
    with our prefix that is none of ours (with the nearest name).
    """
    given = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    limits: dict[str, int] = {}
    faults = [*_unknown(given)]
    for variable in VARIABLES:
        text = given.get(variable.name, "").strip()
        if not text:
            continue
        try:
            (limits if variable.limit else values)[variable.field] = variable.read(text)
        except ValueError:
            faults.append(f"{variable.name}={_shown(text)}: expected {variable.takes}")
    if bool(values.get("tls_cert_file")) != bool(values.get("tls_key_file")):
        faults.append(f"{PREFIX}TLS_CERT_FILE and {PREFIX}TLS_KEY_FILE: wanted both or none")
    if values.get("tls_client_ca_file") and not values.get("tls_cert_file"):
        faults.append(f"{PREFIX}TLS_CLIENT_CA_FILE: expected {PREFIX}TLS_CERT_FILE with it")
    if faults:
        raise SettingsError(faults)
    return Settings(limits=Limits(**limits), **values)


def _unknown(given: Mapping[str, str]) -> Iterator[str]:
    known = {variable.name for variable in VARIABLES}
    for name in sorted(given):
        if not name.startswith(PREFIX) or name in known | _INTERNAL | CLIENTS:
            continue
        if _SERVICE_LINK.fullmatch(name.removeprefix(PREFIX)):
            continue
        near = get_close_matches(name, known, 1)
        yield f"{name}: no such setting" + (f"; did you mean {near[0]}?" if near else "")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def size(text: str) -> int:
    """A positive number of bytes such as ``512Mi``. Raises ValueError."""
    match = _SIZE.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise ValueError("not a size")
    return int(match[1]) * _UNITS[match[2]]


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError("out of range")
        return int(text)

    return read


def _level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ValueError("no such level")
    return text.upper()


def _auth(text: str) -> str:
    if text.lower() not in _AUTH:
        raise ValueError("no such way")
    return text.lower()


def _scopes(text: str) -> frozenset[str]:
    found = frozenset(word.strip() for word in text.split(","))
    if not found <= set(_SCOPES):
        raise ValueError("no such scope")
    return found


def _addresses(text: str) -> frozenset[str]:
    return frozenset(str(ip_address(word.strip())) for word in text.split(","))


def _namespaces(text: str) -> frozenset[str]:
    found = frozenset(word.strip() for word in text.split(","))
    if not all(map(_NAMESPACE.fullmatch, found)):
        raise ValueError("no such namespace")
    return found


def _folders(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _switch(text: str) -> bool:
    if text.lower() not in ("on", "off"):
        raise ValueError("no such position")
    return text.lower() == "on"


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text) or int(text.rpartition(":")[2]) > 65535:
        raise ValueError("no such address")
    return text


def _releases(text: str) -> str:
    if not text.startswith(("http://", "https://")) and not os.path.exists(text):
        raise ValueError("nothing is there")
    return text


_CHOICES: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "log_level": (" | ".join(_LEVELS), _level),
    "auth": (" | ".join(_AUTH), _auth),
    "health_address": ("ADDRESS:PORT, such as 0.0.0.0:8081 or [::]:8081", _address),
    "policies": ("the paths of folders, with commas between", _folders),
    "migplans": ("on | off", _switch),
    "proxies": ("IP addresses, with commas between", _addresses),
    "migplan_namespaces": ("names of namespaces, with commas between", _namespaces),
    "update_service": (
        "the URL of an OpenShift update service, or the path of a graph file or a folder of graph "
        "data",
        _releases,
    ),
    "open_scopes": (f"some of {', '.join(_SCOPES)}, with commas between", _scopes),
}
_RANGES = {
    "form_parts": (1, 10_000),
    "workers": (0, 256),
    "threads": (1, 256),
    "evaluations": (1, 256),
    "wait_timeout": (1, 600),
    "deadline": (1, 3600),
    "batch_lines": (1, 10_000_000),
    "batch_deadline": (1, 86_400),
    "idle_timeout": (1, 3600),
    "timeout": (5, 3600),
    "graceful_timeout": (1, 3600),
    "collect_timeout": (5, 3600),
    "keepalive": (0, 600),
    "max_requests": (0, 10_000_000),
    "compression_ratio": (2, 100_000),
    "members": (1, 10_000_000),
    "depth": (10, 201),
    "documents": (1, 10_000_000),
    "alias_nodes": (1, 10_000_000),
    "nested_archives": (0, 5),
}


def _variables() -> Iterator[Variable]:
    for holder, limit in ((Settings(), False), (DEFAULT_LIMITS, True)):
        for field in fields(holder):
            if field.name == "limits":
                continue
            default = getattr(holder, field.name)
            name = PREFIX + field.name.upper()
            if field.name in _CHOICES:
                takes, read = _CHOICES[field.name]
                yield Variable(name, field.name, takes, default, read)
            elif field.name.endswith("_file"):
                yield Variable(name, field.name, "the path of a file", default, str)
            elif field.name in _RANGES:
                least, most = _RANGES[field.name]
                takes = f"a whole number from {least} to {most}"
                yield Variable(name, field.name, takes, default, _number(least, most), limit)
            else:
                takes = "a number of bytes, such as 512Mi"
                yield Variable(name, field.name, takes, default, size, limit)


VARIABLES: tuple[Variable, ...] = tuple(_variables())
"""Every environment variable that is read."""
