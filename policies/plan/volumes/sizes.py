"""How many volumes a plan has, and whether the new ones are large enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from policies import links
from policies.plan.plan_policies import GIVEN
from policies.plan.volumes.volume_policies import PlanVolumePolicy
from policies.volumes.valid import VOLUME_READS
from service.core.facts import Fact
from service.core.facts.controllers import CONTROLLER_CONFIG
from service.core.facts.plan_limits import limit
from service.core.facts.setting_values import setting
from service.core.facts.volume_targets import is_copied
from service.core.facts.volumes import Volume, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed, passed
from service.core.policy import MigrationPolicy, NotApplicable
from service.core.values.quantity import human, parse_or_none
from service.core.values.wording import plural
from service.kinds.cluster import CONFIG_MAP
from service.kinds.mtc import MTC_NAMESPACE, PlanVolume
from service.kinds.ref import Subject
from service.kinds.resource import Read

_GIB = Decimal(2**30)


class VolumeLimit(MigrationPolicy):
    """A plan has no more volumes than the operator's limit, 100 unless ``mig_pv_limit`` says else.

    A warning, as upstream: the documentation recommends the limit, and nothing stops a larger plan.
    A namespace that alone exceeds the limit is reported, because a smaller plan cannot help.
    """

    id = "MTC730"
    name = "volume-limit"
    title = "The plan has no more volumes than the limit"
    why = "Large plans are slow and fail late. The documentation recommends smaller plans."
    severity = Severity.WARNING
    reads = (*VOLUME_READS, Read(CONFIG_MAP, namespace=MTC_NAMESPACE, name=CONTROLLER_CONFIG))
    requires = GIVEN
    remedy = "Split the plan by namespace, or raise mig_pv_limit in the MigrationController."
    docs = (links.LIMITS,)
    source = "mig-controller pkg/controller/migplan/pvlist.go updatePvs, pkg/settings/plan.go"
    upstream = ("PvLimitExceeded",)
    better = "Also counts before discovery, and by namespace, which shows how to split the plan."

    def applies(self, migration: Migration) -> None:
        volumes(migration).require_any(migration)

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        found = volumes(migration)
        count = _count(migration)
        most = _limit(migration)
        total = sum(count.values())
        plan = migration.plan
        over = total > most.value
        if over:
            yield failed(
                plan.ref.subject,
                f"the plan has {plural(total, 'volume')}; the limit is {most.value}",
                plan.ref.at("/spec/persistentVolumes"),
                *most.evidence,
                found=f"{total} volumes",
                wanted=f"at most {most.value}",
                key="plan",
                observed=float(total),
            )
        for namespace, number in count.items():
            if namespace and number > most.value:
                yield failed(
                    Subject(migration.source.name, "v1", "Namespace", "", namespace),
                    f"namespace {namespace} alone has {plural(number, 'volume')}: splitting the "
                    "plan does not help, raise the limit",
                    *most.evidence,
                    found=f"{number} volumes",
                    wanted=f"at most {most.value}",
                    key="namespace",
                    observed=float(number),
                )
        if not plan.volumes:
            found.require_claims()
        if not over:
            message = f"the plan has {plural(total, 'volume')}, of at most {most.value}"
            yield passed(plan.ref.subject, message, *most.evidence, examined=total)


def _count(migration: Migration) -> Counter[str]:
    """Volumes by source namespace: the plan's list, which counts skipped ones; else the claims."""
    entries = migration.plan.volumes
    if entries:
        return Counter(entry.pvc_namespace for entry in entries)
    return Counter(
        volume.hold.partition("/")[0]
        for volume in volumes(migration).items
        if volume.name and not volume.left_out
    )


def _limit(migration: Migration) -> Fact[int]:
    """The limit in force. Raises NotGathered, NotApplicable where it is no number."""
    known = limit(migration, "mig_pv_limit")
    if known is None:
        given = setting(migration, "mig_pv_limit")
        raise NotApplicable("mig_pv_limit is no number (see MTC801)", *given.evidence)
    return known


class VolumeCapacity(PlanVolumePolicy):
    """The new volume is as large as the data may be.

    The claim on the destination asks for what the claim on the source asks for, not for what the
    volume really has. Where the volume is larger, the data may not fit. With
    ``enable_dvm_pv_resizing`` direct volume migration asks for the larger size. A warning, as
    upstream: how full the volume is, is not in any object. Less than a GiB of difference is
    rounding.
    """

    id = "MTC731"
    name = "volume-capacity"
    title = "The new volumes are at least as large as the old ones"
    why = "The new volume becomes full, and the copy fails after hours."
    severity = Severity.WARNING
    reads = VOLUME_READS
    remedy = (
        "Set enable_dvm_pv_resizing: true in the MigrationController (direct volume migration), "
        "or create the claim on the destination with the right size."
    )
    docs = (links.RESIZING, links.ADVANCED)
    source = (
        "mig-controller pkg/controller/directvolumemigration/pvcs.go, "
        "pkg/controller/miganalytic/volume_adjustment.go"
    )
    upstream = ("PvCapacityAdjustmentRequired",)
    better = "Needs no MigAnalytic on a live cluster. Knows that indirect copies never resize."
    good = "every new volume is at least as large as the old one"
    idle = "no volume of the plan is copied into a new claim"

    def concerns(self, volume: Volume) -> bool:
        entry = volume.planned
        return is_copied(volume) and (entry is None or entry.copy_method != "snapshot")

    def faults(self, migration: Migration, volume: Volume) -> Iterator[Outcome]:
        sizes = _sizes(volume)
        if sizes is None:
            raise NotApplicable("see MTC601")
        asked, has, why = sizes
        if has - asked < _GIB:
            return
        direct = not migration.plan.indirect_volumes
        resizing = setting(migration, "enable_dvm_pv_resizing") if direct else None
        # The controller reads it with Go's strconv.ParseBool.
        if resizing is not None and str(resizing.value).lower() in ("true", "t", "1"):
            return
        claim, pv = volume.claim, volume.pv
        evidence = [] if claim is None else [claim.ref.at("/spec/resources/requests/storage")]
        evidence += [] if pv is None else [pv.ref.at("/spec/capacity/storage", pv.capacity)]
        yield failed(
            volumes(migration).subject(volume),
            f"the new claim of {volume.hold} asks for {human(asked)}, but {why} {human(has)}: "
            "the data may not fit",
            *evidence,
            *(resizing.evidence if resizing is not None else ()),
            found=human(asked),
            wanted=human(has),
            key="capacity",
        )


def _sizes(volume: Volume) -> tuple[Decimal, Decimal, str] | None:
    """Bytes that the new claim asks for, bytes that there should be, and why; None if unknown."""
    asked = parse_or_none(volume.claim.request) if volume.claim is not None else None
    has = parse_or_none(volume.pv.capacity) if volume.pv is not None else None
    proposed = _proposed(volume.planned)
    if asked is None:
        asked = parse_or_none(volume.planned.capacity) if volume.planned is not None else None
    if asked is None or (has is None and proposed is None):
        return None
    if proposed is not None and (has is None or proposed > has):
        return asked, proposed, "the analysis of MTC proposes"
    return (asked, has, "its volume has") if has is not None else None


def _proposed(entry: PlanVolume | None) -> Decimal | None:
    return parse_or_none(entry.proposed_capacity) if entry is not None else None
