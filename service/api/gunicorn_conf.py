"""Configuration of gunicorn.

    gunicorn --config service/api/gunicorn_conf.py --bind 127.0.0.1:8080 \
        'service.api.app:create_app()'

Threads, since a worker waits for uploads; several processes, since evaluating is bound to the
CPU. The log is the service's own JSON lines: one per request, and gunicorn's messages.
"""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import ssl
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from service.api.access.exposure import is_exposed, mode_of
from service.api.server import channel
from service.api.server.changing import stamp
from service.api.server.health_server import HealthServer
from service.api.server.processors import workers_by_default
from service.observability import logging_config, refuse_start
from service.settings import EXPOSED, SettingsError, from_environment

try:
    _settings = from_environment()
except SettingsError as error:
    refuse_start(str(error))

# With it the Prometheus client would keep its numbers in mapped files, and a full disk would kill.
os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
_channel = channel.opened()
# Chosen before any worker starts: one that starts while it is missing or full would take another.
with contextlib.suppress(FileNotFoundError):
    tempfile.gettempdir()

worker_class = "gthread"
workers = _settings.workers or workers_by_default(memory=_settings.memory)
threads = _settings.threads
timeout = _settings.timeout
graceful_timeout = _settings.graceful_timeout
keepalive = _settings.keepalive
max_requests = _settings.max_requests
max_requests_jitter = _settings.max_requests // 10
# By default gunicorn believes any client on a loopback address, and every one of a Unix socket,
# that says under which path or scheme the service is reached.
forwarded_allow_ips = ",".join(sorted(_settings.proxies))
forwarder_headers = "SCRIPT_NAME" if _settings.proxies else ""
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"} if _settings.proxies else {}
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
# A worker's heartbeat is a file; on a disk it can block, and /dev/shm is there in containers.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
accesslog = None
control_socket_disable = True  # it would be written to the home folder, which may be read-only
logconfig_dict = logging_config(_settings.log_level)


certfile = _settings.tls_cert_file or None
keyfile = _settings.tls_key_file or None
ca_certs = _settings.tls_client_ca_file or None
cert_reqs = ssl.CERT_REQUIRED if ca_certs else ssl.CERT_NONE
_context: list[tuple[tuple[tuple[int, ...], ...], ssl.SSLContext]] = []


def ssl_context(config: Any, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """The context of a new connection; created again when a file has changed, as in a rotation.

    A change that is not whole yet (a certificate without its key) leaves the old one in use.
    """
    known = _context[0] if _context else None
    seen = tuple(stamp(name) for name in (certfile, keyfile, ca_certs) if name)
    try:
        if known is None or known[0] != seen:
            made = default()
            made.minimum_version = ssl.TLSVersion.TLSv1_2
            known = (seen, made)
            _context[:] = [known]
    except OSError:
        if known is None:
            raise
    return known[1]


def when_ready(server: Any) -> None:
    """Look at what the listeners really are, before any worker starts.

    Who can reach them decides on authentication: a service that other machines reach does not
    start open by accident. And clients that stall are left: connections inherit these timeouts
    from their listener. gunicorn's threads wait for a started request, and for the client to
    take the answer, without an end; a handful of silent clients would hold them all.
    """
    exposed = is_exposed(listener.sock.getsockname() for listener in server.LISTENERS)
    os.environ[EXPOSED] = "yes" if exposed else "no"
    try:
        mode_of(_settings)
    except SettingsError as error:
        refuse_start(str(error))
    wait = struct.pack("ll", _settings.idle_timeout, 0)
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)
    _channel.keep()
    if _settings.health_address:
        _serve_health(server)


def _serve_health(server: Any) -> None:
    """Listen for /livez and /metrics in this process, the master."""

    def alive() -> bool:
        """Whether the loop of any worker ran within half the time that gunicorn allows it."""
        now = time.monotonic()
        # Of a worker whose loop has not begun it is the time of day, far in the future.
        return any(0 <= now - beat < timeout / 2 for beat in _heartbeats(server))

    try:
        health = HealthServer(_settings.health_address, alive, _channel.exposition)
    except OSError as error:
        refuse_start(
            f"MTC_PREFLIGHT_HEALTH_ADDRESS={_settings.health_address}: cannot listen there "
            f"({os.strerror(error.errno or 0)})"
        )
    health.start()


def _heartbeats(server: Any) -> Iterator[float]:
    for worker in list(server.WORKERS.values()):
        with contextlib.suppress(OSError, ValueError):  # it has just ended
            yield worker.tmp.last_update()


def post_worker_init(server: Any) -> None:
    """Leave what the app consists of to no collection of garbage: it will all stay."""
    gc.collect()
    gc.freeze()
