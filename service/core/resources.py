"""What can be gathered: every kind that a policy may read, and the command that fetches it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from shlex import quote
from typing import Any, Generic, TypeVar

from service.core.objects.apis import (
    ApiGroup,
    ApiObject,
    ApiResources,
    ApiService,
    CustomResourceDefinition,
    KubeVirt,
)
from service.core.objects.config import (
    ClusterVersion,
    ConfigMap,
    Infrastructure,
    IngressConfig,
    Namespace,
    Node,
    Proxy,
    RegistryConfig,
    Secret,
    ServerVersion,
)
from service.core.objects.mtc import (
    MigCluster,
    MigHook,
    MigPlan,
    MigrationController,
    MigStorage,
)
from service.core.objects.network import AdminPolicy, EgressPolicy, NetworkPolicy, Route, Service
from service.core.objects.operators import (
    ClusterServiceVersion,
    Deployment,
    PackageManifest,
    Subscription,
)
from service.core.objects.rbac import AccessReview, ClusterRole, ClusterRoleBinding, User
from service.core.objects.storage import (
    CSIDriver,
    PersistentVolume,
    PersistentVolumeClaim,
    ResourceQuota,
    StorageClass,
    VolumeSnapshotClass,
)
from service.core.objects.workloads import BuildConfig, ImageStream, LimitRange, Pod

MTC_NAMESPACE = "openshift-migration"
"""Where MTC lives on every cluster; hard-coded in mig-controller (api/resource.go)."""

MOST_NAMED = 10
"""Namespaces that a command names one by one; of more, all namespaces are fetched."""

MOST_REMEMBERED = 500
"""Characters of names, which come from the input, for which a command is kept for the next one."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Resource(Generic[T]):
    """A kind of the Kubernetes or OpenShift API.

    ``groups`` are all API groups that serve or served the same objects; the first is today's.
    OpenShift 3 serves its own kinds in the core group ("") too. ``releases`` are the major
    OpenShift releases that know the kind. ``model`` is what a reader makes of an object.
    """

    kind: str
    plural: str
    model: type[T]
    groups: tuple[str, ...] = ("",)
    version: str = "v1"
    namespaced: bool = False
    releases: tuple[int, ...] = (3, 4)
    title: str = ""

    @property
    def group(self) -> str:
        """Today's API group, "" for the core group."""
        return self.groups[0]

    @property
    def api_version(self) -> str:
        """Today's apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def argument(self) -> str:
        """The kind as an argument of `oc get`, with its group where the plural is ambiguous."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def __str__(self) -> str:
        return self.argument


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What a policy reads: every object of a resource, those of a namespace, or one by name."""

    resource: Resource[T]
    namespace: str = ""
    name: str = ""
    plan_namespaces: bool = False
    """Whether it is read for the namespaces of the plan."""

    def command(self, namespaces: tuple[str, ...] = ()) -> str:
        """The `oc` command that fetches it as YAML; ``namespaces`` are those of the plan."""
        return fetch_command(self.resource, self.name, self.namespace, namespaces)


def fetch_command(
    resource: Resource[Any],
    name: str = "",
    namespace: str = "",
    namespaces: tuple[str, ...] = (),
    *,
    may_be_absent: bool = False,
) -> str:
    """The `oc get` command for one object, a namespace, some namespaces, or all of them.

    What `oc` prints of an empty list names neither kind nor namespace, and of an object that
    does not exist it prints nothing; so the command of a list, and of an object that
    ``may_be_absent``, prints a second document that says what was asked for, unless it fails.
    """
    if len(namespaces) > MOST_NAMED:
        namespaces = ()
    # The same few hundred commands are asked for again and again: a third of a small evaluation.
    short = len(name) + len(namespace) + len("".join(namespaces)) <= MOST_REMEMBERED
    compose = _remembered if short else _compose
    return compose(resource, name, namespace, namespaces, may_be_absent)


def _compose(
    resource: Resource[Any],
    name: str,
    namespace: str,
    namespaces: tuple[str, ...],
    may_be_absent: bool,
) -> str:
    command = _COMMANDS.get(resource)
    if command:
        return command
    if not resource.namespaced:
        namespace = ""
    elif not namespace and len(namespaces) == 1:
        namespace = namespaces[0]
    elif not namespace and not name and len(namespaces) > 1:
        each = _get(resource, "", '-n "$n"') + f' && echo "{_mark(resource, "$n")}"'
        return f"for n in {' '.join(map(_word, namespaces))}; do {each}; echo ---; done"
    scope = f"-n {_word(namespace)}" if namespace else "--all-namespaces" * resource.namespaced
    if name and not may_be_absent:
        return _get(resource, _word(name), scope)
    wanted = f"{_word(name)} --ignore-not-found" if name else ""
    return f"{_get(resource, wanted, scope)} && echo {quote(_mark(resource, namespace, name))}"


_remembered = lru_cache(maxsize=2048)(_compose)


def _get(resource: Resource[Any], name: str, scope: str) -> str:
    template = _SECRET if name else SECRET_TEMPLATE
    output = f"-o go-template='{template}'" if resource is SECRET else "-o yaml"
    words = ("oc get", resource.argument, name, scope, output)
    return " ".join(word for word in words if word)


def _mark(resource: Resource[Any], namespace: str, name: str = "") -> str:
    """A document that says that all of this was asked for: resource/namespace/name."""
    steps = "/".join((resource.argument, namespace, name)).rstrip("/")
    odd = any(map(_ODD.search, (namespace, name)))
    return f"--- {{complete: [{json.dumps(steps) if odd else steps}]}}"


_ODD = re.compile(r"[^\w.:$<> -]")
_PLACEHOLDER = re.compile(r"<[a-z -]+>")


def _word(name: str) -> str:
    """A name of the evidence as one word of a command, whatever it holds.

    A placeholder stays one, and a name that starts like an option, which none can, becomes one.
    """
    if name.startswith("-"):
        return "<name>"
    return name if _PLACEHOLDER.fullmatch(name) else quote(name)


_SECRET = (
    '- {apiVersion: v1, kind: Secret, metadata: {name: {{printf "%q" .metadata.name}}, '
    'namespace: {{printf "%q" .metadata.namespace}}, '
    'labels: { {{range $key, $value := .metadata.labels}}{{printf "%q" $key}}: '
    '{{printf "%q" $value}}, {{end}}}}, '
    'data: { {{range $key, $_ := .data}}{{printf "%q" $key}}: "", {{end}}}}{{"\\n"}}'
)
SECRET_TEMPLATE = (
    'apiVersion: v1{{"\\n"}}kind: SecretList{{"\\n"}}items:{{"\\n"}}'
    f"{{{{range .items}}}}{_SECRET}{{{{end}}}}"
)
"""Prints secrets without their values, as a go-template for `oc get secrets`: only the names of
their keys are read, so the values do not leave the cluster."""

CONFIG = "config.openshift.io"
MIGRATION = "migration.openshift.io"
OLM = "operators.coreos.com"
RBAC = "rbac.authorization.k8s.io"
LEGACY_RBAC = "authorization.openshift.io"

CLUSTER_VERSION = Resource(
    "ClusterVersion", "clusterversions", ClusterVersion, (CONFIG,), releases=(4,),
    title="OpenShift version, update history and available updates",
)  # fmt: skip
SERVER_VERSION = Resource(
    "ServerVersion", "version", ServerVersion, title="the API server's own version answer"
)
INFRASTRUCTURE = Resource(
    "Infrastructure", "infrastructures", Infrastructure, (CONFIG,), releases=(4,),
    title="cloud platform, region and API URL",
)  # fmt: skip
PROXY = Resource(
    "Proxy", "proxies", Proxy, (CONFIG,), releases=(4,), title="the cluster-wide proxy"
)
INGRESS_CONFIG = Resource(
    "Ingress", "ingresses", IngressConfig, (CONFIG,), releases=(4,), title="the routes' domain"
)
REGISTRY_CONFIG = Resource(
    "Config", "configs", RegistryConfig, ("imageregistry.operator.openshift.io",), releases=(4,),
    title="the image registry operator's configuration",
)  # fmt: skip
NODE = Resource("Node", "nodes", Node, title="regions, zones and kubelet versions of the nodes")
NAMESPACE = Resource("Namespace", "namespaces", Namespace, title="namespaces and their labels")
CONFIG_MAP = Resource(
    "ConfigMap", "configmaps", ConfigMap, namespaced=True, title="MTC's effective settings"
)
SECRET = Resource("Secret", "secrets", Secret, namespaced=True, title="names of a secret's keys")
ROUTE = Resource(
    "Route", "routes", Route, ("route.openshift.io", ""), namespaced=True, title="routes"
)
SERVICE = Resource("Service", "services", Service, namespaced=True, title="services")
NETWORK_POLICY = Resource(
    "NetworkPolicy", "networkpolicies", NetworkPolicy, ("networking.k8s.io", "extensions"),
    namespaced=True, title="network policies",
)  # fmt: skip
ADMIN_NETWORK_POLICY = Resource(
    "AdminNetworkPolicy", "adminnetworkpolicies", AdminPolicy, ("policy.networking.k8s.io",),
    "v1alpha1", releases=(4,), title="network policies of the cluster's administrators",
)  # fmt: skip
BASELINE_ADMIN_NETWORK_POLICY = Resource(
    "BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies", AdminPolicy,
    ("policy.networking.k8s.io",), "v1alpha1", releases=(4,),
    title="the network policy of the cluster's administrators for pods that no other isolates",
)  # fmt: skip
EGRESS_NETWORK_POLICY = Resource(
    "EgressNetworkPolicy", "egressnetworkpolicies", EgressPolicy, ("network.openshift.io", ""),
    namespaced=True, title="egress network policies of OpenShift SDN",
)  # fmt: skip
EGRESS_FIREWALL = Resource(
    "EgressFirewall", "egressfirewalls", EgressPolicy, ("k8s.ovn.org",), namespaced=True,
    releases=(4,), title="egress firewalls of OVN-Kubernetes",
)  # fmt: skip
PERSISTENT_VOLUME = Resource(
    "PersistentVolume", "persistentvolumes", PersistentVolume, title="persistent volumes"
)
PERSISTENT_VOLUME_CLAIM = Resource(
    "PersistentVolumeClaim", "persistentvolumeclaims", PersistentVolumeClaim, namespaced=True,
    title="persistent volume claims",
)  # fmt: skip
STORAGE_CLASS = Resource(
    "StorageClass", "storageclasses", StorageClass, ("storage.k8s.io",), title="storage classes"
)
CSI_DRIVER = Resource(
    "CSIDriver", "csidrivers", CSIDriver, ("storage.k8s.io",), releases=(4,), title="CSI drivers"
)
VOLUME_SNAPSHOT_CLASS = Resource(
    "VolumeSnapshotClass", "volumesnapshotclasses", VolumeSnapshotClass,
    ("snapshot.storage.k8s.io",), releases=(4,), title="volume snapshot classes",
)  # fmt: skip
MIGRATION_CONTROLLER = Resource(
    "MigrationController", "migrationcontrollers", MigrationController, (MIGRATION,), "v1alpha1",
    namespaced=True, title="the operator's settings",
)  # fmt: skip
MIG_CLUSTER = Resource(
    "MigCluster", "migclusters", MigCluster, (MIGRATION,), "v1alpha1", namespaced=True,
    title="the clusters that MTC knows",
)  # fmt: skip
MIG_PLAN = Resource(
    "MigPlan", "migplans", MigPlan, (MIGRATION,), "v1alpha1", namespaced=True,
    title="the migration plans",
)  # fmt: skip
MIG_STORAGE = Resource(
    "MigStorage", "migstorages", MigStorage, (MIGRATION,), "v1alpha1", namespaced=True,
    title="the replication repositories",
)  # fmt: skip
MIG_HOOK = Resource(
    "MigHook", "mighooks", MigHook, (MIGRATION,), "v1alpha1", namespaced=True,
    title="the migration hooks",
)  # fmt: skip
SUBSCRIPTION = Resource(
    "Subscription", "subscriptions", Subscription, (OLM,), "v1alpha1", namespaced=True,
    releases=(4,), title="the MTC operator's subscription",
)  # fmt: skip
CLUSTER_SERVICE_VERSION = Resource(
    "ClusterServiceVersion", "clusterserviceversions", ClusterServiceVersion, (OLM,), "v1alpha1",
    namespaced=True, releases=(4,), title="the installed operators",
)  # fmt: skip
PACKAGE_MANIFEST = Resource(
    "PackageManifest", "packagemanifests", PackageManifest, ("packages.operators.coreos.com",),
    namespaced=True, releases=(4,), title="what the operator catalogs offer",
)  # fmt: skip
DEPLOYMENT = Resource(
    "Deployment", "deployments", Deployment, ("apps", "extensions"), namespaced=True,
    title="the MTC operator's deployment",
)  # fmt: skip
CLUSTER_ROLE = Resource("ClusterRole", "clusterroles", ClusterRole, (RBAC, LEGACY_RBAC, ""))
CLUSTER_ROLE_BINDING = Resource(
    "ClusterRoleBinding", "clusterrolebindings", ClusterRoleBinding, (RBAC, LEGACY_RBAC, ""),
    title="who has which cluster role",
)  # fmt: skip
ACCESS_REVIEW = Resource(
    "SelfSubjectAccessReview", "selfsubjectaccessreviews", AccessReview, ("authorization.k8s.io",),
    title="what the logged-in user may do",
)  # fmt: skip
USER = Resource("User", "users", User, ("user.openshift.io", ""), title="who is logged in")
POD = Resource("Pod", "pods", Pod, namespaced=True, title="pods and the images that they use")
IMAGE_STREAM = Resource(
    "ImageStream", "imagestreams", ImageStream, ("image.openshift.io", ""), namespaced=True,
    title="image streams",
)  # fmt: skip
BUILD_CONFIG = Resource(
    "BuildConfig", "buildconfigs", BuildConfig, ("build.openshift.io", ""), namespaced=True,
    title="build configurations and the images that they build from",
)  # fmt: skip
RESOURCE_QUOTA = Resource(
    "ResourceQuota", "resourcequotas", ResourceQuota, namespaced=True,
    title="quotas of the namespaces, and what is used of them",
)  # fmt: skip
LIMIT_RANGE = Resource(
    "LimitRange", "limitranges", LimitRange, namespaced=True,
    title="limits for single containers, pods and claims",
)  # fmt: skip
CRON_JOB = Resource(
    "CronJob", "cronjobs", ApiObject, ("batch",), namespaced=True,
    title="API versions of cron jobs",
)  # fmt: skip
POD_DISRUPTION_BUDGET = Resource(
    "PodDisruptionBudget", "poddisruptionbudgets", ApiObject, ("policy",), namespaced=True,
    title="API versions of pod disruption budgets",
)  # fmt: skip
AUTOSCALER = Resource(
    "HorizontalPodAutoscaler", "horizontalpodautoscalers", ApiObject, ("autoscaling",), "v2",
    namespaced=True, title="API versions of autoscalers",
)  # fmt: skip
KUBERNETES_INGRESS = Resource(
    "Ingress", "ingresses", ApiObject, ("networking.k8s.io", "extensions"), namespaced=True,
    title="API versions of ingresses",
)  # fmt: skip
API_SERVICE = Resource(
    "APIService", "apiservices", ApiService, ("apiregistration.k8s.io",),
    title="API groups and versions that are served",
)  # fmt: skip
CRD = Resource(
    "CustomResourceDefinition", "customresourcedefinitions", CustomResourceDefinition,
    ("apiextensions.k8s.io",), title="kinds that were added to the API",
)  # fmt: skip
API_RESOURCES = Resource(
    "APIResourceList", "apiresourcelists", ApiResources,
    title="the API server's own list of the kinds of a group version",
)  # fmt: skip
API_GROUP = Resource(
    "APIGroupDiscovery", "apigroupdiscoveries", ApiGroup, ("apidiscovery.k8s.io",), "v2",
    releases=(4,), title="the API server's own list of all groups, versions and kinds",
)  # fmt: skip
KUBE_VIRT = Resource(
    "KubeVirt", "kubevirts", KubeVirt, ("kubevirt.io",), namespaced=True, releases=(4,),
    title="OpenShift Virtualization's version and settings",
)  # fmt: skip

RESOURCES: tuple[Resource[Any], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Resource)
)

BY_GROUP_KIND: dict[tuple[str, str], Resource[Any]] = {
    (group, resource.kind): resource for resource in RESOURCES for group in resource.groups
}

_COMMANDS: dict[Resource[Any], str] = {
    ACCESS_REVIEW: (
        "oc create -o yaml -f - <<< '"
        '{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview",'
        '"spec":{"resourceAttributes":{"verb":"*","group":"*","resource":"*"}}}\''
    ),
    SERVER_VERSION: "oc get --raw /version/openshift || oc get --raw /version",
    USER: "oc get user/~ -o yaml",
    API_RESOURCES: (
        "for v in $(oc api-versions); do case $v in */*) p=/apis/$v;; *) p=/api/$v;; esac; "
        'oc get --raw "$p"; echo; done'
    ),
    API_GROUP: (
        'curl -sk -H "Authorization: Bearer $(oc whoami -t)" -H "Accept: application/json;'
        'g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" "$(oc whoami --show-server)/apis"'
    ),
}
"""How to fetch what `oc get` does not list."""
