"""What the network policies share: their evidence, and how a connection becomes an outcome."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.core.evidence import Missing
from service.core.facts.reach import Reach
from service.core.facts.release import READS as RELEASE_READS
from service.core.outcome import Command, Outcome, failed, passed, unknown
from service.kinds.cluster import CONFIG_MAP
from service.kinds.config import (
    INFRASTRUCTURE,
    INGRESS_CONFIG,
    PROXY,
)
from service.kinds.mtc import (
    MIG_CLUSTER,
    MIG_PLAN,
    MIG_STORAGE,
    MIGRATION_CONTROLLER,
    MTC_NAMESPACE,
)
from service.kinds.operators import CLUSTER_SERVICE_VERSION
from service.kinds.ref import Pointer, Subject
from service.kinds.resource import Read
from service.kinds.workloads import DEPLOYMENT, POD

MTC_READS: tuple[Read[Any], ...] = (
    Read(CONFIG_MAP, namespace=MTC_NAMESPACE),
    Read(CLUSTER_SERVICE_VERSION, namespace=MTC_NAMESPACE),
    Read(MIG_CLUSTER, namespace=MTC_NAMESPACE),
    Read(MIGRATION_CONTROLLER, namespace=MTC_NAMESPACE),
    Read(DEPLOYMENT, namespace=MTC_NAMESPACE),
)
PLAN_READS = (Read(MIG_PLAN, namespace=MTC_NAMESPACE),)
STORAGE_READS = (Read(MIG_STORAGE, namespace=MTC_NAMESPACE),)
PLACE_READS = (Read(INFRASTRUCTURE, name="cluster"), Read(INGRESS_CONFIG, name="cluster"))
PROXY_READS = (Read(PROXY, name="cluster"),)
COMMAND_READS: tuple[Read[Any], ...] = (*RELEASE_READS, *MTC_READS, *PROXY_READS)
"""What the wording of a probing command depends on: release, MTC there, proxy."""
SIGHT_READS: tuple[Read[Any], ...] = (*COMMAND_READS, Read(POD, namespace=MTC_NAMESPACE))
"""The same, and whether the controller runs, whose status says what it reaches."""


def connection(
    reach: Reach,
    subject: Subject,
    what: str,
    missing: Iterable[Missing],
    *,
    wanted: str,
    key: str = "",
    evidence: tuple[Pointer, ...] = (),
    note: str = "",
) -> Outcome:
    """The outcome for one connection; ``what`` says who reaches what, as a noun phrase.

    ``missing`` says how to measure it, for the case that it is not known; ``note`` is what to add
    in that case.
    """
    if reach.open is None:
        return unknown(
            subject,
            f"{what}: cannot verify whether it is open{note}{_undecided(reach)}",
            *missing,
            key=key,
            evidence=(*reach.evidence, *evidence),
        )
    if reach.open:
        return passed(subject, f"{what}: open, {reach.text}", *reach.evidence, *evidence, key=key)
    return failed(
        subject,
        f"{what}: closed, {reach.text}",
        *reach.evidence,
        *evidence,
        found="closed",
        wanted=wanted,
        key=key,
        commands=tuple(Command(item.command, item.cluster) for item in missing),
    )


def _undecided(reach: Reach) -> str:
    """What to report about results that cannot decide."""
    words = []
    if reach.sights:
        words.append(
            f"; {reach.text}, which does not show whether the connection through the "
            "cluster's proxy works"
        )
    if reach.elsewhere:
        text = " and ".join(sorted({_word(probe.open) for probe in reach.elsewhere}))
        words.append(
            f"; the result from a workstation ({text}) does not apply to the pods of the "
            "cluster: run the command, and send what it prints"
        )
    return "".join(words)


def _word(is_open: bool) -> str:
    return "open" if is_open else "closed"
