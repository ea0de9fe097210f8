"""Which policies a command evaluates: its options, the operator's file, and the project's file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from service.cli.exits import Refusal
from service.cli.loading import loaded, packs

if TYPE_CHECKING:
    from service.core.selection import Choice, Selection
    from service.kinds.resource import Read
    from service.settings import Settings

PROJECT_FILE = ".mtc-preflight.yaml"
_PROJECT_KEYS = ("profile", "only", "skip", "parameters")
_BY = "the command line"
_OPTIONS = {
    "profile": "--profile",
    "only": "--only",
    "skip": "--skip",
    "severities": "--severity",
    "parameters": "--parameter",
}
C = TypeVar("C", bound=Callable[..., Any])


def selecting(command: C) -> C:
    """The options that choose policies."""
    for option in (
        click.option(
            "--config",
            type=click.Path(),
            metavar="FILE",
            help="Profiles, severities, parameters and permissions, in place of the file of "
            "MTC_PREFLIGHT_CONFIG_FILE.",
        ),
        click.option(
            "--parameter",
            "parameters",
            multiple=True,
            metavar="ID.NAME=NUMBER",
            help="Set a parameter of a policy.",
        ),
        click.option(
            "--severity",
            "severities",
            multiple=True,
            metavar="WORD=SEVERITY",
            help="Raise or lower the severity of policies.",
        ),
        click.option(
            "--skip",
            multiple=True,
            metavar="WORD[=REASON]",
            help="Leave out policies; no blocker, unless the configuration allows it.",
        ),
        click.option(
            "--only",
            multiple=True,
            metavar="WORD",
            help="Evaluate only policies of this id, name, area or glob.",
        ),
        click.option(
            "--profile", metavar="NAME", help="chapter, plan, full (default) or one of your own."
        ),
    ):
        command = option(command)
    return packs(command)


def chosen(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a command line chooses, in the form of a request's options."""
    found = {}
    for name in _OPTIONS:
        value = given[name]
        if value:
            found[name] = value if isinstance(value, str) else ",".join(value)
    return found


class Chooser:
    """The catalogue and the project's file, and what they make of a command line's options."""

    def __init__(self, settings: Settings) -> None:
        self.catalogue = loaded(settings)
        self.project = _project()

    def reads(self, options: Mapping[str, Any]) -> tuple[Read[Any], ...]:
        """What of the evidence is worth reading. Raises Refusal."""
        from service.core.policy import reads_of

        selection = self.select(options)
        mine = self.project is not None and (self.project.profile or self.project.only)
        if mine or "profile" in options or "only" in options:
            return selection.reads
        return reads_of(self.catalogue.policies)

    def select(self, options: Mapping[str, Any]) -> Selection:
        """The policies that are chosen. Raises Refusal."""
        from service.core import choice_form
        from service.core.selection import BadChoice

        given = {key: options[key] for key in choice_form.FIELDS if key in options}
        try:
            choice = choice_form.choice(given, _BY)
            return self.catalogue.select(*filter(None, (self.project, choice)))
        except BadChoice as error:
            raise _refused(error) from None


def _refused(error: Any) -> Refusal:
    faults = []
    for item in error.faults:
        where = _OPTIONS.get(item.field, item.field) if item.by == _BY else item.field
        name = "" if item.by == _BY else f"{item.by}: "
        faults.append((f"{name}{where}: {item.message}", item.hint))
    return Refusal(*faults[0], *faults[1:])


def _project() -> Choice | None:
    """The choice of the file of the project that the working folder is in, None without one."""
    from service.core import choice_form
    from service.core.selection import BadChoice
    from service.operator_catalogue import document_of
    from service.settings import SettingsError

    here = Path.cwd()
    path = next(
        (found for folder in (here, *here.parents) if (found := folder / PROJECT_FILE).is_file()),
        None,
    )
    if path is None:
        return None
    name = os.path.relpath(path)
    try:
        raw = document_of(str(path), name)
        return choice_form.choice(raw or {}, name, known=_PROJECT_KEYS, reasoned=True, file=name)
    except SettingsError as error:
        raise Refusal(error.faults[0]) from None
    except BadChoice as error:
        raise _refused(error) from None
