"""What the views share, made once per process by the app factory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, cast

from flask import current_app

from service.api.requests.namespace_state import NamespaceState
from service.api.requests.standing import release_data, webhook_targets
from service.api.server import channel
from service.api.server.memory import Pool
from service.api.server.turns import Turns
from service.collect.webhook import WebhookTarget
from service.core.decision.marks import Waiver
from service.core.engine import digest
from service.core.policy import Policy, reads_of
from service.core.releases import Releases
from service.core.selection import Catalogue
from service.formats import Context
from service.kinds.resource import Read
from service.metrics import Metrics
from service.operator_catalogue import load_catalogue, standing_waivers
from service.settings import Settings
from service.update_graphs import Updates

EXTENSION = "mtc_preflight"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings, policies and metrics of this process; ``reads`` is all that policies read.

    ``catalogue`` holds the policies as the operator has set them, and the profiles.

    ``turns`` bounds how many evaluations run at a time and the memory that they take; ``uploads``
    what is stored of bodies.
    ``waivers`` and ``targets`` are those of the settings. ``updates`` is where newer OpenShift
    releases are looked up, None for no lookup. ``releases`` is what was published of OpenShift, MTC
    and OADP. ``state`` is what admission reviews know of the objects around the one that is
    written.
    """

    settings: Settings
    catalogue: Catalogue
    policies: tuple[Policy[Any], ...]
    reads: tuple[Read[Any], ...]
    policy_set: str
    context: Context
    metrics: Metrics
    turns: Turns
    uploads: Pool
    waivers: tuple[Waiver, ...]
    targets: Mapping[str, WebhookTarget]
    updates: Updates | None
    releases: Releases
    state: NamespaceState

    @classmethod
    def of(cls, settings: Settings) -> Runtime:
        """Load the policies and the files that the settings name.

        Raises SettingsError where a file is wrong or two policies share an id.
        """
        catalogue = load_catalogue(settings)
        policies = catalogue.policies
        context = Context(policies, version("mtc-preflight"))
        policy_set = digest(policies)
        metrics = channel.metrics()
        metrics.build(context.version, policy_set)
        return cls(
            settings,
            catalogue,
            policies,
            reads_of(policies),
            policy_set,
            context,
            metrics,
            Turns(settings, metrics.waited),
            Pool(settings.upload_bytes),
            standing_waivers(settings, policies),
            webhook_targets(settings),
            Updates(settings.update_service) if settings.update_service else None,
            release_data(settings),
            NamespaceState(settings.admission_state_file, settings.limits),
        )


def runtime() -> Runtime:
    """The runtime of the app that serves the current request."""
    return cast(Runtime, current_app.extensions[EXTENSION])
