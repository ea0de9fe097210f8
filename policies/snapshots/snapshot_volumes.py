"""What snapshot copy depends on: the provider of a volume, the resource group of a cluster."""

from __future__ import annotations

from service.core.evidence import NotGathered
from service.core.facts import Fact
from service.core.facts.topology import mig_cluster
from service.core.migration import Cluster, Migration
from service.kinds.config import INFRASTRUCTURE
from service.kinds.storage import PersistentVolume

_OF_SOURCE = {"awsElasticBlockStore": "aws", "gcePersistentDisk": "gcp", "azureDisk": "azure"}
_OF_DRIVER = {
    "ebs.csi.aws.com": "aws",
    "pd.csi.storage.gke.io": "gcp",
    "disk.csi.azure.com": "azure",
}
_CSI_OF_IN_TREE = {
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
    "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
}
_PROVISIONER_OF_SOURCE = {
    "awsElasticBlockStore": "kubernetes.io/aws-ebs",
    "gcePersistentDisk": "kubernetes.io/gce-pd",
    "azureDisk": "kubernetes.io/azure-disk",
}


def provider_of(pv: PersistentVolume) -> str:
    """The snapshot provider of a volume as MigStorage spells it, "" where there is none."""
    return _OF_DRIVER.get(pv.driver, "") if pv.source == "csi" else _OF_SOURCE.get(pv.source, "")


def provisioner_of(pv: PersistentVolume) -> str:
    """The provisioner that such a volume comes from, "" if its source does not show it."""
    return pv.driver if pv.source == "csi" else _PROVISIONER_OF_SOURCE.get(pv.source, "")


def same_storage(one: str, other: str) -> bool:
    """Whether two provisioners make the same disks: equal, or in-tree and its CSI driver."""
    return _CSI_OF_IN_TREE.get(one, one) == _CSI_OF_IN_TREE.get(other, other)


def resource_group(migration: Migration, cluster: Cluster) -> Fact[str]:
    """The Azure resource group: of the MigCluster, else of Infrastructure. Raises NotGathered."""
    try:
        item = mig_cluster(migration, cluster)
    except NotGathered:
        item = None
    if item is not None and item.azure_resource_group:
        pointer = item.ref.at("/spec/azureResourceGroup", item.azure_resource_group)
        return Fact(item.azure_resource_group, (pointer,))
    infrastructure = cluster.get(INFRASTRUCTURE, "cluster")
    if not infrastructure.resource_group:
        raise cluster.missing(
            "the Azure resource group (MigCluster.spec.azureResourceGroup)",
            "oc get migclusters.migration.openshift.io -n openshift-migration -o json",
        )
    pointer = infrastructure.ref.at(
        "/status/platformStatus/azure/resourceGroupName", infrastructure.resource_group
    )
    return Fact(infrastructure.resource_group, (pointer,))
