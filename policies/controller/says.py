"""What the controller itself says of the plan, held against what the policies find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies import links
from policies.plan.plan_policies import PLAN_READS
from service.core.conditions import CONDITIONS, FAULTS
from service.core.evidence import NotGathered
from service.core.facts import plan_refs
from service.core.facts.plan_refs import plan_storage, reported_ready, side_cluster
from service.core.facts.reach import holds
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, Verdict, failed, passed
from service.core.policy import CrossCheck, Judged, NotApplicable, Policy
from service.core.report import Finding
from service.core.values.wording import few, plural
from service.kinds.mtc import MIG_CLUSTER, MIG_HOOK, MTC_NAMESPACE
from service.kinds.ref import Ref
from service.kinds.resource import Read
from service.kinds.shape import Condition

EARLY = (
    "InvalidSourceClusterRef",
    "InvalidDestinationClusterRef",
    "SourceClusterNotReady",
    "DestinationClusterNotReady",
    "NamespaceListEmpty",
    "ReconcileFailed",
    "Suspended",
)
"""Conditions of a plan under which the controller has not looked at the rest of it."""


@dataclass(frozen=True, slots=True)
class Conditioned:
    """An object with the controller's conditions; ``cluster`` is the name of the one it is about.

    "" where it is about no single cluster.
    """

    ref: Ref
    conditions: Mapping[str, Condition]
    cluster: str = ""

    @property
    def whole(self) -> bool:
        """Whether the controller has looked at all of it, so that its silence is a pass."""
        if reported_ready(self.conditions):
            return holds(self.conditions, "Suspended") is None
        return self.ref.kind == "MigPlan" and not any(
            holds(self.conditions, kind) for kind in EARLY
        )


class ControllerAgrees(CrossCheck):
    """The conditions of the controller and the findings of the policies agree.

    Compared are conditions that say that something is wrong, with the policies of the same meaning.
    A disagreement has a good reason as a rule: a policy that is stricter or knows more, evidence
    and status of different times, or a fault of one of the two. A policy with several condition
    types disagrees only where none of them is there, because a finding does not say which of them
    it is.
    """

    id = "MTC790"
    name = "controller-agrees"
    title = "The MTC controller and these policies agree"
    why = "One of the two is stricter, out of date or wrong. Find out which."
    severity = Severity.INFO
    reads = (*PLAN_READS, *plan_refs.READS, Read(MIG_HOOK, MTC_NAMESPACE))
    remedy = (
        "Compare both messages. Set spec.refresh: true so that the controller validates again, "
        "or collect the evidence again."
    )
    docs = (links.ABOUT,)
    source = "mig-controller status.conditions of MigPlan, MigCluster, MigStorage and MigHook"
    better = "Names both sides."

    def check(self, migration: Migration, subject: Judged) -> Iterator[Outcome]:
        if not any(policy.upstream for policy in subject.policies):
            raise NotApplicable("no policy that MTC has a condition for was evaluated")
        reporting = list(_with_conditions(migration))
        if not reporting:
            _nothing(migration)
        by_policy: dict[str, list[Finding]] = {}
        for finding in subject.findings:
            by_policy.setdefault(finding.policy, []).append(finding)
        seen: set[str] = set()
        carried = {
            kind for item in reporting for kind in item.conditions if holds(item.conditions, kind)
        }
        for item in reporting:
            outcomes = list(_compared(item, subject.policies, by_policy, carried, seen))
            yield from outcomes
            if not outcomes:
                yield passed(
                    item.ref.subject,
                    f"the controller and the policies agree on {item.ref.kind} {item.ref.name} "
                    f"({plural(len(item.conditions), 'condition')})",
                    examined=len(item.conditions),
                )


def _nothing(migration: Migration) -> None:
    """Raise what there is to say where no object has conditions."""
    if migration.given_plan is not None or migration.host.known(MIG_CLUSTER):
        raise NotApplicable("the evidence contains no status of the MTC controller")
    kinds = "migplans,migclusters,migstorages,mighooks"
    raise migration.host.missing(
        "the conditions of the MTC controller", f"oc get {kinds} -n {MTC_NAMESPACE} -o json"
    )


def _with_conditions(migration: Migration) -> Iterator[Conditioned]:
    """The objects of this migration that the controller has written conditions to."""
    plan = migration.given_plan
    if plan is not None and plan.conditions:
        yield Conditioned(plan.ref, plan.conditions)
    seen: set[Ref] = set()
    for cluster in (migration.source, migration.destination):
        try:
            item = side_cluster(migration, cluster)
        except (NotGathered, NotApplicable):
            continue
        if item.conditions and item.ref not in seen:
            seen.add(item.ref)
            yield Conditioned(item.ref, item.conditions, cluster.name)
    try:
        storage = plan_storage(migration)
    except (NotGathered, NotApplicable):
        storage = None
    if storage is not None and storage.conditions:
        yield Conditioned(storage.ref, storage.conditions)
    used = {(use.reference.namespace, use.reference.name) for use in plan.hooks} if plan else set()
    for hook in migration.host.known(MIG_HOOK):
        if hook.conditions and (hook.ref.namespace, hook.ref.name) in used:
            yield Conditioned(hook.ref, hook.conditions)


def _compared(
    item: Conditioned,
    policies: tuple[Policy[Any], ...],
    findings: Mapping[str, list[Finding]],
    carried: set[str],
    seen: set[str],
) -> Iterator[Outcome]:
    """The disagreements about one object; ``seen`` gets the findings that were reported.

    ``carried`` are the conditions that any object of the migration has: the plan repeats some of
    those of a cluster.
    """
    types = [
        entry
        for entry in CONDITIONS
        if entry.kind == item.ref.kind and entry.category in FAULTS and not entry.because
    ]
    names = {entry.type for entry in types}
    for entry in types:
        condition = holds(item.conditions, entry.type)
        if condition is not None:
            yield from _only_controller(item, condition, policies, findings)
    if not item.whole:
        return
    for policy in policies:
        ours = names.intersection(policy.upstream)
        if ours and carried.isdisjoint(policy.upstream):
            fails = [
                finding
                for finding in _about(item, findings.get(policy.id, ()))
                if finding.verdict is Verdict.FAIL
                and finding.severity is not Severity.INFO
                and finding.fingerprint not in seen
            ]
            if fails:
                seen.update(finding.fingerprint for finding in fails)
                yield _only_policy(item, policy, fails)


def _only_controller(
    item: Conditioned,
    condition: Condition,
    policies: tuple[Policy[Any], ...],
    findings: Mapping[str, list[Finding]],
) -> Iterator[Outcome]:
    """The controller says that something is wrong, and every policy that judges it passes."""
    owners = [policy for policy in policies if condition.type in policy.upstream]
    ours = [finding for policy in owners for finding in _about(item, findings.get(policy.id, ()))]
    good = (Verdict.PASS, Verdict.NOT_APPLICABLE)
    if not any(finding.verdict is Verdict.PASS for finding in ours):
        return
    if any(
        finding.verdict not in good and finding.severity is not Severity.INFO for finding in ours
    ):
        return
    names = ", ".join(policy.id for policy in owners)
    yield failed(
        item.ref.subject,
        f"the controller reports {condition.type} "
        f"({condition.message or condition.reason or '-'}) for {item.ref.kind} {item.ref.name}, "
        f"but {names} found no problem",
        item.ref.at("/status/conditions", condition.type),
        found=f"controller: {condition.type}",
        wanted=f"{names}: pass",
        key=f"controller {condition.type}",
    )


def _only_policy(item: Conditioned, policy: Policy[Any], fails: list[Finding]) -> Outcome:
    """A policy fails, but the controller, which has validated, does not report it."""
    text = fails[0].message + (f" (and {len(fails) - 1} more)" if len(fails) > 1 else "")
    better = f" {policy.better}" if policy.better else ""
    return failed(
        item.ref.subject,
        f"{policy.id} ({policy.name}) fails: {text}; the controller does not report this for "
        f"{item.ref.kind} {item.ref.name}.{better}",
        item.ref.at("/status/conditions", few(sorted(item.conditions))),
        found=f"{policy.id}: fail",
        wanted=f"controller: {few(policy.upstream)}",
        key=f"policy {policy.id}",
    )


def _about(item: Conditioned, findings: Any) -> list[Finding]:
    """Those of the findings that are about an object, or about the cluster that it represents."""
    if item.ref.kind == "MigPlan":
        return list(findings)
    subject = item.ref.subject
    if item.ref.kind == "MigStorage":
        return [one for one in findings if one.subject.kind != "MigHook"]
    return [
        one
        for one in findings
        if one.subject == subject
        or (one.subject.cluster == item.cluster and one.subject.kind != "MigCluster")
    ]
