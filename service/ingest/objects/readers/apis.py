"""Readers of what an API server serves."""

from __future__ import annotations

from service.core.evidence import Ref
from service.core.objects.apis import (
    ApiGroup,
    ApiObject,
    ApiResources,
    ApiService,
    CustomResourceDefinition,
    KubeVirt,
    ServedKind,
)
from service.core.resources import (
    API_GROUP,
    API_RESOURCES,
    API_SERVICE,
    AUTOSCALER,
    CRD,
    CRON_JOB,
    KUBE_VIRT,
    KUBERNETES_INGRESS,
    POD_DISRUPTION_BUDGET,
)
from service.ingest.objects.readers.registry import reads
from service.ingest.objects.readers.shape import (
    Object,
    conditions,
    flag,
    metadata,
    rows,
    table,
    text,
    texts,
)


@reads(CRON_JOB)
@reads(POD_DISRUPTION_BUDGET)
@reads(AUTOSCALER)
@reads(KUBERNETES_INGRESS)
def api_object(value: Object, ref: Ref) -> ApiObject:
    """An object of which only the apiVersion matters."""
    return ApiObject(ref)


@reads(API_RESOURCES)
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


@reads(API_GROUP)
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


@reads(API_SERVICE)
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


@reads(CRD)
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
    )


@reads(KUBE_VIRT)
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
