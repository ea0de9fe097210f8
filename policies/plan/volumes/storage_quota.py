"""Quotas of the destination namespaces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from shlex import quote

from policies import links
from policies.plan.plan_policies import GIVEN
from policies.plan.volumes.destination_claims import (
    absent_namespace,
    arrival,
    destination_claims,
    namespace_map,
)
from policies.plan.volumes.volume_policies import TARGET_READS, missing_volumes
from service.core.evidence import Gaps
from service.core.facts.quota_use import Short, shortage
from service.core.facts.volume_targets import is_copied, requested, target_of
from service.core.facts.volumes import MOVE, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, failed, passed, passes_alone
from service.core.policy import MigrationPolicy
from service.core.values.quantity import human
from service.kinds.cluster import NAMESPACE
from service.kinds.quotas import RESOURCE_QUOTA, ResourceQuota
from service.kinds.ref import pointer_step
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM

CLAIMS = "persistentvolumeclaims"
REQUESTS = "requests.storage"
OF_CLASS = ".storageclass.storage.k8s.io/"


@dataclass(slots=True)
class StorageNeed:
    """What the plan adds to a namespace, by quota key; ``known`` is False if that is a minimum."""

    amounts: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    known: bool = True


class StorageQuota(MigrationPolicy):
    """The claims of the plan fit into the quotas of the destination namespaces.

    Counted are claims and requested storage, in all and by storage class, against what the
    quota leaves. A claim that is on the destination already is in ``used`` and not counted
    again. A blocker: the API server refuses a claim beyond the quota.
    """

    id = "MTC732"
    name = "storage-quota"
    title = "The claims fit in the quotas of the destination namespaces"
    why = "The API server rejects the claim, and the migration fails halfway."
    reads = (*TARGET_READS, Read(RESOURCE_QUOTA), Read(NAMESPACE))
    requires = GIVEN
    remedy = "Raise the quota of the destination namespace, or split the plan."
    docs = (links.QUOTAS, links.CHECKLISTS, links.STORAGE)
    source = "Kubernetes resource quotas (storage); MTC docs, Premigration checklists"
    better = "The controller does not check quotas."

    def applies(self, migration: Migration) -> None:
        volumes(migration).require_any(migration)

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        gaps = Gaps()
        needs = _needs(migration, gaps)
        gaps.missing.update(missing_volumes(volumes(migration)))
        examined = 0
        for namespace, need in needs.items():
            with gaps.noted():
                for quota in _quotas(migration, namespace):
                    examined += 1
                    yield from _shortages(migration, quota, need)
        gaps.require_none()
        text = "fit into" if examined else "are limited by no quota of"
        yield passed(
            migration.destination.subject,
            f"the claims of the plan {text} the destination namespaces "
            f"({', '.join(sorted(needs)) or 'none'})",
            examined=max(examined, 1),
        )


def _quotas(migration: Migration, namespace: str) -> tuple[ResourceQuota, ...]:
    if absent_namespace(migration, namespace):
        return ()
    found = migration.destination.all(RESOURCE_QUOTA, (namespace,))
    return tuple(quota for quota in found if not quota.scopes)


def _needs(migration: Migration, gaps: Gaps) -> dict[str, StorageNeed]:
    """What every destination namespace gets, without claims that are known to be there."""
    there = destination_claims(migration).by_key
    needs: dict[str, StorageNeed] = {
        name: StorageNeed() for name in namespace_map(migration).values()
    }
    for volume in volumes(migration).items:
        moved = volume.planned is not None and volume.planned.action == MOVE
        if not moved and not is_copied(volume):
            continue
        key = arrival(migration, volume)
        if key in there or key[0] not in needs:
            continue
        need = needs[key[0]]
        need.amounts[CLAIMS] += 1
        need.amounts[f"count/{CLAIMS}"] += 1
        size = requested(volume)
        if size is None:
            need.known = False
        name = ""
        with gaps.noted():
            name = target_of(migration, volume).name
        prefixes = ("", f"{name}{OF_CLASS}") if name else ("",)
        for prefix in prefixes:
            need.amounts[prefix + REQUESTS] += size or 0
        if name:
            need.amounts[f"{name}{OF_CLASS}{CLAIMS}"] += 1
    return needs


def _shortages(migration: Migration, quota: ResourceQuota, need: StorageNeed) -> Iterator[Outcome]:
    for key, amount in need.amounts.items():
        short = shortage(migration.destination, quota, key, amount)
        if short is None:
            _require_sizes(migration, quota, need, key)
            continue
        if amount <= short.hard:  # only what is used makes it too much: are our claims part of it?
            _require_claims(migration, quota.ref.namespace)
        yield _short(quota, key, amount, short)


def _require_sizes(migration: Migration, quota: ResourceQuota, need: StorageNeed, key: str) -> None:
    """That it fits is only known with the size of every claim."""
    if key in quota.hard and not need.known and not key.endswith(CLAIMS):
        raise migration.source.inventory.not_gathered(
            PERSISTENT_VOLUME_CLAIM,
            namespaces=migration.source_namespaces,
            reason="a claim without its size",
        )


def _require_claims(migration: Migration, namespace: str) -> None:
    reason = destination_claims(migration).missing.get(namespace)
    if reason is not None:
        raise reason


def _short(quota: ResourceQuota, key: str, amount: Decimal, short: Short) -> Outcome:
    hard, used = short
    shown = (lambda value: f"{value:f}") if key.endswith(CLAIMS) else human
    left = max(hard - used, Decimal(0))
    return failed(
        quota.ref.subject,
        f"the claims of the plan need {shown(amount)} of {key}, of which the quota leaves "
        f"{shown(left)} ({shown(used)} of {shown(hard)} used)",
        quota.ref.at(f"/status/hard/{pointer_step(key)}", quota.hard[key]),
        found=f"{shown(left)} left",
        wanted=f"{shown(amount)} of {key}",
        key=key,
        commands=(f"oc describe quota {quote(quota.ref.name)} -n {quote(quota.ref.namespace)}",),
        observed=float(amount - left),
    )
