"""The log: one line of JSON per record, which holds no input."""

from __future__ import annotations

import json
import logging
import logging.config
import os
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, NoReturn

from service.kinds.redact import redact

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being served; every log line has it."""

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
    "detail",
)


class JsonFormatter(logging.Formatter):
    """One line of JSON per record. Control characters are escaped, so no value ends a line.

    Only the type and place of an exception are logged: its text may quote input.
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


# gunicorn reports a malformed request by quoting it.
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
            # It names the paths of what it asks again, which may hold tokens.
            "urllib3": {"level": "ERROR"},
            # Its debug messages hold paths and queries.
            "gunicorn.error": {"level": gunicorn, "handlers": ["stdout"], "propagate": False},
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }


def configure_logging(level: str) -> None:
    """Log JSON lines to the standard output."""
    logging.config.dictConfig(logging_config(level))


def refuse_start(text: str) -> NoReturn:
    """End the process before it serves; the log says why, and so does the terminal."""
    configure_logging("INFO")
    logging.getLogger("service.start").critical(text)
    sys.exit(text)
