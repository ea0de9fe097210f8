"""The facts that a descriptor may state of a cluster, by name, with their form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeclarableFact:
    """A fact: its name in a descriptor, what it means, and the JSON types that it may have."""

    name: str
    meaning: str
    types: tuple[type, ...]
    example: object


DECLARABLE: tuple[DeclarableFact, ...] = (
    DeclarableFact("openshiftVersion", "the OpenShift release that runs", (str,), "4.14.9"),
    DeclarableFact(
        "latestOpenshiftVersion", "the newest z-stream release of that minor", (str,), "4.14.58"
    ),
    DeclarableFact("mtcVersion", "the installed MTC release", (str,), "1.8.8"),
    DeclarableFact("latestMtcVersion", "the newest MTC z-stream release", (str,), "1.8.14"),
    DeclarableFact("platform", "the cloud platform, as Infrastructure spells it", (str,), "AWS"),
    DeclarableFact("region", "the region, or a list of regions", (str, list), "us-east-1"),
    DeclarableFact(
        "proxy",
        "the cluster-wide proxy: a URL, {httpProxy, httpsProxy, noProxy}, or false for none",
        (str, dict, bool),
        False,
    ),
    DeclarableFact("user", "who is logged in", (str,), "system:admin"),
    DeclarableFact("groups", "the groups of who is logged in", (list,), ["system:masters"]),
    DeclarableFact("clusterAdmin", "whether who is logged in is cluster-admin", (bool,), True),
    DeclarableFact(
        "registryRoute",
        "host of the route that exposes the image registry, or false for none",
        (str, bool),
        "default-route-openshift-image-registry.apps.example.com",
    ),
    DeclarableFact(
        "apiUrl", "URL of the API server", (str,), "https://api.cluster.example.com:6443"
    ),
    DeclarableFact(
        "ports",
        "ports of the cluster that the others reach: a mapping of port to open or closed",
        (dict,),
        {"6443": "open", "443": "open", "53": "open"},
    ),
    DeclarableFact(
        "reaches",
        "what the cluster reaches: a mapping of api, routes, registry, repository, dns, volumes "
        "to true or false",
        (dict,),
        {"repository": True, "api": True, "routes": True},
    ),
    DeclarableFact(
        "volumes",
        "persistent volumes in short: [{name, namespace, claim, phase, storageClass, capacity, "
        "type, server, driver, region, accessModes, volumeMode}]",
        (list,),
        [],
    ),
    DeclarableFact(
        "storageClasses",
        "storage classes in short: [{name, provisioner, default}]",
        (list,),
        [{"name": "gp3-csi", "provisioner": "ebs.csi.aws.com", "default": True}],
    ),
    DeclarableFact(
        "networkRestrictions",
        "whether the namespaces of the plan and of MTC have network policies or egress "
        "firewalls; false for none",
        (bool,),
        False,
    ),
    DeclarableFact("networkType", "the network plugin", (str,), "OVNKubernetes"),
    DeclarableFact(
        "addresses",
        "IP addresses of host names and of domains, for rules that name addresses",
        (dict,),
        {"apps.example.com": ["192.0.2.10"]},
    ),
)

BY_NAME = {fact.name: fact for fact in DECLARABLE}

PROBE_TARGETS = (
    "api",
    "routes",
    "registry",
    "repository",
    "dns",
    "volume",
    "endpoint",
)
"""What a probe may aim at; ``endpoint`` is any host and port."""

PODS = ("rsync", "velero")
"""The pods that a probe may have run in, where network rules distinguish them."""

VANTAGES = ("cluster", "workstation", "declared")
"""Where a probe ran: in a pod of the cluster, somewhere else, or not at all (declared by a
person)."""
