"""The MigrationController of a cluster, and what its proxy setting is in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.core.deadline import paced
from service.core.evidence import NotGathered
from service.core.facts import Fact
from service.core.migration import Cluster
from service.core.settings.table import spellings
from service.core.values import stunnel
from service.kinds.cluster import CONFIG_MAP
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE, MigrationController
from service.kinds.ref import Pointer

CONTROLLER_CONFIG = "migration-controller"
"""The ConfigMap that mig-operator writes the settings into and mig-controller starts with."""

EFFECTIVE_KEY = "STUNNEL_TCP_PROXY"


@dataclass(frozen=True, slots=True)
class GivenProxy:
    """One stunnel_tcp_proxy as a MigrationController has it; ``key`` is as it is spelt there."""

    controller: MigrationController
    key: str
    value: Any
    reading: stunnel.Reading

    @property
    def pointer(self) -> Pointer:
        """The place of the value; the password is not shown."""
        return self.controller.ref.at(f"/spec/{self.key}", stunnel.shown(self.value))


def controllers(cluster: Cluster) -> tuple[MigrationController, ...]:
    """The MigrationControllers that the operator of a cluster reads: those of its own namespace.

    () where there is none. Sorted by name, for the evidence has no order that means anything.
    Raises NotGathered where none is known and the evidence does not show that there is none.
    """
    known = cluster.known(MIGRATION_CONTROLLER)
    ours = tuple(item for item in known if _is_read(item))
    if not ours:
        return cluster.all(MIGRATION_CONTROLLER, (MTC_NAMESPACE,))
    return tuple(sorted(ours, key=lambda item: item.ref.name))


def unread_controllers(cluster: Cluster) -> tuple[MigrationController, ...]:
    """The known MigrationControllers of other namespaces, which have no effect."""
    return tuple(item for item in cluster.known(MIGRATION_CONTROLLER) if not _is_read(item))


def _is_read(item: MigrationController) -> bool:
    """The operator is installed for its own namespace alone (install mode OwnNamespace)."""
    return item.ref.namespace in (MTC_NAMESPACE, "")


def setting_of(cluster: Cluster, name: str) -> Fact[Any]:
    """The value of a snake_case setting of a cluster; None where no MigrationController sets it.

    Several MigrationControllers count only where they agree: the operator carries them out in
    turn, and which one is in force changes. Raises NotGathered.
    """
    found = controllers(cluster)
    given = [
        Fact(item.spec[key], (item.ref.at(f"/spec/{key}", item.spec[key]),))
        for item in found
        for key in spellings(item.spec, name)[:1]
    ]
    if given and (len(given) < len(found) or any(fact.value != given[0].value for fact in given)):
        raise ambiguous(cluster, name, len(found))
    if given:
        return given[0]
    return Fact(None, tuple(item.ref.at("/spec") for item in found[:1]))


def ambiguous(cluster: Cluster, name: str, count: int) -> NotGathered:
    """The exception for a setting that several MigrationControllers set differently."""
    return cluster.missing(
        f"which value of {name} applies",
        f"oc get migrationcontrollers -n {MTC_NAMESPACE} -o json  # after removing all but one",
        f"{count} MigrationControllers of namespace {MTC_NAMESPACE} differ in it",
    )


def given_proxies(cluster: Cluster) -> tuple[GivenProxy, ...]:
    """Every stunnel_tcp_proxy of a cluster that is set to something. Raises NotGathered."""
    found = []
    for controller in paced(controllers(cluster)):
        for key in spellings(controller.spec, stunnel.SETTING):
            value = controller.spec[key]
            reading = stunnel.read(value)
            if reading.use is not stunnel.ValueUse.UNSET:
                found.append(GivenProxy(controller, key, value, reading))
    return tuple(found)


def effective_proxy(cluster: Cluster) -> Fact[str] | None:
    """The stunnel_tcp_proxy that the controller was started with: of its ConfigMap.

    None where that ConfigMap was not gathered or has no such key (before MTC 1.4.2).
    """
    for item in cluster.known(CONFIG_MAP, (MTC_NAMESPACE,)):
        if item.ref.name == CONTROLLER_CONFIG and item.ref.namespace == MTC_NAMESPACE:
            value = item.data.get(EFFECTIVE_KEY)
            if value is None:
                return None
            return Fact(value, (item.ref.at(f"/data/{EFFECTIVE_KEY}", stunnel.shown(value)),))
    return None
