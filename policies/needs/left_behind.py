"""What stays behind because a setting or the plan says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policies import links
from policies.needs.need_policies import PlanNeed
from policies.plan.plan_policies import PLAN_READS, edit
from service.core.evidence import Gaps, NotGathered
from service.core.facts.setting_values import is_true, setting
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import NotApplicable
from service.core.settings.table import SETTINGS
from service.core.values.wording import few, plural
from service.kinds.cluster import NAMESPACE, SECRET
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.ref import Pointer, Ref
from service.kinds.resource import Read, Resource
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM
from service.kinds.workloads import (
    BUILD_CONFIG,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    DEPLOYMENT_CONFIG,
    IMAGE_STREAM,
    STATEFUL_SET,
)

COUNTED: tuple[Resource[Any], ...] = (
    PERSISTENT_VOLUME_CLAIM, IMAGE_STREAM, BUILD_CONFIG, DEPLOYMENT, DEPLOYMENT_CONFIG,
    STATEFUL_SET, DAEMON_SET, CRON_JOB, SECRET,
)  # fmt: skip
SWITCHES: Mapping[str, tuple[Resource[Any], str]] = {
    "disable_pv_migration": (PERSISTENT_VOLUME_CLAIM, "claims and their data stay behind"),
    "disable_image_migration": (IMAGE_STREAM, "images and image streams stay behind"),
    "disable_image_copy": (IMAGE_STREAM, "image streams arrive without images"),
}
IN_SWITCHES = {"persistentvolumes"}
"""What disable_pv_migration adds to the list in the plan's status, beside its kind."""
STAY = "they stay behind"
LISTS = ("excluded_resources", "additional_excluded_resources")
DEFAULT = frozenset(SETTINGS["excluded_resources"].default.split(", "))


class NothingExcluded(PlanNeed):
    """No setting of the MigrationController leaves out what the plan's namespaces hold.

    The controller reports a migration without volumes or images as succeeded. What MTC leaves out
    by default is no finding of this policy. The list that the controller writes into the plan's
    status counts as well.
    """

    id = "MTC844"
    name = "nothing-excluded"
    title = "No setting excludes objects of the plan's namespaces"
    why = "The migration succeeds, but the application starts without its data or images."
    severity = Severity.WARNING
    reads = (
        *PLAN_READS,
        Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
        *(Read(kind, plan_namespaces=True) for kind in COUNTED),
    )
    remedy = "Remove the setting, or migrate the excluded objects in another way."
    docs = (links.ADVANCED, links.EXCLUDING)
    source = "mig-operator docs/usage/ExcludeResources.md"
    better = "MTC does not report what a setting excludes."
    good = "no setting excludes objects of the plan's namespaces"

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        plan = migration.plan
        try:
            switches = {name: setting(migration, name) for name in SWITCHES}
        except NotGathered:
            if not plan.excluded_resources:
                raise
            pointer = plan.ref.at("/status/excludedResources")
            yield from _listed(migration, "status", plan.excluded_resources, (pointer,), gaps)
            return
        for name, (kind, said) in SWITCHES.items():
            if is_true(switches[name].value):
                with gaps.noted():
                    yield from _left(migration, kind, name, said, switches[name].evidence)
        told: set[str] = {kind.plural for kind, _ in SWITCHES.values()} | IN_SWITCHES
        for name in LISTS:
            given = setting(migration, name)
            words = [str(word) for word in given.value] if isinstance(given.value, list) else []
            told.update(words)
            yield from _listed(migration, name, words, given.evidence, gaps)
        rest = [word for word in plan.excluded_resources if word not in told]
        at = plan.ref.at("/status/excludedResources")
        yield from _listed(migration, "status", rest, (at,), gaps)


def _listed(
    migration: Migration,
    name: str,
    words: Iterable[str],
    evidence: tuple[Pointer, ...],
    gaps: Gaps,
) -> Iterator[Outcome]:
    """What a list excludes beyond what MTC excludes by default."""
    for word in words:
        counted = [one for one in COUNTED if one.plural == word.partition(".")[0]]
        key = f"{name} {word}"
        if word in DEFAULT:
            continue
        if counted:
            with gaps.noted():
                yield from _left(migration, counted[0], key, STAY, evidence)
        else:
            yield _unseen(migration, name, word, evidence)


def _others(migration: Migration, word: str) -> list[str]:
    """Where objects of a kind are that no policy reads."""
    plural = word.partition(".")[0]
    return [
        f"{one.kind} in {one.namespace}"
        for one in migration.source.others
        if one.namespace in migration.source_namespaces and f"{one.kind.lower()}s" == plural
    ]


def _left(
    migration: Migration,
    kind: Resource[Any],
    name: str,
    said: str,
    evidence: tuple[Pointer, ...],
) -> Iterator[Outcome]:
    found = migration.source.known(kind, migration.source_namespaces)
    if not found:
        migration.source.all(kind, migration.source_namespaces)
        return
    yield failed(
        migration.plan.ref.subject,
        f"{name}: {said}; the plan's namespaces have {plural(len(found), kind.kind)} "
        f"({few(one.ref.name for one in found)})",
        *evidence,
        found=plural(len(found), kind.kind),
        wanted="not set",
        key=name,
        commands=(f"oc edit migrationcontroller -n {MTC_NAMESPACE}",),
        observed=len(found),
    )


def _unseen(migration: Migration, name: str, word: str, evidence: tuple[Pointer, ...]) -> Outcome:
    held = _others(migration, word)
    return failed(
        migration.plan.ref.subject,
        f"{name} excludes {word}" + (f": {STAY} ({few(held)})" if held else ""),
        *evidence,
        found=word,
        wanted="not set, unless the application needs none",
        key=f"{name} {word}",
        severity=None if held else Severity.INFO,
    )


LABELLED: tuple[Resource[Any], ...] = (
    NAMESPACE, PERSISTENT_VOLUME_CLAIM, DEPLOYMENT, DEPLOYMENT_CONFIG, STATEFUL_SET, DAEMON_SET,
    SECRET,
)  # fmt: skip
MADE_ANEW = ("-token-", "-dockercfg-")
"""Parts of the names of secrets that every namespace has by default."""


class LabelSelectorComplete(PlanNeed):
    """Where the plan selects by labels, everything that the application needs has them.

    What lacks a label stays behind: also the namespace, and with it the annotations of its user
    ids, and claims, whose pods then stay Pending.
    """

    id = "MTC845"
    name = "label-selector-complete"
    title = "The label selector of the plan selects the whole application"
    why = "Objects without the label stay behind, and the application is incomplete."
    severity = Severity.WARNING
    reads = (
        *PLAN_READS,
        Read(NAMESPACE),
        *(Read(kind, plan_namespaces=True) for kind in LABELLED if kind.namespaced),
    )
    remedy = "Label every object of the application and the namespace, or remove the selector."
    docs = (links.ADVANCED,)
    source = "MTC documentation, Advanced migration options (labelSelector)"
    better = "MTC does not report what it excludes."
    good = "the label selector of the plan selects every object that was checked"

    def applies(self, migration: Migration) -> None:
        if migration.plan.selector is None:
            raise NotApplicable("the plan has no labelSelector")

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        plan = migration.plan
        assert plan.selector is not None
        for kind in LABELLED:
            with gaps.noted():
                left = [ref for ref, labels in _objects(migration, kind, gaps)
                        if not plan.selector.matches(labels)]  # fmt: skip
                if left:
                    yield failed(
                        plan.ref.subject,
                        f"labelSelector excludes {plural(len(left), kind.kind)}: "
                        f"{few(f'{one.namespace}/{one.name}'.strip('/') for one in left)}",
                        plan.ref.at("/spec/labelSelector"),
                        left[0].at("/metadata/labels"),
                        found=plural(len(left), kind.kind),
                        wanted="none excluded",
                        key=kind.plural,
                        commands=(edit(plan),),
                        observed=len(left),
                    )


def _objects(
    migration: Migration, kind: Resource[Any], gaps: Gaps
) -> Iterator[tuple[Ref, Mapping[str, str]]]:
    names = migration.source_namespaces
    if kind is NAMESPACE:
        for name in names:
            with gaps.noted():
                one = migration.source.get(NAMESPACE, name)
                yield one.ref, one.labels
        return
    with gaps.noted():
        migration.source.all(kind, names)
    for item in migration.source.known(kind, names):
        if kind is not SECRET or not any(part in item.ref.name for part in MADE_ANEW):
            yield item.ref, item.labels
