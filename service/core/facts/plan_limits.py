"""How many namespaces, pods and volumes one plan may have."""

from __future__ import annotations

from typing import Any

from service.core.evidence import NotGathered
from service.core.facts import Fact
from service.core.facts.controllers import CONTROLLER_CONFIG
from service.core.facts.setting_values import setting
from service.core.migration import Migration
from service.kinds.cluster import CONFIG_MAP
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.resource import Read

READS: tuple[Read[Any], ...] = (
    Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    Read(CONFIG_MAP, MTC_NAMESPACE, CONTROLLER_CONFIG),
)
"""What :func:`limit` reads; a policy that calls it declares it."""

DEFAULTS = {"mig_namespace_limit": 10, "mig_pod_limit": 100, "mig_pv_limit": 100}
"""mig-controller pkg/settings/plan.go."""

_LONGEST = 9
"""Digits; no limit that means anything has more."""

_EFFECTIVE = {
    "mig_namespace_limit": "NAMESPACE_LIMIT",
    "mig_pod_limit": "POD_LIMIT",
    "mig_pv_limit": "PV_LIMIT",
}


def limit(migration: Migration, name: str) -> Fact[int] | None:
    """A limit in force on the host: of its ConfigMap, else of the MigrationController.

    Without either setting it is MTC's default. None where neither was gathered, or where the
    setting is no number (MTC801's finding): then only the default can be assumed.
    """
    key = _EFFECTIVE[name]
    for item in migration.host.known(CONFIG_MAP, (MTC_NAMESPACE,)):
        if (item.ref.namespace, item.ref.name) == (MTC_NAMESPACE, CONTROLLER_CONFIG):
            number = _number(item.data.get(key))
            if number is not None:
                return Fact(number, (item.ref.at(f"/data/{key}", number),))
    try:
        found = setting(migration, name)
    except NotGathered:
        return None
    if found.value is None:
        return Fact(DEFAULTS[name], found.evidence)
    number = _number(found.value)
    return None if number is None else Fact(number, found.evidence)


def _number(value: object) -> int | None:
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else None
