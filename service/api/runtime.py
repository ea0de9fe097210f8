"""What the views share, made once per process by the app factory."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from threading import BoundedSemaphore
from typing import Any, cast

from flask import current_app

from policies import catalogue
from service.core.engine import digest
from service.core.policy import Policy
from service.core.resources import Read
from service.formats import Context
from service.observability import Metrics
from service.settings import Settings

EXTENSION = "mtc_preflight"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings, policies and metrics of this process; ``reads`` is all that policies read.

    ``turns`` bounds how many evaluations run at a time, and with them the memory of a worker.
    """

    settings: Settings
    policies: tuple[Policy[Any], ...]
    reads: tuple[Read[Any], ...]
    policy_set: str
    context: Context
    metrics: Metrics
    turns: BoundedSemaphore

    @classmethod
    def of(cls, settings: Settings) -> Runtime:
        """Load the policies. Raises ValueError where two of them share an id."""
        policies = catalogue()
        context = Context(policies, version("mtc-preflight"))
        turns = BoundedSemaphore(settings.evaluations)
        reads = tuple(dict.fromkeys(read for policy in policies for read in policy.reads))
        return cls(settings, policies, reads, digest(policies), context, Metrics(), turns)


def runtime() -> Runtime:
    """The runtime of the app that serves the current request."""
    return cast(Runtime, current_app.extensions[EXTENSION])
