"""From a migration to a decided report: judge, waive, compare, decide, in the one right order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.core.decision import delta, gate, waiver_form, waivers
from service.core.decision.marks import Waiver
from service.core.engine import evaluate
from service.core.migration import Migration
from service.core.policy import Policy
from service.core.report import Report
from service.core.scope import WHOLE, Scope


def assess(
    migration: Migration,
    policies: Sequence[Policy[Any]],
    rules: gate.Gate,
    accepted: object = None,
    previous: object = None,
    standing: Sequence[Waiver] = (),
    scope: Scope = WHOLE,
) -> Report:
    """The report with waivers in effect, the change since before, and the gate's decision.

    ``accepted`` are waivers as plain data: a list, or an object that holds one as ``waivers``.
    ``standing`` are waivers that hold anyway; those of ``accepted`` come first.
    ``scope`` says how the policies were chosen; waivers may name those that it skipped.
    ``previous`` is an earlier report as plain data. Waivers come before the comparison, so that
    a finding that became waived shows as changed, and the gate sees both.
    Raises MalformedWaiver, MalformedPrevious, NoPrevious.
    """
    names = {item.policy: item.name for item in scope.skipped}
    names |= {policy.id: policy.name for policy in policies}
    held = waiver_form.parse(_list(accepted), names)
    before = None if previous is None else delta.parse(previous)
    report = waivers.apply(evaluate(migration, policies, scope), (*held, *standing))
    if before is not None:
        report = delta.compare(report, before)
    return gate.decide(report, rules)


def _list(accepted: object) -> object:
    if isinstance(accepted, Mapping) and set(accepted) == {"waivers"}:
        return accepted["waivers"]
    return accepted
