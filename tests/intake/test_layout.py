"""Which member of an archive is read, by its path alone."""

from __future__ import annotations

import pytest

from service.intake.layout import Hint, Holds, hint_of
from service.intake.wanted_objects import Wanted
from service.kinds.apis import API_GROUP
from service.kinds.cluster import CONFIG_MAP, NAMESPACE, NODE
from service.kinds.config import CLUSTER_VERSION, PROXY, REGISTRY_CONFIG
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN
from service.kinds.network import ROUTE
from service.kinds.rbac import CLUSTER_ROLE_BINDING
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from service.kinds.workloads import POD

NOTHING = Hint(Holds.NOTHING)
IMAGE = "must-gather.local.1/quay-io-image-sha256-abc"
HOST, OLD = "must-gather/clusters/host/", "must-gather/clusters/old/"
NESTED = "gather.local/img/must-gather.tar.gz!/must-gather/"

PATHS = {
    "one object of a must-gather": (
        f"{IMAGE}/cluster-scoped-resources/config.openshift.io/clusterversions/version.yaml",
        Hint(Holds.OBJECTS, f"{IMAGE}/", "", CLUSTER_VERSION),
    ),
    "a cluster-scoped list of a must-gather": (
        f"{IMAGE}/cluster-scoped-resources/config.openshift.io/proxies.yaml",
        Hint(Holds.OBJECTS, f"{IMAGE}/", "", PROXY, listing=True),
    ),
    "a core object of a must-gather": (
        f"{IMAGE}/cluster-scoped-resources/core/persistentvolumes/pvc-1.yaml",
        Hint(Holds.OBJECTS, f"{IMAGE}/", "", PERSISTENT_VOLUME),
    ),
    "a namespaced list": (
        f"{IMAGE}/namespaces/shop/core/persistentvolumeclaims.yaml",
        Hint(Holds.OBJECTS, f"{IMAGE}/", "", PERSISTENT_VOLUME_CLAIM, "shop", listing=True),
    ),
    "a list over all namespaces": (
        f"{IMAGE}/namespaces/all/core/pods.yaml",
        Hint(Holds.OBJECTS, f"{IMAGE}/", "", POD, "*", listing=True),
    ),
    "a namespaced object in a folder of its own": (
        f"{IMAGE}/namespaces/openshift-image-registry/route.openshift.io/routes/default-route.yaml",
        Hint(Holds.OBJECTS, f"{IMAGE}/", "", ROUTE, "openshift-image-registry"),
    ),
    "the namespace itself": (
        f"{IMAGE}/namespaces/shop/shop.yaml",
        Hint(Holds.OBJECTS, f"{IMAGE}/", "", NAMESPACE),
    ),
    "a custom resource of the host in an MTC must-gather": (
        "must-gather/clusters/host/namespaces/openshift-migration/crs/"
        "migclusters.migration.openshift.io/host.yaml",
        Hint(
            Holds.OBJECTS, "must-gather/clusters/host/", "host", MIG_CLUSTER, "openshift-migration"
        ),
    ),
    "a config map list of a remote cluster in an MTC must-gather": (
        "must-gather/clusters/old/namespaces/openshift-migration/core/configmaps.yaml",
        Hint(
            Holds.OBJECTS,
            "must-gather/clusters/old/",
            "old",
            CONFIG_MAP,
            "openshift-migration",
            listing=True,
        ),
    ),
    "a plan in a nested MTC must-gather": (
        "gather.local/img/must-gather.tar.gz!/must-gather/migplans/migplan-shop/shop.yml",
        Hint(
            Holds.OBJECTS,
            "gather.local/img/must-gather.tar.gz!/must-gather/",
            "host",
            MIG_PLAN,
            "openshift-migration",
        ),
    ),
    "a run of a plan is no plan": (
        "must-gather/migplans/migplan-shop/migmigration-1/migmigration-1.yml",
        Hint(Holds.UNREAD, "must-gather/"),
    ),
    "a failed login": (
        "must-gather/clusters/old/login_error.txt",
        Hint(Holds.NOTE, OLD, "old"),
    ),
    "the time of the collection": (f"{IMAGE}/timestamp", Hint(Holds.NOTE, f"{IMAGE}/")),
    "version of an Insights archive": (
        "config/version.json",
        Hint(Holds.MASKED, "", "", CLUSTER_VERSION),
    ),
    "a node of an Insights archive": (
        "config/node/worker-0.json",
        Hint(Holds.MASKED, "", "", NODE),
    ),
    "a pod of an Insights archive": (
        "config/pod/shop/web-1.json",
        Hint(Holds.MASKED, "", "", POD, "shop"),
    ),
    "a binding of an Insights archive": (
        "config/clusterrolebinding/cluster-admin.json",
        Hint(Holds.MASKED, "", "", CLUSTER_ROLE_BINDING),
    ),
    "the registry configuration of an Insights archive": (
        "config/clusteroperator/imageregistry.operator.openshift.io/config/cluster.json",
        Hint(Holds.MASKED, "", "", REGISTRY_CONFIG),
    ),
    "the Insights operator's own report": (
        "insights-operator/gathers.json",
        Hint(Holds.NOTE),
    ),
    "plain output of oc get": ("dump/pvs.yaml", Hint(Holds.LOOSE)),
    "a log": (f"{IMAGE}/namespaces/shop/pods/web-1/web/web/logs/current.log", NOTHING),
    "a kind that no policy reads": (
        f"{IMAGE}/cluster-scoped-resources/flowcontrol.apiserver.k8s.io/flowschemas/a.yaml",
        Hint(Holds.UNREAD, f"{IMAGE}/"),
    ),
    "the namespace logs": (
        f"{IMAGE}/namespaces/logs/core/pods.yaml",
        Hint(Holds.OBJECTS, f"{IMAGE}/", "", POD, "logs", listing=True),
    ),
    "a cluster of MTC's image of before 1.4.3": (
        "must-gather.tar.gz!/must-gather/old/namespaces/openshift-migration/openshift-migration.yaml",
        Hint(Holds.OBJECTS, "must-gather.tar.gz!/must-gather/old/", "old", NAMESPACE),
    ),
    "a must-gather in a folder of that name": (
        "must-gather/quay-io-sha256-abc/namespaces/shop/shop.yaml",
        Hint(Holds.OBJECTS, "must-gather/quay-io-sha256-abc/", "", NAMESPACE),
    ),
    "a cluster of OADP's image": (
        f"{IMAGE}/clusters/3f2a1b4c/namespaces/shop/core/pods/pods.yaml",
        Hint(Holds.OBJECTS, f"{IMAGE}/clusters/3f2a1b4c/", "3f2a1b4c", POD, "shop", listing=True),
    ),
    "the API server's list of what it serves": (
        f"{IMAGE}/aggregated-discovery-apis.yaml",
        Hint(Holds.OBJECTS, f"{IMAGE}/", "", API_GROUP),
    ),
    "output of a tool": (
        f"{IMAGE}/etcd_info/member_list.json",
        Hint(Holds.TOOL, f"{IMAGE}/"),
    ),
    "an archive of sysinfo": (f"{IMAGE}/nodes/n1/sysinfo.tgz", Hint(Holds.TOOL, f"{IMAGE}/")),
    "MTC's archive": (f"{IMAGE}/must-gather.tar.gz", Hint(Holds.ARCHIVE, f"{IMAGE}/")),
    "an archive that was packed again": ("both/source.tar.xz", Hint(Holds.ARCHIVE)),
    "a report of the system": ("case/sosreport-n1.tar.xz", Hint(Holds.NOTHING, "case/")),
    "a store of a tool": (f"{IMAGE}/namespaces/a/b/store.tar.gz", NOTHING),
    "an older archive of the Insights operator": (
        f"{IMAGE}/insights-data/insights-operator/insights-2026-11-27-080000.tar.gz",
        Hint(Holds.INSIGHTS, f"{IMAGE}/"),
    ),
}


@pytest.mark.parametrize(("path", "hint"), PATHS.values(), ids=PATHS)
def test_hint(path: str, hint: Hint) -> None:
    assert hint_of(path) == hint


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
