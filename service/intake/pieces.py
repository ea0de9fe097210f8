"""What a request is made of, and how it can be no input at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from service.core.evidence import Problem

CLUSTER_PARTS = ("source", "destination", "host")
"""Parts that hold the evidence of a cluster."""
OBJECT_PARTS = ("plan", "storage", "controller")
"""Parts that hold MTC's own resources; they belong to the host cluster."""
OTHER_PARTS = ("probes", "waivers", "graph", "envelope", "options", "baseline")
ONCE = ("waivers", "baseline", "options")
"""Parts that come once; every other may come more than once."""
PART_NAMES = CLUSTER_PARTS + OBJECT_PARTS + OTHER_PARTS


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a request or one file: its role by name, its bytes, and what it claims to be."""

    name: str
    stream: BinaryIO
    filename: str = ""
    media_type: str = ""


class BadInput(Exception):
    """The request as a whole cannot be evaluated; ``problems`` say why, all at once.

    ``kind`` is ``bad-request`` (the form of the request is wrong), or ``unprocessable``
    (its parts could be read and are not what they should be).
    """

    def __init__(self, kind: str, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.kind = kind
        self.problems = problems


def no_plan() -> Problem:
    """The problem of a request whose part for the plan has none, though it can be read."""
    return Problem(
        "no-plan",
        "the plan that was given has no MigPlan",
        "send the output of: oc get migplan NAME -n openshift-migration -o yaml",
        part="plan",
    )


def nothing_given() -> Problem:
    """The problem of a request that holds nothing to evaluate."""
    return Problem(
        "nothing-given",
        "there is nothing to evaluate",
        "post an envelope, or parts: curl -F source=@source.tar.gz -F destination=@destination.yaml"
        " -F plan=@plan.yaml",
    )
