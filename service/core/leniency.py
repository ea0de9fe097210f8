"""Judge by a rule that only advises: the same outcomes, with a lower severity."""

from __future__ import annotations

from collections.abc import Iterator

from service.core.evidence import NotGathered
from service.core.outcome import Outcome, Severity, unknown
from service.kinds.ref import Subject


def softened(
    outcomes: Iterator[Outcome], subject: Subject, severity: Severity = Severity.WARNING
) -> Iterator[Outcome]:
    """The outcomes with this severity; what was not gathered is an unknown of this severity.

    For rules that the documentation demands of one cluster and that are good advice for another.
    """
    try:
        for outcome in outcomes:
            yield outcome._replace(severity=severity)
    except NotGathered as missing:
        facts = "; ".join(item.fact for item in missing.missing)
        yield unknown(
            subject,
            f"not gathered: {facts}",
            *missing.missing,
            key="not-gathered",
            severity=severity,
        )
