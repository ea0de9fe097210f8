"""The host names of the application's routes."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.plan.namespaces.namespace_entries import NamespacesPolicy
from policies.plan.plan_policies import PLAN_READS
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, passes_alone
from service.kinds.config import INGRESS_CONFIG
from service.kinds.network import ROUTE, Route
from service.kinds.resource import Read


class RouteHosts(NamespacesPolicy):
    """Routes with a host below the source's own domain are marked as generated.

    MTC gives a route a new host on the destination only where annotation
    `openshift.io/host.generated: "true"` says that the old one was generated. A host of the
    application's own domain stays, and its DNS record moves with it. The source's domain is its
    ingress configuration's; where there is none (OpenShift 3), that of generated hosts.
    """

    id = "MTC756"
    name = "route-hosts"
    title = "Routes in the domain of the source get a new host on the destination"
    why = "The migrated route keeps a host name that resolves to the source cluster."
    severity = Severity.WARNING
    reads = (*PLAN_READS, Read(ROUTE, plan_namespaces=True), Read(INGRESS_CONFIG))
    remedy = "Annotate the route, or change its host after the migration."
    docs = (links.CHECKLISTS,)
    source = "MTC documentation, Premigration checklists"
    better = "MTC does not check this."

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        source = migration.source
        routes = source.all(ROUTE, migration.source_namespaces)
        chosen = [route for route in routes if route.host and not route.host_generated]
        domains = _domains(source) if chosen else ()
        for route in chosen:
            domain = next((item for item in domains if route.host.endswith(f".{item}")), "")
            if domain:
                yield _kept(route, domain)
        yield passed(
            source.subject,
            f"no route keeps a host in the domain of the source ({len(routes)})",
            examined=len(routes) or 1,
        )


def _domains(source: Cluster) -> tuple[str, ...]:
    """The domains below which the source generates hosts. Raises NotGathered."""
    found = dict.fromkeys(item.domain for item in source.known(INGRESS_CONFIG) if item.domain)
    for route in source.known(ROUTE):
        if route.host_generated:
            found[route.host.partition(".")[2]] = None
    if not found:
        raise source.missing(
            "the domain of the source's routes",
            "oc get ingresses.config.openshift.io cluster -o json "
            "|| oc get routes --all-namespaces -o json",
        )
    return tuple(found)


def _kept(route: Route, domain: str) -> Outcome:
    name, namespace = quote(route.ref.name), quote(route.ref.namespace)
    return failed(
        route.ref.subject,
        f"route {route.ref.namespace}/{route.ref.name} keeps its host {route.host}, which is in "
        f"the domain {domain} of the source",
        route.ref.at("/spec/host", route.host),
        found=route.host,
        wanted='annotation openshift.io/host.generated: "true"',
        commands=(
            f"oc annotate route {name} -n {namespace} --overwrite openshift.io/host.generated=true",
        ),
    )
