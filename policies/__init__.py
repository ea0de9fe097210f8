"""One module per prerequisite area, one class per prerequisite.

A new policy is a class in one of these modules, or in a new module; nothing else needs an edit.

Ids are stable for ever. Those of the plan's validation go by subject:

- MTC710-719 what the plan refers to and asks for: clusters, repository, kind of migration, ids of
  namespaces, other plans, proxy secrets, kinds of objects
- MTC720-739 its volumes: classes, access modes, actions, sizes, storage quotas
- MTC740-749 its namespaces, on both sides
- MTC750-759 its workloads: pods, quotas, limits, rsync's rights, routes
- MTC760-769 its hooks and MigHooks
- MTC770-779 its MigClusters and its MigStorage
- MTC780-789 its state, claims and virtual machines
- MTC790-799 what MTC's controller says of it

- MTC801 the MigrationController's settings
- MTC820-829 MTC's own components
- MTC830-859 what the migration's own objects need: quotas, places, rights, operators, settings
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from inspect import isabstract
from pkgutil import walk_packages
from typing import Any

from service.core.policy import Policy


def catalogue(packs: Iterable[Policy[Any]] = ()) -> tuple[Policy[Any], ...]:
    """Every policy of the product and of these packs, by id, ours first.

    Raises ValueError where two of our classes share an id; the loader holds packs against ours.
    """
    return (*_own(), *packs)


@cache
def _own() -> tuple[Policy[Any], ...]:
    for module in walk_packages(__path__, f"{__name__}."):
        import_module(module.name)
    found: dict[str, Policy[Any]] = {}
    for kind in _concrete(Policy):  # type: ignore[type-abstract]
        if not kind.__module__.startswith(f"{__name__}."):
            continue  # a policy of a pack, or one that a test defines
        if kind.id in found:
            raise ValueError(f"two policies are called {kind.id}")
        found[kind.id] = kind()
    return tuple(found[key] for key in sorted(found))


def _concrete(base: type[Policy[Any]]) -> list[type[Policy[Any]]]:
    found = []
    for kind in base.__subclasses__():
        found += [*_concrete(kind), *([] if isabstract(kind) else [kind])]
    return list(dict.fromkeys(found))  # one that has two bases is found twice
