"""Whether an object may be written, evaluated by the object alone.

The same policies as everywhere run over a migration of which nothing but the object is known. What
they cannot decide is then unknown, and an unknown never denies; a blocker that still fails does so
because of the object itself.

What is known of the objects around it adds warnings and takes back doubts, but never denies: it
was written down earlier, and a plan may be written before the clusters that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from service.core.engine import judge
from service.core.migration import Migration
from service.core.outcome import Severity, Verdict
from service.core.policy import Policy
from service.core.report import Finding
from service.kinds.ref import Origin, Pointer


@dataclass(frozen=True, slots=True)
class AdmissionDecision:
    """``denials`` are blockers that speak against the object, ``warnings`` everything else."""

    denials: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def allowed(self) -> bool:
        """Whether the object may be written."""
        return not self.denials


def decide(
    migration: Migration,
    policies: Sequence[Policy[Any]],
    before: Callable[[], Migration] | None = None,
    *,
    lenient: bool = False,
    around: Callable[[], Migration] | None = None,
    own: Origin | None = None,
) -> AdmissionDecision:
    """Judge one object, the only evidence of ``migration``.

    ``before`` gives a migration that knows only the same object as it was: what was already wrong
    then is a warning, so that an object with several faults can be fixed step by step. ``around``
    gives a migration that knows the objects around it, too; of what it finds only that counts which
    the object's own document, ``own``, has a part in. ``lenient`` turns every denial into a
    warning. A plan that is closed migrates nothing and is never denied.
    """
    plan = migration.given_plan
    lenient = lenient or (plan is not None and plan.closed)
    found = tuple(_speaking(migration, policies))
    warnings = found if around is None else tuple(_speaking(around(), policies, own))
    certain = tuple(item for item in found if _is_certain(item))
    if lenient or not certain:
        return AdmissionDecision((), warnings)
    old = set(map(_mark, _speaking(before(), policies))) if before is not None else set()
    denials = tuple(item for item in certain if _mark(item) not in old)
    denied = set(map(_mark, denials))
    return AdmissionDecision(denials, tuple(item for item in warnings if _mark(item) not in denied))


def field_of(finding: Finding, own: Origin | None = None) -> str:
    """The JSON pointer to the part of the spec that a finding is about, "" if none.

    ``own`` is the document that counts, None where there is only one.
    """
    return next((item.pointer for item in finding.evidence if _in_spec(item, own)), "")


def _speaking(
    migration: Migration, policies: Sequence[Policy[Any]], own: Origin | None = None
) -> Iterator[Finding]:
    """What is wrong with the spec: failures, and failures of rules that may not concern this
    migration.

    The status is not the writer's doing, and evidence about evidence is no matter here.
    """
    for policy in policies:
        for finding in judge(migration, policy):
            if _is_fail(finding) and field_of(finding, own):
                yield finding


def _is_fail(finding: Finding) -> bool:
    # The engine turns a failure into an unknown where the rule may not concern the migration; only
    # such an unknown still says what was found instead of what was wanted.
    doubted = finding.verdict is Verdict.UNKNOWN and bool(finding.found or finding.wanted)
    return finding.verdict is Verdict.FAIL or doubted


def _is_certain(finding: Finding) -> bool:
    return finding.verdict is Verdict.FAIL and finding.severity is Severity.BLOCKER


def _mark(finding: Finding) -> tuple[str, str]:
    """A new wrong value is a new fault, though the place is the same."""
    return finding.fingerprint, finding.found


def _in_spec(item: Pointer, own: Origin | None) -> bool:
    if own is not None and item.origin != own:
        return False
    return item.pointer == "/spec" or item.pointer.startswith("/spec/")
