"""Which member of an archive is evidence of what, by its path alone: one table.

Known layouts: ``oc adm must-gather`` (openshift/must-gather collection-scripts) and ``oc adm
inspect`` (openshift/oc pkg/cli/admin/inspect), the must-gather images of MTC (migtools/must-gather)
and OADP, Insights archives (openshift/insights-operator), and archives of ``oc get`` outputs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from service.kinds.apis import API_GROUP
from service.kinds.cluster import NAMESPACE, NODE
from service.kinds.config import (
    CLUSTER_VERSION,
    INFRASTRUCTURE,
    INGRESS_CONFIG,
    PROXY,
    REGISTRY_CONFIG,
)
from service.kinds.health import CLUSTER_OPERATOR, OAUTH
from service.kinds.mtc import MIG_PLAN, MTC_NAMESPACE
from service.kinds.operators import SUBSCRIPTION
from service.kinds.rbac import CLUSTER_ROLE_BINDING
from service.kinds.registry import BY_GROUP_PLURAL
from service.kinds.resource import Resource
from service.kinds.storage import PERSISTENT_VOLUME, STORAGE_CLASS
from service.kinds.workloads import POD

TEXT_ENDINGS = (".yaml", ".yml", ".json", ".ndjson")


class Holds(Enum):
    """What a member of an archive is."""

    OBJECTS = "an object of the cluster, or a list of a kind"
    UNREAD = "an object of a kind that no policy reads"
    MASKED = "the same in an Insights archive: older, with masked values"
    ARCHIVE = "an archive to enter"
    INSIGHTS = "an Insights archive beside the objects: evidence only where there are none"
    NOTE = "no object, but it says when, by what, or that not everything, was collected"
    LOOSE = "a file of no known layout: objects, unless it is within a tree"
    TOOL = "output of a tool: nothing within a tree, elsewhere as LOOSE"
    NOTHING = "no evidence, wherever it is"


@dataclass(frozen=True, slots=True)
class Hint:
    """What a path says of its file.

    ``root`` is the folder that the layout begins at, "" for the archive itself. ``cluster`` is
    the name of a cluster's folder in a must-gather of MTC or OADP ("" elsewhere), ``resource``
    None where the path says nothing. ``listing`` says that a typed list in it covers ``namespace``
    ("" for a cluster-scoped resource, "*" for all namespaces).
    """

    holds: Holds = Holds.OBJECTS
    root: str = ""
    cluster: str = ""
    resource: Resource[Any] | None = None
    namespace: str = ""
    listing: bool = False


PLAIN = Hint()
HOST = "host"
"""The folder of the cluster that MTC's image ran on."""

_MARK = "(?:cluster-scoped-resources|namespaces|migplans)/"
_UP = rf"(?:(?!{_MARK})[^/]+/)"  # a folder above the folders of objects
_ROOT = rf"(?P<root>{_UP}*?)"
_TEXT = rf"(?:{'|'.join(map(re.escape, TEXT_ENDINGS))})"
_ARCHIVE = r"\.(?:tar|tgz|txz|tbz2|zip|tar\.(?:gz|xz|bz2|zst))"
_SCOPED = rf"{_ROOT}cluster-scoped-resources/"
_SPACE = rf"{_ROOT}namespaces/(?P<namespace>[^/]+)/"
_LIST = rf"(?P<group>[^/]+)/(?P<list>[^/]+){_TEXT}"
_OBJECT = rf"(?P<group>[^/]+)/(?P<plural>[^/]+)/(?P<name>[^/]+?){_TEXT}"
_OF_MTC = rf"(?P<plural>[^/.]+)\.(?P<group>[^/]+)/[^/]+{_TEXT}"

_TABLE: tuple[tuple[Holds, str, Resource[Any] | None], ...] = (
    # Beside the objects of a must-gather: older, masked copies, up to twelve days old.
    (Holds.INSIGHTS, rf"{_ROOT}insights-data/insights-operator/insights-[0-9-]+\.tar\.gz", None),
    # What people and their tools add to the archive.
    (Holds.NOTHING, rf"{_ROOT}(?:insights-data|sosreport-[^/]+|__MACOSX)/.+", None),
    (Holds.NOTHING, rf"{_ROOT}sosreport-[^/]+", None),
    (Holds.NOTHING, r"(?:.*/)?\._[^/]*", None),
    # Logs, dumps, and second copies of pods beside them.
    (Holds.NOTHING, rf"{_SPACE}(?:pods|logs)/.+", None),
    (Holds.NOTHING, rf"{_ROOT}logs/.+", None),
    # sysinfo.tgz of a node has thousands of members; the rest has forms of its own.
    (Holds.TOOL, rf"{_ROOT}nodes/[^/]+/.+", None),
    (
        Holds.TOOL,
        rf"{_ROOT}(?:audit_logs|etcd_info|host_service_logs|ingress_controllers|memory-profiles"
        r"|metrics|monitoring|network_logs|node_core_dumps|pprof|requests|static-pods|virt_info"
        r"|machine_config_(?:ondisk|termination_logs))/.+",
        None,
    ),
    # Second copies.
    (Holds.TOOL, rf"{_ROOT}(?:pod_network_connectivity_check|web_hooks)/.+", None),
    # MTC's image, and OADP's up to 1.2, pack all that they gather; people pack archives again.
    (Holds.ARCHIVE, rf"{_ROOT}must-gather\.tar\.gz", None),
    (Holds.ARCHIVE, rf"{_UP}{{0,2}}[^/]+{_ARCHIVE}", None),
    # Stores of tools.
    (Holds.NOTHING, rf".+{_ARCHIVE}", None),
    (
        Holds.NOTE,
        rf"{_ROOT}(?:timestamp|version|(?:must-)?gather\.logs|login_error\.txt|event-filter\.html"
        r"|watermark\.txt|insights-operator/gathers\.json|config/id)",
        None,
    ),
    # All that the API server serves, since oc 4.18.
    (Holds.OBJECTS, rf"{_ROOT}aggregated-discovery-apis?{_TEXT}", API_GROUP),
    (Holds.OBJECTS, rf"{_SCOPED}{_LIST}", None),
    (Holds.OBJECTS, rf"{_SCOPED}{_OBJECT}", None),
    (Holds.OBJECTS, rf"{_SCOPED}{_OF_MTC}", None),
    (Holds.OBJECTS, rf"{_ROOT}namespaces/(?P<self>[^/]+)/(?P=self){_TEXT}", NAMESPACE),
    (Holds.OBJECTS, rf"{_SPACE}{_LIST}", None),
    (Holds.OBJECTS, rf"{_SPACE}{_OBJECT}", None),
    (Holds.OBJECTS, rf"{_SPACE}crs/{_OF_MTC}", None),
    # Deeper levels are runs of the plan.
    (Holds.OBJECTS, rf"{_ROOT}migplans/[^/]+/[^/]+{_TEXT}", MIG_PLAN),
    (Holds.MASKED, rf"{_ROOT}config/version\.json", CLUSTER_VERSION),
    (Holds.MASKED, rf"{_ROOT}config/infrastructure\.json", INFRASTRUCTURE),
    (Holds.MASKED, rf"{_ROOT}config/proxy\.json", PROXY),
    (Holds.MASKED, rf"{_ROOT}config/ingress\.json", INGRESS_CONFIG),
    (Holds.MASKED, rf"{_ROOT}config/oauth\.json", OAUTH),
    (Holds.MASKED, rf"{_ROOT}config/node/[^/]+\.json", NODE),
    (Holds.MASKED, rf"{_ROOT}config/storage/storageclasses/[^/]+\.json", STORAGE_CLASS),
    (Holds.MASKED, rf"{_ROOT}config/persistentvolumes/[^/]+\.json", PERSISTENT_VOLUME),
    (Holds.MASKED, rf"{_ROOT}config/pod/(?P<namespace>[^/]+)/[^/]+\.json", POD),
    (Holds.MASKED, rf"{_ROOT}config/clusterrolebinding/[^/]+\.json", CLUSTER_ROLE_BINDING),
    (Holds.MASKED, rf"{_ROOT}config/subscriptions/(?P<namespace>[^/]+)/[^/]+\.json", SUBSCRIPTION),
    (Holds.MASKED, rf"{_ROOT}config/clusteroperator/[^/]+\.json", CLUSTER_OPERATOR),
    (
        Holds.MASKED,
        rf"{_ROOT}config/clusteroperator/imageregistry\.operator\.openshift\.io/config/[^/]+\.json",
        REGISTRY_CONFIG,
    ),
    # The Insights operator's own reports.
    (
        Holds.TOOL,
        rf"{_ROOT}(?:aggregated|conditional|config|customresources|events|insights-operator"
        r"|machinesets)/.+\.json",
        None,
    ),
    (Holds.UNREAD, rf"{_ROOT}{_MARK}.+", None),
    # What somebody packed: the output of `oc get`.
    (Holds.LOOSE, rf"(?:[^/]+/){{0,2}}[^/]+{_TEXT}", None),
)
"""The first row that fits a path holds, of those that name no kind of which policies know."""

_ROWS = tuple(
    (holds, re.compile(pattern, re.DOTALL), resource) for holds, pattern, resource in _TABLE
)
NOTES = (
    "timestamp", "version", "gather.logs", "login_error.txt", "event-filter.html",
    "watermark.txt", "gathers.json", "/id",
)  # fmt: skip
"""How files end that are notes."""
_SEEN = re.compile(rf".*(?:{_TEXT}|{_ARCHIVE}|(?:{'|'.join(map(re.escape, NOTES))}))", re.DOTALL)
_CLUSTER = re.compile(r"(?:.*/)?(?:clusters|must-gather)/(?P<cluster>(?!.*sha256)[^/]+)/")
"""A folder for each cluster; MTC's image of 1.3 to 1.4.2 has them without ``clusters/`` above."""

_NOTHING = Hint(Holds.NOTHING)


def hint_of(path: str) -> Hint:
    """What a member is evidence of."""
    inner = path.rpartition("!/")[2]
    if not _SEEN.fullmatch(inner):
        return _NOTHING  # nearly all members of a must-gather: logs
    for holds, pattern, resource in _ROWS:
        found = pattern.fullmatch(inner)
        if found is None:
            continue
        if holds is not Holds.OBJECTS:
            return _hint(holds, path, found.groupdict(), resource)
        groups = found.groupdict()
        group = groups.get("group") or ""
        plural = groups.get("list") or groups.get("plural") or ""
        kind = resource or BY_GROUP_PLURAL.get(("" if group == "core" else group, plural))
        if kind is not None:
            return _hint(holds, path, groups, kind)
    return _NOTHING


def _hint(
    holds: Holds, path: str, groups: dict[str, str | None], resource: Resource[Any] | None
) -> Hint:
    archive, inside, _ = path.rpartition("!/")
    root = groups.get("root") or ""
    namespace = groups.get("namespace") or ""
    found = _CLUSTER.fullmatch(root)
    cluster = found["cluster"] if found else ""
    if resource is MIG_PLAN and "list" not in groups and "plural" not in groups:
        cluster, namespace = HOST, MTC_NAMESPACE
    # OADP writes a list into a file that is called like its folder.
    listing = "list" in groups or groups.get("name", "") == groups.get("plural")
    return Hint(
        holds,
        archive + inside + root,
        cluster,
        resource,
        "*" if namespace == "all" else namespace,
        listing and resource is not None,
    )
