"""Run the policies over a migration."""

from __future__ import annotations

import hashlib
import inspect
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from service.core.allowance import FINDING, spend
from service.core.deadline import check, paced
from service.core.evidence import Missing, NotGathered, Role
from service.core.migration import Cluster, Migration, Requested
from service.core.outcome import (
    RANK,
    Command,
    Outcome,
    Severity,
    Verdict,
    not_applicable,
    unknown,
)
from service.core.policy import CrossCheck, Judged, NotApplicable, Policy
from service.core.reliance import MOST, relying
from service.core.report import Finding, Report, fingerprint, readiness
from service.core.roots import with_roots
from service.core.scope import FULL, WHOLE, Scope
from service.core.summary import summarise
from service.kinds.mtc import MigPlan
from service.kinds.redact import redact
from service.kinds.ref import Subject
from service.kinds.resource import Resource

log = logging.getLogger(__name__)

NOT_GATHERED = "not-gathered"
"""The key of an unknown that only says that evidence is missing."""

ERROR = "error"
"""The key of a policy's own failure."""


def evaluate(migration: Migration, policies: Sequence[Policy[Any]], scope: Scope = WHOLE) -> Report:
    """Judge a migration by these policies. Never raises for what the evidence holds.

    ``scope`` says how they were chosen out of all. Secrets are masked in all texts of the report,
    so that no format has to.
    """
    names = {cluster.role.value: cluster.name for cluster in migration.clusters}
    findings = with_roots(judge_all(migration, policies), policies, names)
    clusters = tuple(summarise(migration, cluster) for cluster in migration.clusters)
    found = (
        *migration.problems,
        *(problem for cluster in migration.clusters for problem in cluster.inventory.problems()),
    )
    problems = tuple(
        replace(item, message=redact(item.message), hint=redact(item.hint)) for item in found
    )
    parts = tuple(replace(item, notes=list(map(redact, item.notes))) for item in migration.parts)
    plan = migration.given_plan
    return Report(
        verdict=readiness(findings, problems),
        findings=findings,
        problems=problems,
        clusters=clusters,
        plan=_named(plan) if plan else "",
        parts=parts,
        policy_set=digest(policies, scope.profile, migration.requested.max_age_hours),
        as_of=migration.requested.as_of,
        releases=str(migration.releases),
        assumed=_assumed(migration.requested),
        scope=scope,
    )


def _named(plan: MigPlan) -> str:
    """The name of a plan; one that is given in short has none."""
    return f"{plan.ref.namespace}/{plan.ref.name}".strip("/") or "(unnamed)"


def _assumed(requested: Requested) -> tuple[tuple[str, str], ...]:
    given = (("OpenShift", requested.target_openshift), ("MTC", requested.target_mtc))
    return tuple((name, str(version)) for name, version in given if version is not None)


def judge_all(migration: Migration, policies: Sequence[Policy[Any]]) -> tuple[Finding, ...]:
    """The findings of these policies, in their order; cross-checks see those of all others."""
    found = {
        policy.id: tuple(judge(migration, policy))
        for policy in policies
        if not _crosses(type(policy))
    }
    judged = Judged(tuple(item for row in found.values() for item in row), tuple(policies))
    for policy in policies:
        if _crosses(type(policy)):
            found[policy.id] = tuple(judge(migration, policy, judged))
    return tuple(item for policy in policies for item in found[policy.id])


@cache  # isinstance() of an abstract class takes a microsecond, and every policy is asked thrice
def _crosses(kind: type[Policy[Any]]) -> bool:
    return issubclass(kind, CrossCheck)


_NOTHING = Judged()


def judge(
    migration: Migration, policy: Policy[Any], judged: Judged = _NOTHING
) -> Iterator[Finding]:
    """All findings of one policy; at least one. ``judged`` is for cross-checks only.

    Raises DeadlineExceeded where the caller has set a bound.
    """
    check()
    seen: dict[str, int] = {}
    found = _guarded if policy.pack else _outcomes
    for root, outcome in paced(found(migration, policy, judged)):
        spend(FINDING + 4 * (len(outcome.message) + len(outcome.found)))
        finding = _finding(migration, policy, outcome, root)
        again = seen.get(finding.fingerprint, 0)
        seen[finding.fingerprint] = again + 1
        if again:  # two outcomes about one subject and key: keep both, apart
            subject, key = finding.identity
            mark = fingerprint(policy.id, subject, f"{key}#{again}")
            finding = finding._replace(fingerprint=mark)
        yield finding


class UndeclaredRead(Exception):
    """The code of a pack reads what it does not declare, or what no pack may."""


Rooted = tuple[Subject, Outcome]
"""An outcome, and the checked item that it came from as a subject."""


def _guarded(migration: Migration, policy: Policy[Any], judged: Judged) -> list[Rooted]:
    """The outcomes of a policy of a pack, which can read nothing but what it declares."""
    declared = {read.resource for read in policy.reads}

    def guard(resource: Resource[Any], namespace: str, name: str) -> None:
        if resource not in declared:
            raise UndeclaredRead(resource.kind)

    inventories = [cluster.inventory for cluster in migration.clusters]
    before = [inventory.on_read for inventory in inventories]
    for inventory in inventories:
        inventory.on_read = guard
    try:
        outcomes = _outcomes(migration, policy, judged)
    finally:
        for inventory, hook in zip(inventories, before, strict=True):
            inventory.on_read = hook
    roles = {cluster.name: cluster.role.value for cluster in migration.clusters}
    found = []
    for root, outcome in outcomes:
        role = roles.get(root.cluster, "")  # an object does not know the role of its cluster
        missing = (one._replace(cluster=one.cluster or role) for one in outcome.missing)
        found.append((root, outcome._replace(missing=tuple(missing))))
    return found


def _outcomes(migration: Migration, policy: Policy[Any], judged: Judged) -> list[Rooted]:
    whole = migration.derive(_whole)
    doubt: NotGathered | None = None
    try:
        policy.applies(migration)
    except NotApplicable as reason:
        return [(whole, not_applicable(whole, reason.reason, *reason.evidence))]
    except NotGathered as missing:
        doubt = missing
    except Exception as error:
        return [(whole, _error(whole, policy, error))]
    found = _checked(migration, policy, judged, whole)
    if not found:
        message = f"policy {policy.id} came to no verdict"
        return [(whole, Outcome(Verdict.ERROR, whole, message, key=ERROR))]
    if doubt is None:
        return found
    return [(root, _doubted(outcome, doubt)) for root, outcome in found]


def _checked(
    migration: Migration, policy: Policy[Any], judged: Judged, whole: Subject
) -> list[Rooted]:
    try:
        crosses = _crosses(type(policy))
        with relying() as listed:
            subjects = (judged,) if crosses else tuple(policy.subjects(migration))
    except NotGathered as missing:
        return [(whole, _unknown(whole, missing))]
    except Exception as error:
        return [(whole, _error(whole, policy, error))]
    found: list[Rooted] = []
    for item in subjects:
        root = item.subject if isinstance(item, Cluster) else whole
        with relying() as relied:
            outcomes = _of_item(migration, policy, item, root)
        lists = tuple({**relied, **listed})[:MOST] if relied or listed else ()
        for outcome in paced(outcomes):
            # A pass or fail without evidence of its own points at the lists that it relied on.
            if lists and not outcome.evidence and outcome.verdict in _DECIDED:
                outcome = outcome._replace(evidence=lists)
            found.append((root, outcome))
    return found


_DECIDED = (Verdict.PASS, Verdict.FAIL)


def _of_item(migration: Migration, policy: Policy[Any], item: Any, root: Subject) -> list[Outcome]:
    found: list[Outcome] = []
    try:
        for outcome in policy.check(migration, item):
            check()
            found.append(outcome)
    except NotApplicable as reason:
        found.append(not_applicable(root, reason.reason, *reason.evidence))
    except NotGathered as missing:
        found.append(_unknown(root, missing))
    except Exception as error:
        found.append(_error(root, policy, error))
    return found


def _whole(migration: Migration) -> Subject:
    plan = migration.given_plan
    return plan.ref.subject if plan else Subject(kind="Migration")


def _unknown(subject: Subject, missing: NotGathered) -> Outcome:
    facts = "; ".join(map(_described, missing.missing))
    return unknown(subject, f"not gathered: {facts}", *missing.missing, key=NOT_GATHERED)


def _described(missing: Missing) -> str:
    where = f" ({missing.cluster})" if missing.cluster else ""
    reason = f", {missing.reason}" if missing.reason else ""
    return f"{missing.fact}{where}{reason}"


def _doubted(outcome: Outcome, doubt: NotGathered) -> Outcome:
    """A failure of a rule that may not concern this migration is neither a failure nor a pass.

    If the rule's own evidence is missing too, the evidence that shows whether the rule concerns
    this migration comes first.
    """
    if outcome.verdict is Verdict.UNKNOWN and outcome.key == NOT_GATHERED:
        if outcome.missing[: len(doubt.missing)] == doubt.missing:
            return outcome
        both = NotGathered(*dict.fromkeys((*doubt.missing, *outcome.missing)))
        asked = _unknown(outcome.subject, both)
        return outcome._replace(message=asked.message, missing=asked.missing)
    if outcome.verdict is not Verdict.FAIL:
        return outcome
    facts = "; ".join(map(_described, doubt.missing))
    return outcome._replace(
        verdict=Verdict.UNKNOWN,
        message=f"{outcome.message} (whether this matters is not known without: {facts})",
        missing=(*outcome.missing, *doubt.missing),
    )


def _error(subject: Subject, policy: Policy[Any], error: Exception) -> Outcome:
    # The exception's text may quote evidence, so only its type is reported; the log gets the place.
    place = inspect.trace()[-1]
    log.error(
        "policy failed",
        extra={"policy": policy.id, "error": type(error).__name__, "line": place.lineno},
    )
    what = type(error).__name__
    if isinstance(error, UndeclaredRead):
        what = f"it reads {error}, which it does not declare"
    whom = f" to the authors of pack {policy.pack}" if policy.pack else ""
    message = f"policy {policy.id} failed on this evidence ({what}): please report{whom}"
    return Outcome(Verdict.ERROR, subject, message, key=ERROR)


def _commands(migration: Migration, outcome: Outcome) -> tuple[Command, ...]:
    """The commands of an outcome, each with the role of a cluster of this migration."""
    if not outcome.commands:
        return ()
    roles = {cluster.name: cluster.role.value for cluster in migration.clusters}
    own = roles.get(outcome.subject.cluster, Role.HOST)
    placed = (Command(item) if isinstance(item, str) else item for item in outcome.commands)
    return tuple(Command(redact(text), _role(migration, role or own)) for text, role in placed)


def _role(migration: Migration, role: str) -> str:
    """The role in this migration: the host is mostly the destination."""
    return migration.host.role.value if role == Role.HOST else role


def _finding(migration: Migration, policy: Policy[Any], outcome: Outcome, root: Subject) -> Finding:
    reported = outcome.verdict in (Verdict.FAIL, Verdict.UNKNOWN)
    # What is not known must be found out, not fixed; unless it is a fault that may not matter.
    fixable = outcome.verdict is Verdict.FAIL or (reported and bool(outcome.found))
    # A ticket lives through unknown, fail and pass: what was missing is no part of its identity.
    rooted = policy.single or outcome.key in (NOT_GATHERED, ERROR)
    subject, key = (root, "") if rooted else (outcome.subject, outcome.key)
    return Finding(
        policy=policy.id,
        title=policy.title,
        verdict=outcome.verdict,
        severity=_severity(policy, outcome),
        message=_shown(outcome.message),
        subject=outcome.subject,
        fingerprint=fingerprint(policy.id, subject, key),
        key=redact(outcome.key) if outcome.key else "",
        found=_shown(outcome.found),
        wanted=_shown(outcome.wanted),
        evidence=outcome.evidence,
        remedy=policy.remedy if fixable else "",
        commands=_commands(migration, outcome),
        missing=tuple(_lacked(migration, item) for item in outcome.missing),
        docs=policy.docs if reported else (),
        observed=outcome.observed,
        examined=outcome.examined,
        root=root if rooted else None,
    )


def _lacked(migration: Migration, item: Missing) -> Missing:
    item = item._replace(cluster=migration.host.role) if item.cluster == Role.HOST else item
    together = f"{item.fact}\n{item.command}\n{item.reason}"
    if redact(together) == together:  # nearly always: one look instead of three
        return item
    fact, command, reason = map(redact, (item.fact, item.command, item.reason))
    return item._replace(fact=fact, command=command, reason=reason)


def _severity(policy: Policy[Any], outcome: Outcome) -> Severity:
    missing = outcome.verdict is Verdict.UNKNOWN and not outcome.found
    own = type(policy).severity
    given = outcome.severity or (missing and policy.unsure) or own
    if policy.severity is own:
        return given
    # Whoever lowers a policy bounds all its findings, and whoever raises it lifts all of them.
    bound = min if RANK[policy.severity] < RANK[own] else max
    return bound(given, policy.severity, key=RANK.__getitem__)


MOST_SHOWN = 10_000
"""Characters of a text of a finding; a longer text repeats a value that is too long to read."""


def _shown(text: str) -> str:
    """The text without secrets, at a length that can be read; cut last, for a cut hides them."""
    shown = redact(text) if text else ""
    return shown if len(shown) <= MOST_SHOWN else shown[:MOST_SHOWN] + "…"


_CODE = tuple(Path(__file__).parents[1] / name for name in ("core", "intake", "kinds"))


def digest(
    policies: Sequence[Policy[Any]], profile: str = FULL, max_age_hours: float | None = None
) -> str:
    """A name for these policies as they are written and set.

    It changes with any file that a verdict depends on (code and data of the policies' packages, of
    the core, and of what reads evidence), with the profile, and with severities and parameters.
    """
    seal = hashlib.sha256(_files(frozenset({*_CODE, *(root_of(type(item)) for item in policies)})))
    seal.update("\0".join(policy.id for policy in policies).encode())
    for policy in policies:
        if policy.values or policy.severity is not type(policy).severity:
            seal.update(f"\0{policy.id} {policy.severity} {sorted(policy.values.items())}".encode())
    seal.update(f"\0{profile} {max_age_hours}".encode())
    return seal.hexdigest()[:16]


@cache
def root_of(kind: type[Policy[Any]]) -> Path:
    """The folder of the package that a policy is in; its file outside of any."""
    top = sys.modules.get(kind.__module__.partition(".")[0])
    folders = getattr(top, "__path__", None)
    return Path(next(iter(folders))) if folders else Path(inspect.getfile(kind))


@cache
def _files(roots: frozenset[Path]) -> bytes:
    seal = hashlib.sha256()
    for root in sorted(roots):
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and path.parent.name not in _BESIDE:
                data = path.read_bytes()
                seal.update(f"\0{path.relative_to(root.parent)}\0{len(data)}\0".encode() + data)
    return seal.digest()


_BESIDE = frozenset({"__pycache__", "cases"})
"""Folders of a package that no verdict depends on."""
