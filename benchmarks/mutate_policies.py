"""Mutate the policies and see whether their cases notice.

    python benchmarks/mutate_policies.py [MTC710 …] [--workers N]

Every decision in the code that a policy class runs on (the class and the functions of its module
that it calls) is turned round, one at a time: a test of ``if``, ``elif``, a conditional
expression is negated, a comparison is turned into its opposite or, of two sizes, moved by the
edge, ``and`` becomes ``or``. The policy's cases
(tests/cases/<ID>.yaml) are then judged again. A mutant that leaves every expectation true has
survived: either a case is missing, or the decision does not matter. Where it changes the wording,
the evidence or the commands of a finding and nothing that cases compare, it is counted apart.
"""

from __future__ import annotations

import argparse
import ast
import copy
import io
import json
import logging
import multiprocessing
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
CASES = ROOT / "tests" / "cases"

_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_EDGE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
"""An opposite is noticed by nearly any case; a shifted edge by a case at the edge only."""


@dataclass(frozen=True)
class Site:
    """One place that can be mutated: which node of the module's tree, and how."""

    number: int
    line: int
    how: str
    text: str


def sites(tree: ast.Module, wanted: set[str]) -> Iterator[Site]:
    """Every mutation of the functions and classes of these names, in order."""
    for number, node in enumerate(ast.walk(tree)):
        if owner(tree, node) not in wanted:
            continue
        for how in ways(node):
            yield Site(number, node.lineno, how, ast.unparse(shown(node))[:70])  # type: ignore[attr-defined]


def shown(node: ast.AST) -> ast.AST:
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        return node.test
    return node


def ways(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "negate"
    if isinstance(node, ast.BoolOp):
        yield "swap and/or"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        if type(node.ops[0]) in _OPPOSITE:
            yield "opposite"
        if type(node.ops[0]) in _EDGE:
            yield "edge"


def owner(tree: ast.Module, node: ast.AST) -> str:
    """The name of the top-level definition that a node stands in."""
    line = getattr(node, "lineno", 0)
    for item in tree.body:
        if isinstance(item, ast.FunctionDef | ast.ClassDef):
            first = min([item.lineno, *(d.lineno for d in item.decorator_list)])
            if first <= line <= (item.end_lineno or 0):
                return item.name
    return ""


def mutate(tree: ast.Module, site: Site) -> ast.Module:
    """A copy of the tree with one mutation."""
    made = copy.deepcopy(tree)
    node: Any = next(n for i, n in enumerate(ast.walk(made)) if i == site.number)
    if site.how == "negate":
        node.test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
    elif site.how == "swap and/or":
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    else:
        table = _OPPOSITE if site.how == "opposite" else _EDGE
        node.ops = [table[type(node.ops[0])]()]
    return ast.fix_missing_locations(made)


def reached(tree: ast.Module, name: str) -> set[str]:
    """The definitions of the module that a class runs on, itself included."""
    defined = {
        item.name: item for item in tree.body if isinstance(item, ast.FunctionDef | ast.ClassDef)
    }
    found: set[str] = set()
    waiting = [name]
    while waiting:
        now = waiting.pop()
        if now in found or now not in defined:
            continue
        found.add(now)
        waiting += [
            item.id for item in ast.walk(defined[now])
            if isinstance(item, ast.Name) and item.id in defined
        ]  # fmt: skip
    return found


Case = tuple[dict[str, Any], Any]
"""A case, and what makes its migration."""


def results(policy: Any, cases: list[Case]) -> list[list[Any]] | None:
    """Every finding of every case, in full; None where an expectation is not met."""
    from policy_cases import found

    from service.case_harness import shown, wanted

    full = []
    for case, migration in cases:
        try:
            findings = found(migration(), policy)
        except Exception:
            return None
        if [shown(item) for item in findings] != [wanted(policy, row) for row in case["expect"]]:
            return None
        full.append([told(item) for item in findings])
    return full


def told(finding: Any) -> tuple[Any, ...]:
    """Everything that a policy decides about a finding."""
    names = ("verdict", "severity", "subject", "key", "message", "found", "wanted", "evidence",
             "commands", "missing", "observed", "examined")  # fmt: skip
    return tuple(getattr(finding, name) for name in names)


def load(policy_id: str) -> list[Case]:
    """The cases of a policy with a maker of their migrations."""
    import yaml

    from service.intake.parts import read_body
    from service.intake.pieces import Piece

    file = CASES / f"{policy_id}.yaml"
    rows = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)

    def maker(case: dict[str, Any]) -> Any:
        envelope = json.dumps(case["given"], default=str).encode()
        return lambda: read_body(Piece("envelope", io.BytesIO(envelope)), {}).migration

    return [(case, maker(case)) for case in rows]


@dataclass
class Tried:
    """What became of a policy's mutants: ``worded`` changed nothing but texts and evidence."""

    policy: str
    mutants: int = 0
    worded: int = 0
    survivors: list[Site] = field(default_factory=list)


def try_policy(policy_id: str) -> Tried:
    """Judge every mutant of a policy by the policy's cases."""
    from policies import catalogue

    logging.disable(logging.CRITICAL)  # many mutants fail inside of the policy, which is logged
    policy: Any = next(item for item in catalogue() if item.id == policy_id)
    module = import_module(type(policy).__module__)
    path = Path(str(module.__file__))
    tree = ast.parse(path.read_text("utf-8"))
    cases = load(policy_id)
    before = results(policy, cases)
    if before is None:
        raise SystemExit(f"the cases of {policy_id} fail without a mutation")
    tried = Tried(policy_id)
    name = type(policy).__name__
    for site in sites(tree, reached(tree, name)):
        tried.mutants += 1
        # What other modules import of this one (facts, other policies) stays as it is.
        space: dict[str, Any] = {"__name__": module.__name__, "__file__": str(path)}
        try:
            exec(compile(mutate(tree, site), str(path), "exec"), space)
        except Exception:
            continue  # a mutant that cannot even be loaded is noticed
        after = results(space[name](), cases)
        if after == before:
            tried.survivors.append(site)
        elif after is not None:
            tried.worded += 1
    return tried


def main() -> None:
    """Mutate the policies that are named, or all."""
    from policies import catalogue

    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("ids", nargs="*", help="ids of policies; all without")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    ids = options.ids or [policy.id for policy in catalogue()]
    total = worded = survived = 0
    with multiprocessing.get_context("spawn").Pool(options.workers, maxtasksperchild=1) as pool:
        for tried in pool.imap(try_policy, ids):
            total += tried.mutants
            worded += tried.worded
            survived += len(tried.survivors)
            print(
                f"{tried.policy}: {tried.mutants} mutants, {tried.worded} in wording only, "
                f"{len(tried.survivors)} survived",
                flush=True,
            )
            for site in tried.survivors:
                print(f"    line {site.line}: {site.how}: {site.text}", flush=True)
    print(f"{total} mutants, {worded} in wording only, {survived} survived")


if __name__ == "__main__":
    main()
