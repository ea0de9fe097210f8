"""Two clusters and the plan between them: all that their API servers would list.

Application, MTC and OADP are those of the example that is ready to migrate; the rest is what every
OpenShift 4 cluster has. Must-gathers and what `oc` prints are made of it.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from string import Template
from typing import Any

import yaml

from service.intake.release_data import built_in

Object = dict[str, Any]
EXAMPLE = Path(__file__).parents[2] / "examples" / "migration-4-to-4.yaml"
NAMES = {"source": "old", "destination": "new"}
AS_OF = "2026-09-01T12:00:00Z"
"""Shortly after the release data: no later release is known."""

_CLUSTER = """
- apiVersion: config.openshift.io/v1
  kind: ClusterVersion
  metadata: {name: version}
  spec: {clusterID: ${ID}, channel: stable-${STREAM}}
  status:
    availableUpdates: null
    conditions: [{type: RetrievedUpdates, status: "True"}, {type: Available, status: "True"}]
    desired: {version: ${VERSION}}
    history: [{state: Completed, version: ${VERSION}}]
- apiVersion: config.openshift.io/v1
  kind: Infrastructure
  metadata: {name: cluster}
  status:
    infrastructureName: ${NAME}-x7k2p
    apiServerURL: https://api.${NAME}.example.com:6443
    platformStatus: {type: AWS, aws: {region: us-east-2}}
- {apiVersion: config.openshift.io/v1, kind: Proxy, metadata: {name: cluster}, spec: {}, status: {}}
- apiVersion: config.openshift.io/v1
  kind: Ingress
  metadata: {name: cluster}
  spec: {domain: apps.${NAME}.example.com}
- {apiVersion: config.openshift.io/v1, kind: Scheduler, metadata: {name: cluster}, spec: {}}
- apiVersion: config.openshift.io/v1
  kind: OAuth
  metadata: {name: cluster}
  spec: {identityProviders: [{name: staff, type: HTPasswd, mappingMethod: claim}]}
- apiVersion: config.openshift.io/v1
  kind: ClusterOperator
  metadata: {name: kube-apiserver}
  status:
    conditions: &well
    - {type: Available, status: "True"}
    - {type: Progressing, status: "False"}
    - {type: Degraded, status: "False"}
    relatedObjects:
    - {group: operator.openshift.io, resource: kubeapiservers, name: cluster}
    - {group: "", resource: namespaces, name: openshift-kube-apiserver}
    - {group: apiextensions.k8s.io, resource: customresourcedefinitions, name: ""}
    - {group: security.openshift.io, resource: securitycontextconstraints, name: ""}
    - {group: admissionregistration.k8s.io, resource: mutatingwebhookconfigurations, name: ""}
    - {group: admissionregistration.k8s.io, resource: validatingwebhookconfigurations, name: ""}
- apiVersion: config.openshift.io/v1
  kind: ClusterOperator
  metadata: {name: machine-config}
  status:
    conditions: *well
    relatedObjects:
    - {group: machineconfiguration.openshift.io, resource: machineconfigpools, name: ""}
- apiVersion: config.openshift.io/v1
  kind: ClusterOperator
  metadata: {name: network}
  status:
    conditions: *well
    relatedObjects: [{group: operator.openshift.io, resource: networks, name: cluster}]
- apiVersion: machineconfiguration.openshift.io/v1
  kind: MachineConfigPool
  metadata: {name: worker}
  status:
    machineCount: 1
    readyMachineCount: 1
    updatedMachineCount: 1
    conditions: [{type: Updated, status: "True"}]
- apiVersion: v1
  kind: Node
  metadata:
    name: ${NODE}
    labels:
      kubernetes.io/os: linux
      node-role.kubernetes.io/worker: ""
      topology.kubernetes.io/region: us-east-2
      topology.kubernetes.io/zone: us-east-2a
  spec: {providerID: "aws:///us-east-2a/i-0123"}
  status:
    allocatable: {cpu: "8", memory: 32Gi, pods: "250"}
    capacity: {cpu: "8", memory: 32Gi, pods: "250"}
    conditions: [{type: Ready, status: "True"}]
    nodeInfo: {kubeletVersion: v1.31.0}
- apiVersion: storage.k8s.io/v1
  kind: CSINode
  metadata: {name: ${NODE}}
  spec: {drivers: [{name: ebs.csi.aws.com, nodeID: i-0123, allocatable: {count: 25}}]}
- apiVersion: storage.k8s.io/v1
  kind: StorageClass
  metadata:
    name: gp3-csi
    annotations: {storageclass.kubernetes.io/is-default-class: "true"}
  provisioner: ebs.csi.aws.com
  reclaimPolicy: Delete
  volumeBindingMode: WaitForFirstConsumer
- {apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: ebs.csi.aws.com}, spec: {}}
- apiVersion: snapshot.storage.k8s.io/v1
  kind: VolumeSnapshotClass
  metadata: {name: csi-aws-vsc}
  driver: ebs.csi.aws.com
  deletionPolicy: Delete
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: {name: volumesnapshotclasses.snapshot.storage.k8s.io}
  spec:
    group: snapshot.storage.k8s.io
    names: {kind: VolumeSnapshotClass, plural: volumesnapshotclasses}
    scope: Cluster
    versions: [{name: v1, served: true, storage: true}]
- apiVersion: security.openshift.io/v1
  kind: SecurityContextConstraints
  metadata: {name: restricted-v2}
  groups: ["system:authenticated"]
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRole
  metadata: {name: admin}
  rules: []
- apiVersion: imageregistry.operator.openshift.io/v1
  kind: Config
  metadata: {name: cluster}
  spec: {managementState: Managed, defaultRoute: true, replicas: 2}
  status: {readyReplicas: 2}
- apiVersion: route.openshift.io/v1
  kind: Route
  metadata: {name: default-route, namespace: openshift-image-registry}
  spec:
    host: default-route-openshift-image-registry.apps.${NAME}.example.com
    tls: {termination: reencrypt}
    to: {kind: Service, name: image-registry}
  status:
    ingress:
    - host: default-route-openshift-image-registry.apps.${NAME}.example.com
      conditions: [{type: Admitted, status: "True"}]
- apiVersion: operator.openshift.io/v1
  kind: IngressController
  metadata: {name: default, namespace: openshift-ingress-operator}
  spec: {}
  status: {conditions: [{type: Available, status: "True"}]}
- {apiVersion: v1, kind: Namespace, metadata: {name: kube-system, uid: ${UID}}}
- {apiVersion: v1, kind: Namespace, metadata: {name: default}}
- {apiVersion: v1, kind: Namespace, metadata: {name: openshift}}
- {apiVersion: v1, kind: Namespace, metadata: {name: openshift-image-registry}}
- {apiVersion: v1, kind: Namespace, metadata: {name: openshift-ingress-operator}}
- {apiVersion: v1, kind: Namespace, metadata: {name: openshift-migration}}
- {apiVersion: v1, kind: Namespace, metadata: {name: openshift-operators}}
- apiVersion: operators.coreos.com/v1alpha1
  kind: ClusterServiceVersion
  metadata: {name: mtc-operator.v${MTC}, namespace: openshift-migration}
  spec: {displayName: Migration Toolkit for Containers Operator, version: ${MTC}}
  status: {phase: Succeeded}
- apiVersion: operators.coreos.com/v1alpha1
  kind: Subscription
  metadata: {name: mtc-operator, namespace: openshift-migration}
  spec: {name: mtc-operator, source: redhat-operators, channel: release-v1.8}
  status:
    installedCSV: mtc-operator.v${MTC}
    currentCSV: mtc-operator.v${MTC}
    state: AtLatestKnown
- apiVersion: packages.operators.coreos.com/v1
  kind: PackageManifest
  metadata: {name: mtc-operator, namespace: openshift-marketplace}
  status:
    catalogSource: redhat-operators
    defaultChannel: release-v1.8
    channels: [{name: release-v1.8, currentCSV: mtc-operator.v${MTC},
                currentCSVDesc: {version: ${MTC}}}]
"""


def clusters(stream: str) -> dict[str, list[Object]]:
    """The objects of both clusters, which run the newest release of an OpenShift stream."""
    envelope = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    releases = built_in()
    words = {
        "VERSION": str(releases.channels[f"stable-{stream}"][stream]),
        "STREAM": stream,
        "MTC": str(releases.mtc["1.8"].version),
    }
    found = {}
    for row in envelope["clusters"]:
        role = row["role"]
        objects = _cluster(role, words)
        taken = {key(item) for item in objects}
        objects += [item for item in row["objects"] if key(item) not in taken]
        found[role] = objects
    metadata = {"name": "shop", "namespace": "openshift-migration"}
    plan = {"apiVersion": "migration.openshift.io/v1alpha1", "kind": "MigPlan"}
    plan |= {"metadata": metadata, "spec": envelope["plan"]}
    found["destination"] += [plan, envelope["storage"], envelope["controller"]]
    for objects in found.values():
        for number, item in enumerate(objects):
            item["metadata"] = {"resourceVersion": str(1000 + number), **item["metadata"]}
            _as_stored(stream, item)
    return found


def _cluster(role: str, words: dict[str, str]) -> list[Object]:
    name = NAMES[role]
    digit = str(list(NAMES).index(role))
    own = {
        "NAME": name,
        "NODE": f"ip-10-{digit}-1-2.us-east-2.compute.internal",
        "UID": f"{digit * 8}-0000-4000-8000-00000000ffff",
        "ID": f"{digit * 8}-0000-4000-8000-00000000{words['STREAM'].replace('.', '0')}",
    }
    found: list[Object] = yaml.safe_load(Template(_CLUSTER).substitute(words, **own))
    return found


def _as_stored(stream: str, item: Object) -> None:
    """The data of secrets in base64, and since OpenShift 4.19 OADP 1.5."""
    for name, value in item.pop("stringData", {}).items():
        item.setdefault("data", {})[name] = b64encode(value.encode()).decode()
    if item["metadata"]["name"].startswith("oadp-operator") and stream >= "4.19":
        item["metadata"]["name"], item["spec"]["version"] = "oadp-operator.v1.5.3", "1.5.3"


def key(item: Object) -> tuple[str, str, str]:
    metadata = item["metadata"]
    return item["kind"], metadata.get("namespace", ""), metadata["name"]
