"""The app factory."""

from __future__ import annotations

import logging
from types import TracebackType

from flask import Flask

from service.api.access import auth
from service.api.answers import compressed_answers, error_handlers
from service.api.runtime import EXTENSION, Runtime
from service.api.server import lifecycle, turns
from service.api.views import (
    admission_view,
    batch,
    documentation,
    evaluations,
    evidence_view,
    operations,
    partition_view,
    patches,
    policies,
    reports,
)
from service.observability import configure_logging, place_of
from service.settings import Settings, SettingsError, from_environment

log = logging.getLogger("service.error")


class ServiceApp(Flask):
    """Flask, but what it logs of an exception is its type and place, never its text."""

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
    ) -> None:
        error = exc_info[1]
        name = type(error).__name__ if error else ""
        log.error("unexpected", extra={"error": name, "at": place_of(error)})


def create_app(settings: Settings | None = None) -> Flask:
    """The service as a WSGI app; settings come from the environment unless given.

    Raises SettingsError where the environment is wrong.
    """
    settings = settings or from_environment()
    configure_logging(settings.log_level)
    app = ServiceApp("service", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.limits.body_bytes
    # A path with an extra slash is an error to report, not to redirect.
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    try:
        now = Runtime.of(settings)
    except SettingsError as error:
        log.critical(str(error))
        raise
    app.extensions[EXTENSION] = now
    lifecycle.install(app, now.metrics)
    error_handlers.install(app, settings, now.metrics)
    auth.install(app, settings)
    turns.install(app, settings, now.turns.memory)
    compressed_answers.install(app)
    parts = (
        evaluations,
        reports,
        batch,
        patches,
        partition_view,
        admission_view,
        policies,
        evidence_view,
        operations,
        documentation,
    )
    for part in parts:
        app.register_blueprint(part.blueprint)
    return app
