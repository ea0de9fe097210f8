"""Which member of an archive is read, by its path alone."""

from __future__ import annotations

import pytest

from service.intake.layout import LOOSE, Hint, Wanted, hint_of
from service.kinds.cluster import CONFIG_MAP, NAMESPACE, NODE
from service.kinds.config import CLUSTER_VERSION, PROXY, REGISTRY_CONFIG
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN
from service.kinds.network import ROUTE
from service.kinds.rbac import CLUSTER_ROLE_BINDING
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from service.kinds.workloads import POD

ALL = Wanted.of(None)
IMAGE = "must-gather.local.1/quay-io-image-sha256-abc"

PATHS = {
    "one object of a must-gather": (
        f"{IMAGE}/cluster-scoped-resources/config.openshift.io/clusterversions/version.yaml",
        Hint("", CLUSTER_VERSION),
    ),
    "a cluster-scoped list of a must-gather": (
        f"{IMAGE}/cluster-scoped-resources/config.openshift.io/proxies.yaml",
        Hint("", PROXY, listing=True),
    ),
    "a core object of a must-gather": (
        f"{IMAGE}/cluster-scoped-resources/core/persistentvolumes/pvc-1.yaml",
        Hint("", PERSISTENT_VOLUME),
    ),
    "a namespaced list": (
        f"{IMAGE}/namespaces/shop/core/persistentvolumeclaims.yaml",
        Hint("", PERSISTENT_VOLUME_CLAIM, "shop", listing=True),
    ),
    "a list over all namespaces": (
        f"{IMAGE}/namespaces/all/core/pods.yaml",
        Hint("", POD, "*", listing=True),
    ),
    "a namespaced object in a folder of its own": (
        f"{IMAGE}/namespaces/openshift-image-registry/route.openshift.io/routes/default-route.yaml",
        Hint("", ROUTE, "openshift-image-registry"),
    ),
    "the namespace itself": (
        f"{IMAGE}/namespaces/shop/shop.yaml",
        Hint("", NAMESPACE),
    ),
    "a custom resource of the host in an MTC must-gather": (
        "must-gather/clusters/host/namespaces/openshift-migration/crs/"
        "migclusters.migration.openshift.io/host.yaml",
        Hint("", MIG_CLUSTER, "openshift-migration"),
    ),
    "a config map list of a remote cluster in an MTC must-gather": (
        "must-gather/clusters/old/namespaces/openshift-migration/core/configmaps.yaml",
        Hint("old", CONFIG_MAP, "openshift-migration", listing=True),
    ),
    "a plan in a nested MTC must-gather": (
        "gather.local/img/must-gather.tar.gz!/must-gather/migplans/migplan-shop/shop.yml",
        Hint("", MIG_PLAN, "openshift-migration"),
    ),
    "a run of a plan is no plan": (
        "must-gather/migplans/migplan-shop/migmigration-1/migmigration-1.yml",
        None,
    ),
    "a failed login": (
        "must-gather/clusters/old/login_error.txt",
        Hint("old", note="login-error"),
    ),
    "the time of the collection": (f"{IMAGE}/timestamp", Hint(note="timestamp")),
    "version of an Insights archive": (
        "config/version.json",
        Hint("", CLUSTER_VERSION, masked=True),
    ),
    "a node of an Insights archive": ("config/node/worker-0.json", Hint("", NODE, masked=True)),
    "a pod of an Insights archive": (
        "config/pod/shop/web-1.json",
        Hint("", POD, "shop", masked=True),
    ),
    "a binding of an Insights archive": (
        "config/clusterrolebinding/cluster-admin.json",
        Hint("", CLUSTER_ROLE_BINDING, masked=True),
    ),
    "the registry configuration of an Insights archive": (
        "config/clusteroperator/imageregistry.operator.openshift.io/config/cluster.json",
        Hint("", REGISTRY_CONFIG, masked=True),
    ),
    "the Insights operator's own report": (
        "insights-operator/gathers.json",
        Hint(note="gathers"),
    ),
    "plain output of oc get": ("dump/pvs.yaml", LOOSE),
    "a log": (f"{IMAGE}/namespaces/shop/pods/web-1/web/web/logs/current.log", None),
    "a kind that no policy reads": (
        f"{IMAGE}/cluster-scoped-resources/flowcontrol.apiserver.k8s.io/flowschemas/a.yaml",
        None,
    ),
    "a config map of an application": (f"{IMAGE}/namespaces/shop/core/configmaps.yaml", None),
}


@pytest.mark.parametrize(("path", "hint"), PATHS.values(), ids=PATHS)
def test_hint(path: str, hint: Hint | None) -> None:
    assert hint_of(path, ALL) == hint


READS = (Read(CONFIG_MAP, "openshift-migration"), Read(POD, plan_namespaces=True), Read(NODE))
TAKEN = {
    "a namespace that is read by name": (None, CONFIG_MAP, "openshift-migration", True),
    "the same kind elsewhere": (None, CONFIG_MAP, "shop", False),
    "an application before a plan is known": (None, POD, "shop", True),
    "the cluster's own namespace before a plan is known": (None, POD, "openshift-etcd", False),
    "a namespace of the plan": (["shop"], POD, "shop", True),
    "another namespace than the plan's": (["shop"], POD, "blog", False),
    "a cluster-scoped kind": (["shop"], NODE, "", True),
    "a kind that is not read": (["shop"], ROUTE, "shop", False),
}


@pytest.mark.parametrize(("plan", "resource", "namespace", "taken"), TAKEN.values(), ids=TAKEN)
def test_only_what_policies_read_is_taken(plan, resource, namespace, taken) -> None:  # type: ignore[no-untyped-def]
    assert Wanted.of(READS, plan).takes(resource, namespace) is taken
