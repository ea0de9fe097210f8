"""Which open prerequisite a finding waits for: what its policy builds on, and is not met itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from service.core.deadline import paced
from service.core.outcome import Severity, Verdict
from service.core.policy import Policy
from service.core.report import Finding

_OPEN = (Verdict.FAIL, Verdict.UNKNOWN)
_WHOLE = frozenset({"MigPlan", "Migration"})
"""Kinds of subjects that are of no single cluster."""


def with_roots(
    findings: Sequence[Finding], policies: Iterable[Policy[Any]], names: Mapping[str, str]
) -> tuple[Finding, ...]:
    """The findings, each with the fingerprints of the blockers that it waits for.

    It waits for a failed blocker of a policy that its own one requires, directly or through
    others, about a cluster that the finding is about or lacks something of. For one about the plan
    as a whole, only unknown findings wait: what fails fails beside it. It waits for an unknown
    blocker where both lack one of the same facts. Only blockers that wait for no other are named.
    ``names`` are the names of the clusters by role.
    """
    required = {policy.id: policy.requires for policy in policies}
    asked = {name for row in required.values() for name in row}
    blockers: dict[str, list[Finding]] = {}
    for finding in findings:
        blocks = finding.severity is Severity.BLOCKER and finding.verdict in _OPEN
        if blocks and finding.policy in asked:
            blockers.setdefault(finding.policy, []).append(finding)

    @cache
    def below(policy: str) -> tuple[str, ...]:
        """What a policy builds on, and what that builds on."""
        found = list(required.get(policy, ()))
        for name in found:  # grows while it is walked
            found += [one for one in required.get(name, ()) if one not in found]
        return tuple(name for name in found if name != policy)

    def parents(finding: Finding) -> list[Finding]:
        found = (one for name in below(finding.policy) for one in blockers.get(name, ()))
        return [one for one in found if _waits(finding, one, names)]

    roots = {one.fingerprint for row in blockers.values() for one in row if not parents(one)}
    return tuple(
        item._replace(
            waits_for=tuple(one.fingerprint for one in parents(item) if one.fingerprint in roots)
        )
        if blockers and item.verdict in _OPEN
        else item
        for item in paced(findings)
    )


def _waits(finding: Finding, root: Finding, names: Mapping[str, str]) -> bool:
    if root.verdict is Verdict.UNKNOWN:
        facts = {(one.cluster, one.fact) for one in root.missing}
        return any((one.cluster, one.fact) in facts for one in finding.missing)
    subject, _ = root.identity
    if subject.kind in _WHOLE:
        return finding.verdict is Verdict.UNKNOWN
    lacking = {names.get(one.cluster, one.cluster) for one in finding.missing}
    return subject.cluster in {finding.subject.cluster, *lacking}
