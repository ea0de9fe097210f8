"""Read the clusters of a migration one after the other into a bundle."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.collect.api import Api
from service.collect.connect import Connect
from service.collect.errors import CollectError
from service.collect.gather import Gatherer, Tally
from service.collect.needs import needs, secret_namespaces, specials
from service.collect.plans import chosen, namespaces_of
from service.collect.writer import BundleWriter
from service.kinds.rbac import ACCESS_REVIEW, USER
from service.kinds.resource import Read, Resource

ROLES = ("host", "destination", "source")
"""The order of reading: the cluster with the plans first. MTC's default host is the
destination."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to collect.

    ``clusters`` maps a role to the way to its API server. ``namespaces`` are the plan's, None
    where the plan on the host is to tell; ``plan_name`` says which. ``others`` are the roles where
    the logged-in user is not the one who will migrate: its rights are not reviewed there.
    ``facts`` declares what is known of a cluster beforehand. ``seconds`` are allowed for each.
    ``secret_keys`` lets the key names of secrets be read that MTC's resources refer to.
    """

    clusters: Mapping[str, Connect]
    reads: tuple[Read[Any], ...]
    namespaces: tuple[str, ...] | None = None
    plan_name: str = ""
    others: frozenset[str] = frozenset()
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 900.0
    secret_keys: bool = False


@dataclass(slots=True)
class Collected:
    """What came of it: per role how much, and what the plan turned out to be."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    """Roles whose API server could not be reached at all, and why."""
    namespaces: tuple[str, ...] | None = None


def collect(
    request: Request, writer: BundleWriter, say: Callable[[str], None] = lambda text: None
) -> Collected:
    """Read the clusters. What cannot be read is noted in the bundle and in the answer; it raises
    nothing for it."""
    done = Collected(namespaces=request.namespaces)
    for role in ROLES:
        if role in request.clusters:
            _cluster(role, request, writer, say, done)
    return done


def _cluster(
    role: str,
    request: Request,
    writer: BundleWriter,
    say: Callable[[str], None],
    done: Collected,
) -> None:
    facts: dict[str, Any] = dict(request.facts.get(role, {}))
    with writer.cluster(role, facts):
        try:
            api = Api(request.clusters[role], deadline=time.monotonic() + request.seconds)
        except CollectError as error:
            _lost(role, request.reads, writer, str(error), done)
            return
        gatherer = Gatherer(api, writer, lambda text: say(f"{role}: {text}"))
        _read(gatherer, request, role, done)
        facts |= gatherer.facts
        done.tallies[role] = gatherer.tally
        if not gatherer.tally.objects and gatherer.tally.errors:
            done.lost[role] = gatherer.tally.errors[0]
        api.close()


def _read(gatherer: Gatherer, request: Request, role: str, done: Collected) -> None:
    gatherer.take_specials(_specials(request, role))
    wanted = needs(request.reads)
    gatherer.take([need for need in wanted if not need.planned], done.namespaces)
    if done.namespaces is None:
        plan = chosen(gatherer.plans, request.plan_name)
        done.namespaces = namespaces_of(plan) if plan else None
    gatherer.take([need for need in wanted if need.planned], done.namespaces)
    gatherer.take_secrets(secret_namespaces(request.reads), allowed=request.secret_keys)


def _specials(request: Request, role: str) -> Sequence[Resource[Any]]:
    found = specials(request.reads)
    if role not in request.others:
        return found
    return [resource for resource in found if resource not in (ACCESS_REVIEW, USER)]


def _lost(
    role: str, reads: Sequence[Read[Any]], writer: BundleWriter, reason: str, done: Collected
) -> None:
    """Note for every resource why nothing of it is there."""
    done.lost[role] = reason
    for need in needs(reads):
        writer.gathered(need.resource.argument, error=reason[:200])
