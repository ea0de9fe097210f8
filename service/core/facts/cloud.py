"""In which cloud, and in which of its regions, a cluster runs."""

from __future__ import annotations

import re
from typing import Any

from service.core.evidence import NotGathered
from service.core.facts import Fact
from service.core.migration import Cluster, once_per_cluster
from service.kinds.cluster import NODE
from service.kinds.config import INFRASTRUCTURE
from service.kinds.resource import Read

READS: tuple[Read[Any], ...] = (Read(INFRASTRUCTURE, name="cluster"), Read(NODE))
"""What the functions of this module read; a policy that calls them declares it."""

PROVIDER_OF_NODE = {
    "aws": "AWS",
    "azure": "Azure",
    "gce": "GCP",
    "openstack": "OpenStack",
    "vsphere": "VSphere",
    "ibm": "IBMCloud",
    "ibmcloud": "IBMCloud",
    "baremetalhost": "BareMetal",
    "ovirt": "oVirt",
    "nutanix": "Nutanix",
    "alicloud": "AlibabaCloud",
}
"""Scheme of node.spec.providerID to the platform type that Infrastructure names."""


@once_per_cluster
def platform(cluster: Cluster) -> Fact[str]:
    """The platform type as Infrastructure.status.platformStatus.type spells it (``AWS``).

    OpenShift 3 has no Infrastructure object: the scheme of the nodes' providerID, which is an
    inference and not documented; else the declared ``platform``. Raises NotGathered.
    """
    try:
        infrastructure = cluster.get(INFRASTRUCTURE, "cluster")
    except NotGathered as missing:
        return _platform_of_nodes(cluster, missing)
    if infrastructure.platform:
        pointer = infrastructure.ref.at("/status/platformStatus/type", infrastructure.platform)
        return Fact(infrastructure.platform, (pointer,))
    return _platform_of_nodes(
        cluster, cluster.missing("the platform", "oc get infrastructure cluster -o json")
    )


def _platform_of_nodes(cluster: Cluster, missing: NotGathered) -> Fact[str]:
    for node in cluster.known(NODE):
        name = PROVIDER_OF_NODE.get(node.provider)
        if name:
            return Fact(name, (node.ref.at("/spec/providerID", node.provider),))
    declared = cluster.declared.get("platform")
    if declared is None:
        raise missing
    return Fact(str(declared.value), (declared.pointer,))


@once_per_cluster
def regions(cluster: Cluster) -> Fact[frozenset[str]]:
    """The regions of a cluster: of Infrastructure, else of every node's region or zone label.

    Azure has no region field in Infrastructure. Raises NotGathered where it is in none of them.
    """
    try:
        infrastructure = cluster.get(INFRASTRUCTURE, "cluster")
    except NotGathered as missing:
        return _regions_of_nodes(cluster, missing)
    if infrastructure.region:
        pointer = infrastructure.ref.at("/status/platformStatus", infrastructure.region)
        return Fact(frozenset({infrastructure.region}), (pointer,))
    return _regions_of_nodes(
        cluster,
        cluster.missing(
            "the region: the nodes' label topology.kubernetes.io/region", "oc get nodes -o json"
        ),
    )


def _regions_of_nodes(cluster: Cluster, missing: NotGathered) -> Fact[frozenset[str]]:
    nodes = [node for node in cluster.known(NODE) if node.region]
    if nodes:
        first = nodes[0]
        evidence = first.ref.at("/metadata/labels/topology.kubernetes.io~1region", first.region)
        return Fact(frozenset(node.region for node in nodes), (evidence,))
    zones = {node.zone: node for node in cluster.known(NODE) if region_of_zone(node.zone)}
    if zones:
        first = zones[min(zones)]
        evidence = first.ref.at("/metadata/labels/topology.kubernetes.io~1zone", first.zone)
        return Fact(frozenset(map(region_of_zone, zones)), (evidence,))
    declared = cluster.declared.get("region")
    if declared is None:
        raise missing
    value = declared.value
    names = value if isinstance(value, list) else [value]
    return Fact(frozenset(str(name) for name in names), (declared.pointer,))


_AWS_ZONE = re.compile(r"([a-z]{2}(?:-(?:gov|iso[a-z]?))?-[a-z]+-\d)[a-z]")
_GCP_ZONE = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]")


def region_of_zone(zone: str) -> str:
    """The region that the name of a zone of AWS or Google Cloud begins with, "" of any other.

    ``us-east-2c`` is in us-east-2, ``europe-west1-b`` in europe-west1. AWS Local Zones
    (``us-west-2-lax-1a``) are in a region too, but have storage of their own.
    """
    for form in (_AWS_ZONE, _GCP_ZONE):
        found = form.fullmatch(zone)
        if found:
            return found[1]
    return ""
