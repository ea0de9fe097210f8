"""The operator's settings: what MigrationController on the host says, as the operator reads it."""

from __future__ import annotations

from typing import Any

from service.core.facts import Fact
from service.core.migration import Migration
from service.core.resources import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.core.settings_table import snake_case

TRUE_WORDS = frozenset({"true", "yes", "on", "1", "y", "t"})
"""What Ansible's `bool` filter takes for true."""


def setting(migration: Migration, name: str) -> Fact[Any]:
    """The value of a snake_case setting; None where the MigrationController does not set it.

    The operator turns camelCase keys into snake_case (operator-sdk, snakeCaseParameters), so
    both count. Raises NotGathered where no MigrationController of the host is known and the
    evidence does not show that there is none.
    """
    host = migration.host
    found = host.known(MIGRATION_CONTROLLER) or host.all(MIGRATION_CONTROLLER, (MTC_NAMESPACE,))
    for controller in found:
        for key, value in controller.spec.items():
            if key == name or snake_case(key) == name:
                shown = None if name.endswith("proxy") else value  # it may hold a password
                return Fact(value, (controller.ref.at(f"/spec/{key}", shown),))
    return Fact(None, tuple(controller.ref.at("/spec") for controller in found[:1]))


def is_true(value: object) -> bool:
    """Whether Ansible takes a setting's value for true."""
    return value is True or str(value).strip().lower() in TRUE_WORDS
