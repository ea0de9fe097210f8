"""The volumes that a migration touches: plan entries, claims and volumes, joined once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from service.core.evidence import NotGathered
from service.core.facts.setting_values import is_true, setting
from service.core.facts.transfer import storage_conversion
from service.core.inventory import Entry
from service.core.migration import Cluster, Migration
from service.core.policy import NotApplicable
from service.kinds.mtc import MigPlan, PlanVolume
from service.kinds.ref import Ref, Subject
from service.kinds.storage import (
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    PersistentVolume,
    PersistentVolumeClaim,
)

SKIP = "skip"
MOVE = "move"
COPY = "copy"


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of the plan's source namespaces; at least one of the three is known.

    ``name`` is the PersistentVolume's, "" for a claim that names none. ``claim`` and ``pv`` are
    None where they are not among the evidence (:class:`Volumes` says whether that proves
    anything), ``planned`` where MigPlan.spec.persistentVolumes has no entry. ``left_out`` says why
    MTC does not take the claim at all, "" where it does.
    """

    name: str
    claim: PersistentVolumeClaim | None
    pv: PersistentVolume | None
    planned: PlanVolume | None
    left_out: str = ""
    hold: str = field(init=False, compare=False)
    """The claim as ``namespace/name``, as far as it is known; twenty policies ask for it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hold", _held(self.claim, self.planned, self.pv))

    @property
    def mode(self) -> str:
        """``Filesystem`` or ``Block``; "" if not known."""
        if self.pv is not None:
            return self.pv.volume_mode
        if self.claim is not None:
            return self.claim.volume_mode
        return self.planned.pvc_volume_mode if self.planned is not None else ""

    @property
    def source_class(self) -> str:
        """The storage class on the source, "" for none: as mig-controller reads it, of the PV."""
        if self.pv is not None:
            return self.pv.storage_class
        return self.planned.storage_class if self.planned is not None else ""


def _held(
    claim: PersistentVolumeClaim | None,
    planned: PlanVolume | None,
    pv: PersistentVolume | None,
) -> str:
    if claim is not None:
        return f"{claim.ref.namespace}/{claim.ref.name}"
    if planned is not None and planned.pvc_name:
        return f"{planned.pvc_namespace}/{planned.pvc_name}"
    return f"{pv.claim_namespace}/{pv.claim_name}" if pv is not None and pv.claim_name else ""


@dataclass(frozen=True, slots=True)
class Volumes:
    """All volumes that the plan touches and does not skip, in order of claim.

    ``skipped`` counts those with action ``skip``. ``shared`` names volumes that several claims
    name. ``no_claims`` and ``no_volumes`` are None where the claims of the plan's namespaces,
    and the volumes that they name, are all known; else they say what to fetch.
    ``absent`` are volume names that are known not to exist.
    """

    cluster: Cluster
    items: tuple[Volume, ...]
    skipped: int
    shared: frozenset[str]
    absent: frozenset[str]
    no_claims: NotGathered | None
    no_volumes: NotGathered | None

    def require_claims(self) -> None:
        """Raise NotGathered unless every claim of the plan's namespaces is known."""
        if self.no_claims is not None:
            raise self.no_claims

    def require_whole(self) -> None:
        """Raise NotGathered unless claims and the volumes that they name are all known."""
        found = [item for item in (self.no_claims, self.no_volumes) if item is not None]
        if found:
            raise NotGathered(*(missing for item in found for missing in item.missing))

    def require_any(self, migration: Migration) -> None:
        """Raise NotApplicable where the plan is known to touch no volume."""
        if self.items or self.no_claims is not None:
            return
        named = ", ".join(migration.source_namespaces[:5])
        if self.skipped:
            raise NotApplicable(f"the plan skips every volume ({self.skipped})")
        raise NotApplicable(f"no persistent volume claim in the plan's namespaces ({named})")

    def subject(self, volume: Volume) -> Subject:
        """The volume as the subject of a finding; the claim where no volume is named."""
        ref = ref_of(volume)
        if ref is not None:
            return ref.subject
        return Subject(self.cluster.name, "v1", "PersistentVolume", "", volume.name)


def ref_of(volume: Volume) -> Ref | None:
    """The object that represents the volume: itself, else its claim where it names none."""
    if volume.pv is not None:
        return volume.pv.ref
    if volume.claim is not None and not volume.name:
        return volume.claim.ref
    return None


def volumes(migration: Migration) -> Volumes:
    """The volumes that the plan touches, joined once per migration.

    As mig-controller discovers them (migplan/pvlist.go): the claims of the plan's source namespaces
    and the volumes bound to them; also what the plan lists. Raises NotGathered without a plan,
    NotApplicable where the operator is set not to migrate volumes.
    """
    return migration.derive(_join)


def snapshots(migration: Migration) -> tuple[Volume, ...]:
    """The volumes that the plan copies by snapshot.

    Raises NotApplicable where there is none: a plan without persistentVolumes has not been
    discovered, and what the controller then selects is never ``snapshot``
    (migplan/pvlist.go getDefaultSelection).
    """
    plan = migration.plan
    if not plan.volumes:
        raise NotApplicable(
            "the plan lists no persistentVolumes, so no snapshot copy is selected: "
            "what MTC selects by itself is filesystem (or block)",
            plan.ref.at("/spec/persistentVolumes"),
        )
    if not any(item.action == COPY and item.copy_method == "snapshot" for item in plan.volumes):
        raise NotApplicable(
            "no volume of the plan has copyMethod snapshot", plan.ref.at("/spec/persistentVolumes")
        )
    return tuple(
        volume
        for volume in volumes(migration).items
        if volume.planned is not None
        and volume.planned.action == COPY
        and volume.planned.copy_method == "snapshot"
    )


def _join(migration: Migration) -> Volumes:
    plan = migration.plan
    _refuse_excluded(migration, plan)
    source = migration.source
    names = frozenset(migration.source_namespaces)
    no_claims: NotGathered | None = None
    try:
        claims: Iterable[PersistentVolumeClaim] = source.all(
            PERSISTENT_VOLUME_CLAIM, migration.source_namespaces
        )
    except NotGathered as missing:
        no_claims = missing
        claims = source.known(PERSISTENT_VOLUME_CLAIM, migration.source_namespaces)
    wanted = {claim.volume for claim in claims} | {entry.name for entry in plan.volumes or ()}

    def concerned(entry: Entry) -> bool:
        return not entry.claimed or entry.claimed in names or entry.name in wanted

    by_name = {pv.ref.name: pv for pv in source.known(PERSISTENT_VOLUME, where=concerned)}
    planned = _Planned(plan)
    items = _of_claims(migration, claims, by_name, planned)
    seen = {volume.name for volume in items}
    items += [
        Volume(entry.name, None, by_name.get(entry.name), entry)
        for entry in plan.volumes or ()
        if entry.index not in planned.used and entry.name not in seen
    ]
    seen.update(volume.name for volume in items)
    items += [
        Volume(name, None, pv, None)
        for name, pv in by_name.items()
        if pv.claim_namespace in names and pv.phase in ("Bound", "") and name not in seen
    ]
    kept = tuple(item for item in items if item.planned is None or item.planned.action != SKIP)
    counts = Counter(item.name for item in kept if item.claim is not None and item.name)
    unseen = frozenset(item.name for item in kept if item.pv is None and item.name)
    no_volumes = _gap(source, unseen)
    return Volumes(
        cluster=source,
        items=kept,
        skipped=len(items) - len(kept),
        shared=frozenset(name for name, count in counts.items() if count > 1),
        absent=unseen if no_volumes is None else frozenset(),
        no_claims=no_claims,
        no_volumes=no_volumes,
    )


class _Planned:
    """The plan's entries by claim and by volume; notes which of them a claim has taken."""

    def __init__(self, plan: MigPlan) -> None:
        entries = plan.volumes or ()
        self._by_claim = {(entry.pvc_namespace, entry.pvc_name): entry for entry in entries}
        self._by_name = {entry.name: entry for entry in entries}
        self.used: set[int] = set()

    def of(self, claim: PersistentVolumeClaim) -> PlanVolume | None:
        """The entry of a claim: the one that names it, else the one that names its volume."""
        key = (claim.ref.namespace, claim.ref.name)
        entry = self._by_claim.get(key)
        if entry is None and claim.volume:
            named = self._by_name.get(claim.volume)
            entry = named if named is not None and not named.pvc_name else None
        if entry is not None:
            self.used.add(entry.index)
        return entry


def _left_out(
    migration: Migration, claim: PersistentVolumeClaim, pv: PersistentVolume | None
) -> str:
    """Why MTC does not take a claim that its plan does not list (migplan/pvlist.go getClaims)."""
    if claim.phase not in ("Bound", ""):
        return f"it is {claim.phase}, not Bound"
    if pv is not None and pv.phase not in ("Bound", ""):
        return f"its volume {pv.ref.name} is {pv.phase}, not Bound"
    if claim.controller == "PersistentVolumeClaim":
        return "another claim controls it"
    if not storage_conversion(migration):
        return ""
    plan = claim.labels.get(MIGRATED_BY_PLAN)
    if plan and plan == migration.plan.ref.uid:
        return "this plan made it, in an earlier conversion"
    if claim.labels.get(SOURCE_FOR_DVM):
        return "another plan converts it"
    return ""


MIGRATED_BY_PLAN = "migration.openshift.io/migrated-by-migplan"
SOURCE_FOR_DVM = "migration.openshift.io/source-for-directvolumemigration"
"""Labels of claims that a storage conversion does not take again (mig-controller api/labels.go)."""


def _of_claims(
    migration: Migration,
    claims: Iterable[PersistentVolumeClaim],
    by_name: Mapping[str, PersistentVolume],
    planned: _Planned,
) -> list[Volume]:
    by_claim: dict[tuple[str, str], list[PersistentVolume]] = {}
    for pv in by_name.values():
        if pv.claim_name:
            by_claim.setdefault((pv.claim_namespace, pv.claim_name), []).append(pv)
    items = []
    for claim in claims:
        found = by_name.get(claim.volume) if claim.volume else None
        if not claim.volume:
            held = by_claim.get((claim.ref.namespace, claim.ref.name), ())
            found = next((pv for pv in held if not is_of_earlier(pv, claim)), None)
        name = found.ref.name if found is not None else claim.volume
        entry = planned.of(claim)
        left_out = "" if entry is not None else _left_out(migration, claim, found)
        items.append(Volume(name, claim, found, entry, left_out))
    return items


def is_of_earlier(pv: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Whether a volume whose claimRef has a claim's name is known to be of an earlier claim."""
    return bool(pv.claim_uid and claim.ref.uid and pv.claim_uid != claim.ref.uid)


def _gap(source: Cluster, unseen: frozenset[str]) -> NotGathered | None:
    if not unseen:
        return None
    try:
        source.all(PERSISTENT_VOLUME)
    except NotGathered as missing:
        return missing
    return None


def _refuse_excluded(migration: Migration, plan: MigPlan) -> None:
    if "persistentvolumeclaims" in plan.excluded_resources:
        raise NotApplicable(
            "the plan excludes persistentvolumeclaims", plan.ref.at("/status/excludedResources")
        )
    try:
        disabled = setting(migration, "disable_pv_migration")
    except NotGathered:
        return  # not set is the default; a MigrationController that says otherwise is rare
    if is_true(disabled.value):
        raise NotApplicable("MigrationController sets disable_pv_migration", *disabled.evidence)
