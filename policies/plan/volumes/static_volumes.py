"""Volumes of the destination that somebody made by hand, and the new claims that they serve."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from policies.plan.volumes.destination_claims import arrival
from service.core.access_modes import AUTO
from service.core.evidence import NotGathered
from service.core.facts.volume_targets import access_modes, is_copied, requested, target_of
from service.core.facts.volumes import Volume, volumes
from service.core.migration import Migration
from service.core.values.quantity import parse_or_none
from service.kinds.storage import PERSISTENT_VOLUME, PersistentVolume

Claim = tuple[str, str]
"""Namespace and name of a claim on the destination."""


@dataclass(frozen=True, slots=True)
class Served:
    """What the free volumes of one storage class ("" for none) do for the claims of that class.

    ``claims`` are those that find a volume, ``without`` those that do not. ``sizeless`` ones have
    no size that is known: whether what they find is large enough is open.
    """

    claims: frozenset[Claim]
    without: tuple[Volume, ...]
    sizeless: tuple[Volume, ...]


NOBODY = Served(frozenset(), (), ())


def served(migration: Migration, storage_class: str) -> Served:
    """Which claims of the plan the free volumes of a class serve, as far as those are known.

    A volume is free if it is Available, and its claimRef empty or that of the claim. It serves a
    claim with its volume mode and all of its access modes, that asks for no more than it has
    (Kubernetes, Persistent Volumes, Binding). Where not every claim is served, and the volumes
    of the destination are not all known, there may be more: see :func:`require_all`.
    """
    return migration.derive(_served).get(storage_class, NOBODY)


def require_all(migration: Migration) -> None:
    """Raise NotGathered unless every volume of the destination is known."""
    migration.destination.all(PERSISTENT_VOLUME)


def _served(migration: Migration) -> Mapping[str, Served]:
    claims: dict[str, list[Volume]] = {}
    for volume in volumes(migration).items:
        if is_copied(volume):
            try:
                name = target_of(migration, volume).name
            except NotGathered:
                continue  # reported by the caller that needs its class
            claims.setdefault(name, []).append(volume)
    free: dict[str, list[PersistentVolume]] = {}
    for pv in migration.destination.known(PERSISTENT_VOLUME):
        if pv.phase == "Available" and not pv.deleting:
            free.setdefault(pv.storage_class, []).append(pv)
    return {name: _matched(migration, those, free.get(name, ())) for name, those in claims.items()}


def _matched(
    migration: Migration, claims: Iterable[Volume], free: Iterable[PersistentVolume]
) -> Served:
    """The largest claim first, each the smallest volume that fits."""
    meant, shelves = _sorted(free)
    found: set[Claim] = set()
    without: list[Volume] = []
    sizeless: list[Volume] = []
    sizes = [(requested(volume), volume) for volume in claims]
    for size, volume in sorted(sizes, key=lambda row: row[0] or 0, reverse=True):
        key = arrival(migration, volume)
        need = _Need(size or Decimal(0), _modes(volume), volume.mode or "Filesystem")
        pv = meant.get(key)
        if (pv is not None and need.fits(pv)) or need.takes(shelves):
            found.add(key)
            if size is None:
                sizeless.append(volume)
        else:
            without.append(volume)
    return Served(frozenset(found), tuple(without), tuple(sizeless))


Shelves = dict[tuple[frozenset[str], str], list[Decimal]]
"""Sizes of the free volumes in order, by access modes and volume mode."""


def _sorted(
    free: Iterable[PersistentVolume],
) -> tuple[dict[Claim, PersistentVolume], Shelves]:
    meant: dict[Claim, PersistentVolume] = {}
    shelves: Shelves = {}
    for pv in free:
        if pv.claim_name:
            meant[pv.claim_namespace, pv.claim_name] = pv
            continue
        size = parse_or_none(pv.capacity)
        if size is not None:
            shelves.setdefault((frozenset(pv.access_modes), pv.volume_mode), []).append(size)
    for sizes in shelves.values():
        sizes.sort()
    return meant, shelves


@dataclass(frozen=True, slots=True)
class _Need:
    size: Decimal
    modes: frozenset[str]
    mode: str

    def fits(self, pv: PersistentVolume) -> bool:
        size = parse_or_none(pv.capacity)
        enough = size is not None and size >= self.size
        return enough and self.modes <= set(pv.access_modes) and self.mode == pv.volume_mode

    def takes(self, shelves: Shelves) -> bool:
        """Take the smallest volume that fits, if there is one."""
        best: tuple[Decimal, int, list[Decimal]] | None = None
        for (modes, mode), sizes in shelves.items():
            if not (self.modes <= modes and self.mode == mode):
                continue
            place = bisect_left(sizes, self.size)
            if place < len(sizes) and (best is None or sizes[place] < best[0]):
                best = sizes[place], place, sizes
        if best is None:
            return False
        _, place, sizes = best
        del sizes[place]
        return True


def _modes(volume: Volume) -> frozenset[str]:
    """The access modes of the new claim; none where MTC chooses one."""
    chosen = volume.planned.target_access_mode if volume.planned is not None else ""
    if chosen:
        return frozenset({chosen} - {AUTO})
    return frozenset(access_modes(volume))
