"""The length of the destination namespaces, which rsync's routes are named after."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.plan.namespaces.namespace_entries import NamespacesPolicy
from policies.plan.plan_policies import PLAN_READS, VALIDATION, edit, entry
from service.core.facts import direct, plan_limits
from service.core.facts.controllers import setting_of
from service.core.facts.direct import direct_volumes
from service.core.facts.mtc_release import CLUSTER_CONFIG
from service.core.facts.transfer import ROUTE as BY_ROUTE
from service.core.facts.transfer import endpoint_type
from service.core.facts.volumes import volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, at_host, failed, passed
from service.core.policy import NotApplicable
from service.core.values.wording import plural
from service.kinds.cluster import CONFIG_MAP
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.ref import Subject
from service.kinds.resource import Read

LONGEST = 59
"""`dvm-` and the namespace make the first label of a route's host, which has 63 characters."""


class NamespaceLength(NamespacesPolicy):
    """Destination namespaces have 59 characters at most, or the host sets a route subdomain.

    Rsync enters a destination namespace by a route called `dvm-<namespace>`. With more than 59
    characters its host is no DNS name unless cluster_subdomain lets the controller shorten it.
    The controller only warns; but the route is never admitted, so the copy never starts.
    """

    id = "MTC742"
    name = "namespace-length"
    title = "Rsync routes can be created for the destination namespaces"
    why = "The route is not admitted (RsyncRouteNotAdmitted) and no volume is copied."
    reads = (
        *PLAN_READS,
        *direct.READS,
        *plan_limits.READS,
        Read(CONFIG_MAP, MTC_NAMESPACE, CLUSTER_CONFIG),
    )
    remedy = (
        "Set cluster_subdomain in the host's MigrationController, or map to a shorter namespace."
    )
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validateNamespaceLengthForDVM"
    upstream = ("NamespaceLengthExceeded", "RsyncRouteNotAdmitted")
    better = "A blocker, and only if volumes are copied through a route."

    def applies(self, migration: Migration) -> None:
        super().applies(migration)
        direct = direct_volumes(migration)
        if not direct.value:
            raise NotApplicable("no volume is copied directly", *direct.evidence)
        kind = endpoint_type(migration.destination)
        if kind.value != BY_ROUTE:
            raise NotApplicable(f"rsync_endpoint_type is {kind.value}, no route", *kind.evidence)

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan, destination = migration.plan, migration.destination
        long = [
            (place, item.destination)
            for place, item in enumerate(plan.namespaces)
            if len(item.destination) > LONGEST
        ]
        if long:
            volumes(migration).require_any(migration)
        if not long or _subdomain(migration):
            yield passed(
                destination.subject,
                "the host names of the rsync routes are short enough "
                f"({plural(len(plan.namespaces), 'namespace')})",
                examined=len(plan.namespaces),
            )
            return
        for place, name in long:
            yield failed(
                Subject(destination.name, "v1", "Namespace", "", name),
                f"namespace {name} has {len(name)} characters; without cluster_subdomain the "
                f"rsync route allows {LONGEST}",
                entry(plan, place),
                found=str(len(name)),
                wanted=f"at most {LONGEST}",
                commands=(
                    at_host(
                        f"oc patch migrationcontroller migration-controller -n {MTC_NAMESPACE} "
                        '--type=merge -p \'{"spec":{"cluster_subdomain":"<apps.example.com>"}}\''
                    ),
                    edit(plan),
                ),
                observed=len(name),
            )


def _subdomain(migration: Migration) -> bool:
    """Whether the host sets a route subdomain. Raises NotGathered where the evidence does not show
    it."""
    host = migration.host
    for item in host.known(CONFIG_MAP):
        if item.ref.name == CLUSTER_CONFIG and item.ref.namespace == MTC_NAMESPACE:
            return bool(item.data.get("CLUSTER_SUBDOMAIN"))
    return bool(setting_of(host, "cluster_subdomain").value)
