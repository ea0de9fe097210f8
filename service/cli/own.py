"""`mtc-preflight new-policy` and `test-policies`: policies of your own, from their start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import click

from service.cli import exits
from service.cli.exits import Refusal

if TYPE_CHECKING:
    from service.core.policy import Policy

_ID = re.compile(r"[A-Z][A-Z0-9]*[A-Z]\d{3,4}")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@click.command("new-policy")
@click.argument("id")
@click.option("--name", default="", metavar="NAME", help="Default: the id in lower case.")
@click.option(
    "--folder", default=".", type=click.Path(file_okay=False), metavar="DIR", help="Of the pack."
)
def new_policy(id: str, name: str, folder: str) -> None:
    """Write a policy and its cases, which pass, to start from.

    ID has a prefix of your own and three or four digits, such as ACME101.
    """
    name = name or id.lower()
    if not _ID.fullmatch(id) or re.fullmatch(r"MTC\d+", id):
        raise Refusal(f"{id!r} is no id", "expected a prefix of your own and digits, as in ACME101")
    if not _NAME.fullmatch(name):
        raise Refusal(f"{name!r} is no name", "expected words with hyphens, as in cost-centre")
    words = {
        "id": id,
        "name": name,
        "kind": "".join(word.capitalize() for word in name.split("-")),
        "title": "Every namespace of the plan carries a cost centre",
    }
    targets = {
        Path(folder) / f"{name.replace('-', '_')}.py": "policy.py.txt",
        Path(folder) / "cases" / f"{id}.yaml": "cases.yaml.txt",
    }
    for path in targets:
        if path.exists():
            raise Refusal(f"{path} is there already", "nothing was written")
    for path, template in targets.items():
        text = files("service.cli").joinpath("templates", template).read_text("utf-8")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(words), "utf-8")
        except OSError as error:
            raise Refusal(f"{path}: {error.strerror or 'cannot be written'}") from None
        click.echo(f"wrote {path}")
    click.echo(f"next: mtc-preflight test-policies {folder}")


@click.command("test-policies")
@click.argument("folder", type=click.Path(file_okay=False))
def test_policies(folder: str) -> int:
    """Run the cases of the policies in a folder (FOLDER/cases/ID.yaml).

    Exit status: 0 all cases pass, 1 some do not, 3 the folder cannot be used.
    """
    from policies import catalogue
    from service.packs import PackError, load_packs

    try:
        pack = load_packs([folder], catalogue(), installed=False)
    except PackError as error:
        first, *rest = error.faults
        raise Refusal(first, "", *((item, "") for item in rest)) from None
    status = exits.READY
    everything = (*catalogue(), *pack)
    cases = Path(folder) / "cases"
    known = {policy.id for policy in pack}
    for file in sorted(cases.glob("*.yaml")):
        if file.stem not in known:
            click.echo(f"{file}: there is no policy {file.stem}")
            status = exits.NOT_READY
    for policy in pack:
        faults = list(_faults(policy, cases / f"{policy.id}.yaml", everything))
        click.echo(f"{policy.id} {policy.name}: {'fails' if faults else 'passes'}")
        for fault in faults:
            click.echo("\n".join(f"  {line}" for line in fault.splitlines()))
        status = exits.NOT_READY if faults else status
    return status


def _faults(policy: Policy[Any], file: Path, everything: tuple[Policy[Any], ...]) -> Iterator[str]:
    from service import case_harness

    try:
        cases = case_harness.read_cases(file)
    except case_harness.BadCases as error:
        yield str(error)
        return
    yield from case_harness.coverage_faults(policy, cases)
    for case in cases:
        for fault in case_harness.case_faults(policy, case, everything):
            yield f"case {case['name']}:\n{fault}"
