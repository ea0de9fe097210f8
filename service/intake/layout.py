"""Which member of an archive holds what, by its path alone.

Known layouts: ``oc adm must-gather`` and ``oc adm inspect`` (openshift/oc pkg/cli/admin/inspect),
the MTC must-gather (migtools/must-gather collection-scripts), Insights archives
(openshift/insights-operator), and plain archives of ``oc get`` outputs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from service.intake.archives.members import enters as looks_like_archive
from service.kinds.cluster import CONFIG_MAP, NAMESPACE, NODE, SECRET
from service.kinds.config import (
    CLUSTER_VERSION,
    INFRASTRUCTURE,
    INGRESS_CONFIG,
    PROXY,
    REGISTRY_CONFIG,
)
from service.kinds.mtc import MIG_PLAN, MIGRATION, MTC_NAMESPACE
from service.kinds.operators import SUBSCRIPTION
from service.kinds.rbac import CLUSTER_ROLE_BINDING
from service.kinds.registry import RESOURCES
from service.kinds.resource import Read, Resource
from service.kinds.storage import PERSISTENT_VOLUME, STORAGE_CLASS
from service.kinds.workloads import POD

TEXT_ENDINGS = (".yaml", ".yml", ".json", ".ndjson")
NOTES = {
    "timestamp": "timestamp",
    "login_error.txt": "login-error",
    "gathers.json": "gathers",
    "gather.logs": "log",
    "must-gather.logs": "log",
    "version": "version",
}
"""Files that are no objects but say when, from what, or that not everything, was collected."""
ROOT_MARKS = frozenset(
    {
        "version",
        "event-filter.html",
        "gather.logs",
        "aggregated-discovery-api.yaml",
        "aggregated-discovery-apis.yaml",
    }
)
"""Files that must-gather and inspect write beside the folders of objects."""
NAMED_FILES = (*NOTES, *ROOT_MARKS)
"""Files of any ending whose name alone says something."""
NOISE = (
    r"nodes/[^/]+/.+",  # output of tools, and sysinfo.tgz with thousands of files
    r"(etcd_info|monitoring|network_logs|host_service_logs|static-pods|ingress_controllers)/.+",
    r"(audit_logs|node_core_dumps|pprof|virt_info|memory-profiles|metrics|requests)/.+",
    r"machine_config_(ondisk|termination_logs)/.+",  # what a node got at its start
    r"pod_network_connectivity_check/.+",
    r"web_hooks/.+",  # second copies
)
"""What must-gather writes below its root that is no object of the cluster of now. Only together
with a root it is known not to be somebody's own folder of that name."""
_NOISE = re.compile(rf"(?P<root>(?:.*/)?)(?:{'|'.join(NOISE)})")
_NEVER = re.compile(
    r"(?:.*/)?(?:pods/[^/]+/.+/.+|logs/.+|insights-data/.+|sosreport-[^/]+/.+|__MACOSX/.+|\._[^/]*)"
)
"""Logs, state of before, and what packing adds: never evidence, wherever it is."""
INSIGHTS_WITHIN = re.compile(
    r"(?P<root>(?:.*/)?)insights-data/insights-operator/insights-(?P<time>[0-9-]+)\.tar\.gz"
)
"""Older and masked copies of a part of the objects: evidence only where there is nothing else."""

_BY_GROUP_PLURAL: dict[tuple[str, str], Resource[Any]] = {
    (group or "core", resource.plural): resource
    for resource in RESOURCES
    for group in resource.groups
}
_INSIGHTS_FILES: dict[str, Resource[Any]] = {
    "version": CLUSTER_VERSION,
    "infrastructure": INFRASTRUCTURE,
    "proxy": PROXY,
    "ingress": INGRESS_CONFIG,
}
_INSIGHTS_FOLDERS: dict[str, Resource[Any]] = {
    "node": NODE,
    "persistentvolumes": PERSISTENT_VOLUME,
    "pod": POD,
    "clusterrolebinding": CLUSTER_ROLE_BINDING,
    "subscriptions": SUBSCRIPTION,
}
_MARKS = ("cluster-scoped-resources", "namespaces", "migplans", "config")
_MARKS_OF_TREES = frozenset({"cluster-scoped-resources", "namespaces", "migplans"})
_INSIGHTS_REPORTS = frozenset(
    {"aggregated", "conditional", "events", "insights-operator", "machinesets"}
)
"""Folders of an Insights archive whose files are the Insights operator's own, not objects."""
_SYSTEM = re.compile(r"openshift(?:-.*)?|kube-.*")


@dataclass(frozen=True, slots=True)
class Hint:
    """What a path says of its file.

    ``cluster`` is the MigCluster name of an MTC must-gather ("" elsewhere), ``resource`` None
    where the path says nothing. ``listing`` says that a typed list in it covers ``namespace``
    ("" for a cluster-scoped resource, "*" for all namespaces). ``loose`` is a file of no known
    layout, ``masked`` one of an Insights archive. ``note`` is what a file is that holds no object.
    """

    cluster: str = ""
    resource: Resource[Any] | None = None
    namespace: str = ""
    listing: bool = False
    note: str = ""
    loose: bool = False
    masked: bool = False


PLAIN = Hint()
LOOSE = Hint(loose=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is worth reading: derived from the policies' reads, so nothing else is parsed.

    ``whole`` are resources read everywhere; ``fixed`` pairs of resource and namespace;
    ``plan`` resources read in the plan's namespaces, which are None while no plan is known.
    """

    whole: frozenset[Resource[Any]]
    fixed: frozenset[tuple[Resource[Any], str]]
    plan: frozenset[Resource[Any]]
    namespaces: frozenset[str] | None = None

    @classmethod
    def of(
        cls, reads: Iterable[Read[Any]] | None, namespaces: Collection[str] | None = None
    ) -> Wanted:
        """What these reads need; without reads, everything."""
        chosen = None if namespaces is None else frozenset(namespaces)
        if reads is None:
            return cls(frozenset(RESOURCES), frozenset(), frozenset(), chosen)
        whole, fixed, plan = set(), set(), set()
        for read in reads:
            if not read.resource.namespaced or not (read.namespace or read.plan_namespaces):
                whole.add(read.resource)
            if read.namespace:
                fixed.add((read.resource, read.namespace))
            if read.plan_namespaces:
                plan.add(read.resource)
        return cls(frozenset(whole), frozenset(fixed), frozenset(plan), chosen)

    def takes_all(self, resource: Resource[Any]) -> bool:
        """Whether every object of this resource is read, wherever it is."""
        return resource in self.whole and resource not in (CONFIG_MAP, SECRET)

    def takes(self, resource: Resource[Any], namespace: str) -> bool:
        """Whether an object of this resource in this namespace is read by any policy."""
        if resource in self.whole:
            return resource not in (CONFIG_MAP, SECRET) or _holds_settings(namespace)
        if (resource, namespace) in self.fixed or namespace == "*":
            return True
        if resource not in self.plan:
            return False
        if self.namespaces is None:
            return not _SYSTEM.fullmatch(namespace)
        return namespace in self.namespaces


def _holds_settings(namespace: str) -> bool:
    return namespace in (MTC_NAMESPACE, "openshift-apiserver", "openshift-config", "*")


def hint_of(path: str, wanted: Wanted) -> Hint | None:
    """What a member holds, or None where no policy reads it."""
    inner = path.rpartition("!/")[2]
    steps = inner.split("/")
    if INSIGHTS_WITHIN.fullmatch(inner):
        return Hint(note="insights")
    if _NEVER.fullmatch(inner):
        return None
    noise = noise_root(inner) is not None
    if steps[-1] in NOTES and not noise:
        return Hint(_cluster(steps), note=NOTES[steps[-1]])
    if not steps[-1].endswith(TEXT_ENDINGS):
        return None
    mark = next((place for place, step in enumerate(steps) if step in _MARKS), None)
    if mark is None or noise:
        objects = len(steps) <= 3 and _INSIGHTS_REPORTS.isdisjoint(steps[:-1])
        return LOOSE if objects else None
    hint = _LAYOUTS[steps[mark]](_cluster(steps[:mark]), steps[mark + 1 :])
    if hint is None or hint.resource is None:
        return hint
    return hint if wanted.takes(hint.resource, hint.namespace) else None


def enters(path: str) -> bool:
    """Whether a member that may be an archive is walked.

    MTC's image packs all that it gathers into one archive, and people pack archives into archives.
    Within a tree of objects an archive is the output of a tool.
    """
    inner = path.rpartition("!/")[2]
    steps = inner.split("/")
    if not looks_like_archive(path) or _NEVER.fullmatch(inner) or noise_root(inner) is not None:
        return False
    if steps[-1] == "must-gather.tar.gz":
        return True
    return len(steps) <= 3 and _MARKS_OF_TREES.isdisjoint(steps)


def noise_root(path: str) -> str | None:
    """The folder that must be the root of a tree for this member to be noise; None if it is not."""
    found = _NOISE.fullmatch(path)
    if found is None or not _MARKS_OF_TREES.isdisjoint(found["root"].split("/")):
        return None  # a namespace may be called monitoring
    return found["root"]


def tree_root(path: str) -> str | None:
    """The folder that holds the folders of objects, "" for the archive itself; None without one."""
    steps = path.split("/")
    mark = next((place for place, step in enumerate(steps) if step in _MARKS_OF_TREES), None)
    return None if mark is None else "".join(f"{step}/" for step in steps[:mark])


def _cluster(steps: list[str]) -> str:
    """The cluster folder of an MTC must-gather; "" for any other and for the host."""
    for place, step in enumerate(steps[:-1]):
        if step == "clusters":
            return "" if steps[place + 1] == "host" else steps[place + 1]
    return ""


def _cluster_scoped(cluster: str, steps: list[str]) -> Hint | None:
    resource = _resource(steps)
    if resource is None:
        return None
    return Hint(cluster, resource, listing=len(steps) == 2 and steps[0] in _GROUPS)


def _namespaced(cluster: str, steps: list[str]) -> Hint | None:
    if len(steps) < 2:
        return None
    namespace, rest = steps[0], steps[1:]
    if len(rest) == 1:
        return Hint(cluster, NAMESPACE) if _stem(rest[0]) == namespace else None
    if rest[0] == "crs":
        rest = rest[1:]
    resource = _resource(rest)
    if resource is None:
        return None
    place = "*" if namespace == "all" else namespace
    return Hint(cluster, resource, place, listing=len(rest) == 2 and rest[0] in _GROUPS)


def _resource(steps: list[str]) -> Resource[Any] | None:
    """The resource of ``<group>/<plural>.yaml``, ``<group>/<plural>/<name>.yaml`` or
    ``<plural>.<group>/<name>.yaml``."""
    if len(steps) == 3:
        return _BY_GROUP_PLURAL.get((steps[0], steps[1]))
    if len(steps) != 2:
        return None
    listed = _BY_GROUP_PLURAL.get((steps[0], _stem(steps[1])))
    if listed is not None:
        return listed
    plural, _, group = steps[0].partition(".")
    return _BY_GROUP_PLURAL.get((group, plural))


_GROUPS = frozenset(group for group, _ in _BY_GROUP_PLURAL)


def _plans(cluster: str, steps: list[str]) -> Hint | None:
    """``migplans/migplan-<plan>/<plan>.yml``; what stands deeper are runs, not plans."""
    if len(steps) != 2:
        return None
    return Hint(cluster, MIG_PLAN, MTC_NAMESPACE)


def _insights(cluster: str, steps: list[str]) -> Hint | None:
    if len(steps) == 1:
        resource = _INSIGHTS_FILES.get(_stem(steps[0]))
        return Hint(cluster, resource, masked=True) if resource else None
    if steps[0] in _INSIGHTS_FOLDERS:
        namespace = steps[1] if len(steps) == 3 else ""
        return Hint(cluster, _INSIGHTS_FOLDERS[steps[0]], namespace, masked=True)
    if steps[:2] == ["storage", "storageclasses"]:
        return Hint(cluster, STORAGE_CLASS, masked=True)
    if steps[:2] == ["clusteroperator", "imageregistry.operator.openshift.io"]:
        hint = Hint(cluster, REGISTRY_CONFIG, masked=True)
        return hint if steps[2:3] == ["config"] else None
    return None


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


_LAYOUTS = {
    "cluster-scoped-resources": _cluster_scoped,
    "namespaces": _namespaced,
    "migplans": _plans,
    "config": _insights,
}

assert MIGRATION in _GROUPS
