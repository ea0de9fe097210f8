"""Releases and webhook targets for every request: the files that the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from service.collect.webhook import WebhookTarget
from service.collect.webhook_targets import TargetsError, read_targets
from service.core.releases import Releases
from service.formats import FORMATS
from service.intake.release_data import BadReleases, built_in, from_file
from service.settings import Settings, SettingsError


def release_data(settings: Settings) -> Releases:
    """The releases of MTC_PREFLIGHT_RELEASES_FILE, else the built-in ones. Raises SettingsError."""
    if not settings.releases_file:
        return built_in()
    try:
        return from_file(settings.releases_file)
    except BadReleases as error:
        raise SettingsError([f"MTC_PREFLIGHT_RELEASES_FILE: {error}"]) from None


def webhook_targets(settings: Settings) -> Mapping[str, WebhookTarget]:
    """The targets of MTC_PREFLIGHT_WEBHOOKS_FILE. Raises SettingsError."""
    if not settings.webhooks_file:
        return {}
    try:
        return read_targets(Path(settings.webhooks_file), tuple(FORMATS))
    except TargetsError as error:
        faults = [f"MTC_PREFLIGHT_WEBHOOKS_FILE: {fault}" for fault in error.faults]
        raise SettingsError(faults) from None
