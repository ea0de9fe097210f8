"""The generated page that compares MTC's own validation with the policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from service.core.conditions import CONDITIONS, IN_PART, Upstream
from service.core.known_issues import KNOWN_ISSUES
from service.core.policy import Policy

_HEAD = (
    "Every condition with which MTC's controller validates plans, clusters, repositories, hooks "
    "and migrations, the policies with the same meaning, and what they check beyond it. The "
    "controller validates only when everything is installed and both clusters answer. The "
    "policies check the same from evidence before the migration.",
    "If the evidence contains the conditions of the controller, MTC790 compares: each "
    "disagreement is a finding with severity info.",
)


def coverage(policies: Sequence[Policy[Any]], made: str) -> str:
    """The page; ``made`` is the comment that says how it is made."""
    return "\n".join(_lines(policies, made)) + "\n"


def owners(condition: Upstream, policies: Sequence[Policy[Any]]) -> tuple[Policy[Any], ...]:
    """The policies that judge a condition; none where a reason is given instead."""
    if condition.because:
        return ()
    return tuple(policy for policy in policies if condition.type in policy.upstream)


def _lines(policies: Sequence[Policy[Any]], made: str) -> Iterator[str]:
    yield from ("# Coverage of MTC's own validation", "", made, "")
    yield _HEAD[0]
    yield from ("", _HEAD[1])
    judged = sum(1 for item in CONDITIONS if owners(item, policies))
    text = f"{judged} of {len(CONDITIONS)} conditions are covered by a policy, "
    yield from ("", text + f"{len(IN_PART)} of them only in part, as their rows say.")
    for kind in dict.fromkeys(item.kind for item in CONDITIONS):
        yield from ("", f"## {kind}", "")
        yield "| condition | controller | policy | what is checked beyond it |"
        yield "|---|---|---|---|"
        for item in CONDITIONS:
            if item.kind == kind:
                yield _row(item, policies)
    beyond = [policy for policy in policies if not policy.upstream]
    yield from ("", "## Beyond the controller", "")
    yield from ("| policy | severity | prerequisite |", "|---|---|---|")
    for policy in beyond:
        yield f"| {_link(policy)} | {policy.severity} | {_cell(policy.title)} |"
    yield from _issues(policies)


def _issues(policies: Sequence[Policy[Any]]) -> Iterator[str]:
    """The second table: every documented reason to fail."""
    known = {policy.id: policy for policy in policies}
    judged = sum(1 for item in KNOWN_ISSUES if item.policies)
    yield from ("", "## Documented reasons to fail", "")
    yield (
        f"{judged} of {len(KNOWN_ISSUES)} documented reasons for failed migrations are covered "
        "by a policy, completely or in part."
    )
    yield from ("", "| id | what goes wrong | policy |", "|---|---|---|")
    for item in KNOWN_ISSUES:
        names = ", ".join(_link(known[name]) for name in item.policies)
        yield f"| {item.id} | {_cell(item.title)} | {names or f'– ({item.because})'} |"


def _row(item: Upstream, policies: Sequence[Policy[Any]]) -> str:
    found = owners(item, policies)
    head = f"| `{item.type}` | {item.category} |"
    if not found:
        return f"{head} – | not covered: {_cell(item.because)} |"
    names = ", ".join(f"{_link(policy)} ({policy.severity})" for policy in found)
    better = "; ".join(
        dict.fromkeys(policy.better.rstrip(".") for policy in found if policy.better)
    )
    part = IN_PART.get((item.kind, item.type))
    limit = f"; in part: {_cell(part)}" if part else ""
    return f"{head} {names}{limit} | {_cell(better)} |"


def _link(policy: Policy[Any]) -> str:
    return f"[{policy.id}](policies/{policy.area()}.md#{policy.id.lower()}-{policy.name})"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
