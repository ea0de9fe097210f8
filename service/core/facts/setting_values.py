"""The operator's settings: what MigrationController on the host says, as the operator reads it."""

from __future__ import annotations

from typing import Any

from service.core.facts import Fact
from service.core.facts.controllers import setting_of
from service.core.migration import Migration

TRUE_WORDS = frozenset({"true", "yes", "on", "1", "y", "t"})
"""What Ansible's `bool` filter takes for true."""


def setting(migration: Migration, name: str) -> Fact[Any]:
    """The value of a snake_case setting; None where the MigrationController does not set it.

    Raises NotGathered as :func:`service.core.facts.controllers.setting_of` does.
    """
    return setting_of(migration.host, name)


def is_true(value: object) -> bool:
    """Whether Ansible takes a setting's value for true."""
    return str(value).strip().lower() in TRUE_WORDS
