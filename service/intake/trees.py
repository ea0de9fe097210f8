"""What an archive is, known only at its end: which folders are trees, and what of them is whole.

A streamed archive may hold the marks of a tree after its files, so files that belong to no known
layout are held until the end: within a tree they are the output of tools, elsewhere they are what
somebody packed. The lists that must-gather collects whole are whole only if it ran to its end.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.intake.layout import PLAIN, TEXT_ENDINGS, Hint, Holds, hint_of
from service.intake.wanted_objects import Wanted
from service.kinds.apis import API_SERVICE
from service.kinds.cluster import NODE
from service.kinds.config import CLUSTER_VERSION
from service.kinds.health import CERTIFICATE_REQUEST, CLUSTER_OPERATOR, CSI_NODE
from service.kinds.network import ADMIN_NETWORK_POLICY, BASELINE_ADMIN_NETWORK_POLICY
from service.kinds.operators import CLUSTER_SERVICE_VERSION, SUBSCRIPTION
from service.kinds.resource import Resource
from service.kinds.storage import (
    CSI_DRIVER,
    PERSISTENT_VOLUME,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT_CLASS,
)

_ALWAYS = (4, 0)
GATHERED_WHOLE: dict[Resource[Any], tuple[int, int]] = {
    NODE: _ALWAYS,
    CLUSTER_VERSION: _ALWAYS,
    CLUSTER_OPERATOR: _ALWAYS,
    CERTIFICATE_REQUEST: _ALWAYS,
    STORAGE_CLASS: _ALWAYS,
    PERSISTENT_VOLUME: _ALWAYS,
    CSI_DRIVER: _ALWAYS,
    CSI_NODE: _ALWAYS,
    VOLUME_SNAPSHOT_CLASS: _ALWAYS,
    SUBSCRIPTION: _ALWAYS,
    CLUSTER_SERVICE_VERSION: _ALWAYS,
    API_SERVICE: (4, 12),
    ADMIN_NETWORK_POLICY: (4, 16),
    BASELINE_ADMIN_NETWORK_POLICY: (4, 16),
}
"""Of these the gather script takes all that there are, one file for each object, since this release
(openshift/must-gather collection-scripts/gather and gather_olm, 4.6 to 4.22): where there is a
file, the list is whole. Where there is none, the call may have failed."""

_REPORTS: dict[str, Resource[Any]] = {
    "clusterconfig/nodes": NODE,
    "clusterconfig/storage_classes": STORAGE_CLASS,
}
"""Reports of the Insights operator that say how many objects it wrote."""
_OBFUSCATED = "is_global_obfuscation_enabled"

_DEFAULT_IMAGE = re.compile(rb"^openshift/must-gather\s+(\d+)\.(\d+)", re.MULTILINE)
_FAILED = re.compile(
    rb"Disk usage exceeds the volume percentage[^\n]{0,40}|gather never finished[^\n]{0,120}"
    rb"|gather output not downloaded[^\n]{0,120}|Falling back to [^\n]{0,120}"
)
"""What the logs say where must-gather did not run to its end."""
_PARTIAL = re.compile(
    rb"inspection completed with the errors|skipping gathering|unable to retrieve"
)
"""What they say where it did, and some kinds could not be listed."""
_NO_MARKS = ("timestamp", "version", "login_error.txt")
"""Notes whose names alone do not show that must-gather or inspect wrote the folder."""
_BY_NAME_ALONE = ("event-filter.html", "/id")
_FALLBACK = re.compile(r"(?P<above>(?:.*/)?)inspect\.local\.[^/]+/.*", re.DOTALL)


@dataclass(slots=True)
class Tree:
    """One folder of an archive that holds objects, and what its marks say of it.

    ``release`` is that of the gather script, None where the default image did not write the tree.
    ``seen`` are the kinds of which it has a file for each object, ``counted`` how many.
    """

    marked: bool = False
    objects: bool = False
    release: tuple[int, int] | None = None
    partial: bool = False
    cleaned: bool = False
    cluster: str = ""
    seen: Counter[Resource[Any]] = field(default_factory=Counter)
    broken: set[Resource[Any]] = field(default_factory=set)
    reported: dict[Resource[Any], int] = field(default_factory=dict)
    obfuscated: bool = False

    def whole(self, related: frozenset[Resource[Any]]) -> Iterator[Resource[Any]]:
        """The resources of which the tree holds every object of the cluster.

        ``related`` are those that a ClusterOperator of the tree names without an object: of them
        the script takes all.
        """
        for resource, count in self.seen.items():
            if resource in self.broken or self.partial:
                continue
            if self.reported.get(resource) == count:
                yield resource
            if self.release is None or (self.cleaned and resource in _OMITTED):
                continue
            since = GATHERED_WHOLE.get(resource)
            if resource in related or (since is not None and since <= self.release):
                yield resource


_OMITTED = frozenset({CERTIFICATE_REQUEST})
"""must-gather-clean leaves these out, as it does Secrets and ConfigMaps."""


class Trees:
    """The trees of one archive, as far as it was walked.

    ``partial`` says that not all of it was read; ``newest`` is the Insights archive that was
    written last, by its name, "" without one.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.partial = False
        self.newest = ""
        self._failures: list[str] = []
        self._wanted = wanted
        self._hints: dict[str, Hint] = {}
        self._trees: dict[str, Tree] = {}
        self._last = ("", PLAIN)

    def enters(self, path: str) -> bool:
        """Whether a member is an archive to be walked; asked first of every member."""
        hint = hint_of(path)
        self._last = (path, hint)
        self._see(path, hint)
        return hint.holds is Holds.ARCHIVE

    def wants(self, path: str) -> bool:
        """Whether a member is to be read."""
        hint = self._last[1] if self._last[0] == path else hint_of(path)
        if not self._takes(path, hint):
            return False
        self._hints[path] = hint
        if hint.holds is Holds.INSIGHTS:
            self.newest = path
        return True

    def is_passing(self, path: str) -> bool:
        """Whether a member is held only until a newer one comes."""
        return path == self.newest

    def hint(self, path: str) -> Hint:
        """What the path of a member that is read says of it."""
        return self._hints.get(path, PLAIN)

    @property
    def known(self) -> bool:
        """Whether anything of it is known by its path."""
        return bool(self._hints)

    @property
    def has_objects(self) -> bool:
        """Whether there is a tree with objects in it, also if no policy reads those."""
        return any(tree.objects for tree in self._trees.values())

    @property
    def logins_failed(self) -> bool:
        """Whether a cluster could not be logged in to."""
        return any(path.endswith("login_error.txt") for path in self._hints)

    def _see(self, path: str, hint: Hint) -> None:
        if hint.holds in (Holds.OBJECTS, Holds.MASKED):
            tree = self._at(hint.root)
            tree.objects, tree.cluster = True, hint.cluster
            if hint.resource is not None and not hint.listing:
                tree.seen[hint.resource] += 1
        elif hint.holds is Holds.UNREAD:
            self._at(hint.root).objects = True
        elif hint.holds is Holds.NOTE:
            name = path.rpartition("/")[2]
            self._at(hint.root).marked |= name not in _NO_MARKS
        if "inspect.local." in path:
            self.partial = True

    def _takes(self, path: str, hint: Hint) -> bool:
        if hint.resource is not None:
            wanted = self._wanted.takes(hint.resource, hint.namespace)
            return wanted or hint.resource is CLUSTER_OPERATOR
        if hint.holds is Holds.INSIGHTS:
            return path.rpartition("/")[2] > self.newest.rpartition("/")[2]
        if hint.holds is Holds.NOTE:
            return not path.endswith(_BY_NAME_ALONE)
        if hint.holds not in (Holds.LOOSE, Holds.TOOL) or self._is_noise(path, hint):
            return False
        return path.endswith(TEXT_ENDINGS) and path.rpartition("!/")[2].count("/") <= 2

    def note(self, path: str, data: bytes) -> None:
        """Read a mark: what wrote the tree, and what it says of failures."""
        tree, name = self._at(self.hint(path).root), path.rpartition("/")[2]
        if name == "version":
            found = _DEFAULT_IMAGE.search(data[:200])
            unnumbered = data.startswith(b"openshift/must-gather") and not found
            tree.release = (int(found[1]), int(found[2])) if found else None
            if unnumbered:
                tree.release = _ALWAYS
            tree.marked |= b"must-gather" in data[:200]
        elif name.endswith("gather.logs"):
            failed = _FAILED.search(data)
            tree.partial |= bool(failed or _PARTIAL.search(data))
            if failed:
                self._failures.append(f"{path}: {failed[0].decode('utf-8', 'replace')}")
        elif name == "timestamp":
            tree.partial |= len(data.strip().splitlines()) % 2 == 1  # start and end of each call
        elif name == "watermark.txt":
            tree.cleaned = True
        elif name == "gathers.json":
            tree.reported, tree.obfuscated = _reported(data)

    def lost(self, path: str) -> None:
        """A file that belongs to a tree could not be read, or not all of it."""
        hint = self.hint(path)
        if hint.resource is not None:
            self._at(hint.root).broken.add(hint.resource)
        elif hint.holds is Holds.NOTE:
            self._at(hint.root).partial = True

    def is_nothing(self, path: str) -> bool:
        """Whether a file is no evidence, once the archive is at its end.

        An archive that could not be entered is, where there is a tree beside it: that of MTC's
        image is beside none.
        """
        hint = hint_of(path)
        if hint.holds in (Holds.LOOSE, Holds.TOOL):
            return self._is_noise(path, hint)
        if hint.holds in (Holds.ARCHIVE, Holds.INSIGHTS):
            return self.has_objects and not path.endswith("/must-gather.tar.gz")
        return hint.holds is Holds.NOTE

    def _is_noise(self, path: str, hint: Hint) -> bool:
        if hint.holds is Holds.TOOL and hint.root in self._trees:
            tree = self._trees[hint.root]
            return tree.objects or tree.marked
        return any(tree.marked and path.startswith(root) for root, tree in self._trees.items())

    @property
    def obfuscated(self) -> bool:
        """Whether the Insights operator was asked to write other addresses."""
        return any(tree.obfuscated for tree in self._trees.values())

    def own_clusters(self) -> Iterator[str]:
        """The folders of clusters that the default image wrote, which gathers its own."""
        return (tree.cluster for tree in self._trees.values() if tree.cluster and tree.release)

    def whole(
        self, operators: Iterable[tuple[str, Mapping[str, Any]]]
    ) -> Iterator[tuple[str, Resource[Any], str]]:
        """Clusters ("" for that of the part) and resources of which every object was read, each
        with the folder that holds them.

        ``operators`` are the ClusterOperators, with the paths of their files. What the client
        says in the folder above (must-gather.logs) holds for the trees below.
        """
        if self.partial:
            return
        above = [folder for folder, tree in self._trees.items() if tree.partial]
        named: dict[str, set[tuple[str, str]]] = {}
        for path, value in operators:
            named.setdefault(self.hint(path).root, set()).update(_named_whole(value))
        for root, tree in self._trees.items():
            if any(root.startswith(folder) for folder in above):
                continue
            kinds = named.get(root, set())
            related = frozenset(
                item for item in tree.seen for group in item.groups if (group, item.plural) in kinds
            )
            for resource in tree.whole(related):
                yield tree.cluster, resource, root + _folder_of(resource)

    def failures(self) -> Iterator[str]:
        """What says that the gathering did not run to its end."""
        yield from self._failures
        fallback = self._fallback()
        if fallback:
            yield (
                f"{fallback}: the gathering failed, and the client inspected the cluster's "
                "operators instead"
            )

    def _fallback(self) -> str:
        """The folder that the client filled by itself after gathering failed, "" without one.

        One that nothing of a must-gather is beside was made by `oc adm inspect`.
        """
        for path in self._hints:
            found = _FALLBACK.fullmatch(path)
            if found and found["above"] in self._trees:
                return path[: path.index("/", found.end("above"))]
        return ""

    def _at(self, folder: str) -> Tree:
        return self._trees.setdefault(folder, Tree())


def _folder_of(resource: Resource[Any]) -> str:
    if resource.namespaced:
        return "namespaces"
    return f"cluster-scoped-resources/{resource.group or 'core'}/{resource.plural}"


def _named_whole(operator: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The group and plural of the kinds that a ClusterOperator names without an object."""
    status = operator.get("status")
    rows = status.get("relatedObjects") if isinstance(status, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and not row.get("name") and not row.get("namespace"):
            yield str(row.get("group") or ""), str(row.get("resource"))


def _reported(data: bytes) -> tuple[dict[Resource[Any], int], bool]:
    """How many objects of a kind the Insights operator wrote, where it had no error; and whether
    it wrote other addresses than there are."""
    try:
        report = json.loads(data)
        rows, obfuscated = report.get("status_reports"), report.get(_OBFUSCATED) is True
    except (ValueError, AttributeError, RecursionError):
        return {}, False
    found: dict[Resource[Any], int] = {}
    for row in rows if isinstance(rows, list) else ():
        name = str(row.get("name")) if isinstance(row, dict) else ""
        if name in _REPORTS and not row.get("errors") and not row.get("panic"):
            found[_REPORTS[name]] = row.get("records_count", -1)
    return found, obfuscated
