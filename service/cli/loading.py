"""The policies that a command works with: the product's, and those of packs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from service.cli.exits import Refusal

if TYPE_CHECKING:
    from service.core.decision.marks import Waiver
    from service.core.policy import Policy
    from service.core.selection import Catalogue
    from service.kinds.resource import Read
    from service.settings import Settings, SettingsError

VARIABLE = "MTC_PREFLIGHT_POLICIES"
C = TypeVar("C", bound=Callable[..., Any])


def _use(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> None:
    """Have this process, and the service that it becomes, read these folders of policies."""
    if value:
        os.environ[VARIABLE] = ",".join(value)


def packs(command: C) -> C:
    """The option that names folders of policies."""
    option = click.option(
        "--policies",
        multiple=True,
        type=click.Path(file_okay=False),
        metavar="DIR",
        expose_value=False,
        callback=_use,
        help=f"A folder with policies of your own, in place of those of {VARIABLE}.",
    )
    return option(command)


def settings_of(config: str | None = None) -> Settings:
    """The settings of the environment, with the configuration file of the command line."""
    from dataclasses import replace

    from service.settings import SettingsError, from_environment

    try:
        settings = from_environment()
    except SettingsError as error:
        raise Refusal(str(error)) from None
    return replace(settings, config_file=config) if config else settings


def loaded(settings: Settings | None = None) -> Catalogue:
    """All policies as the operator has set them. Raises Refusal."""
    from service.operator_catalogue import load_catalogue
    from service.settings import SettingsError

    try:
        return load_catalogue(settings or settings_of())
    except SettingsError as error:
        raise _refused(error) from None


def waivers(settings: Settings, policies: tuple[Policy[Any], ...]) -> tuple[Waiver, ...]:
    """The waivers of the operator. Raises Refusal."""
    from service.operator_catalogue import standing_waivers
    from service.settings import SettingsError

    try:
        return standing_waivers(settings, policies)
    except SettingsError as error:
        raise _refused(error) from None


def _refused(error: SettingsError) -> Refusal:
    first, *rest = error.faults
    return Refusal(first, "", *((item, "") for item in rest))


def policies() -> tuple[Policy[Any], ...]:
    """All policies. Raises Refusal."""
    return loaded().policies


def reads() -> tuple[Read[Any], ...]:
    """What all policies read. Raises Refusal."""
    from service.core.policy import reads_of

    return reads_of(policies())
