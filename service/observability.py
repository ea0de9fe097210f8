"""What operators see: JSON log lines and Prometheus metrics. Neither holds input."""

from __future__ import annotations

import json
import logging
import logging.config
import os
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.kinds.redact import redact

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being served; every log line tells it."""

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""The folder in which the workers keep their metrics."""

WORKER_SLOT = "MTC_PREFLIGHT_WORKER_SLOT"
"""A number that no other running worker has; a worker that is replaced leaves it to the next."""

_FIELDS = (
    "trace_id",
    "method",
    "route",
    "status",
    "duration_ms",
    "verdict",
    "counts",
    "caller",
    "bytes_in",
    "bytes_out",
    "policy",
    "error",
    "at",
    "line",
    "target",
    "state",
    "tries",
    "detail",
)
_DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SIZE_BUCKETS = tuple(float(4**power) for power in range(4, 16))


class JsonFormatter(logging.Formatter):
    """One line of JSON per record. Control characters are escaped, so no value ends a line.

    Of an exception only its type and place are told: its text may quote input.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat("T", "milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if current := getattr(record, "request_id", "") or request_id.get():
            line["request_id"] = current
        own = record.__dict__
        line |= {key: own[key] for key in _FIELDS if key in own}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["at"] = place_of(record.exc_info[1])
        return json.dumps(line, ensure_ascii=True, default=str)


# gunicorn tells of a malformed request by quoting it.
_QUOTING = re.compile(r"(Invalid request from ip=\S+: [A-Za-z0-9/ ,-]*).*", re.DOTALL)


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    quoting = _QUOTING.fullmatch(message)
    return redact(quoting[1].rstrip() if quoting else message)[:2000]


def place_of(error: BaseException | None) -> str:
    """Where an exception was raised, as ``module.py:line``; nothing of its text."""
    trace = error.__traceback__ if error else None
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"


def logging_config(level: str) -> dict[str, Any]:
    """The configuration for :func:`logging.config.dictConfig`, also gunicorn's."""
    gunicorn = "INFO" if level == "DEBUG" else level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.JsonFormatter"}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "stream": "ext://sys.stdout",
            }
        },
        "root": {"level": "WARNING", "handlers": ["stdout"]},
        "loggers": {
            "service": {"level": level, "handlers": ["stdout"], "propagate": False},
            # Its debug messages hold paths and queries.
            "gunicorn.error": {"level": gunicorn, "handlers": ["stdout"], "propagate": False},
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }


def configure_logging(level: str) -> None:
    """Log JSON lines to the standard output."""
    logging.config.dictConfig(logging_config(level))


def worker_slot() -> str:
    """What tells this process's metric files from those of the others."""
    return os.environ.get(WORKER_SLOT) or f"pid{os.getpid()}"


class Metrics:
    """The metrics of the service; labels hold routes, codes and policy ids, never input.

    With ``PROMETHEUS_MULTIPROC_DIR`` in the environment (gunicorn_conf.py sets it) every worker
    writes its own file there and each scrape adds them up. Files are named by worker slot, not
    by process: with one file per process they would pile up as workers are renewed.
    """

    def __init__(self) -> None:
        if os.environ.get(MULTIPROC_DIR):
            values.ValueClass = values.MultiProcessValue(worker_slot)  # type: ignore[no-untyped-call]
        own = self._registry = CollectorRegistry()
        self.requests = Counter(
            "mtc_preflight_requests", "HTTP requests", ("route", "method", "status"), registry=own
        )
        self.duration = Histogram(
            "mtc_preflight_request_duration_seconds",
            "Time from the request's headers to the response",
            ("route",),
            buckets=_DEFAULT_BUCKETS,
            registry=own,
        )
        self.evaluations = Counter(
            "mtc_preflight_evaluations",
            "Evaluations by overall verdict",
            ("verdict",),
            registry=own,
        )
        self.findings = Counter(
            "mtc_preflight_findings", "Findings", ("policy", "verdict"), registry=own
        )
        self.waiting = Histogram(
            "mtc_preflight_waiting_seconds",
            "Time that evaluations waited for their turn, those included that got none",
            buckets=_DEFAULT_BUCKETS,
            registry=own,
        )
        self.problems = Counter(
            "mtc_preflight_problems",
            "Input that could not be used, and refused requests, by code",
            ("code",),
            registry=own,
        )
        self.ingested = Histogram(
            "mtc_preflight_ingest_bytes",
            "Bytes of an evaluation's request body as they were sent",
            buckets=_SIZE_BUCKETS,
            registry=own,
        )
        self._children: dict[tuple[Counter, tuple[str, ...]], Counter] = {}

    def count(self, counter: Counter, *labels: str, by: int = 1) -> None:
        """Add to one child of a counter; the lookup by labels is done once."""
        child = self._children.get((counter, labels))
        if child is None:
            child = self._children[(counter, labels)] = counter.labels(*labels)
        child.inc(by)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Note one answered request."""
        self.count(self.requests, route, method, str(status))
        self.duration.labels(route).observe(seconds)

    def evaluation(self, verdict: str, size: int) -> None:
        """Note one answered evaluation: its verdict and the bytes of the request's body."""
        self.count(self.evaluations, verdict)
        self.ingested.observe(size)

    def findings_of(
        self, findings: Mapping[tuple[str, str], int], problems: Mapping[str, int]
    ) -> None:
        """Note what an evaluation found, by (policy, verdict) and by problem code.

        An answer from memory is not a new evaluation and does not count again here.
        """
        for labels, number in findings.items():
            self.count(self.findings, *labels, by=number)
        for code, number in problems.items():
            self.count(self.problems, code, by=number)

    def exposition(self, build: Mapping[str, str]) -> tuple[bytes, str]:
        """The metrics as Prometheus reads them, and their media type.

        ``build`` are the labels of ``mtc_preflight_build_info``: what runs here.
        """
        shown = self._registry
        if os.environ.get(MULTIPROC_DIR):
            shown = CollectorRegistry()
            MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
        what = CollectorRegistry()
        what.register(_Build(build))
        return generate_latest(shown) + generate_latest(what), CONTENT_TYPE_LATEST


class _Build(Collector):
    """A gauge that is made when it is asked for: one that is kept would be a file per worker."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = labels

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "mtc_preflight_build_info", "What runs here", labels=list(self._labels)
        )
        gauge.add_metric(list(self._labels.values()), 1)
        yield gauge
