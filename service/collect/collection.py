"""Read the clusters of a migration one after the other into a bundle."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.collect.api import Api
from service.collect.collect_errors import CollectError
from service.collect.gather import CollectTally, Gatherer
from service.collect.kubeconfig import Connect
from service.collect.needs import needs, secret_namespaces, specials
from service.collect.plans import selects_by_label
from service.collect.writer import BundleWriter
from service.kinds.cluster import NAMESPACE
from service.kinds.rbac import ACCESS_REVIEW, USER
from service.kinds.resource import Read, Resource

ROLES = ("host", "destination", "source")
"""The order of reading: the cluster with the plans first. MTC's default host is the
destination."""


@dataclass(frozen=True, slots=True)
class CollectRequest:
    """What to collect.

    ``clusters`` maps a role to the way to its API server. ``plan`` is the MigPlan that is meant,
    if there is one; ``namespaces`` are to be read, None for all. ``others`` are the roles where the
    logged-in user is not the one who will migrate: its rights are not reviewed there. ``facts``
    declares what is known of a cluster beforehand. ``seconds`` are allowed for all clusters; what
    was read until then counts. ``secrets`` lets the names of secrets be read, and the names of the
    keys of those that MTC uses.
    """

    clusters: Mapping[str, Connect]
    reads: tuple[Read[Any], ...]
    namespaces: tuple[str, ...] | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 900.0
    secrets: bool = True


@dataclass(slots=True)
class Collected:
    """What came of it, by role."""

    tallies: dict[str, CollectTally] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    """Roles whose API server could not be reached at all, and why."""


def collect(
    request: CollectRequest, writer: BundleWriter, say: Callable[[str], None] = lambda text: None
) -> Collected:
    """Read the clusters one after the other, each in its share of the time that is left.

    What cannot be read is noted in the bundle and in the answer; it raises nothing for it.
    """
    done = Collected()
    end = time.monotonic() + request.seconds
    roles = [role for role in ROLES if role in request.clusters]
    for index, role in enumerate(roles):
        share = (end - time.monotonic()) / (len(roles) - index)
        _cluster(role, request, writer, say, done, share)
    return done


def _cluster(
    role: str,
    request: CollectRequest,
    writer: BundleWriter,
    say: Callable[[str], None],
    done: Collected,
    seconds: float,
) -> None:
    facts: dict[str, Any] = dict(request.facts.get(role, {}))
    with writer.cluster(role, facts):
        try:
            api = Api(request.clusters[role], deadline=time.monotonic() + seconds)
        except CollectError as error:
            _lost(role, request.reads, writer, str(error), done)
            return
        gatherer = Gatherer(api, writer, lambda text: say(f"{role}: {text}"))
        _read(gatherer, request, role)
        facts |= gatherer.facts
        done.tallies[role] = gatherer.tally
        if not gatherer.tally.objects and gatherer.tally.errors:
            done.lost[role] = gatherer.tally.errors[0]
        api.close()


def _read(gatherer: Gatherer, request: CollectRequest, role: str) -> None:
    gatherer.take_specials(_specials(request, role))
    gatherer.take_namespaces(request.namespaces)
    wanted = [need for need in needs(request.reads) if need.resource is not NAMESPACE]
    gatherer.take(wanted, request.namespaces)
    labelled = (request.namespaces or ()) if selects_by_label(request.plan) else ()
    guarded = secret_namespaces(request.reads)
    gatherer.take_secrets(labelled, guarded, allowed=request.secrets)


def _specials(request: CollectRequest, role: str) -> Sequence[Resource[Any]]:
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
