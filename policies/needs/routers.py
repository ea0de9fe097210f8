"""Whether a router admits rsync's route, and whether webhooks let the objects in."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.needs.need_policies import (
    READS,
    PlanNeed,
    namespace_to_be,
    require_rsync,
    side_namespaces,
)
from policies.plan.plan_policies import PLAN_READS
from service.core.evidence import Gaps
from service.core.facts import release
from service.core.facts.release import major
from service.core.facts.transfer import endpoint_type
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import NotApplicable
from service.core.values.wording import few
from service.kinds.cluster import CONFIG_MAP, NAMESPACE
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.network import INGRESS_CONTROLLER, IngressController
from service.kinds.resource import Read
from service.kinds.webhooks import ENDPOINTS, MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS, Webhook

OPERATOR = "openshift-ingress-operator"
NAME_LABEL = "kubernetes.io/metadata.name"
"""The label that every namespace is given with its name."""
ROUTE_LABELS = {"app": "directvolumemigration-rsync-transfer", "owner": "directvolumemigration",
                "purpose": "rsync"}  # fmt: skip
"""Labels of rsync's route (mig-controller directvolumemigration/rsync.go)."""


class RsyncRouteAdmitted(PlanNeed):
    """A router of the destination admits rsync's route.

    Routers that choose routes or namespaces by labels may all pass it over. The namespace has
    the source's labels where MTC makes it.
    """

    id = "MTC852"
    name = "rsync-route-admitted"
    title = "A router of the destination admits rsync's route"
    why = "The migration waits for the route and fails with RsyncRouteNotAdmitted."
    reads = (
        *READS,
        *release.READS,
        Read(INGRESS_CONTROLLER, OPERATOR),
        Read(NAMESPACE),
        Read(CONFIG_MAP, MTC_NAMESPACE),
        Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    )
    declares = ("openshiftVersion",)
    remedy = "Label the namespace for a router, or set rsync_endpoint_type."
    docs = (links.ABOUT, links.TROUBLE)
    source = "mig-controller pkg/controller/directvolumemigration/rsync.go; route sharding"
    better = "The controller waits for the route and does not check the routers."
    good = "a router of the destination admits rsync's route"

    def applies(self, migration: Migration) -> None:
        require_rsync(migration)

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        if endpoint_type(migration.destination).value != "Route":
            raise NotApplicable("rsync uses no route")
        if major(migration.destination) == 3:
            raise NotApplicable("OpenShift 3 has no IngressControllers")
        routers = migration.destination.all(INGRESS_CONTROLLER, (OPERATOR,))
        for name in side_namespaces(migration, migration.destination):
            with gaps.noted():
                labels = {NAME_LABEL: name}
                if any(router.namespaces is not None for router in routers):
                    labels = {**namespace_to_be(migration, name).labels, **labels}
                admitting = [router for router in routers if _admits(router, labels)]
                if admitting and not any(router.available for router in admitting):
                    command = f"oc get ingresscontrollers -n {OPERATOR} -o json"
                    raise migration.destination.missing(
                        f"condition Available of router {admitting[0].ref.name}", command
                    )
                if len(admitting) > 1:
                    yield _several(migration, name, admitting)
                if not admitting:
                    yield failed(
                        migration.destination.subject,
                        f"no router admits rsync's route in namespace {name}: each is down or "
                        "selects other labels",
                        *(router.ref.at("/spec") for router in routers[:5]),
                        found="no router",
                        wanted="an available router whose selectors match",
                        key=name,
                        commands=(f"oc get ingresscontrollers -n {OPERATOR} -o json",),
                    )


def _several(migration: Migration, name: str, routers: list[IngressController]) -> Outcome:
    routers = sorted(routers, key=lambda router: router.ref.name)
    names = few(router.ref.name for router in routers)
    return failed(
        migration.destination.subject,
        f"the routers {names} all admit rsync's route in namespace {name}: MTC uses the name under "
        "the cluster's own domain, and another router may serve it",
        *(router.ref.at("/spec") for router in routers[:5]),
        found=names,
        wanted="one router whose selectors match",
        key=f"several {name}",
        commands=(f"oc get ingresscontrollers -n {OPERATOR} -o json",),
        severity=Severity.WARNING,
    )


def _admits(router: IngressController, labels: dict[str, str]) -> bool:
    if router.replicas == 0 or router.available == "False":
        return False
    routes = router.routes is None or router.routes.matches(ROUTE_LABELS)
    return routes and (router.namespaces is None or router.namespaces.matches(labels))


KINDS = {
    "pods", "deployments", "statefulsets", "daemonsets", "replicasets", "services", "configmaps",
    "secrets", "persistentvolumeclaims", "namespaces", "routes", "serviceaccounts", "*",
    "deploymentconfigs", "replicationcontrollers", "imagestreams", "rolebindings", "jobs",
    "cronjobs",
}  # fmt: skip
"""Resources that nearly every plan brings."""


class WebhooksAnswer(PlanNeed):
    """Required webhooks of the destination are available.

    A webhook with failurePolicy Fail whose service has no endpoint rejects every object that it
    matches. A webhook that answers may still refuse; only it can say.
    """

    id = "MTC855"
    name = "webhooks-answer"
    title = "Admission webhooks of the destination are available"
    why = "The API server rejects objects of the restore, and the application is incomplete."
    reads = (
        *PLAN_READS,
        Read(VALIDATING_WEBHOOKS),
        Read(MUTATING_WEBHOOKS),
        Read(ENDPOINTS),
        Read(NAMESPACE),
    )
    remedy = (
        "Fix the service of the webhook, or delete the webhook configuration if the "
        "service is gone."
    )
    docs = (links.TROUBLE,)
    source = "OADP troubleshooting, Restoring workloads with admission webhooks"
    better = "MTC has no such check."
    good = "every required webhook has an endpoint"

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        there = migration.destination
        for kind in (VALIDATING_WEBHOOKS, MUTATING_WEBHOOKS):
            with gaps.noted():
                there.all(kind)
            for item in there.known(kind):
                for hook in item.webhooks:
                    with gaps.noted():
                        if not _matters(migration, hook):
                            continue
                        if not hook.service:
                            raise there.missing(
                                f"whether webhook {hook.name} answers at its URL",
                                f"oc get {kind.plural} {quote(item.ref.name)} -o json",
                                "it is outside of the cluster",
                            )
                        space, _, name = hook.service.partition("/")
                        found = there.find(ENDPOINTS, name, space)
                        if found is None or not found.ready:
                            yield failed(
                                item.ref.subject,
                                f"webhook {hook.name} is required, but its service "
                                f"{hook.service} has no endpoint",
                                item.ref.at("/webhooks"),
                                found="no endpoint",
                                wanted="a ready endpoint, or failurePolicy Ignore",
                                key=hook.name,
                                commands=(f"oc get endpoints {quote(name)} -n {quote(space)}",),
                                severity=Severity.BLOCKER,
                            )


def _matters(migration: Migration, hook: Webhook) -> bool:
    custom = {f"{one.kind.lower()}s" for one in migration.source.others
              if one.namespace in migration.source_namespaces}  # fmt: skip
    asked = {name.partition("/")[0] for _, name in hook.resources}
    if not hook.fails or not asked & (KINDS | custom):
        return False
    names = side_namespaces(migration, migration.destination)
    if not hook.namespaces.labels and not hook.namespaces.expressions:
        return True
    return any(
        hook.namespaces.matches({**namespace_to_be(migration, name).labels, NAME_LABEL: name})
        for name in names
    )
