"""Configuration of gunicorn.

    gunicorn --config service/api/gunicorn_conf.py --bind 127.0.0.1:8080 \
        'service.api.app:create_app()'

Threads, since a worker waits for uploads; several processes, since evaluating is bound to the
CPU. The log is the service's own JSON lines: one per request, and gunicorn's messages.
"""

from __future__ import annotations

import gc
import os
import shutil
import socket
import ssl
import struct
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from service.api.access.exposure import is_exposed, mode_of
from service.api.server.changing import stamp
from service.api.server.processors import workers_by_default
from service.settings import EXPOSED, SettingsError, from_environment

try:
    _settings = from_environment()
except SettingsError as error:
    sys.exit(str(error))

_MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
_OURS = "MTC_PREFLIGHT_METRICS_OWNER"


def _metrics_folder() -> str:
    """A folder for the workers' metrics, empty at the start and kept over a reload.

    A folder that the environment names is used as it is, and emptied.
    """
    given = os.environ.get(_MULTIPROC_DIR, "")
    if given and os.environ.get(_OURS) == str(os.getpid()):
        return given  # this very process is reloading its configuration
    if not given or os.environ.get(_OURS):
        # The second: a new gunicorn started by an old one (USR2), which still uses its folder.
        given = tempfile.mkdtemp(prefix="mtc-preflight-metrics-")
        os.environ[_OURS] = str(os.getpid())
        return given
    os.makedirs(given, exist_ok=True)
    for entry in os.scandir(given):
        if entry.name.endswith(".db"):
            os.unlink(entry.path)
    return given


# The Prometheus client looks at this variable when it is first imported.
os.environ[_MULTIPROC_DIR] = _metrics_folder()

from service.observability import WORKER_SLOT, logging_config  # noqa: E402

worker_class = "service.api.server.worker.Worker"
workers = _settings.workers or workers_by_default()
threads = _settings.threads
timeout = _settings.timeout
graceful_timeout = _settings.graceful_timeout
keepalive = _settings.keepalive
max_requests = _settings.max_requests
max_requests_jitter = _settings.max_requests // 10
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
    """The context of a new connection; made anew where a file has changed, as in a rotation.

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
        sys.exit(str(error))
    wait = struct.pack("ll", _settings.idle_timeout, 0)
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest number that no other has; its metric files are named by it."""
    taken = {other.slot for other in server.WORKERS.values()}
    worker.slot = next(slot for slot in range(len(taken) + 1) if slot not in taken)


def post_fork(server: Any, worker: Any) -> None:
    """Tell the worker its number and its bounds."""
    os.environ[WORKER_SLOT] = str(worker.slot)
    worker.head_seconds = float(_settings.idle_timeout)
    worker.memory_bytes = _settings.memory_bytes


def post_worker_init(server: Any) -> None:
    """Leave what the app consists of to no collection of garbage: it will all stay."""
    gc.collect()
    gc.freeze()


def on_exit(server: Any) -> None:
    """Remove the metrics folder if it is ours."""
    if os.environ.get(_OURS) == str(os.getpid()):
        shutil.rmtree(os.environ[_MULTIPROC_DIR], ignore_errors=True)
