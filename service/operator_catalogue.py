"""The policies and waivers that hold here, as the settings of the operator have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from policies import catalogue
from service.core import choice_form
from service.core.decision.marks import Waiver
from service.core.decision.waiver_form import MalformedWaiver, parse
from service.core.policy import Policy
from service.core.selection import BadChoice, Catalogue, SelectionFault
from service.intake.intake_errors import Unreadable
from service.intake.limits import DEFAULT_LIMITS
from service.intake.texts.load import load
from service.packs import PackError, load_packs
from service.settings import Settings, SettingsError


def load_catalogue(settings: Settings) -> Catalogue:
    """The policies with the configuration of the operator. Raises SettingsError."""
    try:
        policies = catalogue(load_packs(settings.policies, catalogue()))
    except PackError as error:
        raise SettingsError(list(error.faults)) from None
    if not settings.config_file:
        return Catalogue.of(policies)
    name = Path(settings.config_file).name
    try:
        raw = document_of(settings.config_file, settings.config_file)
        profiles, operator, allowed = choice_form.configuration(raw or {}, name)
        return Catalogue.of(policies, profiles, operator, allowed)
    except BadChoice as error:
        raise SettingsError([shown(item) for item in error.faults]) from None


def shown(fault: SelectionFault) -> str:
    """A fault of a choice in one line."""
    where = ": ".join(item for item in (fault.by, fault.field) if item)
    return f"{where}: {fault.message}" + (f" ({fault.hint})" if fault.hint else "")


def document_of(path: str, name: str) -> Any:
    """The one document of a YAML or JSON file of the settings. Raises SettingsError."""
    try:
        (document,) = load(Path(path).read_bytes(), DEFAULT_LIMITS, yaml_claimed=True)
    except (OSError, ValueError, Unreadable) as error:
        raise SettingsError([f"{name}: no document to read ({type(error).__name__})"]) from None
    if document.error is not None:
        raise SettingsError([f"{name}: line {document.error.line}: {document.error.message}"])
    return document.value


def standing_waivers(settings: Settings, policies: Sequence[Policy[Any]]) -> tuple[Waiver, ...]:
    """The waivers of MTC_PREFLIGHT_WAIVERS_FILE. Raises SettingsError, which names each fault."""
    if not settings.waivers_file:
        return ()
    name = "MTC_PREFLIGHT_WAIVERS_FILE"
    value = document_of(settings.waivers_file, name)
    if isinstance(value, Mapping) and set(value) == {"waivers"}:
        value = value["waivers"]
    try:
        return parse(value, {policy.id: policy.name for policy in policies})
    except MalformedWaiver as error:
        faults = [f"{name}: waivers{item.pointer}: {item.message}" for item in error.faults]
        raise SettingsError(faults) from None
