"""`mtc-preflight lint`: manifests of MTC that are kept in a repository, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.exits import NOT_READY, READY, Refusal
from service.cli.loading import packs, reads, settings_of

if TYPE_CHECKING:
    from service.core.policy import Policy
    from service.core.report import Finding
    from service.settings import Settings

GROUP = b"migration.openshift.io"
_KINDS = ("MigPlan", "MigrationController")


@click.command()
@packs
@click.argument("files", nargs=-1, metavar="FILE...")
def lint(files: tuple[str, ...]) -> int:
    """Check the MigPlans and MigrationControllers in files, without clusters.

    Prints what fails by the manifest alone. Other files are passed over, so that a hook can give
    every file of a commit. Exit status: 0 no blocker fails, 1 one does, 3 a file is unreadable.
    """
    from service.cli.loading import policies
    from service.core.outcome import Severity

    known, settings = policies(), settings_of()
    found = [(path, item) for path in files for item in _failures(path, known, settings)]
    for path, item in found:
        line = item.evidence[0].line if item.evidence else None
        place = f"{path}:{line}" if line else path
        click.echo(
            f"{place}: {item.policy} {item.severity}: {item.subject.local_name}: {item.message}"
        )
        click.echo(f"    {item.remedy}")
    return NOT_READY if any(item.severity is Severity.BLOCKER for _, item in found) else READY


def _failures(
    path: str, policies: tuple[Policy[Any], ...], settings: Settings
) -> Iterator[Finding]:
    """The failures of a file, for each plan in it. Raises Refusal."""
    from service.cli.inputs import read
    from service.core.engine import evaluate
    from service.core.outcome import Verdict

    plans = _plans(path, settings)
    shown: set[str] = set()
    for plan in plans:
        options = {"plan_name": plan} if plan else {}
        bundle = read([("destination", path)], options, settings.limits, reads())
        if any(problem.blocks for problem in bundle.problems):
            raise Refusal(f"{path}: {bundle.problems[0].message}")
        report = bundle.sources.add_lines(evaluate(bundle.migration, policies))
        for item in report.findings:
            if item.verdict is Verdict.FAIL and item.fingerprint not in shown:
                shown.add(item.fingerprint)
                yield item


def _plans(path: str, settings: Settings) -> list[str]:
    """The plans of a file by NAMESPACE/NAME, "" where it has none but a controller."""
    from service.intake.intake_errors import Unreadable
    from service.intake.texts.load import load

    try:
        data = Path(path).read_bytes()
        documents = list(load(data, settings.limits, yaml_claimed=True))
        errors = [item.error for item in documents if item.error is not None]
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror}") from None
    except Unreadable as error:
        documents, errors = [], [error]
    if errors and GROUP in data:
        raise Refusal(f"{path}:{errors[0].line or 1}: {errors[0].message}", errors[0].hint)
    objects = [item for document in documents for item in _objects(document.value)]
    plans = [_name(item) for item in objects if item["kind"] == "MigPlan"]
    return plans or [""] * bool(objects)


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(value, Mapping):
        return
    if isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _objects(item)
    elif value.get("kind") in _KINDS:
        yield value


def _name(item: Mapping[str, Any]) -> str:
    metadata = item.get("metadata")
    given = metadata if isinstance(metadata, Mapping) else {}
    namespace, name = given.get("namespace") or "openshift-migration", given.get("name", "")
    return f"{namespace}/{name}" if name else ""
