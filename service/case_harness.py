"""The cases of a policy as data, and what the policy makes of them.

One harness for the product's own policies and for those of packs: ``mtc-preflight test-policies``
and the product's tests call the same functions.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

import yaml

from service.core.engine import NOT_GATHERED, judge, judge_all
from service.core.migration import Migration
from service.core.policy import CrossCheck, Policy
from service.core.report import Finding
from service.examples import Summary
from service.intake.parts import read_body
from service.intake.pieces import Piece
from service.kinds.redact import redact

_MARK = re.compile(r""" && echo (['"])--- \{complete: \[[^]]*\]\}\1""")
_TEMPLATE = re.compile(r"go-template='- {[^']*'|go-template='apiVersion[^']*'")
_WEIGHTS = ("fail", "error", "unknown", "waived", "pass", "not_applicable")
"""The verdicts, the most important first."""
_KEYS = frozenset({"name", "given", "expect"})
AS_OF = "2031-05-05T05:05:00Z"
"""When cases are judged that name no ``asOf``: in years, so that dates which matter show."""


class BadCases(ValueError):
    """A file of cases that cannot be used, in words."""


def read_cases(file: Path) -> tuple[dict[str, Any], ...]:
    """The cases of a file. Raises BadCases."""
    try:
        found = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except OSError as error:
        raise BadCases(f"{file.name}: {error.strerror or 'cannot be read'}") from None
    except yaml.YAMLError as error:
        raise BadCases(f"{file.name}: is no YAML: {error}") from None
    if not isinstance(found, list) or not all(isinstance(case, dict) for case in found):
        raise BadCases(f"{file.name}: expected a list of cases")
    for number, case in enumerate(found, 1):
        rows = case.get("expect")
        if set(case) != _KEYS or not isinstance(rows, list) or not rows:
            raise BadCases(f"{file.name}: case {number}: wanted name, given and expect")
        if not all(isinstance(row, dict) and {"verdict", "subject"} <= set(row) for row in rows):
            text = "each of expect needs a verdict and a subject"
            raise BadCases(f"{file.name}: case {case['name']}: {text}")
        wrong = {row["verdict"] for row in rows} - set(_WEIGHTS)
        if wrong:
            text = f"no verdict is called {wrong.pop()!r}; there are {', '.join(_WEIGHTS)}"
            raise BadCases(f"{file.name}: case {case['name']}: {text}")
    return tuple(found)


def summaries(cases: Sequence[Mapping[str, Any]]) -> tuple[Summary, ...]:
    """The cases in short, in their order, each with the most important of its verdicts."""
    found = []
    for case in cases:
        verdicts = {row["verdict"] for row in case["expect"]}
        found.append(Summary(min(verdicts, key=_WEIGHTS.index), str(case["name"])))
    return tuple(found)


def summary_page(cases: Path) -> str:
    """The cases of a folder in short, as JSON with a line for each policy."""
    rows = [
        f"{json.dumps(file.stem)}: {json.dumps(summaries(read_cases(file)), ensure_ascii=False)}"
        for file in sorted(cases.glob("*.yaml"))
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def migration_of(case: Mapping[str, Any]) -> Migration:
    """The migration that a case gives, as an envelope would."""
    given = case["given"]
    options = given.get("options") if isinstance(given, dict) else None
    dated = isinstance(options, dict) and "asOf" in options
    envelope = json.dumps(given, default=str).encode()
    asked = {} if dated else {"as_of": AS_OF}
    return read_body(Piece("envelope", io.BytesIO(envelope)), asked).migration


def findings_of(
    migration: Migration, policy: Policy[Any], policies: Sequence[Policy[Any]]
) -> list[Finding]:
    """The policy's findings; a cross-check needs those of all ``policies``."""
    if not isinstance(policy, CrossCheck):
        return list(judge(migration, policy))
    asked = [policy if item.id == policy.id else item for item in policies]
    return [item for item in judge_all(migration, asked) if item.policy == policy.id]


def plain(command: str) -> str:
    """A command as cases write it: without what makes an empty answer of it conclusive, and
    without the template that keeps the values of secrets back."""
    plainly = _TEMPLATE.sub("json", command)
    return _MARK.sub("", plainly).replace(" --ignore-not-found", "")


def shown(finding: Finding) -> dict[str, Any]:
    """A finding in the terms of a case."""
    return {
        "verdict": finding.verdict.value,
        "subject": str(finding.subject),
        "severity": finding.severity.value,
        "key": finding.key,
        "found": finding.found,
        "missing": [plain(item.command) for item in finding.missing],
    }


def wanted(policy: Policy[Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """What a case expects, with the defaults of what it leaves out."""
    engine_made = row["verdict"] == "unknown" and "key" not in row
    return {
        "verdict": row["verdict"],
        "subject": row["subject"],
        "severity": row.get("severity", policy.severity.value),
        "key": NOT_GATHERED if engine_made else row.get("key", ""),
        "found": row.get("found", ""),
        "missing": row.get("missing", []),
    }


def case_faults(
    policy: Policy[Any], case: Mapping[str, Any], policies: Sequence[Policy[Any]]
) -> Iterator[str]:
    """What a policy makes of a case that the case does not expect, each in words."""
    migration = migration_of(case)
    findings = findings_of(migration, policy, policies)
    got = [shown(finding) for finding in findings]
    expected = [wanted(policy, row) for row in case["expect"]]
    if got != expected:
        yield "\n".join((*_difference(expected, got), *_messages(findings)))
    # What hides secrets must leave the commands as they are, or they cannot be run.
    for command in (item.command for finding in findings for item in finding.missing):
        if redact(command) != command:
            yield f"the command {command!r} is redacted and cannot be run"
    marks = [finding.fingerprint for finding in findings]
    if len(set(marks)) != len(marks):
        yield "two findings have the same identity: give them different keys"
    roots = [finding.root for finding in findings]
    if policy.single and len(set(roots)) != len(roots):
        yield "a single policy has two results for one item"


def _difference(expected: object, got: object) -> Iterator[str]:
    one, other = (yaml.safe_dump(side, sort_keys=False).splitlines() for side in (expected, got))
    yield from unified_diff(one, other, "expected", "found", lineterm="", n=9)


def _messages(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.verdict}: {finding.message}"


def coverage_faults(policy: Policy[Any], cases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The cases that a policy lacks: a pass, two fails (one with two offenders), an unknown."""
    verdicts = [[row["verdict"] for row in case["expect"]] for case in cases]
    if not any("pass" in case for case in verdicts):
        yield "no case passes"
    if sum("fail" in case for case in verdicts) < 2:
        yield "fewer than two cases fail"
    if not policy.single and not any(case.count("fail") >= 2 for case in verdicts):
        yield "no case has two offenders"
    if not any("unknown" in case for case in verdicts):
        yield "no case is unknown: leave the evidence out"
    names = [case["name"] for case in cases]
    if len(set(names)) != len(names):
        yield "two cases have the same name"
