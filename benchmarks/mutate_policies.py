"""Mutate the policies and see whether their cases notice.

    python benchmarks/mutate_policies.py [MTC710 …] [--workers N]

Every decision in the code that a policy class runs on (the class and the functions of its module
that it calls) is turned round, one at a time: a test of ``if``, ``elif``, a conditional
expression is negated, a comparison is turned into its opposite or, of two sizes, moved by the
edge, ``and`` becomes ``or``. The policy's cases
(tests/cases/<ID>.yaml) are then judged again. A mutant that leaves every expectation true has
survived: either a case is missing, or the decision does not matter.
"""

from __future__ import annotations

import argparse
import ast
import copy
import io
import json
import multiprocessing
import sys
from collections.abc import Iterator
from dataclasses import dataclass
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


def cases_hold(policy: Any, cases: list[tuple[dict[str, Any], Any]]) -> bool:
    """Whether every case still gives what it expects."""
    from test_policies import found, shown, wanted

    for case, migration in cases:
        try:
            got = [shown(finding) for finding in found(migration(), policy)]
        except Exception:
            return False
        if got != [wanted(policy, row) for row in case["expect"]]:
            return False
    return True


def load(policy_id: str) -> list[tuple[dict[str, Any], Any]]:
    """The cases of a policy with a maker of their migrations."""
    import yaml

    from service.ingest.bundle import read_body
    from service.ingest.pieces import Piece

    file = CASES / f"{policy_id}.yaml"
    rows = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)

    def maker(case: dict[str, Any]) -> Any:
        envelope = json.dumps(case["given"], default=str).encode()
        return lambda: read_body(Piece("envelope", io.BytesIO(envelope)), {}).migration

    return [(case, maker(case)) for case in rows]


def try_policy(policy_id: str) -> tuple[str, int, list[Site]]:
    """How many mutants of a policy there are, and which survived."""
    from policies import catalogue

    policy: Any = next(item for item in catalogue() if item.id == policy_id)
    module = import_module(type(policy).__module__)
    path = Path(str(module.__file__))
    tree = ast.parse(path.read_text("utf-8"))
    cases = load(policy_id)
    if not cases_hold(policy, cases):
        raise SystemExit(f"the cases of {policy_id} fail without a mutation")
    survivors, count = [], 0
    kept = dict(vars(module))
    name = type(policy).__name__
    for site in sites(tree, reached(tree, name)):
        count += 1
        space: dict[str, Any] = {"__name__": module.__name__, "__file__": str(path)}
        try:
            exec(compile(mutate(tree, site), str(path), "exec"), space)
        except Exception:
            continue  # a mutant that cannot even be loaded is noticed
        # What other modules import of this one (facts, other policies) stays as it is.
        if cases_hold(space[name](), cases):
            survivors.append(site)
    vars(module).update(kept)
    return policy_id, count, survivors


def main() -> None:
    """Mutate the policies that are named, or all."""
    from policies import catalogue

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("ids", nargs="*", help="ids of policies; all without")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    ids = options.ids or [policy.id for policy in catalogue()]
    total = survived = 0
    with multiprocessing.get_context("spawn").Pool(options.workers, maxtasksperchild=1) as pool:
        for policy_id, count, survivors in pool.imap(try_policy, ids):
            total += count
            survived += len(survivors)
            print(f"{policy_id}: {count} mutants, {len(survivors)} survived", flush=True)
            for site in survivors:
                print(f"    line {site.line}: {site.how}: {site.text}", flush=True)
    print(
        f"{total} mutants, {survived} survived ({100 * (total - survived) / max(total, 1):.1f} %"
        " noticed)"
    )


if __name__ == "__main__":
    main()
