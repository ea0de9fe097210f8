"""The operator's settings: what MigrationController on the host says, as the operator reads it."""

from __future__ import annotations

from typing import Any

from service.core.facts import Fact
from service.core.facts.controllers import controllers
from service.core.migration import Migration
from service.core.settings.table import spellings

TRUE_WORDS = frozenset({"true", "yes", "on", "1", "y", "t"})
"""What Ansible's `bool` filter takes for true."""


def setting(migration: Migration, name: str) -> Fact[Any]:
    """The value of a snake_case setting; None where the MigrationController does not set it.

    Raises NotGathered where no MigrationController of the host is known and the evidence does
    not show that there is none.
    """
    found = controllers(migration.host)
    for controller in found:
        for key in spellings(controller.spec, name):
            value = controller.spec[key]
            return Fact(value, (controller.ref.at(f"/spec/{key}", value),))
    return Fact(None, tuple(controller.ref.at("/spec") for controller in found[:1]))


def is_true(value: object) -> bool:
    """Whether Ansible takes a setting's value for true."""
    return str(value).strip().lower() in TRUE_WORDS
