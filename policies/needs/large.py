"""What large volumes need beyond the defaults."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from policies import links
from policies.needs.need_policies import READS, PlanNeed, copied, readable, require_rsync
from service.core.evidence import Gaps
from service.core.facts.setting_values import is_true, setting
from service.core.facts.volumes import Volume
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.values.quantity import parse_or_none
from service.core.values.wording import few, plural
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.resource import Read

LARGE = Decimal(10**12)
"""Bytes from which a volume takes hours; no source gives a limit."""
TRIES = 20
"""The default of rsync_backoff_limit."""


class LargeVolumes(PlanNeed):
    """Settings for rsync fit volumes of a terabyte and more.

    rsync gives up after rsync_backoff_limit attempts, and the kubelet relabels every file of a
    volume before rsync's server starts, unless it runs with super privileges. How many files a
    volume has is not in the objects: information only.
    """

    id = "MTC859"
    name = "large-volumes"
    title = "The settings of rsync fit large volumes"
    why = "The copy fails after 20 attempts, or its pod waits until all files are relabeled."
    severity = Severity.INFO
    unsure = Severity.INFO
    reads = (*READS, Read(MIGRATION_CONTROLLER, MTC_NAMESPACE))
    remedy = (
        "Set rsync_backoff_limit to 40 or more, and migration_rsync_super_privileged to true on "
        "both clusters."
    )
    docs = (links.ABOUT, links.TROUBLE)
    source = "MTC documentation, Direct migration requirements and Troubleshooting"
    better = "MTC does not look at the size of volumes."
    good = "no volume is large, or the settings of rsync fit"

    def applies(self, migration: Migration) -> None:
        require_rsync(migration)

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        large = [one for one in copied(migration) if _size(one) >= LARGE]
        if not large:
            return
        biggest = readable("storage", max(_size(one) for one in large))
        message = (
            f"{plural(len(large), 'volume')} of up to {biggest} ({few(one.hold for one in large)})"
        )
        tries = setting(migration, "rsync_backoff_limit").value
        if not str(tries or TRIES).isdigit() or int(str(tries or TRIES)) <= TRIES:
            text = f"{message}, and rsync gives up after {tries or TRIES} attempts"
            yield _fault(migration, text, "rsync_backoff_limit", str(tries or TRIES), "40 or more")
        if not is_true(setting(migration, "migration_rsync_super_privileged").value):
            text = f"{message}: all files are relabeled before rsync's server starts"
            yield _fault(migration, text, "migration_rsync_super_privileged", "false", "true")


def _size(volume: Volume) -> Decimal:
    text = volume.pv.capacity if volume.pv is not None else ""
    if not text and volume.planned is not None:
        text = volume.planned.capacity
    return parse_or_none(text) or Decimal(0)


def _fault(migration: Migration, text: str, key: str, found: str, wanted: str) -> Outcome:
    return failed(
        migration.plan.ref.subject,
        text,
        migration.plan.ref.at("/spec/persistentVolumes"),
        found=f"{key}: {found}",
        wanted=f"{key}: {wanted}",
        key=key,
        commands=(f"oc edit migrationcontroller -n {MTC_NAMESPACE}",),
    )
