"""Which kinds an API server serves, and objects of which only the kind matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import (
    Object,
    conditions,
    drop,
    each,
    flag,
    inner,
    metadata,
    rows,
    table,
    text,
    texts,
)


class ApiObject(NamedTuple):
    """An object of which nothing but its existence and apiVersion is read."""

    ref: Ref


class ServedKind(NamedTuple):
    """A kind as an API server lists it; ``plural`` is the name of the resource."""

    plural: str
    kind: str
    namespaced: bool


@dataclass(frozen=True, slots=True)
class ApiResources:
    """APIResourceList: every kind of one group version (``""``, ``v1``)."""

    ref: Ref
    group: str
    version: str
    kinds: tuple[ServedKind, ...]


@dataclass(frozen=True, slots=True)
class ApiGroup:
    """APIGroupDiscovery: every version of a group with its kinds."""

    ref: Ref
    group: str
    versions: Mapping[str, tuple[ServedKind, ...]]


@dataclass(frozen=True, slots=True)
class ApiService:
    """APIService: a group version that the API server serves or hands on to another server.

    ``available`` is the status of condition Available, "" if there is none.
    """

    ref: Ref
    group: str
    version: str
    available: str


@dataclass(frozen=True, slots=True)
class CustomResourceDefinition:
    """CustomResourceDefinition (v1 or v1beta1); ``served`` are its served versions.

    ``created`` is a time as written.
    """

    ref: Ref
    group: str
    plural: str
    kind: str
    namespaced: bool
    served: tuple[str, ...]
    created: str = ""


@dataclass(frozen=True, slots=True)
class KubeVirt:
    """KubeVirt: what decides whether virtual machines can move with their storage.

    ``version`` is status.operatorVersion; ``developer`` says whether
    spec.configuration.developerConfiguration is there at all.
    """

    ref: Ref
    version: str
    rollout_strategy: str
    developer: bool
    feature_gates: tuple[str, ...]


def api_object(value: Object, ref: Ref) -> ApiObject:
    """An object of which only the apiVersion matters."""
    return ApiObject(ref)


def api_resources(value: Object, ref: Ref) -> ApiResources:
    """APIResourceList, without its subresources."""
    group, _, version = text(value, "groupVersion", "").rpartition("/")
    found = []
    for index, row in enumerate(rows(value, "resources", "")):
        at = f"/resources/{index}"
        name = text(row, "name", at)
        if "/" not in name:
            kind = ServedKind(name, text(row, "kind", at), flag(row, "namespaced", at))
            found.append(kind)
    return ApiResources(ref, group, version, tuple(found))


def api_group(value: Object, ref: Ref) -> ApiGroup:
    """An entry of APIGroupDiscoveryList."""
    versions = {}
    for index, row in enumerate(rows(value, "versions", "")):
        at = f"/versions/{index}"
        versions[text(row, "version", at)] = tuple(
            ServedKind(
                text(item, "resource", f"{at}/resources"),
                text(table(item, "responseKind", at), "kind", f"{at}/resources"),
                text(item, "scope", f"{at}/resources") == "Namespaced",
            )
            for item in rows(row, "resources", at)
        )
    return ApiGroup(ref, text(metadata(value), "name", "/metadata"), versions)


def api_service(value: Object, ref: Ref) -> ApiService:
    """APIService."""
    spec = table(value, "spec", "")
    available = conditions(table(value, "status", ""), "/status").get("Available")
    return ApiService(
        ref,
        text(spec, "group", "/spec"),
        text(spec, "version", "/spec"),
        available.status if available else "",
    )


def custom_resource_definition(value: Object, ref: Ref) -> CustomResourceDefinition:
    """CustomResourceDefinition, in the forms of v1 and of v1beta1 (one ``version``)."""
    spec = table(value, "spec", "")
    names = table(spec, "names", "/spec")
    served = [
        text(row, "name", f"/spec/versions/{index}")
        for index, row in enumerate(rows(spec, "versions", "/spec"))
        if flag(row, "served", f"/spec/versions/{index}")
    ]
    only = text(spec, "version", "/spec")
    if not served and only:
        served = [only]
    return CustomResourceDefinition(
        ref=ref,
        group=text(spec, "group", "/spec"),
        plural=text(names, "plural", "/spec/names"),
        kind=text(names, "kind", "/spec/names"),
        namespaced=text(spec, "scope", "/spec") == "Namespaced",
        served=tuple(served),
        created=text(metadata(value), "creationTimestamp", "/metadata"),
    )


def kube_virt(value: Object, ref: Ref) -> KubeVirt:
    """KubeVirt."""
    at = "/spec/configuration"
    configuration = table(table(value, "spec", ""), "configuration", "/spec")
    developer = table(configuration, "developerConfiguration", at)
    return KubeVirt(
        ref=ref,
        version=text(table(value, "status", ""), "operatorVersion", "/status"),
        rollout_strategy=text(configuration, "vmRolloutStrategy", at),
        developer=configuration.get("developerConfiguration") is not None,
        feature_gates=texts(developer, "featureGates", f"{at}/developerConfiguration"),
    )


def _without_schemas(value: dict[str, Any]) -> None:
    """The schemas are nearly all of a definition, and no policy reads them."""
    drop(value.get("spec"), "validation", "additionalPrinterColumns")
    for version in each(inner(value, "spec", "versions")):
        drop(version, "schema", "additionalPrinterColumns")


POD_DISRUPTION_BUDGET = Resource(
    "PodDisruptionBudget", "poddisruptionbudgets", api_object, ("policy",), namespaced=True,
    title="API versions of pod disruption budgets",
)  # fmt: skip
AUTOSCALER = Resource(
    "HorizontalPodAutoscaler", "horizontalpodautoscalers", api_object, ("autoscaling",), "v2",
    namespaced=True, title="API versions of autoscalers",
)  # fmt: skip
KUBERNETES_INGRESS = Resource(
    "Ingress", "ingresses", api_object, ("networking.k8s.io", "extensions"), namespaced=True,
    title="API versions of ingresses",
)  # fmt: skip
PRIORITY_CLASS = Resource(
    "PriorityClass", "priorityclasses", api_object, ("scheduling.k8s.io",),
    title="priority classes of pods",
)  # fmt: skip
RUNTIME_CLASS = Resource(
    "RuntimeClass", "runtimeclasses", api_object, ("node.k8s.io",), title="runtime classes of pods"
)
SERVICE_INSTANCE = Resource(
    "ServiceInstance", "serviceinstances", api_object, ("servicecatalog.k8s.io",), "v1beta1",
    namespaced=True, title="instances of the service catalog",
)  # fmt: skip
TEMPLATE_INSTANCE = Resource(
    "TemplateInstance", "templateinstances", api_object, ("template.openshift.io",),
    namespaced=True, title="instances of templates",
)  # fmt: skip
API_SERVICE = Resource(
    "APIService", "apiservices", api_service, ("apiregistration.k8s.io",),
    title="API groups and versions that are served",
)  # fmt: skip
CRD = Resource(
    "CustomResourceDefinition", "customresourcedefinitions", custom_resource_definition,
    ("apiextensions.k8s.io",), title="kinds that were added to the API", trim=_without_schemas,
)  # fmt: skip
API_RESOURCES = Resource(
    "APIResourceList", "apiresourcelists", api_resources,
    title="the API server's own list of the kinds of a group version",
    command="for v in $(oc api-versions); do case $v in */*) p=/apis/$v;; *) p=/api/$v;; esac; "
    'oc get --raw "$p"; echo; done',
)  # fmt: skip
API_GROUP = Resource(
    "APIGroupDiscovery", "apigroupdiscoveries", api_group, ("apidiscovery.k8s.io",), "v2",
    releases=(4,), title="the API server's own list of all groups, versions and kinds",
    command='curl -sk -H "Authorization: Bearer $(oc whoami -t)" -H "Accept: application/json;'
    'g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" "$(oc whoami --show-server)/apis"',
)  # fmt: skip
KUBE_VIRT = Resource(
    "KubeVirt", "kubevirts", kube_virt, ("kubevirt.io",), namespaced=True, releases=(4,),
    title="OpenShift Virtualization's version and settings",
)  # fmt: skip
