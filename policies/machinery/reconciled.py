"""Whether the operators could carry out what they were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from shlex import quote
from typing import Any

from policies import links
from service.core.evidence import NotGathered
from service.core.facts.controllers import controllers
from service.core.facts.reach import holds
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed
from service.core.policy import ClusterPolicy
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE, MigrationController
from service.kinds.ref import Ref
from service.kinds.resource import Read, Resource, fetch_command
from service.kinds.shape import Condition
from service.kinds.velero import DATA_PROTECTION_APPLICATION, DataProtectionApplication


class Reconciled(ClusterPolicy):
    """The MigrationController and the DataProtectionApplication of a cluster are reconciled.

    The operators say so in conditions: Failure of a MigrationController, Reconciled of a
    DataProtectionApplication.
    """

    id = "MTC827"
    name = "components-reconciled"
    title = "The operators have set up MTC and Velero as configured"
    why = "Components are missing or run with old settings, and a migration waits for them."
    unsure = Severity.WARNING
    reads = (
        Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
        Read(DATA_PROTECTION_APPLICATION, MTC_NAMESPACE),
    )
    requires = ("MTC745",)
    remedy = "Correct what the message names, and check the log of the operator."
    docs = (links.UPGRADING, links.OADP_TROUBLE)
    source = "mig-operator status of MigrationController; OADP condition Reconciled"
    better = "MTC has no such check."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        good: list[Ref] = []
        bad = False
        for item in _judged(cluster):
            if item.ref.namespace not in (MTC_NAMESPACE, "") or not item.conditions:
                continue
            fault = _fault(item)
            if fault is None:
                good.append(item.ref)
            else:
                bad = True
                yield _failed(item.ref, fault)
        if not bad and not good:
            raise cluster.missing(
                "the status of the MigrationController",
                fetch_command(MIGRATION_CONTROLLER, "", MTC_NAMESPACE),
            )
        _require_readable(cluster, MIGRATION_CONTROLLER)
        _require_readable(cluster, DATA_PROTECTION_APPLICATION)
        if not bad:
            names = " and ".join(f"{ref.kind} {ref.name}" for ref in good)
            evidence = tuple(ref.at("/status/conditions") for ref in good)
            yield passed(cluster.subject, f"{names}: reconciled", *evidence, examined=len(good))


def _require_readable(cluster: Cluster, resource: Resource[Any]) -> None:
    """Raise NotGathered where one of the objects is malformed."""
    shelf = cluster.inventory.shelf(resource)
    if shelf is not None and len(cluster.known(resource)) < len(shelf.entries):
        cluster.all(resource, (MTC_NAMESPACE,))


def _judged(cluster: Cluster) -> Iterator[MigrationController | DataProtectionApplication]:
    with suppress(NotGathered):
        yield from controllers(cluster)
    yield from cluster.known(DATA_PROTECTION_APPLICATION)


def _fault(item: MigrationController | DataProtectionApplication) -> Condition | None:
    if isinstance(item, MigrationController):
        return holds(item.conditions, "Failure")
    condition = item.conditions.get("Reconciled")
    return condition if condition is not None and condition.status != "True" else None


def _failed(ref: Ref, fault: Condition) -> Outcome:
    return failed(
        ref.subject,
        f"{ref.kind} {ref.name} cannot be reconciled: {fault.message or fault.reason}",
        ref.at("/status/conditions", f"{fault.type}={fault.status}"),
        found=f"{fault.type}={fault.status} ({fault.reason})",
        wanted="reconciled without an error",
        commands=(
            f"oc describe {ref.kind.lower()} {quote(ref.name)} -n {MTC_NAMESPACE}",
            f"oc logs deployment/migration-operator -n {MTC_NAMESPACE} --tail=200",
        ),
    )
