"""Direct image migration: the registries that images are copied between."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from policies import links
from service.core.evidence import NotGathered
from service.core.facts import Fact
from service.core.facts.image_registry import (
    every_registry_route,
    proven_path,
    registry_routes,
    route_status,
)
from service.core.facts.plan_type import TYPE_CONDITION, copies_images
from service.core.facts.release import READS as RELEASE_READS
from service.core.facts.release import major, major_or
from service.core.facts.templates import READS as TEMPLATE_READS
from service.core.facts.templates import templates
from service.core.facts.topology import tunnelled
from service.core.facts.transfer import intra_cluster
from service.core.leniency import softened
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed, not_applicable, passed, unknown
from service.core.policy import ClusterPolicy, NotApplicable
from service.core.values.imagerefs import image_namespace
from service.core.values.wording import few
from service.kinds.config import REGISTRY_CONFIG, RegistryConfig
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN, MTC_NAMESPACE
from service.kinds.network import ROUTE
from service.kinds.ref import Pointer, Ref
from service.kinds.resource import Read
from service.kinds.workloads import IMAGE_STREAM, POD

EXPOSE = {
    3: "oc create route passthrough --service=docker-registry --port=5000 -n default",
    4: (
        "oc patch configs.imageregistry.operator.openshift.io/cluster --type=merge "
        '--patch \'{"spec":{"defaultRoute":true}}\''
    ),
}
"""How to expose the registry, by major release (OpenShift documentation, Exposing the registry)."""

ROUTE_READS: tuple[Read[Any], ...] = (
    Read(ROUTE, namespace="openshift-image-registry"),
    Read(ROUTE, namespace="default"),
    Read(MIG_PLAN, namespace=MTC_NAMESPACE),
    Read(MIG_CLUSTER, namespace=MTC_NAMESPACE),
    *RELEASE_READS,
)
REGISTRY_READS: tuple[Read[Any], ...] = (Read(REGISTRY_CONFIG, name="cluster"), *ROUTE_READS)


DOCS = (
    links.DIRECT,
    links.REGISTRY,
)


MANAGE = (
    "oc patch configs.imageregistry.operator.openshift.io/cluster --type=merge "
    '--patch \'{"spec":{"managementState":"Managed"}}\''
)


class DirectImagePolicy(ClusterPolicy):
    """A rule for the registries of direct image migration: source, and destination if remote.

    The controller asks for a registry path also where disable_image_migration or
    disable_image_copy leaves the images out. The documentation demands it of the source always,
    but says too that the host needs no exposed registry, and the controller takes the host's
    internal path: for a source that is the host the rule advises only.
    """

    def applies(self, migration: Migration) -> None:
        plan = migration.plan
        if plan.indirect_images:
            raise NotApplicable(
                "the plan copies images through the replication repository",
                plan.ref.at("/spec/indirectImageMigration", "true"),
            )
        if intra_cluster(migration):
            raise NotApplicable("source and destination are one cluster")
        if not copies_images(plan):
            raise NotApplicable(
                "the plan migrates only the state of volumes, which copies no images",
                plan.ref.at("/status/conditions", TYPE_CONDITION),
            )

    def subjects(self, migration: Migration) -> Iterable[Cluster]:
        return migration.source, migration.destination

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        if not migration.is_host(cluster):
            yield from self.judge(migration, cluster)
        elif cluster is migration.source:
            yield from softened(self.judge(migration, cluster), cluster.subject)
        else:
            yield not_applicable(
                cluster.subject, "the controller runs here and uses the internal registry path"
            )

    @abstractmethod
    def judge(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        """The rule itself, for one cluster."""


class RegistryExposed(DirectImagePolicy):
    """The registry can be reached from outside its cluster.

    OpenShift 4: the registry operator manages the registry and is set to create a route. Both
    releases: a router has admitted a route to the registry's service. What is installed by default
    is not assumed: the documentation's books contradict each other on it.

    The host needs no route, but a registry it needs: without one the controller finds no
    internal path (migcluster_types.go, GetInternalRegistryPath) and the plan is not ready. With
    indirectImageMigration, too, the images of the plan's image streams are pushed into the
    registry of the destination, and pods pull internal images from it: it must not be removed.
    """

    id = "MTC201"
    name = "registry-exposed"
    single = True
    title = "The image registry is exposed, for direct image migration"
    why = "Images cannot be copied directly. The migration fails before it copies any image."
    reads = (
        *REGISTRY_READS,
        *TEMPLATE_READS,
        Read(IMAGE_STREAM, plan_namespaces=True),
        Read(POD, plan_namespaces=True),
    )
    declares = ("registryRoute",)
    remedy = (
        "Expose the registry with a route, or set indirectImageMigration: true in the plan to "
        "copy images through the replication repository."
    )
    docs = DOCS
    chapter = True
    source = "MTC documentation, Migration prerequisites and Direct migration requirements"
    upstream = ("SourceClusterNoRegistryPath", "DestinationClusterNoRegistryPath")
    better = (
        "Works before a MigCluster exists, and names the reason: removed, unmanaged or no route."
    )

    def applies(self, migration: Migration) -> None:
        if not migration.plan.indirect_images:
            super().applies(migration)

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        config = _config(cluster)
        plan = migration.given_plan
        if plan is not None and plan.indirect_images:
            yield _indirect(migration, cluster, config)
            return
        if config is not None and config.management_state == "Removed":
            yield _removed(config, exposed=not migration.is_host(cluster))
            return
        yield from super().check(migration, cluster)

    def judge(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        config = _config(cluster)
        if (tunnel := tunnelled(migration, cluster)) is not None:
            yield not_applicable(
                cluster.subject,
                "the registry is reached through `crane tunnel-api`",
                tunnel.ref.at("/spec/url", tunnel.url),
            )
            return
        proof = _exposed(cluster, config) or proven_path(migration, cluster)
        if proof is not None:
            yield passed(cluster.subject, "the image registry is exposed", *proof.evidence)
            return
        yield self._unproven(cluster, config)

    def _unproven(self, cluster: Cluster, config: RegistryConfig | None) -> Outcome:
        try:
            release = 4 if config is not None else major(cluster)
            if release == 4 and config is None:
                config = cluster.find(REGISTRY_CONFIG, "cluster")
            routes = every_registry_route(cluster, release)
        except NotGathered:
            declared = cluster.declared.get("registryRoute")
            if declared is None or declared.value is None:
                raise
            if declared.value:
                return passed(
                    cluster.subject, "declared: the registry is exposed", declared.pointer
                )
            return _not_exposed(
                cluster, major_or(cluster), "registryRoute: false", declared.pointer
            )
        waiting = next((route for route in routes if route.admitted is None), None)
        if waiting is not None:
            return unknown(
                cluster.subject,
                f"no router has reported whether it admits route {waiting.ref.name}",
                route_status(cluster, waiting),
            )
        if release == 4 and config is None:
            return _not_exposed(cluster, 4, "no image registry configuration")
        if config is not None:
            state = config.management_state or "Managed"
            found = f"managementState: {state}, defaultRoute: {str(config.default_route).lower()}"
            return _not_exposed(cluster, 4, found, config.ref.at("/spec"))
        return _not_exposed(cluster, 3, "no admitted route to service docker-registry")


def _indirect(migration: Migration, cluster: Cluster, config: RegistryConfig | None) -> Outcome:
    """Whether images that go through the replication repository can land on the destination."""
    plan = migration.plan
    removed = config is not None and config.management_state == "Removed"
    if config is None or not removed or cluster is not migration.destination:
        return not_applicable(
            cluster.subject,
            "the plan copies images through the replication repository",
            plan.ref.at("/spec/indirectImageMigration", "true"),
        )
    source, namespaces = migration.source, migration.source_namespaces
    streams = source.known(IMAGE_STREAM, namespaces)
    holders = [item.ref for item in streams] or list(_users(source, namespaces))
    if not holders:
        source.all(IMAGE_STREAM, namespaces)
        return not_applicable(
            cluster.subject, "the plan's namespaces hold no image stream and use no internal image"
        )
    names = few(sorted({f"{ref.namespace}/{ref.name}" for ref in holders}))
    return failed(
        config.ref.subject,
        f"the image registry is removed, so the images of {names} cannot be pushed to it",
        config.ref.at("/spec/managementState", "Removed"),
        holders[0].at("/metadata/name", holders[0].name),
        found="managementState: Removed",
        wanted="a registry",
        commands=(MANAGE,),
    )


def _users(source: Cluster, namespaces: tuple[str, ...]) -> Iterator[Ref]:
    """The pods and templates whose images are in the source's own registry."""
    hosts = {host.lower() for route in registry_routes(source) for host in route.hosts}
    for pod in source.known(POD, namespaces):
        if any(image_namespace(one.image, hosts) for one in pod.containers):
            yield pod.ref
    for made in templates(source, namespaces):
        if any(image_namespace(image, hosts) for image in made.images):
            yield made.ref


def _config(cluster: Cluster) -> RegistryConfig | None:
    known = cluster.known(REGISTRY_CONFIG)
    return next((item for item in known if item.ref.name == "cluster"), None)


def _removed(config: RegistryConfig, exposed: bool) -> Outcome:
    """``exposed`` says whether it has to be reached from outside, once it is back."""
    return failed(
        config.ref.subject,
        "the image registry is removed from the cluster",
        config.ref.at("/spec/managementState", "Removed"),
        found="managementState: Removed",
        wanted="managementState: Managed",
        commands=(MANAGE, EXPOSE[4]) if exposed else (MANAGE,),
    )


def _exposed(cluster: Cluster, config: RegistryConfig | None) -> Fact[bool] | None:
    for route in registry_routes(cluster):
        if route.admitted:
            return Fact(True, (route.ref.at("/spec/host", route.host),))
    if config is None or config.management_state not in ("Managed", ""):
        return None  # an unmanaged registry's operator makes no route, whatever the spec says
    if config.default_route:
        return Fact(True, (config.ref.at("/spec/defaultRoute", "true"),))
    if config.route_hosts:
        return Fact(True, (config.ref.at("/spec/routes/0/hostname", config.route_hosts[0]),))
    return None


def _not_exposed(cluster: Cluster, release: int, found: str, *evidence: Pointer) -> Outcome:
    return failed(
        cluster.subject,
        "the image registry is not exposed",
        *evidence,
        found=found,
        wanted="an exposed registry",
        commands=(EXPOSE[release],),
    )
